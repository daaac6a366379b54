"""Every change is written down with who, from where, before and after, and cannot be unwritten."""

import ast
import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.models import AuditEvent
from research_dashboard.queries.audit import AuditFilter, audit_events, count_audit_events, each_audit_event
from research_dashboard.services import accounts, leases, organise, runs
from research_dashboard.services.audit import record
from research_dashboard.worker import Worker
from tests.conftest import Page
from tests.factories import make_run


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


def test_how_a_run_ended_is_written_down_with_the_worker_that_ended_it(bundled: Flask) -> None:
    def ending() -> tuple[str, str, str, object, object]:
        event = events(via="worker")[0]
        return event.action, event.actor, event.subject, event.before, event.after

    run_id = runs.start_research("AAPL", "ann").run_id
    lease = leases.claim("host:1")
    assert lease is not None
    leases.fail(lease, 1, "sec_down", "The SEC does not answer. Try later.")
    failed = {"status": "Failed", "error_kind": "sec_down", "error_message": "The SEC does not answer. Try later."}
    assert ending() == ("run.failed", "host:1", f"run {run_id}", {"status": "Running"}, failed)
    runs.resume(run_id)
    lease = leases.claim("host:1")
    assert lease is not None
    runs.cancel(run_id)
    leases.confirm_cancel(lease)
    cancelled = {"status": "Cancelled"}
    assert ending() == ("run.cancelled", "host:1", f"run {run_id}", {"status": "Cancelling"}, cancelled)
    runs.resume(run_id)
    assert leases.claim("host:1") is not None
    leases.sweep(utcnow() + timedelta(minutes=1))
    interrupted = {"status": "Interrupted", "error_kind": "no_worker"}
    assert ending() == ("run.interrupted", "sweep", f"run {run_id}", {"status": "Running"}, interrupted)
    worker = Worker(bundled)
    worker.work()
    assert ending()[:2] == ("run.completed", worker.id)
    assert ending()[3:] == ({"status": "Running"}, {"status": "Completed"})


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


@pytest.mark.sqlite
def test_an_event_is_not_replaced_either(in_app: Flask) -> None:
    accounts.add_user("ann", "correct horse battery", "viewer")
    replace = "INSERT OR REPLACE INTO audit_events SELECT id, at, 'nobody', via, address, request, action, subject, "
    with pytest.raises(DBAPIError, match="never changed or deleted"), writing() as session:
        session.execute(text(f"{replace} before, after FROM audit_events"))
    assert events()[0].actor != "nobody"


# What is written down


def test_signing_in_and_out_is_written_down_and_a_mistyped_name_is_not(app: Flask, in_app: Flask) -> None:
    accounts.add_user("ann", "correct horse battery", "viewer")
    client = app.test_client()
    for name, password in (("ann", "wrong"), ("correct horse battery", "x"), ("ann", "correct horse battery")):
        client.post("/login", data={"name": name, "password": password}, headers={"User-Agent": "Tester"})
    client.post("/logout", data={"everywhere": "yes"})
    out, good, unknown, wrong = events(action="sign_")
    assert (wrong.action, wrong.subject, wrong.after) == ("sign_in.refused", "user ann", {"reason": "wrong password"})
    assert (unknown.subject, unknown.after, unknown.actor) == ("user unknown", {"reason": "no such user"}, "nobody")
    assert (good.action, good.actor, good.via, good.address) == ("sign_in", "ann", "page", "127.0.0.1")
    assert good.after == {"browser": "Tester"}
    assert (out.action, out.actor, out.after) == ("sign_out", "ann", {"everywhere": True, "ended": 1})
    with reading() as session:
        assert "horse" not in str(session.execute(text("SELECT * FROM audit_events")).all())


def test_guessing_that_is_slowed_down_is_written_down_once(app: Flask, in_app: Flask) -> None:
    accounts.add_user("ann", "correct horse battery", "viewer")
    for _ in range(13):
        app.test_client().post("/login", data={"name": "ann", "password": "a guess"})
    assert app.test_client().post("/login", data={"name": "ann", "password": "a guess"}).status_code == 429
    slowed = events(action="sign_in.slowed_down")
    assert {(event.subject, event.address, event.after["counted"]) for event in slowed} == {
        ("user ann", "127.0.0.1", "guesses at"),
        ("user ann", "127.0.0.1", "guesses from"),
    }
    assert len(slowed) == 2
    assert "10 per minute" in slowed[0].after["rates"]


def test_what_goes_is_kept_in_the_audit_as_it_was(in_app: Flask) -> None:
    ids = [make_run(company=f"Acme {number}", status="Failed") for number in range(3)]
    organise.write_note(ids[0], "First words.", "ann")
    organise.write_note(ids[0], "Better words.", "bob", replaces=1)
    organise.remove_note(ids[0], 2)
    organise.trash(ids[:1])
    organise.trash(ids)
    organise.purge(ids)
    purged, rest, one, removed, changed, written = events(action="run.")[:6]
    assert (one.action, one.before) == ("run.delete", {"company": "Acme 0", "status": "Failed"})
    assert rest.before == {"runs": [[ids[1], "Acme 1", "Failed"], [ids[2], "Acme 2", "Failed"]]}
    assert (purged.action, [row[1] for row in purged.before["runs"]]) == ("run.purge", ["Acme 0", "Acme 1", "Acme 2"])
    assert (written.before, written.after["text"], written.after["author"]) == (None, "First words.", "ann")
    assert (changed.before["text"], changed.after["text"]) == ("First words.", "Better words.")
    assert (removed.before["text"], removed.after) == ("Better words.", None)


def test_what_a_program_posts_patches_and_deletes_is_written_down(client: FlaskClient, in_app: Flask) -> None:
    run = {"company": "Acme", "researcher": "ann", "duration_mins": 1, "status": "Running", "insights": 0}
    run_id = client.post("/api/research_runs/", json=run).get_json()["id"]
    step = {"research_run_id": run_id, "step_name": "Read", "status": "Running", "start_time": "2026-01-01T00:00:00Z"}
    client.post("/api/research_details/", json=step)
    client.post("/api/research_results/", json={"research_run_id": run_id, "result_type": "r", "result_data": {}})
    client.patch(f"/api/research_runs/{run_id}/details/1", json={"status": "Completed"})
    client.patch(f"/api/research_runs/{run_id}", json={"insights": 3})
    client.delete(f"/api/research_runs/{run_id}")
    client.post(f"/api/research_runs/{run_id}/restore")
    found = [(event.action, event.before, event.after) for event in reversed(events(subject=f"run {run_id}"))]
    assert [action for action, *_ in found] == [
        *("run.log", "run.step_log", "run.result_log", "run.step_change", "run.change", "run.delete", "run.restore")
    ]
    assert (found[3][1]["status"], found[3][2]["status"]) == ("Running", "Completed")
    assert found[4][1:] == ({"insights": 0}, {"insights": 3})
    assert found[5][1] == {"company": "Acme", "status": "Running"}
    assert all(event.via == "api" and event.address == "127.0.0.1" for event in events())


# Services that write without writing it down, and why that is right.
UNAUDITED = {
    "accounts.signed_in": "when a sign-in was last seen",
    "accounts.bearer": "when a token was last used",
    "bulk_jobs._claim": "the lease of a job that ask() wrote down",
    "bulk_jobs._chunk": "how far it is; what is done to runs is written down by organise and runs",
    "bulk_jobs._give_up": "how the job ended, in the job",
    "fill._tags": "fill() writes it down",
    "idempotency.once": "remembers an answer; what was done for it is written down",
    "imports.import_data_set": "writes it down by record_load()",
    "leases": "holds and steps are in the run's log; how a run ends is written down by moves",
    "live": "what the SEC answered, kept as a load with its hash",
    "notices": "messages told by the clock, no change of anybody's",
    "tickers._save": "what the SEC answered, kept as a load with its hash",
    "schedule": "the clock's own doing; the runs that it starts are written down",
    "watchlists.watch": "add_companies() and make_list() write it down",
    "watchlists.mark_read": "which notices a reader has seen",
    "loads.import_bundle": "writes it down by record_load()",
}


def test_a_service_that_writes_writes_it_down_or_says_why_not() -> None:
    silent, left_over = [], set(UNAUDITED)
    for path in sorted((Path(__file__).parent.parent / "research_dashboard" / "services").rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
            called = {function.id for function in calls if isinstance(function, ast.Name)}
            names = {path.stem, f"{path.stem}.{node.name}"}
            if called & {"writing", "write", "one_transaction"} and not called & {"record", "note"}:
                left_over -= names
                silent += [f"{path.stem}.{node.name}"] if not names & set(UNAUDITED) else []
    assert silent == [], "call audit.record() in the same session, or say in UNAUDITED why not"
    assert left_over == set()


# The page and the command


def test_the_page_shows_narrows_and_exports(in_app: Flask, visit: Callable[..., Page], client: FlaskClient) -> None:
    accounts_made = [("=cmd", {"x": "<i>"}), ("run 7", {"x": "old"})]
    with writing() as session:
        for subject, before in accounts_made:
            record(session, "run.change", subject, before=before, after={"x": "new"})
        record(session, "user.add", "user ann")
    page = visit("/audit")
    assert page.text("#events-h") == "3 events"
    assert "x old → new" in page.texts("tbody tr")[1]
    assert "<i>" not in page.html
    narrowed = visit("/audit?action=run.&subject=run+7&via=command&start=2020-01-01")
    assert narrowed.text("#events-h") == "1 event"
    assert narrowed.soup.select_one('a[href*="audit.csv"]')["href"].endswith("start=2020-01-01")
    assert visit("/audit?actor=nobody-at-all").text(".empty h2") == "No such event"
    rows = list(csv.DictReader(io.StringIO(client.get("/audit.csv?action=run.").text)))
    assert [row["subject"] for row in rows] == ["'=cmd", "run 7"]
    assert rows[1]["after"] == '{"x":"new"}'
    assert [event["subject"] for event in client.get("/audit.json").get_json()] == ["=cmd", "run 7", "user ann"]
    assert len(client.get("/audit.ndjson").text.splitlines()) == 3
    for wrong in ("via=owl", "start=never", "before=x", "other=1", f"actor={'x' * 201}"):
        visit(f"/audit?{wrong}", status=422)
    visit("/audit.exe", status=404)
    assert {client.open("/audit", method=method).status_code for method in ("POST", "PUT", "PATCH", "DELETE")} == {405}


def test_older_events_are_a_page_on(in_app: Flask, visit: Callable[..., Page]) -> None:
    with writing() as session:
        for number in range(60):
            record(session, "run.start", f"run {number}")
    first = visit("/audit?action=run")
    assert len(first.soup.select("tbody tr")) == 50
    older = visit(first.soup.select_one('a[rel="next"]')["href"])
    assert [row.split(" run.start ")[1] for row in older.texts("tbody tr")] == [f"run {n}" for n in range(9, -1, -1)]


def test_the_command_lists_and_exports(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    run(args=["users", "add", "ann", "--password", "correct horse battery"])
    run(args=["users", "disable", "ann"])
    listed = run(args=["audit", "list", "--action", "user.", "--limit", "1"])
    assert "user.disable\tuser ann" in listed.stdout
    assert "1 of 2 events" in listed.stderr
    exported = run(args=["audit", "export", "--format", "ndjson", "--subject", "user ann"]).stdout.splitlines()
    assert [msgspec.json.decode(line)["action"] for line in exported] == ["user.add", "user.disable"]
