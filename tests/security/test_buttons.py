"""Nobody is shown a button that refuses them: every form on every page is one that who reads it may send."""

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
from research_dashboard.worker import Worker
from tests.conftest import Page
from tests.test_every_page import pages_of

PASSWORD = "correct horse battery"
ALSO = ("/historical-records?run=1", "/runs/2", "/companies/320193", "/watchlist", "/historical-records?view=all")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESEARCHER, Role.ADMIN])
def test_every_form_that_is_shown_may_be_sent(app: Flask, loaded: Path, role: Role) -> None:
    with app.app_context():
        accounts.add_user("ann", PASSWORD, role)
        run_id = start_research("AAPL", "ann").run_id
        Worker(app).work()
        start_research("MSFT", "ann")
        organise.write_note(run_id, "a note", "ann")
        watchlists.make_list("Mine", "ann", [db.session.get_one(ResearchRun, run_id).company_id or 0])
    client, wrong, seen = app.test_client(), list[tuple[str, str]](), set[str]()
    assert client.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 303
    routes = app.url_map.bind("localhost")
    for path in (*pages_of(app), *ALSO):
        with client.get(path) as answer:
            if answer.mimetype != "text/html" or answer.status_code != 200:
                continue
            for form in Page(answer).soup.select("form[method=post]"):
                action = str(form["action"]).partition("?")[0]
                try:
                    endpoint, _ = routes.match(action, method="POST")
                except RequestRedirect:
                    continue
                seen.add(endpoint)
                needed = ACCESS[endpoint][1]
                if needed is not None and needed.rank > role.rank and form.select("button, input[type=submit]"):
                    wrong.append((path, endpoint))
    assert sorted(set(wrong)) == []
    assert ("pages.run_organise" in seen, "pages.settings" in seen) == (role != Role.VIEWER, True)
