"""Nobody is shown a button that refuses them: every form on every page is one that who reads it may send."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import RequestRedirect

from research_dashboard.access import ACCESS
from research_dashboard.extensions import db
from research_dashboard.models import ResearchRun
from research_dashboard.services import accounts, organise, watchlists
from research_dashboard.services.accounts import Role
from research_dashboard.services.runs import start_research
from research_dashboard.services.uploads import upload
from research_dashboard.worker import Worker
from tests.conftest import Page
from tests.test_every_page import pages_of
from tests.test_uploads import GOOD, HEAD

PASSWORD = "correct horse battery"
ALSO = ("/historical-records?run=1", "/runs/2", "/companies/320193", "/watchlist", "/historical-records?view=all")


def posts(page: Page) -> Iterator[tuple[str, bool]]:
    """Where the page's forms post to, and whether there is a button for it, which may stand outside of its form."""
    for form in page.soup.select("form[method=post]"):
        own = form.select("button, input[type=submit]")
        own += page.soup.select(f"button[form='{form['id']}']") if form.has_attr("id") else []
        yield str(form["action"]), any(not button.has_attr("formaction") for button in own)
        yield from ((str(button["formaction"]), True) for button in own if button.has_attr("formaction"))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESEARCHER, Role.ADMIN])
def test_every_form_that_is_shown_may_be_sent(app: Flask, loaded: Path, role: Role) -> None:
    with app.app_context():
        accounts.add_user("ann", PASSWORD, role)
        run_id = start_research("AAPL", "ann").run_id
        Worker(app).work()
        start_research("MSFT", "ann")
        organise.write_note(run_id, "a note", "ann")
        upload((HEAD + GOOD).encode(), "own.csv")
        watchlists.make_list("Mine", "ann", [db.session.get_one(ResearchRun, run_id).company_id or 0])
    client, wrong, seen = app.test_client(), list[tuple[str, str]](), set[str]()
    assert client.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 303
    routes = app.url_map.bind("localhost")
    for path in (*pages_of(app), *ALSO):
        with client.get(path) as answer:
            if answer.mimetype != "text/html" or answer.status_code != 200:
                continue
            for action, has_button in posts(Page(answer)):
                try:
                    endpoint, _ = routes.match(action.partition("?")[0], method="POST")
                except RequestRedirect:
                    continue
                seen.add(endpoint)
                needed = ACCESS[endpoint][1]
                if needed is not None and needed.rank > role.rank and has_button:
                    wrong.append((path, endpoint))
    assert sorted(set(wrong)) == []
    assert ("pages.run_organise" in seen, "pages.settings" in seen) == (role != Role.VIEWER, True)
    assert ("pages.researcher" in seen) == (role != Role.VIEWER), "also of an own company, on its page"


def test_what_one_may_not_change_cannot_be_typed_into(app: Flask) -> None:
    with app.app_context():
        for role in Role:
            accounts.add_user(role, PASSWORD, role)
    for role in Role:
        client = app.test_client()
        client.post("/login", data={"name": role, "password": PASSWORD})
        page = Page(client.get("/settings"))
        fields = page.soup.select("main form :is(input, select):not([type=hidden])")
        assert len(fields) == 4
        assert {"disabled" in field.attrs for field in fields} == {role != Role.ADMIN}
        asked = Page(client.get("/researcher")).soup.select_one("#company")
        assert (asked is None) == (role == Role.VIEWER)
