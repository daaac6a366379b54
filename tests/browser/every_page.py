"""Every page there is, by its address, in the states worth a look: for the browser tests, benchmarks and pictures.

The list comes from the URL map, so a page that is new today is looked at today; STATES adds what only a query, a kind
of run or a slip brings. `fill` makes the record that they show, by the same forms and requests that people use.
"""

import json
import re
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect
from werkzeug.routing import BuildError

from research_dashboard import create_app
from research_dashboard.settings import Settings

# Addresses that answer with something that is no page, or that lead on to another page.
NOT_PAGES = {"api.openapi", "pages.slash", "pages.view"}
VALUES = {"cik": 320193, "fact_id": 1, "name": "reference", "run_id": 1, "problem": "not-found", "slug": "not-found"}
STATES = {
    "researcher-typed": "/researcher?company=app",
    "researcher-peers": "/researcher?company=AAPL&peers=choose",
    "run-again": "/runs/{again}",
    "compared": "/compare?run={run}&run={bank}",
    "details": "/historical-records?run={run}",
    "no-match": "/historical-records?company=zzz",
    "bad-filter": "/historical-records?q=(",
    "help-how-to": "/help/how-to/research-a-company",
    "report-bank": "/runs/{bank}",
    "report-loss": "/runs/{loss}",
    "run-logged": "/runs/{logged}",
    "run-failed": "/runs/{failed}",
    "run-running": "/runs/{running}",
    "company-known": "/companies/1318605",
    "not-found": "/nowhere",
    "no-such-run": "/runs/99999999",
}
BROKEN_CSV = "company_name,concept,period_start,period_end,value,unit\nOurs Ltd.,revenue,,soon,much,USD\n"


def addresses(runs: dict[str, str]) -> dict[str, str]:
    """Name and address of every page; `runs` are the numbers that `fill` found, and the token of a shared link."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder), f"sqlite:///{folder}/research.db", "pages")
        app = create_app({"TESTING": True}, settings)
    urls, found = app.url_map.bind("localhost"), {}
    values = VALUES | {"run_id": int(runs["run"]), "token": runs["token"], "fact_id": runs["fact"]}
    for rule in app.url_map.iter_rules():
        page = rule.endpoint.startswith(("pages.", "api.docs", "api.problem")) and "GET" in (rule.methods or ())
        if not page or rule.endpoint in NOT_PAGES or re.search(r"\.\w+$|<kind>|<extension>|z$|/metrics", rule.rule):
            continue
        try:
            path = urls.build(rule.endpoint, {part: values.get(part, 1) for part in rule.arguments})
        except BuildError as error:
            raise AssertionError(f"give {rule.rule} sample values in VALUES") from error
        found[rule.endpoint.split(".")[1].replace("_", "-")] = path
    return found | {name: path.format(**runs) for name, path in STATES.items()}


def research(page: Page, company: str) -> str:
    """Start a research by hand and wait for its report; the run's number."""
    page.goto("/researcher")
    page.get_by_label("Company", exact=True).fill(company)
    page.get_by_role("button", name="Start research").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Summary Report", timeout=30_000)
    return page.url.rsplit("/", 1)[1]


def log(address: str, **values: Any) -> str:
    """Log a run as a program does; its number."""
    run = {"company": "Zebra Ltd.", "researcher": "nightly", "duration_mins": 2.5, "insights": 4} | values
    request = urllib.request.Request(
        f"{address}/api/research_runs/", json.dumps(run).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["id"])


def fill(page: Page, address: str) -> dict[str, str]:
    """A record with a run of each kind, notes, tags, a shared link, a saved view, an own company and some trash."""
    runs = {"run": research(page, "AAPL"), "bank": research(page, "JPM"), "loss": research(page, "BA")}
    runs["again"] = research(page, "AAPL")
    runs |= {status: log(address, status=status.title()) for status in ("running", "failed")}
    runs["logged"] = log(address, status="Completed")
    page.goto(f"/runs/{runs['run']}")
    page.locator("summary.btn", has_text="Share").click()
    page.get_by_role("button", name="Make link").click()
    runs["token"] = re.findall(r"/shared/([\w.-]+)", page.locator("#messages").inner_text())[0]
    runs["fact"] = re.findall(r"/facts/([\w-]+)", page.locator("#figures").inner_html())[0]
    page.goto(f"/historical-records?run={runs['run']}")
    page.get_by_text("Add a note, a tag, a title").click()
    page.get_by_label("Note (Markdown)").fill("Margin **up**, see the 10-K.")
    page.get_by_role("button", name="Add note").click()
    page.goto(f"/historical-records?run={log(address, status='Completed')}")
    page.get_by_text("Add a note, a tag, a title").click()
    page.get_by_role("button", name="Move to trash").click()
    page.goto("/companies/upload")
    template = page.request.get("/companies/upload/template.csv").body()
    page.locator("input[type=file]").set_input_files({"name": "own.csv", "mimeType": "text/csv", "buffer": template})
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#messages .msg.ok")).to_be_visible()
    return runs


def _wrong_upload(page: Page) -> None:
    page.goto("/companies/upload")
    wrong = {"name": "own.csv", "mimeType": "text/csv", "buffer": BROKEN_CSV.encode()}
    page.locator("input[type=file]").set_input_files(wrong)
    page.get_by_role("button", name="Upload", exact=True).click()


def _wrong_batch(page: Page) -> None:
    page.goto("/researcher/batch")
    page.locator("#companies").fill("MSFT, Appel Computre")
    page.get_by_role("button", name="Check and start").click()


def _list_of_companies(page: Page) -> None:
    page.goto("/watchlist")
    if page.locator("#new-companies").is_visible():  # the second look finds the list that the first one made
        page.locator("#new-name").fill("Mine")
        page.locator("#new-companies").fill("MSFT, AAPL")
        page.get_by_role("button", name="Make list").click()


def _unknown_company(page: Page) -> None:
    page.goto("/researcher")
    page.get_by_label("Company", exact=True).fill("Appel Computre")
    page.get_by_role("button", name="Start research").click()


def _picked(page: Page) -> None:
    page.goto("/historical-records")
    page.locator("#runs tbody [type=checkbox]").first.check()


def _to_confirm(page: Page) -> None:
    _picked(page)
    page.locator(".bulk").get_by_role("button", name="Move to trash").click()


def _menu(page: Page, run: str, name: str) -> None:
    page.goto(f"/runs/{run}")
    page.locator("main summary.btn", has_text=name).first.click()


# Pages that only an action leads to: name and what is done.
ACTS = {
    "batch-wrong": lambda page, runs: _wrong_batch(page),
    "watchlist-filled": lambda page, runs: _list_of_companies(page),
    "researcher-unknown": lambda page, runs: _unknown_company(page),
    "upload-wrong": lambda page, runs: _wrong_upload(page),
    "bulk": lambda page, runs: _picked(page),
    "bulk-confirm": lambda page, runs: _to_confirm(page),
    "report-share": lambda page, runs: _menu(page, runs["run"], "Share"),
    "report-formats": lambda page, runs: _menu(page, runs["run"], "Other formats"),
}
