"""The API's pages for people: its reference, made from the contract, and one page a problem."""

from typing import Any

from flask import abort, current_app, render_template

from research_dashboard.endpoints import reference
from research_dashboard.endpoints.openapi import document
from research_dashboard.problems import KINDS


def docs() -> str:
    """The reference of the API, to read: made from the contract, without a script and without a network."""
    key = "api reference"
    told: dict[str, Any] | None = current_app.extensions.get(key)
    if told is None:
        told = current_app.extensions.setdefault(key, reference.whole(document()))
    return render_template("api/docs.html", **told)


def problem_list() -> str:
    """Every type of problem that the API answers with."""
    return render_template("api/problems.html", kinds=KINDS)


def problem_page(kind: str) -> str:
    """One type of problem: what it means and what to do."""
    if kind not in KINDS:
        abort(404, f"There is no problem type {kind!r}.")
    return render_template("api/problem.html", name=kind, kind=KINDS[kind])
