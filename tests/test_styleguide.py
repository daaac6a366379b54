"""The style guide shows every component; the macros draw what they are given."""

from collections.abc import Callable

from research_dashboard.models import Status

from .conftest import Page


def test_the_style_guide_shows_every_component_in_every_state(visit: Callable[..., Page]) -> None:
    page = visit("/styleguide")
    assert page.texts("section[aria-label=Status] .badge") == [status.value for status in Status]
    states = {str(step["data-state"]) for step in page.soup.select(".steps li")}
    assert states == {"done", "running", "slow", "failed", "waiting"}
    assert len(page.soup.select("svg.ch")) == 6
    assert page.texts("a.nr")[:2] == ["n/r", "n/m"]
    assert page.text(".pager p") == "Showing 16–30 of 1,204 of 12,345 total records"
    assert page.soup.select_one("input[aria-invalid=true] ~ .error a")
