"""`flask audit list|export`: who changed what, from where, before and after."""

import sys
from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup

from research_dashboard.extensions import reading, to_json
from research_dashboard.queries.audit import AuditFilter, audit_events, count_audit_events, each_audit_event
from research_dashboard.reports.audit_list import WRITERS
from research_dashboard.tables.audit import VIAS

audit = AppGroup("audit", help="The audit: every change, who made it, from where, before and after.")
DAY = click.DateTime(["%Y-%m-%d"])


def _narrowed(command: Any) -> Any:
    """The options that narrow the audit, as on its page."""
    for option in (
        click.option("--end", type=DAY, help="The last day, UTC."),
        click.option("--start", type=DAY, help="The first day, UTC."),
        click.option("--via", type=click.Choice(VIAS), default=None, help="The way it came."),
        click.option("--subject", default="", help="What was changed, or a part of it: run 12."),
        click.option("--action", default="", help="What was done, or a part of it: sign_in.refused."),
        click.option("--actor", default="", help="Who did it, or a part of the name."),
    ):
        command = option(command)
    return command


def _filter(start: datetime | None, end: datetime | None, via: str | None, **texts: Any) -> AuditFilter:
    return AuditFilter(**texts, via=via or "", start=start.date() if start else None, end=end.date() if end else None)


@audit.command("list")
@_narrowed
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
def list_events(limit: int, **narrow: Any) -> None:
    """List the newest events, newest first."""
    with reading() as session:
        events = audit_events(session, _filter(**narrow), limit)
        total = count_audit_events(session, _filter(**narrow))
    for event in events:
        change = " -> ".join("" if side is None else to_json(side) for side in (event.before, event.after))
        where = f"{event.via} {event.address or ''}".strip()
        click.echo(f"{event.id}\t{event.at:%Y-%m-%d %H:%M:%S}\t{event.actor}\t{where}\t{event.action}"
                   f"\t{event.subject}\t{'' if change == ' -> ' else change}")  # fmt: skip
    click.echo(f"{len(events):,} of {total:,} events", err=True)


@audit.command("export")
@_narrowed
@click.option("--format", "kind", type=click.Choice(list(WRITERS)), default="csv", show_default=True)
def export_events(kind: str, **narrow: Any) -> None:
    """Write every event to the standard output, oldest first."""
    with reading() as session:
        for piece in WRITERS[kind](each_audit_event(session, _filter(**narrow))):
            sys.stdout.buffer.write(piece)
    sys.stdout.flush()
