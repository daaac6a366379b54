"""The researcher page: which company do you mean? GET shows, POST starts; while one types, the nearest are offered."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import current_app, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse
from wtforms.fields import SelectChoice

from research_dashboard import htmx
from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.forms import ResearchForm
from research_dashboard.pages.frame import readable
from research_dashboard.pages.runs import researcher as speaker
from research_dashboard.queries import overview, work
from research_dashboard.queries.directory import Entry, Suggestion, directory, offered, suggest
from research_dashboard.queries.preferences import sec_contact
from research_dashboard.queries.status import loaded
from research_dashboard.research.steps import STEPS
from research_dashboard.services.batches import Line, check_list
from research_dashboard.services.companies import (
    LONGEST,
    AmbiguousCompany,
    CompanyError,
    UnknownCompany,
    clean,
    nearest,
    resolve,
)
from research_dashboard.services.runs import RunError, start_research
from research_dashboard.services.tickers import look_up

AT_HAND, RECENT = 40, 6


def researcher() -> AnyResponse:
    """Ask which company; POST starts the research of it. htmx is sent the companies that fit what was typed so far."""
    form = ResearchForm(formdata=request.form if request.method == "POST" else request.args)
    form.source.choices = sources()
    if request.method == "POST":
        return _start(form)
    typed = (form.company.data or "")[:LONGEST]
    found = suggest(typed) if typed else []
    near = offered(nearest(directory(), typed), typed) if typed and not found else []
    if htmx.is_partial():
        return htmx.render("", "researcher/_suggest.html", typed=typed, found=found, near=near, over=True)
    if _wrong_in_address(form):
        return _page(form, status=422)
    return _page(form, typed=typed, found=found, near=near)


def _wrong_in_address(form: ResearchForm) -> bool:
    """Say at its field what in the address cannot be used; True when there is something."""
    try:
        if form.company.data:
            clean(form.company.data)
    except CompanyError as error:
        form.company.errors = [error.message]
    form.as_of.errors = list(form.as_of.process_errors)
    return bool(form.company.errors or form.as_of.errors)


def live() -> bool:
    """True when live SEC data is on, by the operator's setting or by /settings."""
    return bool(sec_contact(db.session(), current_app.config["SETTINGS"].sec_contact))


def sources() -> list[SelectChoice]:
    """The sources that can be chosen now."""
    there = ["auto", "bundled"]
    there += ["imported"] if any(load.source == "imported" for load in loaded(db.session())) else []
    there += ["live"] if live() else []
    return [SelectChoice(name, name.title()) for name in there]


def address_of(company: Entry | Suggestion) -> str:
    """What to type for this very company: its ticker, else its CIK, else its name."""
    ticker = company.ticker if isinstance(company, Suggestion) else next(iter(company.tickers), None)
    return ticker or (str(company.cik) if company.cik else company.name)


def _start(form: ResearchForm) -> AnyResponse:
    """Start what was asked for and lead to its run; or say at the field what is missing, and start nothing."""
    valid = form.validate()
    look_up_all([form.company.data or "", *form.all_peers()])
    need_figures = not (form.source.data == "live" or (form.source.data == "auto" and live()))
    peers = _peers(form, need_figures)
    choices: Sequence[Entry] = ()
    note = ""
    try:
        company = resolve(form.company.data or "", need_figures=need_figures)
        if valid and not form.peers.errors:
            started = start_research(
                company.cik or company.name,
                speaker(),
                as_of=form.as_of.data,
                source=form.source.data,
                live=live(),
                peers=[peer for peer in peers if peer != str(company.cik or company.name)],
            )
            return redirect(url_for("pages.run", run_id=started.run_id), 303)
    except AmbiguousCompany as error:
        if valid and not form.peers.errors:
            return _which(form, error)
        choices, form.company.errors = error.choices, ["Several companies fit: choose one."]
    except UnknownCompany as error:
        cure = "Did you mean" if error.choices else "Check the spelling, or give its ticker or CIK."
        form.company.errors = [f"No company called “{(form.company.data or '')[:80]}” is known. {cure}"]
        choices, note = error.choices, error.note
    except CompanyError as error:
        form.company.errors = [error.message]
    except RunError as error:
        form[error.field].errors = [str(error)]
    return _page(form, status=422, choices=choices, note=note)


def look_up_all(texts: Iterable[str]) -> bool:
    """Ask the SEC for names that are unknown here, where live data is on: once a day, and outside of transactions."""
    db.session().commit()
    return look_up(texts, current_app.config["SETTINGS"])


def checked(text: str, *, need_figures: bool) -> Sequence[Line]:
    """A pasted list, each line checked; the SEC's index is asked for names unknown here. Raises BatchError."""
    lines = check_list(text, need_figures=need_figures)
    if look_up_all(line.text for line in lines if line.error):
        lines = check_list(text, need_figures=need_figures)
    return lines


def _peers(form: ResearchForm, need_figures: bool) -> list[str]:
    """The peers chosen, each checked; what is wrong with one is said at the field."""
    good, wrong = [], []
    for typed in form.all_peers() if not form.peers.errors else []:
        try:
            peer = resolve(typed, need_figures=need_figures)
            good.append(str(peer.cik or peer.name))
        except CompanyError as error:
            wrong.append(error.message)
    if wrong:
        form.peers.errors = wrong
    return list(dict.fromkeys(good))


def _page(form: ResearchForm, *, status: int = 200, **context: Any) -> AnyResponse:
    session = db.session()
    usual = readable(lambda: work.usual_seconds(session), {})
    page = render_template(
        "researcher/index.html",
        form=form,
        at_hand=overview.companies_at_hand(session, AT_HAND),
        runs=readable(lambda: overview.recent_runs(session, RECENT), None),
        steps=STEPS,
        usual=sum(usual.values()) if len(usual) == len(STEPS) else None,
        today=utcnow().date(),
        live=live(),
        address_of=address_of,
        **{"typed": "", "found": [], "near": [], "choices": [], "note": "", **context},
    )
    return make_response(page, status)


def _which(form: ResearchForm, error: AmbiguousCompany) -> AnyResponse:
    """Ask back which of several companies is meant; everything else that was filled in comes along."""
    kept = [(name, value) for name in ("as_of", "source", "peer", "peers") for value in request.form.getlist(name)]
    page = render_template(
        "researcher/which.html",
        typed=form.company.data,
        choices=error.choices,
        fitting=error.fitting,
        kept=kept,
        address_of=address_of,
        live=live(),
    )
    return make_response(page, 422)


def marked(text: str, typed: str) -> Markup:
    """The text with what was typed marked in it."""
    at = text.casefold().find(typed.casefold()) if typed else -1
    if at < 0 or len(text.casefold()) != len(text):
        return Markup("{}").format(text)
    end = at + len(typed)
    return Markup("{}<mark>{}</mark>{}").format(text[:at], text[at:end], text[end:])
