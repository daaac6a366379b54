"""What a page weighs and when it is first seen. `./dev bench pages` prints the table.

A Chromium with an empty cache opens each main page of the running program; sizes are as sent, and as a proxy with gzip
would send them; first paint is what the browser's own performance log says, on loopback.
"""

import gzip
import os
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.every_page import fill
from tests.browser.program import CHROMIUM_FLAGS, program

PAGES = {
    "Overview": "/",
    "Researcher": "/researcher",
    "Historical Records": "/historical-records",
    "A run's details": "/historical-records?run={run}",
    "A report": "/runs/{run}",
    "A company": "/companies/320193",
    "A fact": "/facts/{fact}",
    "Compare": "/compare?run={run}&run={loss}",
    "Rules": "/rules",
}
PAINT = "(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null)"
REPEATS = 5


def measured(browser: Browser, address: str, path: str) -> tuple[int, int, int, int, list[float]]:
    """Bytes of the page and of its style sheets and scripts, each plain and by gzip; first paints in milliseconds."""
    paints: list[float] = []
    bodies: dict[str, bytes] = {}
    for _ in range(REPEATS):
        context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.on("response", lambda answer: bodies.__setitem__(answer.url, answer.body()) if answer.ok else None)
        page.goto(path)
        page.wait_for_load_state("networkidle")
        while (paint := page.evaluate(PAINT)) is None:  # not wait_for_function: the pages' CSP knows no eval
            page.wait_for_timeout(20)
        paints.append(float(paint))
        context.close()
    own = [body for url, body in bodies.items() if "/static/" not in url]
    loaded = [body for url, body in bodies.items() if url.split("?")[0].endswith((".css", ".js"))]
    plain, packed = sum(map(len, loaded)), sum(len(gzip.compress(body)) for body in loaded)
    return len(own[0]), len(gzip.compress(own[0])), plain, packed, paints


def main() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        program(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM") or None, args=CHROMIUM_FLAGS)
        runs = fill(browser.new_page(base_url=address), address)
        print("| Page | HTML | HTML, gzip | CSS and JS | CSS and JS, gzip | first paint ms, median | slowest |")
        print("|--|--:|--:|--:|--:|--:|--:|")
        for name, path in PAGES.items():
            *sizes, paints = measured(browser, address, path.format(**runs))
            shown = " | ".join(f"{size:,}" for size in sizes)
            print(f"| {name} | {shown} | {statistics.median(paints):.0f} | {max(paints):.0f} |")


if __name__ == "__main__":
    main()
