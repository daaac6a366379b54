"""Signing in and out, one's own sign-ins and API tokens, and links that share a report."""

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from werkzeug.exceptions import TooManyRequests

from research_dashboard.access import SignedIn, actor, safe_target, single_user
from research_dashboard.forms import LoginForm, ShareForm, TokenForm
from research_dashboard.logs import logger
from research_dashboard.rates import count
from research_dashboard.services import accounts


def _slow_guessing_down() -> None:
    """Count a try to sign in, by address and, wherever it comes from, by name. Raises TooManyRequests."""
    name = request.form.get("name", "").strip().lower()[:64]
    for window in (
        count("10 per minute; 60 per hour", "sign-in from", request.remote_addr or ""),
        count("10 per minute; 30 per hour", "sign-in as", name),
    ):
        if window.exceeded:
            raise TooManyRequests(retry_after=window.reset)


def login() -> Any:
    """Sign in with name and password; on to where one wanted to go."""
    if request.method == "POST":
        _slow_guessing_down()
    target = safe_target(request.values.get("next"))
    if single_user() or actor() is not None:
        return redirect(target, 303)
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("accounts/login.html", form=form, target=target), 422 if form.is_submitted() else 200
    token = accounts.sign_in(form.name.data, form.password.data, request.remote_addr, request.headers.get("User-Agent"))
    found = accounts.signed_in(token) if token else None
    if token is None or found is None:
        logger.warning("sign-in refused", name=form.name.data, address=request.remote_addr)
        form.password.errors = ["The name or the password is not right."]
        return render_template("accounts/login.html", form=form, target=target), 422
    session.clear()  # nothing of the visitor's session lives on in the signed-in one
    login_user(SignedIn(token, found))
    logger.info("signed in", name=found.name, address=request.remote_addr)
    return redirect(target, 303)


def logout() -> Response | Any:
    """Sign out, here or everywhere."""
    user = current_user._get_current_object()
    if isinstance(user, SignedIn):
        accounts.sign_out(user.token, everywhere=request.form.get("everywhere") == "yes")
    logout_user()
    session.clear()
    return redirect(url_for("pages.overview" if single_user() else "pages.login"), 303)


def account() -> str:
    """Who is signed in, and their API tokens."""
    return _account(TokenForm())


def _account(form: TokenForm, secret: str | None = None) -> str:
    me = actor()
    mine = accounts.tokens(me.user_id) if me and me.user_id else []
    return render_template("accounts/account.html", form=form, tokens=mine, secret=secret)


def token_new() -> Any:
    """Make an API token; the answer shows it, this once."""
    me, form = actor(), TokenForm()
    if me is None or me.user_id is None:
        abort(403, "Tokens belong to an account: make one with flask users add NAME.")
    if not form.validate_on_submit():
        return _account(form), 422
    try:
        secret, _ = accounts.add_token(me.name, form.label.data, form.scope.data, form.days.data)
    except accounts.AccountError as error:
        form.label.errors = [str(error)]
        return _account(form), 422
    response = Response(_account(TokenForm(formdata=None), secret), 201)
    response.cache_control.no_store = True
    return response


def token_revoke(token_id: int) -> Any:
    """Revoke one's own API token."""
    me = actor()
    if me is None or me.user_id is None or not accounts.revoke_token(token_id, me.user_id):
        abort(404, "There is no such token of yours to revoke.")
    flash("The token is revoked.", "ok")
    return redirect(url_for("pages.account"), 303)


def share_new(run_id: int) -> Any:
    """Make a link that lets whoever holds it read this report, until it expires or is revoked."""
    me, form = actor(), ShareForm()
    if not form.validate_on_submit() or me is None:
        abort(422, "A link lasts 1 to 90 days.")
    try:
        token = accounts.share(run_id, form.days.data, me)
    except accounts.AccountError as error:
        abort(404 if error.field == "run" else 422, str(error))
    address = url_for("pages.shared_report", token=token, _external=True)
    flash(f"Whoever has this link can read the report for {form.days.data} days: {address}", "ok")
    return redirect(url_for("pages.run", run_id=run_id), 303)


def share_revoke(run_id: int, link_id: int) -> Any:
    """Close a link to this report."""
    if not accounts.revoke_share(run_id, link_id):
        abort(404, "There is no such link to close.")
    flash("The link is closed.", "ok")
    return redirect(url_for("pages.run", run_id=run_id), 303)
