"""Every chart of every bundled company, measured where it is drawn: no word is cut, covers another or is too small."""

import json
import time
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from research_dashboard.sources.bundled import read_bundle

pytestmark = pytest.mark.browser
Open = Callable[..., Page]

SMALLEST = {1280: 12, 360: 11}  # px of a word, by the window's width
WRONG = """smallest => [...document.querySelectorAll('svg.ch')].flatMap(svg => {
  const frame = svg.getBoundingClientRect(), scale = frame.width / svg.viewBox.baseVal.width, wrong = [];
  const words = [...svg.querySelectorAll('text')].map(text => ({
    said: text.textContent, box: text.getBoundingClientRect(), size: parseFloat(getComputedStyle(text).fontSize) * scale
  }));
  words.forEach(({ said, box, size }, at) => {
    if (size < smallest) wrong.push(`${said} is ${size.toFixed(1)} px`);
    if (box.left < frame.left - .5 || box.right > frame.right + .5) wrong.push(`${said} sticks out sideways`);
    if (box.top < frame.top - .5 || box.bottom > frame.bottom + .5) wrong.push(`${said} sticks out`);
    for (const other of words.slice(at + 1)) {
      const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
      const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
      if (across > 1 && down > 4) wrong.push(`${said} lies on ${other.said}`);
    }
  });
  return wrong.map(what => `${svg.getAttribute('aria-labelledby')}: ${what}`);
})"""


def researched(address: str, company: str) -> str:
    """The address of the finished report of a research that a program asked for."""
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{address}/api/research", json.dumps({"company": company}).encode(), headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        run = answer.headers["Location"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{address}{run}", timeout=10) as answer:
            found = json.load(answer)
        if found["status"] == "Completed":
            return f"/runs/{found['id']}"
        time.sleep(0.1)
    raise AssertionError(f"the research of {company} does not end")


@pytest.mark.timeout(600)
def test_no_word_of_a_chart_is_cut_covered_or_too_small(open_page: Open, served: str) -> None:
    page, wrong = open_page("/"), []
    for company in read_bundle().companies:
        page.goto(researched(served, company.tickers[0]))
        assert page.locator("svg.ch text").count() > 20
        for width, smallest in SMALLEST.items():
            page.set_viewport_size({"width": width, "height": 900})
            wrong += [f"{company.tickers[0]} at {width}, {what}" for what in page.evaluate(WRONG, smallest)]
    assert not wrong, "\n".join(wrong)
