"""What every page owes its reader: no accessibility violation, nothing scrolling sideways, little to load, keys."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Open = Callable[..., Page]

PATHS = (
    "/",
    "/researcher",
    "/researcher?company=app",
    "/historical-records",
    "/historical-records?run={run}",
    "/historical-records?company=zzz",
    "/runs/{run}",
    "/companies/320193",
    "/settings",
    "/help",
    "/help/how-to/research-a-company",
    "/help/reference",
    "/status",
    "/styleguide",
    "/nowhere",
)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BUDGET = 100_000  # bytes of style sheet and script on any page


@pytest.fixture(scope="module")
def run(served: str, chromium: object) -> str:
    """The number of a finished research, made as people make it."""
    page = chromium.new_page(base_url=served)  # type: ignore[attr-defined]
    page.goto("/researcher")
    page.get_by_label("Company", exact=True).fill("AAPL")
    page.get_by_role("button", name="Start research").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Summary Report", timeout=30_000)
    number = str(page.url).rsplit("/", 1)[1]
    page.close()
    return number


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_no_page_violates_wcag_22_aa_or_scrolls_sideways(open_page: Open, run: str, width: int, dark: bool) -> None:
    page, axe, wrong = open_page("/", width=width, dark=dark), Axe(), []
    for path in PATHS:
        page.goto(path.format(run=run))
        found = axe.run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]}).response["violations"]
        wrong += [f"{path}: {one['id']} at {one['nodes'][0]['target']}" for one in found]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{path}: scrolls sideways")
    assert wrong == []


def test_a_page_loads_little(open_page: Open, run: str) -> None:
    page = open_page("/")
    for path in ("/", "/researcher", f"/runs/{run}", "/historical-records"):
        sizes: list[int] = []
        page.on("response", lambda r, sizes=sizes: sizes.append(len(r.body())) if "/static/" in r.url else None)
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert sum(sizes) < BUDGET, f"{path} loads {sum(sizes):,} bytes of style sheet and script"


def test_the_main_job_by_keyboard_alone(open_page: Open, run: str) -> None:
    page = open_page("/researcher")
    page.keyboard.type("appl")
    expect(page.locator("#suggest a").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Company", exact=True)).to_have_value("AAPL")
    expect(page.locator("#suggest")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Summary Report", timeout=30_000)


def test_keys_move_through_rows_open_one_search_and_list_themselves(open_page: Open, run: str) -> None:
    page = open_page("/")
    page.keyboard.press("j")
    first = page.locator("#recent tbody tr a").first
    expect(first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#nav-q")).to_be_focused()
    page.keyboard.type("jk?")
    expect(page.locator("#nav-q")).to_have_value("jk?")
    first.focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))


def test_single_keys_can_be_turned_off(open_page: Open) -> None:
    page = open_page("/status")
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Single keys are on").uncheck()
    page.keyboard.press("Escape")
    page.locator("#main").focus()
    page.keyboard.press("/")
    expect(page.locator("#nav-q")).not_to_be_focused()


def test_the_theme_acts_at_once_and_is_kept(open_page: Open) -> None:
    page = open_page("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_text("Dark", exact=True).click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.wait_for_load_state("networkidle")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_a_run_that_ends_while_one_looks_becomes_its_report_and_asks_no_more(open_page: Open) -> None:
    page = open_page("/researcher")
    page.get_by_label("Company", exact=True).fill("ORCL")
    page.get_by_role("button", name="Start research").click()
    expect(page.locator("#messages")).to_contain_text("Research Complete", timeout=30_000)
    expect(page.locator("#run-progress")).not_to_have_attribute("hx-trigger", re.compile("."))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Summary Report")
