"""A form that is refused says so at the field, for who sees it and for who does not, and keeps what was typed."""

import pytest
from bs4 import Tag
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.extensions import writing
from research_dashboard.models import ResearchResult, ResearchRun, Status
from research_dashboard.services import watchlists
from tests.conftest import Page
from tests.report_results import results

FORMS = [
    ("/researcher", {"company": "Nosuch of Mars"}, "#company"),
    ("/researcher", {"company": "AAPL", "peers": "x" * 401}, "#peers"),
    ("/researcher/batch", {"companies": "AAPL, Nosuch of Mars"}, "#companies"),
    ("/researcher/batch", {"companies": ""}, "#companies"),
    ("/settings", {"researcher": "ann", "time_zone": "Mars/Base", "sec_contact": "", "theme": "auto"}, "#time_zone"),
    ("/settings", {"researcher": "ann", "time_zone": "UTC", "sec_contact": "nobody", "theme": "auto"}, "#sec_contact"),
    ("/watchlist", {"name": "Mine", "companies": "AAPL, Nosuch of Mars"}, "#new-companies"),
    ("/watchlist", {"name": "", "companies": "AAPL"}, "#new-name"),
    ("/watchlist/1", {"do": "add", "companies": "AAPL, Nosuch of Mars"}, "#add-companies"),
    ("/watchlist/1", {"do": "rename", "name": "x" * 101}, "#rename"),
    ("/watchlist/1", {"do": "schedule", "every": "weekly", "weekday": "4", "hour": "25", "time_zone": "UTC"}, "#hour"),
    ("/watchlist/1", {"do": "schedule", "every": "daily", "hour": "7", "time_zone": "Mars/Base"}, "#time_zone"),
    ("/runs/1/shares", {"days": "91"}, "#share-days"),
]


@pytest.mark.parametrize(("address", "form", "field"), FORMS)
def test_a_refused_form_says_so_at_its_field_and_keeps_what_was_typed(
    bundled: Flask, client: FlaskClient, address: str, form: dict[str, str], field: str
) -> None:
    watchlists.make_list("First", "ann", [])
    with writing() as session:
        found = [ResearchResult(result_type=kind, result_data=value) for kind, value in results().items()]
        run = ResearchRun(company="Apple Inc.", researcher="ann", status=Status.COMPLETED, origin="research")
        run.results = found
        session.add(run)
    page = Page(client.post(address, data=form))
    assert page.status == 422
    control = page.soup.select_one(f"main {field}[aria-invalid=true]")
    assert control is not None
    assert all(folded.has_attr("open") for folded in control.find_parents("details"))
    said = {id: page.text(f"main #{id}") for id in control["aria-describedby"].split()}
    assert any(words for id, words in said.items() if id.endswith(("error", "checked")))
    sent = {name: _sent(kept) for name in form if (kept := control.find_parent("form").select_one(f"[name={name}]"))}
    assert sent == {name: typed for name, typed in form.items() if name in sent}
    assert control["name"] in sent


def _sent(control: Tag) -> str:
    """What the control would send as it stands."""
    if control.name == "textarea":
        return control.get_text().strip("\r\n")
    chosen = control.select_one("option[selected]") if control.name == "select" else control
    return str(chosen["value"]) if chosen else ""
