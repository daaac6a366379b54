"""Limits: guessing is slowed down without locking the owner out, and nobody is counted as somebody else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard import create_app
from research_dashboard.extensions import db
from research_dashboard.intake import network
from research_dashboard.services import accounts, organise, saved_views
from tests.factories import make_run

PASSWORD = "correct horse battery"


@pytest.fixture
def users(app: Flask) -> dict[str, str]:
    """Ann and Bob, who may everything, and their tokens."""
    with app.app_context():
        for name in ("ann", "bob"):
            accounts.add_user(name, PASSWORD, "admin")
        return {name: accounts.add_token(name, "test", "admin", 30)[0] for name in ("ann", "bob")}


def sign_in(client: FlaskClient, name: str, password: str = PASSWORD, address: str = "192.0.2.1") -> int:
    answer = client.post("/login", data={"name": name, "password": password}, environ_base={"REMOTE_ADDR": address})
    return answer.status_code


def test_guesses_at_a_name_are_counted_wherever_they_come_from(app: Flask, users: dict[str, str]) -> None:
    codes = [sign_in(app.test_client(), "ann", "a wrong guess", f"192.0.2.{n}") for n in range(12)]
    assert codes == [*[422] * 10, 429, 429]
    assert sign_in(app.test_client(), "bob", "a wrong guess", "192.0.2.99") == 422


def test_who_guesses_does_not_lock_the_owner_out_of_a_browser_he_has_used(app: Flask, users: dict[str, str]) -> None:
    owner = app.test_client()
    assert sign_in(owner, "ann", address="192.0.2.50") == 303
    owner.post("/logout")
    for n in range(12):
        sign_in(app.test_client(), "ann", "a wrong guess", f"192.0.2.{n}")
        sign_in(app.test_client(), f"user{n}", "a wrong guess", "192.0.2.50")  # and at his own address
    assert sign_in(app.test_client(), "ann", address="192.0.2.50") == 429
    assert sign_in(owner, "ann", address="192.0.2.50") == 303
    owner.post("/logout")
    assert [sign_in(owner, "ann", "guess") for _ in range(11)][-1] == 429  # a stolen browser is slowed down, too
    assert sign_in(owner, "bob", "guess", "192.0.2.51") == 422  # and is a stranger to other names


def test_what_says_a_browser_is_known_cannot_be_made_up(app: Flask, users: dict[str, str]) -> None:
    client = app.test_client()
    client.set_cookie("known_browser", "WyJhbm4iLCIxIl0.aaaa.bbbb", path="/login")
    assert [sign_in(client, "ann", "guess", f"192.0.2.{n}") for n in range(11)][-1] == 429


def test_a_user_has_so_many_tokens_and_a_run_so_many_links(
    app: Flask, users: dict[str, str], in_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "MOST_TOKENS", 2)
    monkeypatch.setattr(accounts, "MOST_LINKS", 1)
    run_id, ann = make_run(), accounts.Actor("ann", accounts.Role.ADMIN)
    accounts.add_token("ann", "second", "read", 30)
    with pytest.raises(accounts.AccountError, match="ann has 2 tokens in use: revoke one first"):
        accounts.add_token("ann", "third", "read", 30)
    assert accounts.revoke_token(accounts.tokens()[0].id)
    accounts.add_token("ann", "third", "read", 30)
    accounts.share(run_id, 7, ann)
    with pytest.raises(accounts.AccountError, match="has 1 open links: close one first"):
        accounts.share(run_id, 7, ann)
    accounts.revoke_share(run_id, accounts.share_links(run_id)[0].id)
    accounts.share(run_id, 7, ann)


def test_who_is_disabled_leaves_no_link_open(users: dict[str, str], in_app: Flask) -> None:
    run_id = make_run()
    theirs = accounts.share(run_id, 7, accounts.Actor("bob", accounts.Role.ADMIN))
    others = accounts.share(run_id, 7, accounts.Actor("ann", accounts.Role.ADMIN))
    accounts.disable_user("bob")
    assert (accounts.shared_run(theirs), accounts.shared_run(others)) == (None, run_id)


def test_a_new_password_ends_tokens_and_links_where_that_is_asked_for(users: dict[str, str], in_app: Flask) -> None:
    run_id, run = make_run(), in_app.test_cli_runner().invoke
    link = accounts.share(run_id, 7, accounts.Actor("ann", accounts.Role.ADMIN))
    others = accounts.share(run_id, 7, accounts.Actor("bob", accounts.Role.ADMIN))
    change = ["users", "password", "ann", "--password", "another good password"]
    kept = run(args=change)
    assert (kept.exit_code, "stay (--revoke)" in kept.output) == (0, True)
    assert (accounts.bearer(users["ann"]) is not None, accounts.shared_run(link)) == (True, run_id)
    session = accounts.sign_in("ann", "another good password", None, None) or ""
    ended = run(args=[*change, "--revoke"])
    assert (ended.exit_code, "tokens are revoked" in ended.output) == (0, True)
    assert (accounts.bearer(users["ann"]), accounts.shared_run(link), accounts.signed_in(session)) == (None,) * 3
    assert (accounts.bearer(users["bob"]) is not None, accounts.shared_run(others)) == (True, run_id)
    assert accounts.sign_in("ann", "another good password", None, None) is not None


def test_views_tags_and_notes_are_so_many(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 1)
    monkeypatch.setattr(organise, "MOST_TAGS", 1)
    monkeypatch.setattr(organise, "MOST_NOTES", 1)
    run_id, other = make_run(), make_run()
    saved_views.save_view("mine", "company=a", "ann", bool)
    saved_views.save_view("Mine", "company=b", "ann", bool, replaces=1)
    with pytest.raises(saved_views.CannotSave, match="1 saved views already: remove one"):
        saved_views.save_view("another", "", "ann", bool)
    organise.tag([run_id], "first")
    organise.tag([run_id], "First", colour="red")
    with pytest.raises(organise.CannotOrganise, match=f"Run {run_id} has 1 tags already: take one away"):
        organise.tag([run_id, other], "second")
    organise.tag([other], "second")
    organise.write_note(run_id, "one", "ann")
    with pytest.raises(organise.CannotOrganise, match="keeps 1 notes"):
        organise.write_note(run_id, "two", "ann")


def test_signing_in_rightly_is_not_counted(app: Flask, users: dict[str, str]) -> None:
    assert {sign_in(app.test_client(), "ann") for _ in range(12)} == {303}


@pytest.fixture
def strict(tmp_path: Path, app: Flask) -> Flask:
    """The application on the same database, with limits that are soon reached."""
    settings = replace(app.config["SETTINGS"], api_limit="5 per hour", page_limit="5 per hour")
    strict = create_app({"TESTING": True, "WTF_CSRF_ENABLED": False}, settings)
    strict.before_request(db.session.remove)
    return strict


def ask(app: Flask, path: str, token: str, address: str = "192.0.2.1") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with app.test_client().get(path, headers=headers, environ_base={"REMOTE_ADDR": address}) as answer:
        return answer.status_code


def test_each_token_has_a_count_of_its_own_wherever_it_is_used(strict: Flask, users: dict[str, str]) -> None:
    path = "/api/research_runs/"
    assert [ask(strict, path, users["ann"], f"192.0.2.{n}") for n in range(6)] == [*[200] * 5, 429]
    assert ask(strict, path, users["bob"]) == 200


def test_tokens_made_up_anew_each_time_are_counted_by_address(strict: Flask, users: dict[str, str]) -> None:
    path = "/api/research_runs/"
    assert [ask(strict, path, f"rd_{n}") for n in range(6)] == [*[401] * 5, 429]
    assert ask(strict, path, users["ann"]) == 200
    assert ask(strict, path, "rd_x", "192.0.2.2") == 401


def test_pages_are_counted_by_user(strict: Flask, users: dict[str, str]) -> None:
    assert [ask(strict, "/status", users["ann"]) for _ in range(6)] == [*[200] * 5, 429]
    assert ask(strict, "/status", users["bob"]) == 200
    assert ask(strict, "/static/app.css", users["ann"]) == 200


def test_addresses_with_nothing_at_them_are_counted(strict: Flask, users: dict[str, str]) -> None:
    assert [ask(strict, f"/no-such-page-{n}", "") for n in range(6)] == [*[404] * 5, 429]
    assert [ask(strict, f"/api/no-such-{n}", "", "192.0.2.9") for n in range(6)] == [*[404] * 5, 429]


@pytest.mark.parametrize("path", ["/", "/settings", "/historical-records.csv", "/runs/1"])
def test_who_is_sent_to_sign_in_is_counted(strict: Flask, users: dict[str, str], path: str) -> None:
    assert [ask(strict, path, "") for _ in range(6)] == [*[303] * 5, 429]
    assert ask(strict, path, "", "192.0.2.2") == 303
    assert ask(strict, "/status", users["ann"]) == 200


def test_what_is_refused_is_counted(strict: Flask, users: dict[str, str]) -> None:
    codes = [
        strict.test_client().post("/theme", headers={"Sec-Fetch-Site": "cross-site"}).status_code for _ in "123456"
    ]
    assert codes == [*[403] * 5, 429]


def test_methods_that_are_made_up_do_not_pile_up_in_the_metrics(app: Flask) -> None:
    for n in range(3):
        assert app.test_client().open("/status", method=f"MADE-UP-{n}").status_code == 405
    text = app.test_client().get("/metrics").text
    assert "MADE-UP" not in text
    assert 'method="other",status="405"' in text


@pytest.mark.parametrize("path", ["/login", "/api/research_runs/"])
def test_whoever_has_an_ipv6_network_is_counted_as_one(strict: Flask, users: dict[str, str], path: str) -> None:
    codes = [ask(strict, path, "", f"2001:db8:0:1::{n}") for n in range(6)]
    assert codes[-1] == 429
    assert 429 not in codes[:5]
    assert ask(strict, path, "", "2001:db8:0:2::1") != 429
    assert network("::ffff:192.0.2.1") == network("192.0.2.1")


def test_guesses_that_come_at_once_are_no_more_than_those_one_after_the_other(
    app: Flask, users: dict[str, str]
) -> None:
    together = Barrier(20)

    def guess(number: int) -> int:
        client = app.test_client()
        together.wait(30)
        return sign_in(client, "ann", "a wrong guess", f"192.0.2.{number}")

    with ThreadPoolExecutor(20) as pool:
        codes = sorted(pool.map(guess, range(20)))
    assert codes == [*[422] * 10, *[429] * 10]


def test_a_single_user_is_not_slowed_down(tmp_path: Path, strict: Flask) -> None:
    assert {ask(strict, "/api/research_runs/", "", "127.0.0.1") for _ in range(8)} == {200}
