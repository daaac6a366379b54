"""The browser of tests/browser, for attacks that only a browser can show."""

from tests.browser.conftest import chromium, open_page, served

__all__ = ["chromium", "open_page", "served"]
