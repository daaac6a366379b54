"""What stands beside a run and can be edited, and the history of its edits in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from research_dashboard.pages.markup import rendered
from research_dashboard.queries.audit import edits_of
from research_dashboard.queries.organised import beside
from research_dashboard.tables.audit import AuditEvent
from research_dashboard.tables.record import COLOURS


@dataclass(frozen=True, slots=True)
class Edit:
    """Who did what to the run, and when; `was`: the wording of a note before it."""

    actor: str
    at: datetime
    words: str
    was: str = ""


def organise_context(session: Session, run_id: int) -> dict[str, Any]:
    """What history/_organise.html needs beside the run itself."""
    return {
        "beside": beside(session, run_id),
        "edits": [_edit(event) for event in edits_of(session, run_id)],
        "colours": COLOURS,
        "rendered": partial(rendered, hosts=current_app.config["SETTINGS"].link_hosts),
    }


def _edit(event: AuditEvent) -> Edit:
    before, after = event.before, event.after
    was, became = (side if isinstance(side, Mapping) else {} for side in (before, after))
    words: Mapping[str, Callable[[], str]] = {
        "run.title": lambda: f"title: {_quoted(was.get('title'))} → {_quoted(became.get('title'))}",
        "run.pin": lambda: "pinned" if after else "unpinned",
        "run.tag": lambda: f"put under the tag {_quoted(became.get('tag'))}",
        "run.untag": lambda: f"taken from under the tag {_quoted(was.get('tag'))}",
        "run.note": lambda: "changed a note" if was or became.get("replaces") else "wrote a note",
        "run.note_removed": lambda: "removed a note",
        "run.change": lambda: "; ".join(f"{name}: {was.get(name)} → {value}" for name, value in became.items()),
        "run.delete": lambda: "moved to the trash",
        "run.restore": lambda: "restored from the trash",
    }
    return Edit(event.actor, event.at, words[event.action](), str(was.get("text") or ""))


def _quoted(text: Any) -> str:
    return f"“{text}”" if text else "none"
