"""What cannot be seen forges no line and breaks no page: NUL at the door, the rest where a text is taken."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.services import accounts, organise
from research_dashboard.services.accounts import AccountError
from research_dashboard.services.organise import CannotOrganise
from tests.conftest import Page
from tests.test_one_line import REFUSED
from tests.test_run_filter import store

PASSWORD = "correct horse battery"


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """An admin's browser, on a server with one run."""
    with app.app_context():
        accounts.add_user("ann", PASSWORD, "admin")
        store({"company": "Acme", "status": "Completed"})
    client = app.test_client()
    assert client.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 303
    return client


def test_a_nul_in_any_parameter_of_any_page_is_refused_by_the_name_of_its_field(app: Flask, ann: FlaskClient) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]*>", "1", rule.rule)
        if "GET" in (rule.methods or ()):
            answer = ann.get(path, query_string={"q": "fine", "subject": "a\0b"})
            assert (answer.status_code, "subject" in answer.text) == (422, True), path
        if "POST" in (rule.methods or ()) and not path.startswith("/api"):
            answer = ann.post(path, data={"text": ["fine", "a\0b"]})
            assert (answer.status_code, "text" in answer.text) == (422, True), path
    assert ann.get("/account").status_code == 200, "nobody was signed out"


def test_a_nul_in_a_path_is_no_address(app: Flask, ann: FlaskClient) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for rule in app.url_map.iter_rules():
        for name in re.findall(r"<(?:path:|string:)?(\w+)>", rule.rule):
            path = re.sub(r"<[^>]*>", "1", rule.rule.replace(f"<{name}>", "a%00b").replace(f"<path:{name}>", "a%00b"))
            answer = ann.get(path) if "GET" in (rule.methods or ()) else ann.post(path, data={})
            assert answer.status_code == 404, path


def test_a_stranger_who_sends_a_nul_is_told_so(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        accounts.add_user("ann", PASSWORD, "admin")
    page = Page(app.test_client().post("/login", data={"name": "x\0", "password": PASSWORD}))
    assert page.status == 422
    assert "name holds the character NUL" in page.text("main")
    problem = app.test_client().get("/api/research_runs/", query_string={"company": "a\0b"})
    assert problem.status_code == 401, "who has not signed in is told nothing else"


def test_a_program_that_sends_a_nul_reads_a_problem(client: FlaskClient) -> None:
    problem = client.get("/api/research_runs/", query_string={"company": "a\0b"})
    assert (problem.status_code, problem.content_type) == (422, "application/problem+json")
    assert [error["field"] for error in problem.get_json()["errors"]] == ["company"]


@pytest.mark.parametrize("label", [*(text for text in REFUSED if text != "\ud800"), "a\r\nb", "ok) ann (x", "(x", "x)"])
def test_a_tokens_label_forges_no_line_and_no_author(app: Flask, ann: FlaskClient, label: str) -> None:
    answer = ann.post("/account/tokens", data={"label": label, "scope": "read", "days": "9"})
    assert answer.status_code == 422
    with app.app_context():
        with pytest.raises(AccountError, match="parentheses"):
            accounts.add_token("ann", label, "read", 9)
        assert accounts.tokens() == []
    said = app.test_cli_runner().invoke(args=["users", "token", "ann", "--label", label])
    assert (said.exit_code, "parentheses" in said.output) == (1, True)


def test_a_refused_label_is_marked_and_kept(ann: FlaskClient) -> None:
    page = Page(ann.post("/account/tokens", data={"label": "job (nightly)", "scope": "read", "days": "9"}))
    field = page.soup.select_one("#label")
    assert field is not None
    assert (field["value"], field["aria-invalid"]) == ("job (nightly)", "true")


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "\u202egro.cilbup", "zero\u200bwidth", "\u2066x"])
def test_a_title_is_one_line(app: Flask, ann: FlaskClient, text: str) -> None:
    assert ann.post("/runs/1/organise", data={"do": "title", "title": text}).status_code == 422
    with app.app_context(), pytest.raises(CannotOrganise, match="control characters"):
        organise.rename(1, text)


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "\u202egro.cilbup", "\u2066x", "a\x85b", "\x7f"])
def test_a_note_holds_nothing_that_cannot_be_seen(app: Flask, ann: FlaskClient, text: str) -> None:
    assert ann.post("/runs/1/organise", data={"do": "note", "text": text}).status_code == 422
    with app.app_context(), pytest.raises(CannotOrganise, match="control characters"):
        organise.write_note(1, text, "ann")


def test_a_note_has_lines_and_tabs_and_any_script(app: Flask, ann: FlaskClient) -> None:
    text = "one\r\n\ttwo\nעברית\u200f and علی\u200cرضا 👩\u200d💻"
    assert ann.post("/runs/1/organise", data={"do": "note", "text": text}).status_code == 303
    assert "עברית" in ann.get("/runs/1").text
