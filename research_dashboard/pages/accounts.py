"""Signing in and out, and one's own API tokens."""

import secrets
from typing import Any

from flask import Response, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import TooManyRequests

from research_dashboard.access import SignedIn, actor, safe_target, single_user
from research_dashboard.forms import LoginForm, PasswordForm, TokenForm
from research_dashboard.intake import network
from research_dashboard.logs import logger
from research_dashboard.rates import count, exceeded, give_back
from research_dashboard.services import accounts, own_password

KNOWN, KNOWN_DAYS = "known_browser", 365


def _name_tried() -> str:
    return request.form.get("name", "").strip().lower()[:64]


def _known_browser() -> str | None:
    """The number of a browser in which the name that is tried has signed in before; None for any other."""
    try:
        name, number = _seals().loads(request.cookies.get(KNOWN, ""), max_age=KNOWN_DAYS * 86_400)
    except (BadData, TypeError, ValueError):
        return None
    return str(number) if name == _name_tried() else None


def _seals() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=KNOWN)


def _guesses() -> list[tuple[str, str, str]]:
    """What counts a wrong password: rates, and whose they are.

    By address, and by name wherever it comes from; but a browser that the name has signed in with before is counted by
    itself, so that nobody locks the owner out by guessing.
    """
    if known := _known_browser():
        return [("10 per minute; 30 per hour", "guesses in", known)]
    return [
        ("10 per minute; 60 per hour", "guesses from", network(request.remote_addr)),
        ("10 per minute; 30 per hour", "guesses at", _name_tried()),
    ]


def login() -> Any:
    """Sign in with name and password; on to where one wanted to go."""
    if request.method == "POST":
        for guesses in _guesses():
            if window := exceeded(*guesses):
                raise TooManyRequests(retry_after=window.reset)
    target = safe_target(request.values.get("next"))
    if single_user() or actor() is not None:
        return redirect(target, 303)
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("accounts/login.html", form=form, target=target), 422 if form.is_submitted() else 200
    windows = [(guesses, count(*guesses)) for guesses in _guesses()]  # before the password: many may come at once
    for _, window in windows:
        if window.exceeded:
            raise TooManyRequests(retry_after=window.reset)
    token = accounts.sign_in(form.name.data, form.password.data, request.remote_addr, request.headers.get("User-Agent"))
    found = accounts.signed_in(token) if token else None
    if token is None or found is None:
        for guesses, window in windows:
            if window.remaining == 0:
                accounts.slowed_down(_name_tried(), *guesses[:2])
        logger.warning("sign-in refused", address=request.remote_addr)  # the audit knows the user, where there is one
        form.password.errors = ["The name or the password is not right."]
        return render_template("accounts/login.html", form=form, target=target), 422
    for guesses, _ in windows:
        give_back(*guesses)
    session.clear()  # nothing of the visitor's session lives on in the signed-in one
    login_user(SignedIn(token, found))
    logger.info("signed in", name=found.name, address=request.remote_addr)
    response = redirect(target, 303)
    seal = _seals().dumps([found.name, secrets.token_hex(8)])
    response.set_cookie(
        KNOWN,
        seal,
        max_age=KNOWN_DAYS * 86_400,
        secure=current_app.session_interface.get_cookie_secure(current_app),
        httponly=True,
        samesite="Lax",
        path=url_for("pages.login"),
    )
    return response


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


def _account(form: TokenForm, secret: str | None = None, password: PasswordForm | None = None) -> str:
    me = actor()
    mine = accounts.tokens(me.user_id) if me and me.user_id else []
    return render_template(
        "accounts/account.html", form=form, tokens=mine, secret=secret, password=password or PasswordForm(formdata=None)
    )


def password_change() -> Any:
    """Change one's own password: it takes the one of now, and ends one's other sign-ins."""
    me, user, form = actor(), current_user._get_current_object(), PasswordForm()
    if me is None or me.user_id is None or not isinstance(user, SignedIn):
        abort(403, "A password belongs to an account: make one with flask users add NAME.")
    if not form.validate_on_submit():
        return _account(TokenForm(formdata=None), password=form), 422
    guesses = ("10 per minute; 30 per hour", "guesses of", str(me.user_id))
    window = count(*guesses)
    if window.exceeded:
        raise TooManyRequests(retry_after=window.reset)
    try:
        own_password.change_password(me.name, form.current.data, form.password.data, user.token)
    except accounts.AccountError as error:
        form[error.field].errors = [str(error)]
        return _account(TokenForm(formdata=None), password=form), 422
    give_back(*guesses)
    flash("Your password is changed; your other sign-ins have ended.", "ok")
    return redirect(url_for("pages.account"), 303)


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
