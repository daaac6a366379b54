"""Scripts sent as text: through every text field, to every page, report and export, in a real browser; none may run.

Nor may one make an element: what the page's policy would have stopped must not have got so far.
"""

import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from markdown_it import MarkdownIt
from playwright.sync_api import APIResponse, Browser
from playwright.sync_api import Page as BrowserPage

from research_dashboard import rates
from research_dashboard.services import accounts, organise, saved_views
from tests.conftest import Page
from tests.security.payloads import XSS

SAMPLE = random.Random(20261123).sample(XSS, 5)  # the same each time
AT_ONCE = 10  # texts that the lists show together
FIGURES = "company name,concept,period start,period end,value,unit\n"
# What a text must never turn into: its elements, handlers, addresses.
LOOK = """() => ({ran: window.pwned ?? null, made: [...document.querySelectorAll('*')].filter(e =>
  ['IFRAME', 'OBJECT', 'EMBED', 'VIDEO', 'AUDIO', 'BASE', 'MATH', 'SOURCE'].includes(e.tagName.toUpperCase())
  || [...e.attributes].some(a => /^(on|hx-on|srcdoc)/i.test(a.name) || /^\\s*javascript:/i.test(a.value)
       || /^js:/i.test(a.value) || (['src', 'href', 'data'].includes(a.name) && a.value === 'x'))
  ).map(e => e.outerHTML.slice(0, 200))})"""


class Attack:
    """One browser that writes each text wherever text can be written, and looks at what the pages make of it."""

    def __init__(self, app: Flask, page: BrowserPage, bare: BrowserPage) -> None:
        self.app, self.page, self.bare = app, page, bare
        self.looked = self.reports = self.files = 0
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        bare.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        page.goto("/")
        headers = page.locator("body").get_attribute("hx-headers") or ""
        self.csrf = headers.partition(": ")[2].strip('"}')

    def api(self, path: str, body: dict[str, Any]) -> APIResponse:
        return self.page.request.post(f"/api{path}", data=body)

    def form(self, path: str, **values: str) -> None:
        answer = self.page.request.post(path, form={**values, "csrf_token": self.csrf}, max_redirects=0)
        assert answer.status in (200, 201, 303, 422), (path, values, answer.status)

    def log(self, text: str) -> int:
        """A program's run with the text in each of its fields; then its title, a tag, a note, a view, a setting."""
        run = {"company": text[:200], "researcher": text[:100], "duration_mins": 1, "status": "Failed", "insights": 1}
        answer = self.api("/research_runs/", run)
        assert answer.status == 201, answer.text()
        run_id = int(answer.json()["id"])
        step = {"research_run_id": run_id, "step_name": text[:200], "start_time": "2026-01-01T00:00:00Z"}
        assert self.api("/research_details/", {**step, "status": "Failed", "message": text}).status == 201
        data = {text: text, "nested": [text, {"deep": text}]}
        result = {"research_run_id": run_id, "result_type": text[:100], "result_data": data}
        assert self.api("/research_results/", result).status == 201
        for do, field, most in (("title", "title", 200), ("tag", "tag", 50), ("note", "text", 5000)):
            self.form(f"/runs/{run_id}/organise", do=do, **{field: text[:most]})
        self.form("/historical-records/views", name=text[:100], query=f"company={quote(text[:60])}")
        self.form("/settings", researcher=text[:100], sec_contact=text, time_zone=text, theme="auto")
        self.form("/researcher", company=text, peers=text, as_of=text, source=text)
        return run_id

    def research(self, text: str) -> int | None:
        """A report on a private company of that name; None where the name is none that an upload takes."""
        name = '"' + text[:200].replace('"', '""') + '"'
        rows = [
            f"{name},{concept},2025-01-01,2025-12-31,{value},USD\n"
            for concept, value in (("revenue", 1200000), ("net_income", 120000))
        ]
        if self.api("/companies/upload", {"csv": FIGURES + "".join(rows)}).status not in (200, 201):
            return None
        answer = self.api("/research", {"company": text[:200]})
        if answer.status != 202:
            return None
        run_id = int(answer.json()["id"])
        until = time.monotonic() + 60
        while self.page.request.get(f"/api/research_runs/{run_id}").json()["status"] in ("Queued", "Running"):
            assert time.monotonic() < until, "the run does not end"
            self.page.wait_for_timeout(100)
        return run_id

    def look(self, path: str, text: str) -> None:
        """Open the page; nothing of the text may have come to life."""
        self.page.goto(path)
        found = self.page.evaluate(LOOK)
        assert found == {"ran": None, "made": []}, (path, text, found)
        self.looked += 1

    def look_at_file(self, html: str, text: str) -> None:
        """Open a file's HTML as if it lay on the reader's disk: its own policy, or none, protects him there."""
        self.bare.set_content(html)
        found = self.bare.evaluate(LOOK)
        assert found == {"ran": None, "made": []}, (text, found)
        self.files += 1

    def look_at_report(self, run_id: int, text: str) -> None:
        """The report on its page, as HTML file, as Markdown turned to HTML, and behind a shared link."""
        self.look(f"/runs/{run_id}", text)
        self.look_at_file(self.page.request.get(f"/runs/{run_id}/report.html").text(), text)
        written = self.page.request.get(f"/runs/{run_id}/report.md").text()
        self.look_at_file(MarkdownIt("commonmark", {"html": True}).enable("table").render(written), text)
        self.form(f"/runs/{run_id}/shares", days="1")
        shared = re.search(r"/shared/[\w-]+", self.page.request.get(f"/runs/{run_id}").text())
        assert shared is not None
        self.look(shared[0], text)
        for kind in ("json", "csv", "xlsx"):
            assert self.page.request.get(f"/runs/{run_id}/report.{kind}").ok
        self.reports += 1

    def everywhere(self, run_id: int, text: str) -> None:
        """Every page there is, and every export, while the lists show the last texts."""
        urls = self.app.url_map.bind("localhost")
        for rule in self.app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
                continue
            values = {part: str(run_id) if part in ("run_id", "view_id") else "1" for part in rule.arguments}
            try:
                path = urls.build(rule.endpoint, values)
            except ValueError:  # a converter that takes certain words only
                continue
            answer = self.page.request.get(path)
            kind = answer.headers.get("content-type", "")
            assert answer.status < 500, path
            if kind.startswith("text/html") and "attachment" not in answer.headers.get("content-disposition", ""):
                self.look(path, text)
            else:
                assert "html" not in kind or "attachment" in answer.headers["content-disposition"], path
        for kind in ("csv", "json", "ndjson", "xlsx", "atom"):
            assert self.page.request.get(f"/historical-records.{kind}").ok
            self.files += 1

    def run(self, texts: Sequence[str]) -> None:
        """Write each text everywhere and look at all that shows it."""
        for number, text in enumerate(texts, 1):
            run_id, words = self.log(text), quote(text, safe="")
            for path in (
                f"/runs/{run_id}",
                f"/historical-records?run={run_id}",
                f"/historical-records?company={words}",
                f"/historical-records?q={words}",
                f"/researcher?company={words}",
                f"/nowhere/{words}",
                f"/settings?{words}=1",
            ):
                self.look(path, text)
            if (report := self.research(text)) is not None:
                self.look_at_report(report, text)
            if number % AT_ONCE == 0 or number == len(texts):
                self.everywhere(run_id, text)
                self.page.goto("/historical-records")
                self.page.get_by_label("Filter by Company:").fill(text[:60])
                self.page.wait_for_timeout(400)
                assert self.page.evaluate(LOOK) == {"ran": None, "made": []}, text


@pytest.fixture(autouse=True)
def room_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """More texts are tried at one place than a user may pile up there."""
    limits = (
        (accounts, "TOKENS"),
        (accounts, "LINKS"),
        (organise, "TAGS"),
        (organise, "NOTES"),
        (saved_views, "VIEWS"),
    )
    for module, name in limits:
        monkeypatch.setattr(module, f"MOST_{name}", 10_000)


def test_a_script_as_name_to_sign_in_or_as_label_of_a_token_is_text(app: Flask) -> None:
    client = app.test_client()
    with app.app_context():
        accounts.add_user("ann", "correct horse battery", "admin")
    for text in XSS:
        with app.app_context():
            accounts.add_token("ann", text[:100], "read", 1)
        rates.init_app(app)  # so many wrong passwords would be refused
        page = Page(client.post("/login", data={"name": text[:64], "password": "wrong"}))
        assert page.soup.select_one("#name")["value"] == text[:64]  # type: ignore[index]
    client.post("/login", data={"name": "ann", "password": "correct horse battery"})
    page = Page(client.get("/account"))
    labels = [cell.get_text() for cell in page.soup.select("tbody th")]
    assert labels == [text[:100].strip() for text in reversed(XSS)]


@pytest.mark.browser
def test_a_script_in_any_field_is_shown_and_not_run(
    app: Flask, chromium: Browser, open_page: Callable[..., BrowserPage]
) -> None:
    attack = Attack(app, open_page("/"), chromium.new_page())
    attack.run(SAMPLE)
    assert attack.reports, "at least one text is a name that can be researched"


@pytest.mark.browser
@pytest.mark.soak
@pytest.mark.timeout(0)
def test_200_scripts_in_every_field_are_shown_and_not_run(
    app: Flask, chromium: Browser, open_page: Callable[..., BrowserPage], tmp_path: Path
) -> None:
    assert len(set(XSS)) == 200
    attack = Attack(app, open_page("/"), chromium.new_page())
    attack.run(XSS)
    print(
        f"\n{len(XSS)} scripts through every text field: {attack.looked:,} pages looked at, {attack.reports} reports, "
        f"{attack.files:,} files; 0 executed, 0 elements made"
    )
