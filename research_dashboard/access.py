"""Who may do what, in one table: every route has its line here, a route without one is the admins' alone."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager
from flask_login import current_user as flask_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix

from research_dashboard.extensions import csrf
from research_dashboard.intake import Intake, network
from research_dashboard.logs import request_id
from research_dashboard.queries.preferences import researcher_now
from research_dashboard.rates import count
from research_dashboard.services import accounts, audit
from research_dashboard.services.accounts import Actor
from research_dashboard.tables.accounts import Role
from research_dashboard.this_machine import host_name, is_forwarded, is_from_here, is_named_here, is_near

PUBLIC, VIEWER, RESEARCHER, ADMIN = None, Role.VIEWER, Role.RESEARCHER, Role.ADMIN
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
UNCOUNTED = ("static", "pages.healthz", "pages.readyz")

# endpoint: (who may read, who may write). `tests/security` fails for an endpoint that is missing.
ACCESS: dict[str, tuple[Role | None, Role | None]] = {
    "static": (PUBLIC, PUBLIC),
    "api.companies": (VIEWER, RESEARCHER),
    "api.companies_upload": (RESEARCHER, RESEARCHER),
    "api.research_create": (RESEARCHER, RESEARCHER),
    "api.run_progress": (VIEWER, RESEARCHER),
    "api.run_change": (RESEARCHER, RESEARCHER),
    "api.run_changes": (VIEWER, RESEARCHER),
    "api.run_delete": (RESEARCHER, RESEARCHER),
    "api.run_restore": (RESEARCHER, RESEARCHER),
    "api.run_cancel": (RESEARCHER, RESEARCHER),
    "api.run_resume": (RESEARCHER, RESEARCHER),
    "api.run_rerun": (RESEARCHER, RESEARCHER),
    "api.detail_change": (RESEARCHER, RESEARCHER),
    # What the API takes and what its problems mean says nothing of this server: who is refused can read why.
    "api.openapi": (PUBLIC, PUBLIC),
    "api.docs": (PUBLIC, PUBLIC),
    "api.problem_list": (PUBLIC, PUBLIC),
    "api.problem_page": (PUBLIC, PUBLIC),
    "api.bulk_start": (RESEARCHER, RESEARCHER),
    "api.bulk_job": (VIEWER, RESEARCHER),
    "api.runs_bulk": (RESEARCHER, RESEARCHER),
    "api.run_report": (VIEWER, VIEWER),
    "api.details": (VIEWER, RESEARCHER),
    "api.detail_create": (RESEARCHER, RESEARCHER),
    "api.results": (VIEWER, RESEARCHER),
    "api.result_create": (RESEARCHER, RESEARCHER),
    "api.run": (VIEWER, RESEARCHER),
    "api.runs": (VIEWER, RESEARCHER),
    "api.run_create": (RESEARCHER, RESEARCHER),
    "pages.view": (VIEWER, VIEWER),
    "pages.view_save": (RESEARCHER, RESEARCHER),
    "pages.bulk": (RESEARCHER, VIEWER),  # to export and compare; what changes runs: refuse_changing()
    "pages.bulk_progress": (RESEARCHER, RESEARCHER),
    "pages.run_organise": (RESEARCHER, RESEARCHER),
    "pages.trash": (RESEARCHER, RESEARCHER),
    "pages.historical_records": (VIEWER, VIEWER),
    "pages.historical_records_facets": (VIEWER, VIEWER),
    "pages.historical_records_file": (VIEWER, VIEWER),
    "pages.login": (PUBLIC, PUBLIC),
    "pages.logout": (PUBLIC, PUBLIC),
    "pages.account": (VIEWER, VIEWER),
    "pages.password_change": (VIEWER, VIEWER),
    "pages.audit": (ADMIN, ADMIN),
    "pages.audit_file": (ADMIN, ADMIN),
    "pages.readyz": (PUBLIC, PUBLIC),
    "pages.measurements": (VIEWER, VIEWER),
    "pages.overview": (VIEWER, RESEARCHER),
    "pages.help": (VIEWER, VIEWER),
    "pages.help_document": (VIEWER, VIEWER),
    "pages.healthz": (PUBLIC, PUBLIC),
    "pages.companies_upload": (VIEWER, RESEARCHER),
    "pages.companies_upload_template": (VIEWER, VIEWER),
    "pages.company": (VIEWER, VIEWER),
    "pages.compare": (VIEWER, VIEWER),
    "pages.compare_file": (VIEWER, VIEWER),
    "pages.fact": (VIEWER, VIEWER),
    "pages.report_file": (VIEWER, VIEWER),
    "pages.rules": (VIEWER, VIEWER),
    "pages.researcher": (VIEWER, RESEARCHER),
    "pages.run": (VIEWER, RESEARCHER),
    "pages.run_again": (RESEARCHER, RESEARCHER),
    "pages.run_cancel": (RESEARCHER, RESEARCHER),
    "pages.run_verify": (VIEWER, VIEWER),
    "pages.run_resume": (RESEARCHER, RESEARCHER),
    "pages.batch": (RESEARCHER, RESEARCHER),
    "pages.company_watch": (RESEARCHER, RESEARCHER),
    "pages.watchlist": (VIEWER, RESEARCHER),
    "pages.watchlist_change": (RESEARCHER, RESEARCHER),
    "pages.inbox": (VIEWER, VIEWER),
    "pages.run_log": (VIEWER, VIEWER),
    "pages.run_log_file": (VIEWER, VIEWER),
    "pages.status": (VIEWER, VIEWER),
    "pages.styleguide": (VIEWER, VIEWER),
    "pages.settings": (VIEWER, ADMIN),
    "pages.slash": (PUBLIC, PUBLIC),
    "pages.shared_report": (PUBLIC, PUBLIC),
    "pages.share_new": (RESEARCHER, RESEARCHER),
    "pages.share_revoke": (RESEARCHER, RESEARCHER),
    "pages.theme_save": (PUBLIC, PUBLIC),
    "pages.token_new": (VIEWER, VIEWER),
    "pages.token_revoke": (VIEWER, VIEWER),
}


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie; sent over TLS only, unless the server is this very machine."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The visitor's session; without a cookie, as programs come, there is no signature to be checked."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep the session; of one that was empty and stays so there is nothing to keep."""
        if session or session.modified:
            super().save_session(app, session, response)
        elif session.accessed:
            response.vary.add("Cookie")

    def get_cookie_secure(self, app: Flask) -> bool:
        """True when the cookie could be overheard on its way."""
        return request.is_secure or not (is_named_here(request.host) and is_from_here())


class SignedIn:
    """What Flask-Login keeps in the session: the token of a sign-in, which a row in the database must know."""

    is_authenticated, is_active, is_anonymous = True, True, False

    def __init__(self, token: str, actor: Actor) -> None:
        self.token, self.actor = token, actor

    def get_id(self) -> str:
        """The token, not the user's number: a sign-in can be ended on its own."""
        return self.token


def actor() -> Actor | None:
    """Who is behind the present request; None for somebody who has not signed in."""
    found: Actor | None = g.get("actor")
    return found


def reader() -> str:
    """Under which name each reader's own things are kept (inbox, views): the user's number; "" without accounts."""
    who = actor()
    return "" if who is None or who.user_id is None else str(int(who.user_id))


def may_read(endpoint: str) -> bool:
    """True when who is behind the present request may open the page."""
    needed, who = ACCESS.get(endpoint, (ADMIN, ADMIN))[0], actor()
    return needed is PUBLIC or (who is not None and who.may(needed))


def may_write(endpoint: str) -> bool:
    """True when who is behind the present request may send what the page's forms send: others are shown no button."""
    needed, who = ACCESS.get(endpoint, (ADMIN, ADMIN))[1], actor()
    return needed is PUBLIC or (who is not None and who.may(needed))


def owns(author: str) -> bool:
    """True when what the author made (a list, a view) may be renamed or taken away in the present request: by whose it
    is, or by an admin."""
    who = actor()
    return who is not None and (who.name == author or who.may(ADMIN))


def refuse_changing() -> None:
    """Who may only read changes no run. Raises Forbidden."""
    who = actor()
    if who is None or not who.may(RESEARCHER):
        raise Forbidden(f"Changing runs needs the role {RESEARCHER}; you may export and compare them.")


def refuse_purging() -> None:
    """What is deleted for good is gone for everybody: only admins do that. Raises Forbidden."""
    who = actor()
    if who is None or not who.may(ADMIN):
        raise Forbidden("Only an admin deletes for good. What is in the trash stays until then, and can be restored.")


def single_user() -> bool:
    """True while no user was ever added: the operator of this machine is the only user."""
    return bool(g.get("single_user", False))


def init_app(app: Flask) -> None:
    """Guard every request of the application."""
    app.wsgi_app = Intake(app.wsgi_app)  # type: ignore[assignment]  # inside ProxyFix: it counts by the true client
    proxies = app.config["SETTINGS"].trusted_proxies
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    app.after_request(_strict_transport)
    app.session_interface = CookieSessions()
    manager = LoginManager()
    manager.session_protection = None  # the sign-in's row is the protection; an address may change on the way
    manager.init_app(app)
    manager.user_loader(_load)
    app.before_request(guard)
    app.teardown_request(lambda _error: audit.acts(None))
    app.context_processor(
        lambda: {"actor": actor(), "single_user": single_user(), "may_write": may_write, "owns": owns}
    )


def _strict_transport(response: Response) -> Response:
    """Behind TLS: browsers shall not come without it for a year."""
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def _load(token: str) -> SignedIn | None:
    found = accounts.signed_in(token)
    return SignedIn(token, found) if found else None


def guard() -> Response | Any | None:
    """Before each request: from where, by whom, how often, allowed? Answers 401, 403, 429 or the sign-in page, or lets
    it pass."""
    g.single_user = not accounts.has_accounts()
    if g.single_user:
        refuse_strangers()
        g.actor = Actor(operator(), Role.ADMIN)
    else:
        refuse_other_names()
        g.actor = _speaker()
    _say_who()
    _limit_pages()
    if request.method not in SAFE and not request.path.startswith("/api") and (why := from_elsewhere()):
        raise Forbidden(f"{why} Open the page here and send it from there.")
    if request.endpoint is None:
        return None  # routing's own 404 or 405
    needed = ACCESS.get(request.endpoint, (ADMIN, ADMIN))[request.method not in SAFE]
    if needed is PUBLIC:
        return None
    if g.actor is None:
        return _ask_who()
    if g.actor.token_id and request.method not in SAFE and not request.path.startswith("/api/"):
        raise Forbidden("A token writes under /api only; pages are for people who sign in.")
    if not g.actor.may(needed):
        raise Forbidden(f"This needs the role {needed}; {g.actor.reach}.")
    return None


def _limit_pages() -> None:
    """Count a page, by user, or by the address of who has not signed in; also one that is refused, or not there.
    Raises TooManyRequests.

    A server without accounts does not slow its operator down, nobody a monitor that asks how it does; the API counts
    by token (endpoints/limits.py).
    """
    if g.single_user or request.endpoint in UNCOUNTED or request.blueprint == "api":
        return
    by = f"user {g.actor.user_id}" if g.actor else f"address {network(request.remote_addr)}"
    window = count(current_app.config["SETTINGS"].page_limit, "page", by)
    if window.exceeded:
        raise TooManyRequests(retry_after=window.reset)


def _say_who() -> None:
    """For the audit: who acts in this request, and from where."""
    name = g.actor.name if g.actor else "nobody"
    via = "api" if request.path.startswith("/api") else "page"
    audit.acts(audit.Who(name, via, request.remote_addr, request_id()))


def from_elsewhere() -> str | None:
    """Why what was sent is a page's on another site, by what the browser says of it; None when it is ours or a
    program's. A page without a referrer has the origin “null” also where it is ours: then Sec-Fetch-Site decides, as it
    does of the scheme, which a proxy that speaks TLS may not have told."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in ("none", "same-origin"):
        return f"Sec-Fetch-Site is {shown(site)}: a page on another site sent this."
    origin = request.headers.get("Origin")
    if origin is None or (origin == "null" and site == "same-origin"):
        return None
    try:
        sent = urlsplit(origin)
        same = sent.netloc == request.host and (sent.scheme == request.scheme or site == "same-origin")
    except ValueError:
        same = False
    return None if same else f"Origin is {shown(origin)}, and this server is {request.scheme}://{request.host}."


def shown(text: str) -> str:
    """What was sent, fit to stand in an answer."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])


def refuse_strangers() -> None:
    """While there is no account: loopback clients only, under a loopback name, and not through a proxy.

    Raises Forbidden. The name is checked because a page elsewhere can make its own name point here (DNS rebinding).
    """
    how = "Make an account first: flask users add NAME --role admin."
    if not is_near(request.remote_addr or ""):
        raise Forbidden(f"Without an account this server answers its own machine only. {how}")
    if is_forwarded():
        raise Forbidden(f"A proxy forwards this request, and without an account nobody may come from afar. {how}")
    if not is_named_here(request.host):
        raise Forbidden(f"Without an account this server answers to localhost only, not to {request.host!r}. {how}")


def refuse_other_names() -> None:
    """Where the operator said by which names the server is asked: no other, but the machine itself (a health check)
    may call it localhost. Raises Forbidden."""
    names = current_app.config["SETTINGS"].trusted_hosts
    if not names or host_name(request.host) in names:
        return
    if not (is_named_here(request.host) and is_from_here()):
        raise Forbidden(
            f"This server does not answer to {request.host!r}; RESEARCH_DASHBOARD_TRUSTED_HOSTS says to what."
        )


def operator() -> str:
    """The name of the only user of a server without accounts."""
    return researcher_now()


def _speaker() -> Actor | None:
    """The actor behind a bearer token, else behind the session cookie."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and secret:
        return accounts.bearer(secret.strip())
    user = flask_user._get_current_object()
    if not isinstance(user, SignedIn):
        return None
    if request.path.startswith("/api/") and request.method not in SAFE:
        try:
            csrf.protect()  # the API is exempt for programs; a browser's cookie alone never writes there
        except CSRFError as error:
            raise Forbidden(f"A browser that writes to the API needs its CSRF token: {error.description}") from None
    return user.actor


def _ask_who() -> Response | Any:
    if request.path.startswith("/api"):
        raise Unauthorized("Send a token: Authorization: Bearer rd_…", www_authenticate=_bearer_challenge())
    here = request.full_path.rstrip("?") if request.method in SAFE else None
    target = url_for("pages.login", next=here)
    if request.headers.get("HX-Request") == "true":
        return Response(status=401, headers={"HX-Redirect": url_for("pages.login")})
    session.pop("_flashes", None)
    return redirect(target, 303)


def _bearer_challenge() -> Any:
    from werkzeug.datastructures import WWWAuthenticate

    return WWWAuthenticate("bearer", {"realm": "Research Dashboard"})


def safe_target(target: str | None) -> str:
    """A path of this site to go on to, or the overview: never another site's address."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    return target if target.isprintable() and "\\" not in target else "/"
