"""What the page does to many runs is done over the API and by commands too: counted, confirmed, audited, guarded."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.models import AuditEvent, BulkJob, ResearchRun, RunTag
from research_dashboard.services import accounts, bulk_jobs, organise
from research_dashboard.tables.accounts import Role
from tests.api.test_records import refused
from tests.test_run_filter import names, store

BULK = "/api/bulk/"


@pytest.fixture
def record(in_app: Flask) -> None:
    """Three failed runs of Acme, two completed ones of Other."""
    store(*({"company": "Acme", "status": "Failed", "duration_mins": n} for n in range(3)))
    store({"company": "Other", "status": "Completed"}, {"company": "Other", "status": "Completed"})


def test_programs_count_first_and_confirm_what_they_were_told(record: None, client: FlaskClient) -> None:
    ask = {"action": "tag", "tag": "Look", "filter": "status:failed AND duration>0"}
    told = client.post(BULK, json=ask).json
    assert (told["action"], told["count"]) == ("tag", 2)
    refused(client.post(BULK, json=ask | {"count": 3}), 409, "count")
    done = client.post(BULK, json=ask | {"count": 2, "mark": told["mark"]})
    assert (done.status_code, done.headers["Location"]) == (202, "/api/bulk/1")
    assert (done.json["state"], done.json["done"], done.json["total"]) == ("Done", 2, 2)
    assert done.json["said"] == "2 runs put under the tag “Look”."
    assert client.get(done.headers["Location"]).json == done.json
    assert len(names("q=tag:look")) == 2
    with reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "bulk.tag")).one()
        assert (event.via, event.subject) == ("api", "2 runs")


def test_a_mark_serves_the_action_and_the_tag_that_it_was_given_for(record: None, client: FlaskClient) -> None:
    ask = {"action": "tag", "tag": "Look", "filter": "company:acme"}
    told = client.post(BULK, json=ask).json
    confirmed = ask | {"count": told["count"], "mark": told["mark"]}
    for other in ({"action": "trash"}, {"action": "untag"}, {"tag": "Other"}, {"filter": "status:completed"}):
        refused(client.post(BULK, json=confirmed | other), 409 if other != {"action": "untag"} else 422)
    assert len(names("")) == 5
    assert client.post(BULK, json=confirmed | {"tag": " look "}).json["done"] == 3


def test_runs_that_have_all_their_tags_are_passed_over(
    record: None, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organise, "MOST_TAGS", 2)
    organise.tag([1, 2], "One")
    organise.tag([1, 2], "Look")
    organise.tag([3], "One")
    organise.tag([3], "Two")
    told = client.post(BULK, json={"action": "tag", "tag": "look", "all": True, "count": 5}).json
    assert (told["done"], sum(told["skipped"].values())) == (4, 1)
    assert "1 have 50 tags already." in told["said"]


def test_every_run_is_meant_only_where_that_is_said(record: None, client: FlaskClient) -> None:
    refused(client.post(BULK, json={"action": "trash"}), 422, "filter")
    refused(client.post(BULK, json={"action": "trash", "filter": " ", "count": 5}), 422, "filter")
    refused(client.post(BULK, json={"action": "trash", "filter": "id:1", "all": True}), 422, "filter")
    assert client.post(BULK, json={"action": "trash", "all": True}).json["count"] == 5


def test_the_marked_runs_and_no_others(record: None, client: FlaskClient) -> None:
    told = client.post(BULK, json={"action": "trash", "filter": "company:acme"}).json
    organise.trash([1])
    store({"company": "Acme"})
    sent = {"action": "trash", "filter": "company:acme", "count": told["count"], "mark": told["mark"]}
    refused(client.post(BULK, json=sent), 409, "count")
    assert len(names("company=acme")) == 3


def test_everything_goes_to_the_trash_and_comes_back_by_filter(record: None, client: FlaskClient) -> None:
    assert (
        client.post(BULK, json={"action": "trash", "all": True, "count": 5}).json["said"]
        == "5 runs moved to the trash."
    )
    back = {"action": "restore", "filter": "status:completed"}
    assert client.post(BULK, json=back).json["count"] == 2
    assert client.post(BULK, json=back | {"count": 2}).json["said"] == "2 runs restored."
    assert names("") == ["Other", "Other"]
    assert client.post(BULK, json={"action": "purge", "days": 30}).json["count"] == 0
    with writing() as session:
        old = utcnow() - timedelta(days=31)
        session.query(ResearchRun).where(ResearchRun.id == 1).update({"deleted_at": old})
    gone = client.post(BULK, json={"action": "purge", "days": 30, "count": 1})
    assert gone.json["said"] == "1 run deleted for good."


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "paint"}, "action"),
        ({"action": "trash", "filter": "status:"}, "filter"),
        ({"action": "trash", "filter": "colour:red"}, "filter"),
        ({"action": "tag", "all": True, "count": 5}, "tag"),
        ({"action": "untag", "tag": "none", "all": True, "count": 5}, "tag"),
        ({"action": "trash", "count": -1}, "count"),
        ({"action": "purge", "days": 40_000}, "days"),
        ({"action": "trash", "ids": [1]}, "ids"),
    ],
)
def test_what_cannot_be_asked_names_its_field(
    record: None, client: FlaskClient, body: dict[str, object], field: str
) -> None:
    refused(client.post(BULK, json=body), 422, field)
    assert len(names("")) == 5


def test_a_mistake_is_pointed_at_by_position(record: None, client: FlaskClient) -> None:
    (error,) = client.post(BULK, json={"action": "trash", "filter": "status:failed AND"}).json["errors"]
    assert error["detail"].startswith("At character 18")
    refused(client.get("/api/bulk/9"), 404)


def test_the_same_key_does_it_once(record: None, client: FlaskClient) -> None:
    key = {"Idempotency-Key": "k"}
    sent = {"action": "tag", "tag": "x", "filter": "company:acme", "count": 3}
    first, again = (client.post(BULK, json=sent, headers=key) for _ in range(2))
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    with reading() as session:
        assert session.scalar(select(func.count(BulkJob.id))) == 1
    bulk_jobs.work_off_all(lambda: False)  # within the key's transaction it was left to the workers
    assert client.get("/api/bulk/1").json["state"] == "Done"
    assert len(names("q=tag:x")) == 3


def test_only_an_admin_deletes_for_good(record: None, in_app: Flask) -> None:
    organise.trash([1, 2])
    accounts.add_user("boss", "a long enough pass phrase", Role.ADMIN)
    accounts.add_user("ann", "a long enough pass phrase", Role.RESEARCHER)
    tokens = {
        name: accounts.add_token(name, "t", scope, 30)[0] for name, scope in (("boss", "admin"), ("ann", "write"))
    }

    def post(name: str, **body: object) -> int:
        headers = {"Authorization": f"Bearer {tokens[name]}"}
        return in_app.test_client().post(BULK, json=body, headers=headers).status_code

    assert post("ann", action="purge", all=True) == 403
    assert post("ann", action="purge", count=2) == 403
    assert post("ann", action="restore", count=2, filter="id=9") == 409
    assert post("boss", action="purge", all=True, count=2) == 202


def test_commands_count_ask_and_do(record: None, in_app: Flask) -> None:
    runner = in_app.test_cli_runner()
    no = runner.invoke(args=["runs", "trash", "--filter", "status:failed"], input="n\n")
    assert (no.exit_code, "Move to the trash: 3 runs?" in no.output) == (1, True)
    assert len(names("")) == 5
    yes = runner.invoke(args=["runs", "trash", "--filter", "status:failed"], input="y\n")
    assert yes.output.endswith("3 runs moved to the trash.\n")
    back = runner.invoke(args=["runs", "restore", "--filter", "duration=1", "--yes"])
    assert back.output == "Restore: 1 run\n1 run restored.\n"
    gone = runner.invoke(args=["runs", "purge", "--days", "30", "--yes"])
    assert gone.output == "Delete for good: 0 runs\n0 runs deleted for good.\n"
    tagged = runner.invoke(args=["runs", "tag", "Look", "--yes"])
    assert tagged.output == "Put under the tag “Look”: 3 runs\n3 runs put under the tag “Look”.\n"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(RunTag)) == 3
        assert set(session.scalars(select(AuditEvent.via))) == {"command"}
    wrong = runner.invoke(args=["runs", "untag", "none", "--yes"])
    assert (wrong.exit_code, "There is no tag “none”." in wrong.output) == (1, True)
    wrong = runner.invoke(args=["runs", "cancel", "--filter", "status:", "--yes"])
    assert (wrong.exit_code, "At character 8" in wrong.output) == (1, True)


def test_each_action_has_its_command(in_app: Flask) -> None:
    help = in_app.test_cli_runner().invoke(args=["runs", "--help"]).output
    for action in bulk_jobs.ACTIONS:
        assert f"  {action} " in help
