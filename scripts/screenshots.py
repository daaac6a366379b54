"""Pictures of every page, from the running program: `./dev screenshots [FOLDER]`.

Without a folder the README's pictures in docs/screenshots are made anew; with one, every page goes there in both themes
and at both widths, to be looked at.
"""

import os
import sys
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.every_page import ACTS, addresses, fill, research
from tests.browser.program import CHROMIUM_FLAGS, program

ROOT = Path(__file__).parent.parent
FOR_THE_README = {"report-ranked": "report.png", "historical-records": "history.png"}
WITHOUT_RUNS = {"overview-empty": "/", "history-empty": "/historical-records"}


def photograph(browser: Browser, address: str, folder: Path, *, every: bool) -> None:
    """Fill the record by hand and take the pictures: of the README's pages, or of every page in every look."""
    page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 900})
    if every:
        for name, path in WITHOUT_RUNS.items():
            page.goto(path)
            take(page, folder, name)
    runs = fill(page, address)
    ranked, *_ = [research(page, company) for company in ("MSFT", "SNOW", "INTC")]
    for name, path in (addresses(runs) | {"report-ranked": f"/runs/{ranked}"}).items():
        if every or name in FOR_THE_README:
            page.goto(path)
            if every:
                take(page, folder, name)
            else:
                page.screenshot(path=folder / FOR_THE_README[name])
    if every:
        for name, act in ACTS.items():
            act(page, runs)
            take(page, folder, name)


def take(page: Page, folder: Path, name: str) -> None:
    """The page that stands there, in both themes and at both widths."""
    for width, theme in product((1280, 360), ("light", "dark")):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=folder / f"{name}-{width}{'-dark' if theme == 'dark' else ''}.png", full_page=True)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
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
