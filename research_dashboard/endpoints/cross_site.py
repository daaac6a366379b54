"""The API needs no CSRF token: a write that a page elsewhere sent is refused by what the browser says of itself."""

from urllib.parse import urlsplit

from flask import request

from research_dashboard.problems import Problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_site_writes() -> None:
    """Raise a Problem for a write that a page elsewhere sent: the API needs no CSRF token because of this."""
    if request.method in _SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in ("none", "same-origin"):
        raise Problem("cross-site-write", f"Sec-Fetch-Site is {shown(site)}: a page on another site sent this.")
    origin = request.headers.get("Origin")
    if origin is not None and _host(origin) != request.host:
        raise Problem("cross-site-write", f"Origin is {shown(origin)}, and this server is {request.host}.")


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def shown(text: str) -> str:
    """What was sent, fit to stand in an answer."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])
