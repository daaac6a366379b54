"""Puts htmx into static/vendor/ at build time, out of a pinned registry package: nothing third-party is committed."""

import shutil
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        source = distribution("django-htmx").locate_file("django_htmx/static/django_htmx/htmx-2.min.js")
        target = Path(self.root, "research_dashboard/static/vendor/htmx.min.js")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(source), target)
        if self.target_name == "wheel" and version == "standard":
            # A built package carries its documents for /help; a checkout shows its own.
            build_data["force_include"][str(Path(self.root, "docs"))] = "research_dashboard/docs"
