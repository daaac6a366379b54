"""How many requests the API takes from one token or address, and the headers that say so.

A server without accounts answers its own machine only, and does not slow its operator's programs down.
"""

from flask import Blueprint, Response, current_app, g, request

from research_dashboard.access import actor, single_user
from research_dashboard.intake import network
from research_dashboard.problems import Problem, answer
from research_dashboard.rates import Window, count


def _counted() -> Window:
    """Count this request: by its token where that is known, else by the address it comes from."""
    who = actor()
    by_token = who is not None and who.token_id is not None
    key = f"token {who.token_id}" if who and by_token else f"address {network(request.remote_addr)}"
    g.window = count(current_app.config["SETTINGS"].api_limit, "api", key)
    window: Window = g.window
    return window


def _refusal(window: Window) -> Problem:
    problem = Problem("too-many-requests", f"More than {window.limit:,} requests came in: wait {window.reset} s.")
    problem.headers["Retry-After"] = str(window.reset)
    return problem


def _limit() -> None:
    """Before a request. Raises a Problem (429)."""
    if not single_user():
        window = _counted()
        if window.exceeded:
            raise _refusal(window)


def _tell(response: Response) -> Response:
    """After it: what is left. One that nobody could be found behind (401) is counted here, by its address."""
    if single_user():
        return response
    if "window" not in g and _counted().exceeded:
        response = answer(_refusal(g.window))
    response.headers["RateLimit-Limit"] = str(g.window.limit)
    response.headers["RateLimit-Remaining"] = str(g.window.remaining)
    response.headers["RateLimit-Reset"] = str(g.window.reset)
    return response


def limit_requests(blueprint: Blueprint) -> None:
    """Count the blueprint's requests, and refuse those that are too many."""
    blueprint.before_request(_limit)
    blueprint.after_request(_tell)
