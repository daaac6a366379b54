"""The main job in a real browser: a company's name in, live progress, a report out, found again on record."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from research_dashboard.base import utcnow
from research_dashboard.client import Client
from research_dashboard.research.wording import duration

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "no JavaScript"])
def test_p22_to_p40_a_name_becomes_a_report_and_a_record(open_page: Open, javascript: bool) -> None:
    page = open_page("/researcher", javascript=javascript)
    page.get_by_label("Company", exact=True).fill("Apple" if javascript else "MSFT")
    page.get_by_role("button", name="Start research").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    company = "Apple Inc." if javascript else re.compile("microsoft", re.I)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Summary Report", timeout=15_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text(company)
    expect(page.get_by_text("All research steps completed successfully!")).to_be_visible()
    run = page.url.rsplit("/", 1)[1]
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
    page.get_by_role("link", name="Historical Records").first.click()
    expect(page.locator("#runs")).to_contain_text(run)


def tab_to(page: Page, words: str, most: int = 60) -> None:
    """Press Tab until the focus is on what says these words; it has to be seen there."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if words in (focused.inner_text() or focused.get_attribute("aria-label") or ""):
            assert focused.evaluate("one => getComputedStyle(one).outlineStyle") != "none", f"{words}: focus unseen"
            return
    raise AssertionError(f"no Tab leads to “{words}”")


def test_the_whole_job_with_nothing_but_a_keyboard(open_page: Open) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("MSFT")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/(runs/\d+|researcher\?company=MSFT)$"))
    if "researcher" in page.url:
        tab_to(page, "Start research")
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Summary Report", timeout=30_000)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    tab_to(page, "Download PDF")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".pdf")
    page.reload()
    tab_to(page, "Historical Records")
    page.keyboard.press("Enter")
    expect(page.locator("#runs tbody tr").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("dialog:modal")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog:modal")).to_have_count(0)
    expect(page.locator("#runs tbody tr").first.locator(".key a")).to_be_focused()


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


def test_the_clocks_of_a_run_go_on_without_a_question_to_the_server(open_page: Open, served: str) -> None:
    began = (utcnow() - timedelta(seconds=75)).isoformat()
    run = {"company": "Acme", "researcher": "program", "duration_mins": 0, "status": "Running", "insights": 0}
    step = {"step_name": "Fetch", "status": "Running", "start_time": began, "end_time": None}
    with Client(served) as client:
        client.log([{**run, "details": [step]}])
        number = next(client.runs(company="Acme"))["id"]
    page = open_page(f"/runs/{number}")
    clock = page.locator("[data-clock]").last
    first = clock.inner_text()
    assert re.fullmatch(r"1 min \d\d s", first)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    expect(clock).not_to_have_text(first)
    assert (bool(re.fullmatch(r"1 min \d\d s", clock.inner_text())), asked) == (True, [])
    for seconds in (0.3, 9.94, 9.96, 42, 60, 90, 600, 754, 3600, 7500, 172_000, 260_000):
        assert page.evaluate("seconds => spoken(seconds)", seconds) == duration(seconds)


def test_p24_an_empty_name_starts_nothing_and_says_so_at_the_field(open_page: Open) -> None:
    page = open_page("/researcher", javascript=False)
    page.get_by_label("Company", exact=True).evaluate("field => field.removeAttribute('required')")
    page.get_by_role("button", name="Start research").click()
    expect(page).to_have_url(re.compile(r"/researcher"))
    field = page.get_by_label("Company", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
