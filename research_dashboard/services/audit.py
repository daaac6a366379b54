"""Writing down who changed what: in the same transaction as the change itself, so that neither is there alone."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import writing
from research_dashboard.prepared import Insert
from research_dashboard.tables.audit import AuditEvent


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts, and from where."""

    name: str
    via: str  # one of tables.audit.VIAS
    address: str | None = None
    request: str | None = None


_events: Any = AuditEvent.__table__
ADD = Insert(_events)
_who: ContextVar[Who | None] = ContextVar("who", default=None)


def acts(who: Who | None) -> None:
    """Say who is behind what this thread does from now on; the web says it before each request."""
    _who.set(who)


def who_acts() -> str:
    """The name of who is behind what this thread does."""
    who = _who.get()
    return who.name if who else _login()


@contextmanager
def on_behalf_of(who: Who) -> Iterator[None]:
    """What is done below here is done for him, unless somebody speaks already: in a worker nobody does."""
    token = _who.set(_who.get() or who)
    try:
        yield
    finally:
        _who.reset(token)


def record(
    session: Session | Connection,
    action: str,
    subject: str,
    *,
    before: Any = None,
    after: Any = None,
    actor: str | None = None,
) -> None:
    """Write a change down, in the session that makes it. Never a password, token or other secret.

    `actor` is for who becomes somebody by what is written: who signs in is nobody before.
    """
    who = _who.get() or Who(_login(), "command")
    values = {
        "at": utcnow(),
        "actor": actor or who.name,
        "via": who.via,
        "address": who.address,
        "request": who.request,
        "action": action,
        "subject": subject,
        "before": before,
        "after": after,
    }
    ADD.run(session.connection() if isinstance(session, Session) else session, values)


def note(action: str, subject: str, *, after: Any = None) -> None:
    """Write down what was done outside of a session of our own: a restored backup, a measuring fill."""
    with writing() as session:
        record(session, action, subject, after=after)


def _login() -> str:
    """The operating system's user, who runs the commands."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
