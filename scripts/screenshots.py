"""Pictures of every page, from the running program: `./dev screenshots [FOLDER]`.

Without a folder the README's pictures in docs/screenshots are made anew; with one, every page goes there in both themes
and at both widths, to be looked at.
"""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.program import CHROMIUM_FLAGS, program

ROOT = Path(__file__).parent.parent
PAGES = {
    "overview-empty": "/",
    "researcher": "/researcher",
    "report": "/runs/1",
    "overview": "/",
    "history": "/historical-records",
    "details": "/historical-records?run=1",
    "no-match": "/historical-records?company=zzzz",
    "company": "/companies/320193",
    "rules": "/rules",
    "settings": "/settings",
    "status": "/status",
    "not-found": "/runs/99999",
    "styleguide": "/styleguide",
    "help": "/help",
}
FOR_THE_README = {"report": "report.png", "history": "history.png"}


def research(page: Page, company: str) -> None:
    """Start a research by hand and wait for its report."""
    page.goto("/researcher")
    page.get_by_label("Company", exact=True).fill(company)
    page.get_by_role("button", name="Start research").click()
    page.get_by_text("Research Complete").wait_for(timeout=30_000)


def photograph(browser: Browser, address: str, folder: Path, *, every: bool) -> None:
    """Fill the record by hand and take the pictures."""
    themes, widths = ((False, True), (1280, 360)) if every else ((False,), (1280,))
    contexts = {
        (dark, width): browser.new_context(
            base_url=address, viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        ).new_page()
        for dark in themes
        for width in widths
    }
    first = next(iter(contexts.values()))
    for name, path in PAGES.items():
        if name == "report":
            for company in ("AAPL", "MSFT", "JPM", "BA", "SNOW"):
                research(first, company)
        if not every and name not in FOR_THE_README:
            continue
        for (dark, width), page in contexts.items():
            page.goto(path)
            target = f"{name}-{width}{'-dark' if dark else ''}.png" if every else FOR_THE_README[name]
            page.screenshot(path=folder / target, full_page=every)
            wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            if wide:
                print(f"{name} scrolls sideways at {width} px")


def main() -> None:
    """Take the pictures."""
    every = len(sys.argv) > 1
    folder = Path(sys.argv[1]) if every else ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        program(Path(scratch)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM") or None, args=CHROMIUM_FLAGS)
        photograph(browser, address, folder, every=every)


if __name__ == "__main__":
    main()
