"""Every route, asked by everyone there is, against the access table: by session, by token, by what is none any more."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from research_dashboard.access import ACCESS, SAFE
from research_dashboard.base import utcnow
from research_dashboard.extensions import reading
from research_dashboard.pages import shares
from research_dashboard.services import accounts, watchlists
from research_dashboard.tables.accounts import Role, SignIn
from tests.factories import make_research

PASSWORD = "correct horse battery"
ROLES = list(Role)
# What speaks as whom: a session and a token of each role, tokens that may less than their user, and what opens nothing.
CALLERS: dict[str, Role | None] = {
    "anonymous": None,
    **{str(role): role for role in ROLES},
    **{f"{role}'s token": role for role in ROLES},
    "admin's read token": Role.VIEWER,
    "admin's write token": Role.RESEARCHER,
    "other's token": Role.RESEARCHER,
    "expired token": None,
    "revoked token": None,
    "disabled user's token": None,
    "forged token": None,
    "link's token": None,
    "sign-in's token": None,
}


@dataclass(frozen=True)
class House:
    """An application with a user a role, one more, and every kind of token."""

    app: Flask
    tokens: dict[str, str]

    def client(self, caller: str) -> FlaskClient:
        """A browser that the caller has signed in with; a plain one for a token."""
        client = self.app.test_client()
        if caller in ROLES:
            answer = client.post("/login", data={"name": caller, "password": PASSWORD})
            assert answer.status_code == 303
        return client

    def headers(self, caller: str) -> dict[str, str]:
        """What the caller sends along."""
        return {"Authorization": f"Bearer {self.tokens[caller]}"} if caller in self.tokens else {}


@pytest.fixture
def house(app: Flask) -> House:
    tokens: dict[str, str] = {"forged token": "rd_forged"}
    with app.app_context():
        run_id = make_research("Completed", done=5)
        for role in (*ROLES, "other", "gone"):
            accounts.add_user(role, PASSWORD, role if role in ROLES else "researcher")
        for role in ROLES:
            tokens[f"{role}'s token"] = accounts.add_token(role, "all", "admin", 30)[0]
        for scope in ("read", "write"):
            tokens[f"admin's {scope} token"] = accounts.add_token("admin", scope, scope, 30)[0]
        tokens["other's token"] = accounts.add_token("other", "all", "admin", 30)[0]
        with time_machine.travel(utcnow() - timedelta(days=2)):
            tokens["expired token"] = accounts.add_token("admin", "old", "admin", 1)[0]
        tokens["revoked token"], row = accounts.add_token("admin", "revoked", "admin", 30)
        accounts.revoke_token(row.id)
        tokens["disabled user's token"] = accounts.add_token("gone", "all", "admin", 30)[0]
        accounts.disable_user("gone")
        tokens["link's token"] = shares.signed(accounts.share(run_id, 7, accounts.Actor("admin", Role.ADMIN)))
        tokens["sign-in's token"] = accounts.sign_in("admin", PASSWORD, "127.0.0.1", "Tester") or ""
    return House(app, tokens)


def requests_of(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, path) for every route, its variables filled in with a number."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", re.sub("<id:(token|link)_id>", "99", rule.rule))  # 1 would end a caller's own
        found += [(rule.endpoint, method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return [request for request in found if request[0] not in ("pages.logout", "pages.login")]  # for everyone


def allowed(caller: str, endpoint: str, method: str, path: str) -> bool:
    """What the table says, and what holds beside it of sessions and tokens."""
    needed, role = ACCESS[endpoint][method not in SAFE], CALLERS[caller]
    if needed is None:
        return True
    if role is None or role.rank < needed.rank:
        return False
    program = caller not in ROLES
    # A token writes under /api only, and there a browser's cookie alone (here without its CSRF token) never does.
    return method in SAFE or program == path.startswith("/api/")


def refused(answer: TestResponse) -> bool:
    return answer.status_code in (401, 403) or (answer.status_code == 303 and "/login" in answer.location)


def ask(house: House, caller: str, told: Callable[[str, str, bool], None]) -> None:
    """Ask every route as the caller; `told` hears path, method, and whether it was let through."""
    client, headers, wrong = house.client(caller), house.headers(caller), []
    for endpoint, method, path in requests_of(house.app):
        json = {} if path.startswith("/api") else None
        with client.open(path, method=method, json=json, headers=headers) as answer:
            through = not refused(answer)
            told(path, method, through)
            if through != allowed(caller, endpoint, method, path):
                wrong.append((method, path, answer.status_code))
            assert answer.status_code < 500 or path == "/readyz", (method, path)
    assert wrong == [], caller


@pytest.mark.parametrize("caller", CALLERS)
def test_every_route_answers_each_caller_as_the_table_says(house: House, caller: str) -> None:
    ask(house, caller, lambda *_: None)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_the_whole_table_is_printed(house: House) -> None:
    answers: dict[tuple[str, str], str] = {}

    def told(path: str, method: str, through: bool) -> None:
        answers[path, method] = answers.get((path, method), "") + ("x" if through else ".")

    for caller in CALLERS:
        ask(house, caller, told)
    print(f"\nEvery route × every caller against the access table ({', '.join(CALLERS)}): x let through, . refused")
    for (path, method), row in answers.items():
        print(f"{row}  {method:6} {path}")
    print(f"{len(answers)} routes and methods × {len(CALLERS)} callers = {len(answers) * len(CALLERS):,}: 0 differ")


def test_who_researches_is_the_user_and_who_logged_it_the_token(house: House, bundled: Flask) -> None:
    headers, api = house.headers("researcher's token"), house.app.test_client()
    house.client("admin").post("/researcher", data={"company": "AAPL", "researcher": "mallory"})
    assert api.post("/api/research", json={"company": "MSFT"}, headers=headers).status_code == 202
    forged = api.post("/api/research", json={"company": "KO", "researcher": "mallory"}, headers=headers)
    assert (forged.status_code, "researcher" in forged.text) == (422, True)
    run = {"company": "X", "researcher": "as sent", "duration_mins": 1, "status": "Completed", "insights": 0}
    assert api.post("/api/research_runs/", json=run, headers=headers).status_code == 201
    assert api.post("/api/research_runs/", json=run | {"created_by": "mallory"}, headers=headers).status_code == 422
    logged, by_token, by_page, *_ = api.get("/api/research_runs/", headers=headers).get_json()
    assert (logged["researcher"], logged["created_by"]) == ("as sent", "researcher (all)")
    assert (by_token["researcher"], by_token["created_by"]) == ("researcher", "researcher (all)")
    assert (by_page["researcher"], by_page["created_by"]) == ("admin", "admin")


# What is somebody's own


def test_nobody_reads_or_revokes_anothers_tokens(house: House) -> None:
    with house.app.app_context():
        kept = accounts.digest(house.tokens["researcher's token"])
        (token_id,) = [row.id for row in accounts.tokens() if row.token_sha256 == kept]
    for caller in ("viewer", "admin", "other's token", "admin's token"):
        client, headers = house.client(caller), house.headers(caller)
        answer = client.post(f"/account/tokens/{token_id}/revoke", headers=headers)
        assert answer.status_code == (404 if caller in ROLES else 403), caller
        assert house.tokens["researcher's token"][:9] not in client.get("/account", headers=headers).text
    with house.app.app_context():
        assert accounts.bearer(house.tokens["researcher's token"]) is not None


def test_a_list_is_renamed_and_removed_by_who_made_it_or_an_admin(house: House) -> None:
    with house.app.app_context():
        lists = [watchlists.make_list(name, "other") for name in ("theirs", "theirs too")]
    other = house.app.test_client()
    other.post("/login", data={"name": "other", "password": PASSWORD})
    for list_id, owner in zip(lists, (house.client("admin"), other), strict=True):
        for form in ({"do": "rename", "name": f"another {list_id}"}, {"do": "remove"}):
            refused = house.client("researcher").post(f"/watchlist/{list_id}", data=form)
            assert (refused.status_code, "other’s list" in refused.text) == (403, True)
            assert owner.post(f"/watchlist/{list_id}", data=form).status_code == 303


def test_a_view_is_replaced_and_removed_by_who_made_it_or_an_admin(house: House) -> None:
    other, views = house.app.test_client(), "/historical-records/views"
    other.post("/login", data={"name": "other", "password": PASSWORD})
    for owner in (house.client("admin"), other):
        made = other.post(views, data={"name": "theirs", "query": "company=a"}).location
        for caller in ("viewer", "researcher"):
            client = house.client(caller)
            refused = client.post(made, data={"do": "remove"})
            assert (refused.status_code, "other made the view" in refused.text) == (403, True)
            assert 'value="remove"' not in client.get("/historical-records").text
        replaced = house.client("researcher").post(views, data={"name": "Theirs", "query": "company=b"})
        assert (replaced.status_code, "which other made" in replaced.text) == (403, True)
        assert "company=a" in other.get(made).location
        assert 'value="remove"' in owner.get("/historical-records").text
        assert (
            owner.post(
                views, data={"name": "theirs", "query": "company=c", "replaces": made.rpartition("/")[2]}
            ).location
            == made
        )
        assert owner.post(made, data={"do": "remove", "sure": "1"}).status_code == 303
        assert other.get(made).status_code == 404


def test_signing_out_everywhere_ends_nobody_elses_sign_in(house: House) -> None:
    mine, other = house.client("viewer"), house.client("researcher")
    other.post("/logout", data={"everywhere": "yes"})
    assert mine.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    with house.app.app_context(), reading() as session:
        assert session.query(SignIn).count() == 2  # the viewer's, and the one that the fixture made
