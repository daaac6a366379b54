"""A real Chromium against the real program, started as ./dev run starts it, with worker and bundled data."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.program import CHROMIUM_FLAGS, program

ACCOUNT_PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the whole program, in an instance folder of its own."""
    with program(tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium, without a window: the one ./dev found, or Playwright's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM") or None, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, served: str) -> Iterator[Callable[..., Page]]:
    """Open a page of the program: open_page("/researcher", javascript=False, width=360, dark=True).

    A script error, a blocked resource or a request that leaves this machine fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("http://127.0.0.1:", "data:", "blob:"))
                else complaints.append(request.url)
            ),
        )

    def opened(
        path: str = "/", *, javascript: bool = True, width: int = 1280, dark: bool = False, at: str = served
    ) -> Page:
        context = chromium.new_context(
            base_url=at,
            java_script_enabled=javascript,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        listen(page)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same program with an account in it, so that everybody signs in: ada, with ACCOUNT_PASSWORD."""
    folder = tmp_path_factory.mktemp("guarded")
    with program(folder) as address:
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "research_dashboard", "users", "add", "ada", "--role", "admin"],
            env=os.environ | {"RESEARCH_DASHBOARD_INSTANCE": str(folder / "instance")},
            input=f"{ACCOUNT_PASSWORD}\n{ACCOUNT_PASSWORD}\n",
            text=True,
            check=True,
            capture_output=True,
        )
        yield address
