"""What every page owes its reader: no accessibility violation, nothing scrolling sideways, little to load, keys."""

import re
from collections.abc import Callable
from itertools import pairwise, product

import html5lib
import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ACCOUNT_PASSWORD
from tests.browser.every_page import ACTS, addresses, fill, log

pytestmark = pytest.mark.browser
Open = Callable[..., Page]

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BUDGET = 100_000  # bytes of style sheet and script on any page


@pytest.fixture(scope="module")
def runs(served: str, chromium: Browser) -> dict[str, str]:
    """The numbers of a run of each kind, made as people and programs make them."""
    page = chromium.new_page(base_url=served)
    found = fill(page, served)
    page.close()
    return found


@pytest.fixture
def run(runs: dict[str, str]) -> str:
    """The number of a finished research."""
    return runs["run"]


WIDTHS, THEMES = (1280, 360), ("light", "dark")
OFF_THE_PAGE = "[...document.querySelectorAll('.menu[open] > *')].some(e => e.getBoundingClientRect().left < 0)"


def violations(page: Page, name: str, themes: tuple[str, ...] = THEMES) -> list[str]:
    """What is wrong with the page that stands there, at both widths: by axe-core's WCAG 2.2 AA rules, by its width."""
    wrong = []
    for theme, width in product(themes, WIDTHS):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        answer = Axe().run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]}).response
        wrong += [
            f"{name}, {width} {theme}: {one['id']} at {[node['target'][0] for node in one['nodes']][:4]}"
            for one in answer["violations"]
        ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{name}, {width} {theme}: scrolls sideways")
        if page.evaluate(OFF_THE_PAGE):
            wrong.append(f"{name}, {width} {theme}: an open menu begins left of the page")
    return wrong


SHARES = range(4)  # of the pages, so that several processes can look at them and none takes long


@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("theme", THEMES)
def test_no_page_violates_wcag_22_aa_or_scrolls_sideways(
    open_page: Open, runs: dict[str, str], theme: str, share: int
) -> None:
    page, wrong = open_page("/"), []
    paths = list(addresses(runs).items())
    assert len(paths) > 30
    for name, path in paths[share :: len(SHARES)]:
        page.goto(path)
        wrong += violations(page, f"{name} {path}", (theme,))
    for name, act in list(ACTS.items())[share :: len(SHARES)]:
        act(page, runs)
        wrong += violations(page, name, (theme,))
    assert not wrong, "\n".join(wrong)


def test_nor_does_a_page_of_accounts(open_page: Open, guarded: str) -> None:
    page = open_page("/", at=guarded)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    wrong = violations(page, "login")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("wrong, and long enough")
    page.get_by_role("button", name="Sign in").click()
    wrong += violations(page, "login refused")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(ACCOUNT_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto("/account")
    page.locator("#label").fill("nightly job")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("code.secret")).to_be_visible()
    wrong += violations(page, "account")
    assert not wrong, "\n".join(wrong)


def test_names_of_one_long_word_widen_no_page(open_page: Open, served: str) -> None:
    run = log(served, company="W" * 190, researcher="m" * 90, status="Completed")
    page, wide = open_page("/"), []
    paths = ("/", "/researcher", "/historical-records?facets=1", f"/historical-records?run={run}", f"/runs/{run}")
    for width, path in product(WIDTHS, paths):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path)
        expect(page.get_by_text("W" * 190).first).to_be_visible()
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append((width, path))
    assert not wide


def test_every_page_is_valid_html(open_page: Open, runs: dict[str, str]) -> None:
    page, wrong = open_page("/"), []
    for name, path in addresses(runs).items():
        answer = page.request.get(path)
        assert answer.headers["content-type"].startswith("text/html"), path
        parser = html5lib.HTMLParser()
        parser.parse(answer.text())
        wrong += [f"{name}: {place} {code}" for place, code, _ in parser.errors]
    assert not wrong, "\n".join(wrong)


def test_what_explains_a_figure_comes_to_stand_clear_of_the_bar(open_page: Open, run: str) -> None:
    page = open_page(f"/runs/{run}")
    page.locator("#figures").get_by_role("link", name="Return on equity").click()
    summary = page.locator("#how details[open] summary")
    expect(summary).to_contain_text("Return on equity")
    bar = page.locator(".anchors").bounding_box()
    there = summary.bounding_box()
    assert bar
    assert there
    assert bar["y"] + bar["height"] <= there["y"] < 300


def test_a_printed_report_strands_no_heading_and_prints_no_list_of_closed_parts(open_page: Open, run: str) -> None:
    page = open_page(f"/runs/{run}")
    titles = {title.strip() for title in page.locator("main h2").all_inner_texts()}
    printed = pypdfium2.PdfDocument(page.pdf(format="A4", prefer_css_page_size=True))
    words = [printed[number].get_textpage().get_text_range() for number in range(len(printed))]
    assert len(words) <= 9
    assert "Key figures" in words[0]
    assert "Weighted shares, diluted" in " ".join(words), "the further figures, closed on the screen"
    assert not [number for number, text in enumerate(words, 1) if text.strip().splitlines()[-1].strip() in titles]
    assert not [text for text in words if "How each figure was made" in text or "Notes and tags" in text]


def test_printed_records_show_the_rows_and_the_filter_that_is_set_and_nothing_to_fill_in(
    open_page: Open, run: str
) -> None:
    page = open_page("/historical-records?company=a")
    page.emulate_media(media="print")
    expect(page.get_by_label("Filter by Company:")).to_be_visible()
    for gone in ("#f-status", "#f-start", "#f-q", "#facets", "#runs .colfilter", "#runs .pick"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.get_by_text("Rows a page")).to_be_hidden()
    expect(page.locator("#runs tbody tr").first).to_be_visible()


def test_on_a_phone_each_key_figure_keeps_its_change_and_its_trend(open_page: Open, run: str) -> None:
    page = open_page(f"/runs/{run}", width=360)
    row = page.locator("#figures .matrix").first.locator("tbody tr:not(.part)").first
    boxes = [row.locator(part).bounding_box() for part in ("th", ".change", ".trend .spark")]
    for before, after in pairwise(boxes):
        assert before
        assert after
        assert before["x"] + before["width"] <= after["x"] + 1
    assert boxes[-1]
    assert boxes[-1]["x"] + boxes[-1]["width"] <= 360


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
    page.keyboard.press("Escape")
    expect(page.locator("#nav-q")).not_to_be_focused()
    page.keyboard.press("j")
    expect(first).to_be_focused()
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
