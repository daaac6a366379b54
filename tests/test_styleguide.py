"""The style guide shows every component; the macros draw what they are given."""

from collections.abc import Callable

from research_dashboard.models import Status

from .conftest import Page


def test_the_style_guide_shows_every_component_in_every_state(visit: Callable[..., Page]) -> None:
    page = visit("/styleguide")
    assert page.texts("section[aria-label=Status] .badge") == [status.value for status in Status]
    states = {str(step["data-state"]) for step in page.soup.select(".steps li")}
    assert states == {"done", "running", "slow", "failed", "waiting"}
    assert len(page.soup.select("svg.ch:not(.timeline)")) == 6
    assert {step["class"][-1] for step in page.soup.select(".timeline .step")} == {"done", "slow", "running", "failed"}
    assert page.texts("a.nr")[:2] == ["n/r", "n/m"]
    assert page.text(".pager p") == "Showing 16–30 of 1,204 of 12,345 total records"
    assert page.soup.select_one("input[aria-invalid=true] ~ .error a")


# What the templates use and a reader of the guide must see, by its selector.
COMPONENTS = (
    "dialog[open]", ".menu[open]", ".menu:not([open])", ".bulk", ".chip[aria-current]", ".colfilter [aria-invalid]",
    "[aria-sort=ascending]", "[aria-sort=descending]", "tr[aria-current]", "tr [type=checkbox][checked]", "tr.hover",
    ".timeline .usual", ".timeline .pause", ".anchors [aria-current]", ".seg", ".news", ".curl", ".note", ".skeleton",
    "details[open]", "textarea", "[type=file]", "[type=date]", ":disabled", "[role=switch][aria-checked=false]",
    *(f".btn{kind}{state}" for kind in ("", ".primary", ".quiet", ".danger") for state in (".hover", ".focus")),
    *(f"{what}{state}" for what in ("input", ".chip", ".plain") for state in (".hover", ".focus")),
)  # fmt: skip


def test_the_style_guide_shows_what_comes_only_now_and_then(visit: Callable[..., Page]) -> None:
    page = visit("/styleguide")
    assert [selector for selector in COMPONENTS if not page.soup.select(selector)] == []
