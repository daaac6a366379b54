"""A real Chromium against the real program, started as ./dev run starts it, with worker and bundled data."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

START_SECONDS = 90


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; fail with its output when it died or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the whole program, started as ./dev run starts it, in an instance folder of its own."""
    folder = tmp_path_factory.mktemp("served")
    port, log = free_port(), folder / "output.txt"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("RESEARCH_DASHBOARD_")}
    environ |= {"HOST": "127.0.0.1", "PORT": str(port), "RESEARCH_DASHBOARD_INSTANCE": str(folder / "instance")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "research_dashboard.serve"], env=environ, stdout=output, stderr=output
        )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/healthz", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium, without a window: the one ./dev found, or Playwright's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or None,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
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
                None if request.url.startswith((served, "data:", "blob:")) else complaints.append(request.url)
            ),
        )

    def opened(path: str = "/", *, javascript: bool = True, width: int = 1280, dark: bool = False) -> Page:
        context = chromium.new_context(
            base_url=served,
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
