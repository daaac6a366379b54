"""Historical Records in a real browser: filter while typing, sort, back, dialog; and all of it without JavaScript."""

import json
import re
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
PATH = "/historical-records"


@pytest.fixture(scope="module")
def logged(served: str) -> str:
    """Forty runs that a program logged, twenty of them of one company."""
    for n in range(40):
        run = {
            "company": f"Zebra {n:02}" if n % 2 else "Quagga Ltd.",
            "researcher": f"program-{n % 4}",
            "duration_mins": n / 10,
            "status": "Failed" if n % 5 == 0 else "Completed",
            "insights": n,
        }
        request = urllib.request.Request(
            f"{served}/api/research_runs/", json.dumps(run).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 201
    return served


def test_p48_filters_act_while_typing_and_the_focus_and_what_was_typed_stay(open_page: Open, logged: str) -> None:
    page = open_page(PATH)
    page.get_by_label("Filter by Company:").press_sequentially("quagga", delay=40)
    expect(page.locator("#runs .pager p")).to_contain_text("1–15 of 20 of ")
    expect(page).to_have_url(re.compile(r"\?company=quagga$"))
    expect(page.locator("#announcement")).to_contain_text("20 of ")
    box = page.get_by_label("Filter column Researcher")
    box.press_sequentially("program-2", delay=120)
    expect(page.locator("#runs .pager p")).to_contain_text("1–10 of 10 of ")
    expect(box).to_be_focused()
    expect(box).to_have_value("program-2")
    page.locator("#sort-duration").click()
    expect(page.locator("tbody .num").first).to_have_text("12 s")
    page.go_back()
    page.go_back()
    expect(page.get_by_label("Filter by Company:")).to_have_value("quagga")
    expect(page.locator("#runs .pager p")).to_contain_text("1–15 of 20 of ")


def test_back_twice_shows_the_last_address_though_its_answer_comes_first(open_page: Open, logged: str) -> None:
    page = open_page(f"{PATH}?company=quagga")
    page.locator("#sort-duration").click()
    expect(page).to_have_url(re.compile("sort=duration"))
    sorted_by_duration = page.locator("th[aria-sort]:has(#sort-duration)")
    expect(sorted_by_duration).to_have_count(1)
    page.get_by_label("Filter column Researcher").fill("program-2")
    expect(page.locator("#runs .pager p")).to_contain_text("1–10 of 10 of ")
    late: list[Route] = []
    page.route(re.compile(r"sort=duration"), lambda route: late.append(route))  # noqa: PLW0108 - Playwright marks what it is given
    page.evaluate("history.back()")
    while not late:
        page.wait_for_timeout(20)
    page.go_back()
    expect(page.locator("#runs .pager p")).to_contain_text("1–15 of 20 of ")
    late[0].continue_()
    page.wait_for_timeout(500)
    expect(page).to_have_url(re.compile(r"\?company=quagga$"))
    expect(page.get_by_label("Filter column Researcher")).to_have_value("")
    expect(sorted_by_duration).to_have_count(0)


def test_p64_the_details_open_as_a_modal_and_close_where_they_were_opened(open_page: Open, logged: str) -> None:
    page = open_page(f"{PATH}?company=quagga")
    link = page.locator("tbody .key a").first
    link.click()
    expect(page.locator("dialog:modal h2")).to_contain_text("Quagga Ltd.")
    expect(page).to_have_url(re.compile(r"run=\d+$"))
    page.keyboard.press("Escape")
    expect(page.locator("dialog:modal")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?company=quagga$"))
    expect(link).to_be_focused()
    link.click()
    expect(page.locator("dialog:modal h2")).to_be_visible()
    page.go_back()
    expect(page.locator("dialog:modal")).to_have_count(0)
    expect(page.locator("#runs .pager p")).to_contain_text("1–15 of 20 of ")


def test_p58_anywhere_on_a_row_opens_its_details(open_page: Open, logged: str) -> None:
    page = open_page(f"{PATH}?company=quagga")
    row = page.locator("tbody tr").nth(1)
    row.locator("td").nth(4).click()
    expect(page.locator("dialog:modal h2")).to_contain_text("Quagga Ltd.")
    page.keyboard.press("Escape")
    expect(row.locator(".key a")).to_be_focused()
    row.get_by_role("checkbox").click()
    page.wait_for_timeout(300)
    expect(page.locator("dialog:modal")).to_have_count(0)
    expect(row.get_by_role("checkbox")).to_be_checked()


@pytest.mark.parametrize("answer", [500, None], ids=["error", "no answer"])
def test_p71_what_the_details_fail_with_is_said_in_the_dialog(open_page: Open, logged: str, answer: int | None) -> None:
    page = open_page(f"{PATH}?company=quagga")
    page.route(
        re.compile(r"run=\d+"),
        lambda route: (
            route.fulfill(status=answer, body="<div class='msg bad'>Broken.</div>") if answer else route.abort()
        ),
    )
    page.locator("tbody .key a").first.click()
    expect(page.locator("dialog:modal .msg.bad")).to_contain_text("Broken." if answer else "did not answer")
    expect(page.locator("#messages .msg")).to_have_count(0)
    page.locator("dialog:modal").get_by_role("button", name="Close").click()
    expect(page.locator("dialog:modal")).to_have_count(0)
    page.unroute_all()
    page.locator("tbody .key a").first.click()
    expect(page.locator("dialog:modal h2")).to_contain_text("Quagga Ltd.")


def test_the_same_without_javascript(open_page: Open, logged: str) -> None:
    page = open_page(PATH, javascript=False)
    page.get_by_label("Filter by Company:").fill("quagga")
    page.get_by_label("Filter by Status:").select_option("Failed")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#runs .pager p")).to_contain_text("1–4 of 4 of ")
    page.locator("#sort-insights").click()
    expect(page.locator("tbody tr").first).to_contain_text("program-0")
    page.locator("tbody .key a").first.click()
    expect(page.locator("dialog[open] h2")).to_contain_text("Quagga Ltd.")
    page.get_by_role("link", name="Close").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.get_by_role("link", name="Clear Filters").click()
    expect(page.get_by_label("Filter by Company:")).to_have_value("")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename.endswith(".csv")


def test_a_filter_text_acts_while_typing_and_its_mistake_is_pointed_at(open_page: Open, logged: str) -> None:
    page = open_page(PATH)
    text = page.get_by_label("Filter text:")
    text.press_sequentially('company:"quagga ltd." AND (findings>30 OR status:failed)', delay=5)
    expect(page.locator("#runs .pager p")).to_contain_text("1–8 of 8 of ")
    expect(page.locator("#announcement")).to_contain_text("8 of ")
    expect(text).to_be_focused()
    text.fill("company:quagga AND (")
    expect(page.locator("#runs .msg")).to_contain_text("At character 21: A “)” is missing")
    expect(text).to_be_focused()
    expect(text).to_have_value("company:quagga AND (")


def test_a_facet_adds_to_the_filter_and_its_chip_takes_it_out_again(open_page: Open, logged: str) -> None:
    page = open_page(f"{PATH}?company=quagga")
    page.locator("#facets-switch").click()
    page.locator("#facets").get_by_role("link", name=re.compile("^program-2")).click()
    expect(page.locator("#runs .pager p")).to_contain_text("1–10 of 10 of ")
    expect(page).to_have_url(re.compile("q=.*researcher"))
    page.locator("#facets").get_by_role("link", name=re.compile("^Remove .*program-2")).click()
    expect(page.locator("#runs .pager p")).to_contain_text("1–15 of 20 of ")
    page.go_back()
    expect(page.locator("#runs .pager p")).to_contain_text("1–10 of 10 of ")


def test_a_filter_is_saved_as_a_view_that_opens_again_and_can_be_removed(open_page: Open, logged: str) -> None:
    page = open_page(f"{PATH}?company=quagga&sort=duration&status=Failed")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("Failed quaggas")
    page.get_by_role("button", name="Save view").click()
    page.goto(PATH)
    page.get_by_role("navigation", name="Saved views").get_by_role("link", name="Failed quaggas").click()
    expect(page.locator("#runs .pager p")).to_contain_text("1–4 of 4 of ")
    expect(page.get_by_label("Filter by Company:")).to_have_value("quagga")
    page.get_by_text("Save this view").click()
    page.get_by_role("button", name="Remove Failed quaggas").click()
    page.get_by_role("button", name="Remove the view").click()
    expect(page.get_by_role("navigation", name="Saved views")).to_have_count(0)


def test_the_next_run_of_the_dialog_keeps_the_filter_and_the_chosen_columns(open_page: Open, logged: str) -> None:
    page = open_page(f"{PATH}?company=quagga")
    page.locator("#columns-menu summary").click()
    page.locator("#column-researcher").click()
    expect(page.get_by_role("columnheader", name="Researcher")).to_have_count(0)
    page.locator("tbody .key a").first.click()
    first = page.locator("dialog:modal h2").inner_text()
    page.locator("dialog:modal").get_by_role("link", name="Next run").click()
    expect(page.locator("dialog:modal h2")).not_to_have_text(first)
    expect(page.locator("dialog:modal h2")).to_contain_text("Quagga Ltd.")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"company=quagga.*cols="))


def test_a_default_view_is_left_by_emptying_its_box_and_back_leads_to_it_again(open_page: Open, logged: str) -> None:
    page = open_page(f"{PATH}?company=quagga&status=Failed")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("Usual quaggas")
    page.get_by_role("button", name="Save view").click()
    page.get_by_text("Save this view").click()
    page.get_by_role("button", name="Open with it Usual quaggas").click()
    shown = page.locator("#runs .pager p")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Historical Records").click()
    expect(page).to_have_url(re.compile(r"view=\d+"))
    expect(shown).to_contain_text("1–4 of 4 of ")
    page.get_by_label("Filter by Status:").select_option("All")
    expect(shown).to_contain_text("1–15 of 20 of ")
    page.get_by_label("Filter by Company:").fill("")
    expect(page).to_have_url(re.compile(r"\?view=all$"))
    page.reload()
    expect(page.get_by_label("Filter by Company:")).to_have_value("")
    page.go_back()
    page.go_back()
    expect(shown).to_contain_text("1–4 of 4 of ")
    page.locator("#facets").get_by_role("link", name=re.compile("^All")).click()
    page.locator("#facets").get_by_role("link", name="Remove company: quagga").click()
    expect(page).to_have_url(re.compile(r"\?view=all$"))
    page.get_by_text("Save this view").click()
    page.get_by_role("button", name="Remove Usual quaggas").click()
    page.get_by_role("button", name="Remove the view").click()
    expect(page.get_by_role("navigation", name="Saved views")).to_have_count(0)
