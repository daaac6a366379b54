"""The main job in a real browser: a company's name in, live progress, a report out, found again on record."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "no JavaScript"])
def test_p22_to_p40_a_name_becomes_a_report_and_a_record(open_page: Open, javascript: bool) -> None:
    page = open_page("/researcher", javascript=javascript)
    page.get_by_label("Company", exact=True).fill("Apple" if javascript else "MSFT")
    page.get_by_role("button", name="Start research").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    for _ in range(60):
        if javascript or page.get_by_text("Research Complete").count():
            break
        page.wait_for_timeout(250)  # a reader without JavaScript presses Refresh
        page.get_by_role("link", name="Refresh").first.click()
    company = "Apple Inc." if javascript else re.compile("microsoft", re.I)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Summary Report", timeout=15_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text(company)
    expect(page.get_by_text("All research steps completed successfully!")).to_be_visible()
    run = page.url.rsplit("/", 1)[1]
    page.get_by_role("link", name="Historical Records").first.click()
    expect(page.locator("#runs")).to_contain_text(run)


def test_the_offered_companies_never_cover_the_button_and_close_when_the_field_is_left(open_page: Open) -> None:
    page = open_page("/researcher")
    field, offered = page.get_by_label("Company", exact=True), page.locator("#suggest")
    field.press_sequentially("Apple", delay=30)
    expect(offered).to_be_visible()
    page.keyboard.press("Escape")
    expect(offered).to_be_hidden()
    expect(field).to_be_focused()
    field.press_sequentially(" I", delay=30)
    expect(offered).to_be_visible()
    page.get_by_role("heading", level=1).click()
    expect(offered).to_be_hidden()
    field.fill("micro")
    offered.locator("a").first.click()
    expect(field).to_have_value("MSFT")
    expect(offered).to_be_hidden()
    field.fill("Apple")
    expect(offered).to_be_visible()
    page.get_by_role("button", name="Start research").click(timeout=2000)
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    expect(page).to_have_title("Summary Report: Apple Inc. - Research Dashboard", timeout=15_000)


def test_the_finished_report_stops_polling(open_page: Open) -> None:
    page = open_page("/researcher")
    page.get_by_label("Company", exact=True).fill("NVDA")
    page.get_by_role("button", name="Start research").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Summary Report", timeout=15_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []


def test_p24_an_empty_name_starts_nothing_and_says_so_at_the_field(open_page: Open) -> None:
    page = open_page("/researcher", javascript=False)
    page.get_by_label("Company", exact=True).evaluate("field => field.removeAttribute('required')")
    page.get_by_role("button", name="Start research").click()
    expect(page).to_have_url(re.compile(r"/researcher"))
    field = page.get_by_label("Company", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
