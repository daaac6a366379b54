"""/settings: what is set there holds, and what cannot be used is refused at its field."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.extensions import reading
from research_dashboard.queries.preferences import preferences, sec_contact, system_user

from .conftest import Page

Visit = Callable[..., Page]
GOOD = {"researcher": "Ann Ode", "sec_contact": "ann@example.com", "time_zone": "Asia/Kolkata", "theme": "dark"}


def contact(of_settings: str) -> str:
    with reading() as session:
        return sec_contact(session, of_settings)


def test_before_anything_is_set_the_researcher_is_the_systems_user(visit: Visit) -> None:
    page = visit("/settings")
    assert page.soup.select_one("#researcher")["value"] == system_user()  # type: ignore[index]
    assert page.text(".foot b") == system_user()


def test_d6_what_is_set_is_kept_and_holds_everywhere(client: FlaskClient, visit: Visit) -> None:
    answer = client.post("/settings", data=GOOD)
    assert (answer.status_code, answer.location) == (303, "/settings")
    page = visit("/settings")
    assert page.text("#messages") == "The settings are saved."
    assert page.text(".foot b") == "Ann Ode"
    assert page.soup.html["data-theme"] == "dark"  # type: ignore[index]


def test_a_contact_set_here_turns_live_data_on_and_the_operators_goes_first(in_app: Flask, client: FlaskClient) -> None:
    assert contact("") == ""
    client.post("/settings", data=GOOD)
    assert contact("") == "ann@example.com"
    assert contact("ops@example.com") == "ops@example.com"
    client.post("/settings", data={**GOOD, "sec_contact": ""})
    assert contact("") == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("researcher", ""),
        ("researcher", "   "),
        ("researcher", "x" * 101),
        ("researcher", "Ann\nforged line"),
        ("researcher", "Ann\u202eevil"),
        ("sec_contact", "nobody"),
        ("sec_contact", "a@b.example\r\nX-Evil: 1"),
        ("sec_contact", f"{'x' * 200}@example.com"),
        ("time_zone", "Bananas"),
        ("time_zone", "../../etc/passwd"),
        ("theme", "pink"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field(
    in_app: Flask, client: FlaskClient, field: str, value: str
) -> None:
    page = Page(client.post("/settings", data={**GOOD, field: value}))
    assert page.status == 422
    assert page.soup.select_one(f"#{field}")["aria-invalid"] == "true"  # type: ignore[index]
    assert page.text(f"#{field}-error")
    with reading() as session:
        assert preferences(session).researcher == system_user(), "nothing was stored"


def test_markup_in_a_name_stays_text(client: FlaskClient, visit: Visit) -> None:
    client.post("/settings", data={**GOOD, "researcher": "<script>alert(1)</script>"})
    assert not visit("/").soup.select(".foot script")
