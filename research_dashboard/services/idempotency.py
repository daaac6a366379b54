"""Doing a request once, however often it is sent: the work and its remembered answer are one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import one_transaction, reading
from research_dashboard.tables.idempotency import IdempotencyKey

KEPT = timedelta(hours=24)


class KeyReused(Exception):
    """The key stands for another request of the same sender."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer; `again` is True when it is the first one's, remembered."""

    status: int
    headers: Mapping[str, str]
    body: str
    again: bool = False


def once(sender: str, key: str, fingerprint: str, do: Callable[[], Given]) -> Given:
    """Do it and remember the answer for 24 hours; or give the answer it got, when this sender sent it before.

    What `do` writes and what is remembered are committed together: a crash in between leaves neither, and two that
    come at the same moment are done one after the other. What `do` raises is not remembered. Raises KeyReused.
    """
    with reading() as session:
        given = _remembered(session, sender, key, fingerprint)
    if given is not None:
        return given
    try:
        with one_transaction() as session:
            given = _remembered(session, sender, key, fingerprint)
            if given is not None:
                return given
            session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < utcnow() - KEPT))
            given = do()
            values = {"sender": sender, "key": key, "fingerprint": fingerprint, "created_at": utcnow()}
            answer = {"status": given.status, "headers": dict(given.headers), "body": given.body}
            session.execute(insert(IdempotencyKey).values(**values, **answer))
    except IntegrityError:  # on PostgreSQL another one was quicker; its answer is there now
        with reading() as session:
            given = _remembered(session, sender, key, fingerprint)
        if given is None:
            raise
    return given


def _remembered(session: Session, sender: str, key: str, fingerprint: str) -> Given | None:
    kept = IdempotencyKey
    row = session.execute(
        select(kept.fingerprint, kept.status, kept.headers, kept.body).where(
            kept.sender == sender, kept.key == key, kept.created_at >= utcnow() - KEPT
        )
    ).first()
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise KeyReused(f"The key {key} was sent with another request in the last 24 hours.")
    return Given(row.status, row.headers, row.body, again=True)
