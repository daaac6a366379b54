"""Markdown that people wrote, as HTML that does no harm."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it.token import Token

TAGS = {"p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "h1", "h2", "h3", "h4"}
SEC = "sec.gov"


def rendered(text: str, hosts: Collection[str] = ()) -> Markup:
    """A note as HTML: only plain text elements are left, headings as bold lines. Links lead to the SEC and to `hosts`,
    the operator's (LINK_HOSTS); of any other the address stands beside its words, as text."""
    import nh3
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False})
    tokens = markdown.parse(text)
    for token in tokens:
        _unlink(token.children or (), hosts)
    html = nh3.clean(
        markdown.renderer.render(tokens, markdown.options, {}),
        tags=TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
    for level in "1234":  # a note's headings are none of the page's
        html = html.replace(f"<h{level}>", "<p><strong>").replace(f"</h{level}>", "</strong></p>")
    return Markup(html)  # noqa: S704  # cleaned above


def _unlink(tokens: Sequence["Token"], hosts: Collection[str]) -> None:
    """Make text of the links that lead elsewhere; links do not lie within each other."""
    elsewhere = ""
    for token in tokens:
        if token.type == "link_open" and not _allowed(str(token.attrs.get("href", "")), hosts):
            elsewhere = str(token.attrs.get("href", ""))
            token.type, token.content = "text", ""
        elif token.type == "link_close" and elsewhere:
            token.type, token.content, elsewhere = "text", f" ({elsewhere})", ""


def _allowed(address: str, hosts: Collection[str]) -> bool:
    """Whether a note may link there; one without scheme and host may not: `//x` and `/\\x` are other hosts, too."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or "\\" in address or "@" in parts.netloc:
        return False
    return host == SEC or host.endswith(f".{SEC}") or host in hosts
