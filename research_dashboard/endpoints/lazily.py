"""Endpoints by name: what reads and describes their bodies (pydantic, spectree: 0.2 s) is loaded when one is called."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from flask import Flask


class Endpoints:
    """A module of endpoints/ that is not imported yet; its attributes are views that import it at their first call."""

    def __init__(self, module: str) -> None:
        self.module = f"{__package__}.{module}"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        @cache
        def real() -> Callable[..., Any]:
            view: Callable[..., Any] = getattr(import_module(self.module), name)
            return view

        def endpoint(**values: Any) -> Any:
            return real()(**values)

        endpoint.__name__, endpoint.__module__ = name, self.module
        endpoint.real = real  # type: ignore[attr-defined]
        setattr(self, name, endpoint)  # one view by one name, however many paths lead to it
        return endpoint


def load(app: Flask) -> None:
    """Put every endpoint itself into its place: for a process that serves, and to describe them all."""
    for name, view in app.view_functions.items():
        if real := getattr(view, "real", None):
            app.view_functions[name] = real()
