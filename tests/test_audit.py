"""Every change is written down with who, from where, before and after, and cannot be unwritten."""

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.models import AuditEvent
from research_dashboard.queries.audit import AuditFilter, audit_events, count_audit_events, each_audit_event
from research_dashboard.services import accounts, runs
from research_dashboard.services.audit import record


def events(**wanted: object) -> list[AuditEvent]:
    with reading() as session:
        return list(audit_events(session, AuditFilter(**wanted)))  # type: ignore[arg-type]


def test_a_runs_life_is_written_down(bundled: Flask) -> None:
    run_id = runs.start_research("AAPL", "ann").run_id
    runs.cancel(run_id)
    runs.resume(run_id)
    resumed, cancelled, started = events(subject=f"run {run_id}")
    assert (started.action, started.after["company"], started.before) == ("run.start", "Apple Inc.", None)
    assert (cancelled.action, cancelled.before, cancelled.after) == ("run.cancel", "Queued", "Cancelled")
    assert (resumed.action, resumed.before, resumed.after) == ("run.resume", "Cancelled", "Queued")


def test_a_request_says_who_and_from_where(bundled: Flask, client: FlaskClient) -> None:
    answer = client.post("/api/research", json={"company": "AAPL"})
    assert answer.status_code == 202
    (event,) = events(action="run.start")
    assert (event.via, event.address, event.request) == ("api", "127.0.0.1", answer.headers["X-Request-ID"])
    assert event.actor


def test_accounts_are_audited_without_their_secrets(in_app: Flask) -> None:
    accounts.add_user("ann", "correct horse battery", "researcher")
    secret, token = accounts.add_token("ann", "nightly", "write", 30)
    accounts.revoke_token(token.id)
    accounts.disable_user("ann")
    found = events()
    assert [event.action for event in found] == ["user.disable", "token.revoke", "token.add", "user.add"]
    assert all(event.via == "command" for event in found)
    kept = " ".join(f"{event.before} {event.after}" for event in found)
    assert "horse" not in kept
    assert secret not in kept


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET actor = 'nobody'", "DELETE FROM audit_events"])
def test_what_is_written_stands(in_app: Flask, statement: str) -> None:
    accounts.add_user("ann", "correct horse battery", "viewer")
    with pytest.raises(DBAPIError, match="never changed or deleted"), writing() as session:
        session.execute(text(statement))
    assert len(events()) == 1


def test_a_change_that_is_rolled_back_leaves_no_event(in_app: Flask) -> None:
    accounts.add_user("ann", "correct horse battery", "viewer")
    with pytest.raises(accounts.AccountError):
        accounts.add_user("ann", "correct horse battery", "viewer")
    assert len(events()) == 1


def test_the_audit_is_narrowed_counted_and_exported(in_app: Flask) -> None:
    with writing() as session:
        for number in range(5):
            record(session, "run.start" if number % 2 else "user.add", f"run {number}%")
    today = utcnow().date()
    with reading() as session:
        assert count_audit_events(session, AuditFilter(action="RUN.")) == 2
        assert count_audit_events(session, AuditFilter(subject="%")) == 5
        assert count_audit_events(session, AuditFilter(start=today, end=today)) == 5
        assert count_audit_events(session, AuditFilter(end=today - timedelta(days=1))) == 0
        assert count_audit_events(session, AuditFilter(start=date(2000, 1, 1))) == 5
        first = audit_events(session, AuditFilter(), limit=2)
        rest = audit_events(session, AuditFilter(), before_id=first[-1].id)
        assert [event.subject for event in (*first, *rest)] == ["run 4%", "run 3%", "run 2%", "run 1%", "run 0%"]
        assert len(list(each_audit_event(session, AuditFilter()))) == 5
