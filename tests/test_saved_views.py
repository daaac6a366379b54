"""Saved views: named filters with an address."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import downgrade, upgrade

from research_dashboard.extensions import db
from research_dashboard.queries.saved_views import saved_views
from research_dashboard.services import accounts
from tests.conftest import Page
from tests.test_run_filter import store

PATH = "/historical-records"
Visit = Callable[..., Page]


@pytest.fixture(autouse=True)
def some(app: Flask) -> None:
    """Two runs."""
    with app.app_context():
        store({"company": "Acme"}, {"company": "Other", "status": "Failed"})


def test_a_view_is_saved_opened_and_removed(client: FlaskClient, visit: Visit) -> None:
    query = visit(f"{PATH}?company=acme&sort=company&page=1").soup.select_one("[form=save-view][name=query]")["value"]
    saved = client.post(f"{PATH}/views", data={"name": " Acme  runs ", "query": query}, follow_redirects=True)
    assert saved.request.args.to_dict() == {"company": "acme", "sort": "company", "view": "1"}
    page = visit(PATH)
    assert page.text("[aria-label='Saved views'] .chip") == "Acme runs"
    again = {"name": "acme RUNS", "query": "company=other"}
    asked = client.post(f"{PATH}/views", data=again)
    assert "Replace the view “Acme runs”?" in asked.text
    assert "company=acme" in client.get(f"{PATH}/views/1").location
    client.post(f"{PATH}/views", data=again | {"replaces": "1"})
    assert visit(PATH).texts("[aria-label='Saved views'] .chip") == ["Acme runs"]
    shown = client.get(f"{PATH}/views/1", follow_redirects=True)
    assert "company=other" in shown.request.url
    question = client.post(f"{PATH}/views/1", data={"do": "remove", "query": "company=acme"})
    assert "Remove the view “Acme runs”?" in question.text
    assert client.get(f"{PATH}/views/1").status_code == 302
    client.post(f"{PATH}/views/1", data={"do": "remove", "sure": "1"})
    assert visit(PATH).soup.select("[aria-label='Saved views']") == []
    assert client.get(f"{PATH}/views/1").status_code == 404


def default(client: FlaskClient, query: str = "status=Failed&company=other") -> None:
    """Save a view, and open the record with it."""
    client.post(f"{PATH}/views", data={"name": "Usual", "query": query})
    client.post(f"{PATH}/views/1", data={"do": "default"})


def test_the_record_opens_with_the_default_view_until_that_is_taken_back(client: FlaskClient, visit: Visit) -> None:
    default(client)
    opened = client.get(PATH, follow_redirects=True)
    assert opened.request.args.to_dict() == {"status": "Failed", "company": "other", "view": "1"}
    assert visit(opened.request.url).text("[aria-label='Saved views'] [aria-current]") == "Usual default"
    client.post(f"{PATH}/views/1", data={"do": "no_default"})
    assert client.get(PATH).status_code == 200


def controls(page: Page) -> list[str]:
    """Where the list's own controls lead: clearing, every chip that takes something out, the dialog's way back."""
    ways = ("a:-soup-contains('Clear Filters')", "#facets a[aria-label^=Remove]", "#facets a:-soup-contains('All')")
    return [str(link["href"]) for link in page.soup.select(", ".join((*ways, "#run-dialog a[data-close]")))]


def test_every_control_of_the_list_leaves_the_default_view(client: FlaskClient, visit: Visit) -> None:
    default(client)
    left = set()
    for query in ("status=Failed", "company=other", "q=status:failed", "status=Failed&company=acme", "run=1&view=all"):
        page = visit(f"{PATH}?{query}")
        assert len(controls(page)) >= 2, query
        left |= {url for url in controls(page) if "view=all" in url}
        assert PATH not in controls(page), query
    assert left == {f"{PATH}?view=all"}
    assert len(visit(f"{PATH}?view=all").soup.select("tbody tr")) == 2


def test_emptying_the_last_box_leaves_the_default_view_with_and_without_javascript(
    client: FlaskClient, visit: Visit
) -> None:
    default(client)
    emptied = f"{PATH}?company=&status=&start=&end=&q=&sort=&per_page="
    assert len(visit(emptied).soup.select("tbody tr")) == 2
    shown = {"HX-Request": "true", "HX-Current-URL": f"http://localhost{PATH}?company=other"}
    assert client.get(emptied, headers=shown).headers["HX-Push-Url"] == f"{PATH}?view=all"


def test_who_has_no_default_view_reads_the_bare_address(client: FlaskClient, visit: Visit) -> None:
    assert PATH in controls(visit(f"{PATH}?company=other"))


def test_a_view_is_pinned_or_the_default_for_who_says_so_and_for_nobody_else(app: Flask) -> None:
    with app.app_context():
        for name, role in (("ann", "researcher"), ("bob", "viewer")):
            accounts.add_user(name, "correct horse battery", role)
    ann, bob = app.test_client(), app.test_client()
    for client, name in ((ann, "ann"), (bob, "bob")):
        client.post("/login", data={"name": name, "password": "correct horse battery"})
    ann.post(f"{PATH}/views", data={"name": "Failed", "query": "status=Failed"})
    ann.post(f"{PATH}/views", data={"name": "Acme", "query": "company=acme"})
    ann.post(f"{PATH}/views/1", data={"do": "default"})
    ann.post(f"{PATH}/views/1", data={"do": "pin"})
    assert bob.get(PATH).status_code == 200
    bob.post(f"{PATH}/views/2", data={"do": "default"})
    assert bob.get(PATH).location == f"{PATH}/views/2"
    assert ann.get(PATH).location == f"{PATH}/views/1"
    assert ['id="views"' in client.get("/").text for client in (ann, bob)] == [True, False]
    ann.post(f"{PATH}/views/1", data={"do": "remove", "sure": "1"})
    assert ann.get(PATH).status_code == 200


def test_a_default_view_of_before_is_everybodys_own_afterwards(app: Flask) -> None:
    with app.app_context():
        accounts.add_user("ann", "correct horse battery", "viewer")
        downgrade(revision="0020")
        values = "'ann', '2026-01-01 00:00:00+00:00'"
        for name, usual, pinned in (("a", True, False), ("b", False, True), ("c", False, False)):
            with db.engine.begin() as connection:
                connection.exec_driver_sql(
                    "INSERT INTO saved_views (name, query, author, created_at, is_default, pinned) "
                    f"VALUES ('{name}', 'company={name}', {values}, {usual}, {pinned})"
                )
        upgrade()
        for reader in ("", "1"):
            found = [
                (view.name, bool(view.is_default), bool(view.pinned)) for view in saved_views(db.session(), reader)
            ]
            assert found == [("a", True, False), ("b", False, True), ("c", False, False)]


def test_what_is_done_to_a_view_leads_back_to_the_filter_that_was_shown(client: FlaskClient) -> None:
    default(client)
    form = {"do": "pin", "query": "company=acme&sort=id"}
    assert client.post(f"{PATH}/views/1", data=form).location == f"{PATH}?company=acme&sort=id"
    assert client.post(f"{PATH}/views/1", data={"do": "pin", "query": "no=such"}).location == f"{PATH}?view=all"


def test_a_view_that_is_none_is_refused(visit: Visit) -> None:
    assert "“x” is not all or the number of a view" in visit(f"{PATH}?view=x", status=422).text("#runs .msg")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"name": " ", "query": ""}, "1 to 100 characters"),
        ({"name": "x", "query": "status=Bananas"}, "is not a status"),
    ],
)
def test_what_cannot_be_saved_says_why(client: FlaskClient, form: dict[str, str], says: str) -> None:
    assert says in client.post(f"{PATH}/views", data=form, follow_redirects=True).text


def test_a_refused_save_keeps_what_was_typed(client: FlaskClient) -> None:
    name, query = "x" * 101, "company=acme&sort=id"
    answer = client.post(f"{PATH}/views", data={"name": name, "query": query})
    page = BeautifulSoup(answer.text, "html.parser")
    assert answer.status_code == 422
    assert page.select_one("#view-name")["value"] == name
    assert page.select_one("main [name=query]")["value"] == query
    assert "1 to 100 characters" in page.select_one("#view-name-error").get_text()


def test_a_confirmed_replacement_is_of_that_view_and_no_other(client: FlaskClient) -> None:
    for name in ("One", "Two"):
        client.post(f"{PATH}/views", data={"name": name, "query": "company=acme"})
    asked = client.post(f"{PATH}/views", data={"name": "two", "query": "company=other", "replaces": "1"})
    assert "Replace the view “Two”?" in asked.text
    assert [client.get(f"{PATH}/views/{n}").location for n in (1, 2)] == [
        f"{PATH}?company=acme&view={n}" for n in (1, 2)
    ]


def test_an_unknown_action_is_refused(client: FlaskClient) -> None:
    assert client.post(f"{PATH}/views/1", data={"do": "x"}).status_code == 422
    answer = client.post(f"{PATH}/views/9", data={"do": "pin"}, follow_redirects=True)
    assert "There is no such view" in answer.text


def test_a_pinned_view_stands_on_the_overview_with_its_number(app: Flask, client: FlaskClient, visit: Visit) -> None:
    with app.app_context():
        store({"status": "Failed"})
    client.post(f"{PATH}/views", data={"name": "What failed", "query": "q=status%3Afailed&cols=id,company,gaps"})
    assert visit("/").soup.select("#views") == []
    client.post(f"{PATH}/views/1", data={"do": "pin"})
    page = visit("/")
    assert page.texts("#views .chip") == ["What failed 2"]
    shown = visit(client.get(page.soup.select_one("#views .chip")["href"]).location)
    assert [text.rstrip(" ↓") for text in shown.texts("thead th")] == ["ID", "Company", "Gaps"]


BAD = [
    ("(" * 1000 + "a", 1002),
    ("NOT " * 41 + "a", 161),
    ("x" * 10_000, 2001),
    ('company:"a', 9),
    ("company:'a' OR 1=1); DROP TABLE research_runs;--", 19),
    ("ſecret:x", None),
    ("duration>" + "9" * 400, 10),
    ("id:99999999999999999999", 4),
    ("date:2026-02-30", 6),
    ("date:2026-13..2026-14", 6),
    ("duration:5..", None),
    ("gaps:..", 6),
    ("status:failed AND AND x", 19),
    ("\u202estatus:x", 1),
    ("sic:abc", 5),
]


@pytest.mark.parametrize(("text", "position"), BAD)
def test_a_mistake_in_a_text_is_pointed_at_wherever_it_is_sent(
    app: Flask, client: FlaskClient, text: str, position: int | None
) -> None:
    query = urlencode({"q": text})
    answers = {
        "page": client.get(f"{PATH}?{query}"),
        "facets": client.get(f"{PATH}/facets?{query}"),
        "export": client.get(f"{PATH}.csv?{query}", buffered=True),  # an unread stream would end in another request
        "feed": client.get(f"{PATH}.atom?{query}", buffered=True),
        "api": client.get(f"/api/research_runs/?{query}"),
        "saved view": client.post(f"{PATH}/views", data={"name": "x", "query": query}),
        "bulk": client.post(f"{PATH}/bulk", data={"do": "tag", "tag": "x", "all": "1", "filter": query}),
    }
    said = app.test_cli_runner().invoke(args=["db", "export-runs", text])
    if position is None:
        assert {answer.status_code for answer in answers.values()} <= {200, 302, 303}
        assert said.exit_code == 0
        return
    for where, answer in answers.items():
        assert answer.status_code == 422, (where, answer.text[:300])
        words = f"At character {position}:" if "control characters" not in answer.text else "control characters"
        assert words in answer.text or "at most 2000" in answer.text, where
    assert said.exit_code == 1
    assert "At character" in said.output or "at most 2000" in said.output or "control characters" in said.output
