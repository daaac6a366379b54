"""Nobody in who does not belong: single-user mode, accounts, tokens, and the access table over every route."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.middleware.proxy_fix import ProxyFix

from research_dashboard import create_app
from research_dashboard.access import ACCESS, safe_target
from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.services import accounts
from research_dashboard.settings import SettingError, load
from research_dashboard.tables.accounts import Role
from tests.browser.program import free_port
from tests.conftest import Page, settings_for

PASSWORD = "correct horse battery"
ROLES = list(Role)


@pytest.fixture
def users(app: Flask) -> dict[str, str]:
    """One user a role, named like the role; the answer is their API tokens."""
    with app.app_context():
        for role in ROLES:
            accounts.add_user(role, PASSWORD, role)
        return {role: accounts.add_token(role, "test", "admin", 30)[0] for role in ROLES}


def sign_in(client: FlaskClient, name: str, password: str = PASSWORD) -> int:
    return client.post("/login", data={"name": name, "password": password}).status_code


# Single-user mode


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7"])
def test_without_an_account_only_this_machine_is_answered(client: FlaskClient, address: str) -> None:
    answer = client.get("/", environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 403
    assert "flask users add" in answer.text


@pytest.mark.parametrize(
    "header",
    [
        *("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded", "Via"),
        *("x-forwarded-for", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Original-Host"),
    ],
)
def test_a_forged_forwarding_header_opens_nothing(client: FlaskClient, header: str) -> None:
    far = client.get("/", headers={header: "127.0.0.1"}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    near = client.get("/", headers={header: "192.0.2.7"})
    assert (far.status_code, near.status_code) == (403, 403)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_name_that_points_here_is_not_this_machine(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 403


def test_with_accounts_only_the_names_that_the_operator_gave_are_answered(
    app: Flask, users: dict[str, str], tmp_path: Path
) -> None:
    settings = settings_for(
        tmp_path, database_url=app.config["SETTINGS"].database_url, trusted_hosts=("research.example", "10.0.0.5")
    )
    named = create_app({"TESTING": True}, settings)
    client = named.test_client()
    for host in (
        "research.example",
        "RESEARCH.example:8443",
        "research.example.",
        "10.0.0.5:8000",
        "localhost",
        "[::1]",
    ):
        assert client.get("/login", headers={"Host": host}).status_code == 200, host
    for host in (
        "evil.example",
        "research.example.evil.example",
        "xresearch.example",
        "10.0.0.50",
        "x@evil.example",
        "[",
    ):
        answer = client.get("/login", headers={"Host": host})
        assert answer.status_code in (400, 403), host
        assert "research.example" not in answer.text.replace(host, ""), "a stranger is not told which"
    with named.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("proxies", [0, 1])
def test_localhost_is_a_name_for_the_machine_itself_only_where_there_are_others(
    app: Flask, users: dict[str, str], tmp_path: Path, proxies: int
) -> None:
    settings = settings_for(
        tmp_path,
        database_url=app.config["SETTINGS"].database_url,
        trusted_hosts=("research.example",),
        trusted_proxies=proxies,
    )
    named = create_app({"TESTING": True, "WTF_CSRF_ENABLED": False}, settings)
    client, here, far = named.test_client(), "127.0.0.1", "192.0.2.7"

    def answered(peer: str, **headers: str) -> int:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get(
            "/healthz", headers={"Host": "localhost", **headers}, environ_base={"REMOTE_ADDR": peer}
        ).status_code

    assert answered(here) == 200, "a health check"
    assert answered(far) == 403
    assert answered(far, X_Forwarded_For=here) == 403, "who forges is no proxy"
    assert answered(here, X_Forwarded_For=far) == 403, "a proxy on this machine speaks for others"
    assert answered(here, X_Forwarded_For=far, Host="research.example") == 200
    with named.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(("peer", "secure"), [("127.0.0.1", False), ("192.0.2.7", True)])
def test_who_calls_this_machine_localhost_from_afar_has_a_secure_cookie(
    client: FlaskClient, users: dict[str, str], peer: str, secure: bool
) -> None:
    sent = {"name": "admin", "password": PASSWORD}
    answer = client.post("/login", data=sent, environ_base={"REMOTE_ADDR": peer})
    assert [("; Secure" in cookie) for cookie in answer.headers.getlist("Set-Cookie")] == [secure, secure]


@pytest.mark.parametrize("value", ["https://a.example", "a.example:80", "a b", "a,,b", "*", "a/b", "x" * 300])
def test_a_name_that_is_none_is_refused_at_the_start(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingError, match="TRUSTED_HOSTS"):
        load({"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path), "RESEARCH_DASHBOARD_TRUSTED_HOSTS": value})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_this_machine_by_its_own_names_is(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_behind_tls_browsers_are_told_to_stay_there(app: Flask, users: dict[str, str]) -> None:
    secure = app.test_client().get("/login", base_url="https://research.example")
    assert "max-age=31536000" in secure.headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in app.test_client().get("/login").headers


def test_only_a_trusted_proxy_is_believed(tmp_path: Path) -> None:
    believed = create_app({"TESTING": True}, settings_for(tmp_path, trusted_proxies=1))
    with believed.test_request_context(headers={"X-Forwarded-Proto": "https"}) as context:
        assert not context.request.is_secure  # only through the WSGI stack is it read
    assert isinstance(believed.wsgi_app, ProxyFix)
    plain = create_app({"TESTING": True}, settings_for(tmp_path))
    assert not isinstance(plain.wsgi_app, ProxyFix)


def test_without_an_account_it_refuses_to_listen_to_others(tmp_path: Path) -> None:
    environ = {**os.environ, "HOST": "0.0.0.0", "RESEARCH_DASHBOARD_INSTANCE": str(tmp_path)}
    environ["PORT"] = str(free_port())
    ended = subprocess.run(
        [sys.executable, "-m", "research_dashboard.serve"],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "flask users add" in ended.stderr


# The access table


def test_every_route_has_a_line_in_the_access_table_and_no_line_is_left_over(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints - set(ACCESS) == set(), "add it to ACCESS in access.py"
    assert set(ACCESS) - endpoints == set(), "this route is gone: take it out of access.py"


# Signing in


def test_wrong_name_wrong_password_and_disabled_look_alike(app: Flask, users: dict[str, str]) -> None:
    client = app.test_client()
    with app.app_context():
        accounts.disable_user("viewer")
    answers = set()
    for name, password in [("nobody", PASSWORD), ("admin", "wrong password"), ("viewer", PASSWORD)]:
        page = Page(client.post("/login", data={"name": name, "password": password}))
        answers.add((page.status, *page.texts("main .msg"), *page.texts("main .error")))
    assert len(answers) == 1


def test_guessing_is_slowed_down(app: Flask, users: dict[str, str]) -> None:
    client = app.test_client()
    codes = [sign_in(client, "admin", f"guess number {n}") for n in range(12)]
    assert codes[0] == 422
    assert codes[-1] == 429


def test_a_sign_in_ends_when_idle_and_when_old(client: FlaskClient, users: dict[str, str]) -> None:
    start = utcnow()
    with time_machine.travel(start, tick=False) as clock:
        assert sign_in(client, "admin") == 303
        assert client.get("/account").status_code == 200
        clock.shift(accounts.IDLE_LIFETIME + timedelta(minutes=1))
        assert client.get("/account").status_code == 303
        assert sign_in(client, "admin") == 303
        for _ in range(20):
            clock.shift(accounts.IDLE_LIFETIME - timedelta(minutes=1))
            if client.get("/account").status_code == 303:
                break
        assert utcnow() - start < 2 * accounts.ABSOLUTE_LIFETIME
        assert client.get("/account").status_code == 303


def test_signing_out_ends_the_cookie_itself(app: Flask, users: dict[str, str]) -> None:
    client, thief = app.test_client(), app.test_client()
    sign_in(client, "admin")
    cookie = client.get_cookie("session")
    assert cookie is not None
    thief.set_cookie("session", cookie.value)
    assert thief.get("/account").status_code == 200
    client.post("/logout")
    assert thief.get("/account").status_code == 303


def test_sign_out_everywhere_and_a_new_password_end_every_sign_in(app: Flask, users: dict[str, str]) -> None:
    one, two = app.test_client(), app.test_client()
    sign_in(one, "admin")
    sign_in(two, "admin")
    one.post("/logout", data={"everywhere": "yes"})
    assert two.get("/account").status_code == 303
    sign_in(two, "admin")
    with app.app_context():
        accounts.set_password("admin", "another good password")
    assert two.get("/account").status_code == 303


def test_the_session_is_another_one_after_signing_in(client: FlaskClient, users: dict[str, str]) -> None:
    client.get("/login")
    before = client.get_cookie("session")
    sign_in(client, "admin")
    after = client.get_cookie("session")
    assert after is not None
    assert before is None or before.value != after.value
    assert after.http_only
    assert after.same_site == "Lax"


def test_the_session_cookie_is_secure_wherever_it_could_be_overheard(app: Flask, users: dict[str, str]) -> None:
    answer = app.test_client().post(
        "/login", data={"name": "admin", "password": PASSWORD}, base_url="http://research.example"
    )
    assert "; Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nSet-Cookie: x", None],
)
def test_after_signing_in_one_stays_on_this_site(target: str | None) -> None:
    assert safe_target(target) == "/"


@pytest.mark.parametrize(
    "target", ["/historical-records?company=%22A%20B%22&page=2#run-3", "/a?next=https://b.example"]
)
def test_a_path_of_this_site_is_gone_on_to(target: str) -> None:
    assert safe_target(target) == target


def test_a_password_is_kept_as_scrypt(in_app: Flask, users: dict[str, str]) -> None:
    assert all(user.password_hash.startswith("scrypt:") for user in accounts.users())


# Tokens


def test_a_token_is_kept_as_its_hash_and_does_no_more_than_its_scope(in_app: Flask, users: dict[str, str]) -> None:
    secret, row = accounts.add_token("admin", "reader", "read", 1)
    assert secret not in (row.token_sha256, row.prefix)
    found = accounts.bearer(secret)
    assert found is not None
    assert found.role == Role.VIEWER
    assert accounts.bearer(users["viewer"]).role == Role.VIEWER  # type: ignore[union-attr]


def test_a_token_ends_when_it_expires_is_revoked_or_its_user_is_disabled(in_app: Flask, users: dict[str, str]) -> None:
    secret, row = accounts.add_token("admin", "short", "read", 1)
    with time_machine.travel(utcnow() + timedelta(days=1, seconds=1)):
        assert accounts.bearer(secret) is None
    assert accounts.bearer(secret) is not None
    assert accounts.revoke_token(row.id)
    assert accounts.bearer(secret) is None
    accounts.disable_user("viewer")
    assert accounts.bearer(users["viewer"]) is None


def test_a_token_writes_under_the_api_only(app: Flask, users: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {users['admin']}"}
    many = "/historical-records/bulk"
    for path in ("/account/tokens", "/account/tokens/1/revoke", "/settings", "/trash", many, "/runs/1/organise"):
        answer = app.test_client().post(path, headers=headers, data={"label": "more", "scope": "admin", "days": "9"})
        assert answer.status_code == 403, path
    assert app.test_client().get("/historical-records.csv", headers=headers).status_code == 200
    with app.app_context():
        assert len(accounts.tokens()) == len(ROLES)


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "authorization"])
def test_a_token_in_the_address_lets_nobody_in(app: Flask, users: dict[str, str], name: str) -> None:
    answer = app.test_client().get("/api/research_runs/", query_string={name: users["admin"]})
    assert answer.status_code == 401
    answer = app.test_client().get("/api/research_runs/", headers={"Authorization": f"Basic {users['admin']}"})
    assert answer.status_code == 401


def test_a_browsers_cookie_alone_writes_nothing_over_the_api(app: Flask, users: dict[str, str]) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    page = client.get("/login").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    client.post("/login", data={"name": "admin", "password": PASSWORD, "csrf_token": token[1]})
    run = {"company": "Acme", "researcher": "ann", "duration_mins": 1, "status": "Completed", "insights": 0}
    assert client.get("/account").status_code == 200
    assert client.post("/api/research_runs/", json=run).status_code == 403


# Commands


def test_the_commands_add_list_and_disable(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    assert "Added ann, admin" in run(args=["users", "add", "Ann", "--role", "admin", "--password", PASSWORD]).output
    assert "already" in run(args=["users", "add", "ann", "--password", PASSWORD]).output
    short = run(args=["users", "add", "bob", "--password", "short"])
    assert short.exit_code == 1
    assert "12 to 200" in short.output
    assert "rd_" in run(args=["users", "token", "ann", "--scope", "write"]).output
    assert "disabled" in run(args=["users", "disable", "ann"]).output
    assert "ann\tadmin\tdisabled" in run(args=["users", "list"]).output


def test_the_first_account_can_be_made_where_nothing_ran_yet(tmp_path: Path) -> None:
    run = create_app({"TESTING": True}, settings_for(tmp_path)).test_cli_runner().invoke
    added = run(args=["users", "add", "ann", "--role", "admin", "--password", PASSWORD])
    assert (added.exit_code, "Added ann, admin." in added.output) == (0, True), added.output
    assert "ann\tadmin\tactive" in run(args=["users", "list"]).output


def test_who_is_refused_can_read_why_and_what_the_api_takes(client: FlaskClient, users: dict[str, str]) -> None:
    refusal = client.get("/api/research_runs/")
    assert refusal.status_code == 401
    for path in (refusal.json["type"], "/api/problems/", "/api/openapi.json", "/api/docs"):
        assert client.get(path).status_code == 200, path


def test_a_token_that_reaches_too_short_is_told_its_scope(app: Flask, client: FlaskClient, users: object) -> None:
    with app.app_context():
        token = accounts.add_token("admin", "nightly", "read", 30)[0]
    answer = client.post("/api/research_runs/", json={}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert "the token admin (nightly) has the scope read" in answer.json["detail"]


def test_a_role_changes_at_once_and_the_commands_say_when_there_is_no_admin(app: Flask) -> None:
    run = app.test_cli_runner().invoke

    def said(*args: str) -> tuple[int, bool]:
        answer = run(args=["users", *args])
        return answer.exit_code, "There is no admin now" in answer.output and "flask users role" in answer.output

    assert said("add", "ann", "--password", PASSWORD) == (0, True)
    client = app.test_client()
    sign_in(client, "ann")
    assert client.get("/audit").status_code == 403
    assert said("role", "ANN", "admin") == (0, False)
    assert client.get("/audit").status_code == 200
    assert said("add", "bob", "--role", "admin", "--password", PASSWORD) == (0, False)
    assert said("disable", "bob") == (0, False)
    assert said("role", "ann", "viewer") == (0, True)
    assert said("role", "ann", "admin") == (0, False)
    assert said("disable", "ann") == (0, True)
    assert run(args=["users", "role", "nobody", "admin"]).exit_code == 1
    assert "user.role\tuser ann" in run(args=["audit", "list"]).output


# One's own password


def change(client: FlaskClient, current: str, new: str, again: str = "") -> Page:
    return Page(client.post("/account/password", data={"current": current, "password": new, "again": again or new}))


def test_a_new_password_of_ones_own_ends_the_other_sign_ins(app: Flask, users: dict[str, str]) -> None:
    here, there = app.test_client(), app.test_client()
    sign_in(here, "viewer")
    sign_in(there, "viewer")
    assert "That is not your password." in change(here, "wrong password", "a wholly new one").text("main")
    assert "differ" in change(here, PASSWORD, "a wholly new one", "a wholly new two").text("main")
    assert "12 to 200" in change(here, PASSWORD, "short").text("main")
    assert there.get("/account").status_code == 200
    assert change(here, PASSWORD, "a wholly new one").status == 303
    assert (here.get("/account").status_code, there.get("/account").status_code) == (200, 303)
    assert (sign_in(there, "viewer"), sign_in(there, "viewer", "a wholly new one")) == (422, 303)
    said = app.test_cli_runner().invoke(args=["audit", "list"]).output
    assert "password.refused\tuser viewer" in said
    assert 'user.password\tuser viewer\t -> {"other sign-ins ended":1}' in said
    assert "wholly" not in said


def test_guessing_the_password_of_who_is_signed_in_is_slowed_down(app: Flask, users: dict[str, str]) -> None:
    client = app.test_client()
    sign_in(client, "viewer")
    codes = [change(client, f"guess number {n}", "a wholly new one").status for n in range(12)]
    assert (codes[0], codes[-1]) == (422, 429)
    assert change(client, PASSWORD, "a wholly new one").status == 429


@pytest.mark.parametrize(
    "password",
    [
        *("aaaaaaaaaaaa", "abababababab", "passwordpassword", "Password1234", "P@ssw0rd2026!", "123456789012"),
        *("qwertyuiopas", "zyxwvutsrqponm", "letmeinletmein", "administrator1", "changeme-2026", "researcher-2026"),
        *("Researcher-researcher", "xyzxyzxyzxyzx", "098765432109"),
    ],
)
def test_a_password_that_is_tried_first_is_refused(in_app: Flask, password: str) -> None:
    with pytest.raises(accounts.AccountError, match="guessed"):
        accounts.add_user("researcher", password, "viewer")


@pytest.mark.parametrize(
    "password", [PASSWORD, "839201746528", "пароль-другой-речи", "the secret life of plants", "Tr0ub4dor&3xyz"]
)
def test_a_password_that_is_not_is_taken(in_app: Flask, password: str) -> None:
    assert accounts.add_user("researcher", password, "viewer").name == "researcher"
