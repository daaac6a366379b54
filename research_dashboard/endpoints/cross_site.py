"""The API needs no CSRF token: a write that a page elsewhere sent is refused by what the browser says of itself."""

from flask import request

from research_dashboard.access import SAFE, from_elsewhere
from research_dashboard.problems import Problem


def refuse_cross_site_writes() -> None:
    """Raise a Problem for a write that a page elsewhere sent: the API needs no CSRF token because of this."""
    if request.method in SAFE:
        return
    if why := from_elsewhere():
        raise Problem("cross-site-write", why)
