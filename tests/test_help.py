"""/help shows the repository's own documents."""

from collections.abc import Callable

import pytest
from flask import Flask

from research_dashboard.pages.help import documents

from .conftest import Page

Visit = Callable[..., Page]


def test_help_lists_every_document(app: Flask, visit: Visit) -> None:
    with app.test_request_context():
        known = documents()
    links = {str(link["href"]) for link in visit("/help").soup.select("main .list a")}
    assert links == {f"/help/{name}" for name in known}
    assert len(known) > 5


def test_every_document_is_a_valid_page_whose_links_lead_somewhere(app: Flask, visit: Visit) -> None:
    with app.test_request_context():
        known = documents()
    for name, document in known.items():
        page = visit(f"/help/{name}")
        assert page.text("h1") in document.text.replace("`", "")
        for link in page.soup.select(".doc a[href]"):
            target = str(link["href"]).partition("#")[0]
            assert target.startswith(("http://", "https://")) or target.removeprefix("/help/") in known, target


@pytest.mark.parametrize("name", ["nothing", "../README", "..%2FREADME", "etc/passwd", "how-to", "%00"])
def test_nothing_but_documents_is_shown(visit: Visit, name: str) -> None:
    visit(f"/help/{name}", status=404)
