"""/help: docs/ as pages, in its three kinds; the very files that the repository shows."""

import posixpath
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flask import abort, current_app, render_template, url_for
from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it.token import Token

KINDS = (
    (("how-to",), "How to"),
    (("explanation", "scale"), "Why"),
    (("reference", "benchmarks", "filings-kept-apart"), "Reference"),
    (("decisions",), "Decisions"),
)


class Document(NamedTuple):
    """A file of docs/: how-to/live-data, its title, its text."""

    name: str
    title: str
    text: str

    @property
    def kind(self) -> str:
        """The folder it stands in; reference.md is a kind of its own."""
        return self.name.partition("/")[0]


def folder() -> Path:
    """docs/ of the checkout, or the copy that a built package carries."""
    inside = Path(current_app.root_path, "docs")
    return inside if inside.is_dir() else inside.parent.parent / "docs"


@cache
def _documents(root: Path, _newest: float) -> dict[str, Document]:
    found = {}
    for path in sorted(root.rglob("*.md")):
        text = path.read_text()
        name = path.relative_to(root).with_suffix("").as_posix()
        found[name] = Document(name, text.partition("\n")[0].lstrip("# ").strip(), text)
    return found


def documents() -> dict[str, Document]:
    """Every document by name; read again when a file has changed."""
    root = folder()
    return _documents(root, max((path.stat().st_mtime for path in root.rglob("*.md")), default=0.0))


def help() -> str:
    """What there is to read, by kind."""
    known = documents().values()
    kinds = [(title, [one for name in names for one in known if one.kind == name]) for names, title in KINDS]
    return render_template("help/index.html", kinds=[(title, found) for title, found in kinds if found])


def help_document(name: str) -> str:
    """One document."""
    document = documents().get(name)
    if document is None:
        abort(404, "There is no help page of this name.")
    return render_template("help/document.html", document=document, body=html_of(document))


def html_of(document: Document) -> Markup:
    """The document as HTML: links between documents lead to their pages, tables and code can be scrolled."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(document.text)
    _adapt(tokens, posixpath.dirname(document.name))
    html = markdown.renderer.render(tokens, markdown.options, {})
    html = html.replace("<table>", '<div class="frame" tabindex="0"><table>').replace("</table>", "</table></div>")
    html = html.replace("<pre>", '<pre tabindex="0">')
    return Markup(html)  # noqa: S704  # our own files, with HTML in them turned off


def _adapt(tokens: Sequence["Token"], base: str) -> None:
    """Lead relative links to /help; what is not among the documents stays text. Columns of numbers get their class."""
    for token in tokens:
        if "right" in str(token.attrs.pop("style", "")):  # markdown-it aligns by a style, which the policy refuses
            token.attrs["class"] = "num"
        for child in token.children or ():
            target = str(child.attrs.get("href", ""))
            if child.type != "link_open" or "://" in target or target.startswith("#"):
                continue
            path, _, anchor = target.partition("#")
            name = posixpath.normpath(posixpath.join(base, path)).removesuffix(".md")
            if name in documents():
                child.attrs["href"] = url_for("pages.help_document", name=name, _anchor=anchor or None)
            else:
                del child.attrs["href"]
