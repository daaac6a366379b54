"""Markdown that people wrote, as HTML that does no harm."""

from markupsafe import Markup

TAGS = {"p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "h1", "h2", "h3", "h4"}


def rendered(text: str) -> Markup:
    """The Markdown as HTML; only plain text elements and links to web addresses are left, headings as bold lines."""
    import nh3
    from markdown_it import MarkdownIt

    html = nh3.clean(
        MarkdownIt("commonmark", {"html": False}).render(text),
        tags=TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    for level in "1234":  # a note's headings are none of the page's
        html = html.replace(f"<h{level}>", "<p><strong>").replace(f"</h{level}>", "</strong></p>")
    return Markup(html)  # noqa: S704  # cleaned above
