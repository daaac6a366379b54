"""What every page shares: its links, its theme, the reader's zone, the filters, the safety headers."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from flask import Flask, Response, abort, current_app, redirect, request, url_for
from jinja2.bccache import Bucket, FileSystemBytecodeCache
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard import peek
from research_dashboard.access import actor, may_read, reader
from research_dashboard.base import utcnow
from research_dashboard.extensions import db, to_json
from research_dashboard.logs import logger
from research_dashboard.queries.preferences import THEMES, Preferences, defaults
from research_dashboard.queries.preferences import preferences as read_preferences
from research_dashboard.research import wording

MAIN_LINKS = (
    ("pages.overview", "Overview"),
    ("pages.researcher", "Researcher"),
    ("pages.historical_records", "Historical Records"),
    ("pages.compare", "Compare"),
    ("pages.watchlist", "Watchlist"),
)
FOOT_LINKS = (
    ("pages.account", "Account"),
    ("pages.settings", "Settings"),
    ("pages.rules", "Rules"),
    ("pages.trash", "Trash"),
    ("pages.audit", "Audit"),
    ("pages.status", "Status"),
    ("pages.help", "Help"),
    ("pages.styleguide", "Style guide"),
    ("api.docs", "API"),
)
HTMX_CONFIG = json.dumps(
    {
        "historyRestoreAsHxRequest": False,
        "historyCacheSize": 0,
        "includeIndicatorStyles": False,
        "allowEval": False,
        "selfRequestsOnly": True,
        "scrollBehavior": "instant",
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "422", "swap": True},
            {"code": "[45]..", "swap": True, "error": True, "target": "#messages", "swapOverride": "innerHTML"},
        ],
    }
)
# What each page takes in its address; another parameter is a slip, and passing over it would answer another question.
# Pages that are not named check their own.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "pages.account": (),
    "pages.bulk_progress": (),
    "pages.company": ("page",),
    "pages.compare": ("run", "company", "a", "b", "with", "differences", "figures"),
    "pages.compare_file": ("run", "company", "a", "b", "differences", "figures"),
    "pages.fact": (),
    "pages.help": (),
    "pages.help_document": (),
    "pages.overview": (),
    "pages.researcher": ("company", "as_of", "source", "peer", "peers"),
    "pages.rules": (),
    "pages.run_log": ("level",),
    "pages.run_log_file": ("level",),
    "pages.settings": (),
    "pages.status": (),
    "pages.styleguide": (),
    "pages.trash": (),
    "pages.watchlist": ("list",),
    "pages.batch": (),
    "pages.inbox": (),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
PREFERENCES = "research_dashboard.preferences"
# `reader` is a number or nothing, never what someone typed.
UNREAD = (
    "SELECT count(*) FROM notices WHERE id > "
    "coalesce((SELECT read_up_to FROM inbox_marks WHERE reader = '{reader}'), 0)"
)
CONTROLS = bytes({*range(32), 127} - {*b"\t\n\f\r"})
TO_SUBSTITUTE = bytes.maketrans(CONTROLS, b"\x1a" * len(CONTROLS))
Found = TypeVar("Found")
Otherwise = TypeVar("Otherwise")
KEPT_BY_NOBODY = ("pages.account", "pages.audit", "pages.audit_file", "pages.login")
A_YEAR = 365 * 24 * 60 * 60


def preferences() -> Preferences:
    """What is set on /settings, read once a request; the defaults when the database cannot answer (error pages)."""
    kept = request.environ  # not g, which outlives the request where an application context stands around it
    if PREFERENCES not in kept:
        try:
            kept[PREFERENCES] = read_preferences(db.session())
        except SQLAlchemyError:
            kept[PREFERENCES] = defaults()
    found: Preferences = kept[PREFERENCES]
    return found


def readable(query: Callable[[], Found], otherwise: Otherwise) -> Found | Otherwise:
    """What the query finds, or `otherwise` where the database cannot say: one broken part does not take the page."""
    try:
        return query()
    except SQLAlchemyError:
        logger.exception("a part of the page cannot be read")
        db.session.rollback()
        return otherwise


def theme() -> str:
    """This browser's theme, by its cookie; else the one of /settings."""
    cookie = request.cookies.get("theme", "")
    return cookie if cookie in THEMES else preferences().theme


@cache
def _fingerprint(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of a static file, with its content's fingerprint, so that browsers may keep it for a year."""
    path = Path(current_app.static_folder or "", name)
    version = _fingerprint(path, path.stat().st_mtime_ns) if path.exists() else None
    return url_for("static", filename=name, v=version)


def _links(links: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    """The pages of a menu that there are for this reader; before signing in they are shown, and lead there."""
    known, who = current_app.view_functions, actor()
    return [
        {"endpoint": endpoint, "label": label, "url": url_for(endpoint), "current": request.endpoint == endpoint}
        for endpoint, label in links
        if endpoint in known and (who is None or may_read(endpoint))
    ]


def _time(value: datetime, shown: str) -> str:
    """A time element; HTML takes three digits of a second, not six."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="milliseconds"), shown)


def moment(value: datetime | None) -> str:
    """2026-03-02 11:42 in the reader's zone, as a time element; a dash for none."""
    if value is None:
        return wording.DASH
    return _time(value, wording.minute(value, preferences().zone))


def second(value: datetime | None) -> str:
    """2026-03-02 11:42:07 in the reader's zone, as a time element; a dash for none."""
    if value is None:
        return wording.DASH
    return _time(value, f"{value.astimezone(preferences().zone):%Y-%m-%d %H:%M:%S}")


def clock(value: datetime) -> str:
    """11:42:07 in the reader's zone, where the day is said elsewhere, as a time element."""
    return _time(value, f"{value.astimezone(preferences().zone):%H:%M:%S}")


def long_moment(value: datetime | None) -> str:
    """2 Mar 2026 11:42 in the reader's zone, for sentences."""
    if value is None:
        return wording.DASH
    return _time(value, wording.long_minute(value, preferences().zone))


def long_second(value: datetime) -> str:
    """2 Mar 2026 11:42:07 in the reader's zone, in lists whose lines name days in words."""
    local = value.astimezone(preferences().zone)
    return _time(value, f"{wording.long_date(local.date())} {local:%H:%M:%S}")


def day(value: date | str | None) -> str:
    """27 Sep 2025; a dash for none."""
    return wording.DASH if value is None else wording.long_date(value)


def span(seconds: float | None) -> str:
    """A duration as people say it; a dash for none."""
    return wording.DASH if seconds is None else wording.duration(seconds)


def whole(value: float) -> str:
    """12,345."""
    return wording.number(value)


def decimals(value: float, places: int = 2) -> str:
    """0.16; 1,234.50."""
    return wording.number(value, places)


def result_title(kind: str) -> str:
    """A result's type as its heading: swot_analysis is SWOT Analysis."""
    return kind.replace("_", " ").title().replace("Swot", "SWOT")


def pretty(value: Any) -> str:
    """JSON, indented, for people."""
    return msgspec.json.format(to_json(value), indent=2)


def unread() -> int:
    """How many notices of the inbox are not read yet; 0 where the database cannot say."""
    if actor() is None:
        return 0
    try:
        return int(peek.rows(UNREAD.format(reader=reader()))[0][0])
    except SQLAlchemyError:
        return 0


def _here() -> str:
    """This page's address, as it can stand in a form."""
    query = request.query_string.decode("ascii", "replace")
    return f"{quote(request.path)}{'?' if query else ''}{query}"


def _context() -> dict[str, Any]:
    return {
        "asset": asset,
        "foot_links": _links(FOOT_LINKS),
        "here": _here(),
        "htmx_config": HTMX_CONFIG,
        "main_links": _links(MAIN_LINKS),
        "now": utcnow(),
        "preferences": preferences(),
        "theme": theme(),
        "unread": unread,
    }


def _without_controls(response: Response) -> None:
    """What cannot stand in HTML (NUL and its like, shown back from an address) becomes the replacement character."""
    if response.mimetype == "text/html" and not response.is_streamed:
        data = response.get_data()
        if len(data.translate(None, CONTROLS)) != len(data):
            response.set_data(data.translate(TO_SUBSTITUTE).replace(b"\x1a", "\ufffd".encode()))


def _finish(response: Response) -> Response:
    """The safety headers on every answer; a fingerprinted file may be kept, a page is asked for anew."""
    _without_controls(response)
    there = {name.lower() for name in response.headers.keys()}  # noqa: SIM118  # Headers iterates over pairs
    for name, value in HEADERS.items():
        if name.lower() not in there:
            response.headers.add(name, value)
    if request.endpoint == "static" and "v" in request.args:
        response.cache_control.max_age = A_YEAR
        response.cache_control.immutable = True
        response.cache_control.no_cache = None
    elif request.endpoint != "static" and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = (
            "private, no-store" if request.endpoint in KEPT_BY_NOBODY else "private, no-cache"
        )
    return response


def refuse_unknown_parameters() -> None:
    """422 for a page that is asked for with a parameter it does not know."""
    known = PARAMETERS.get(request.endpoint or "")
    if known is None or request.method not in ("GET", "HEAD"):
        return
    unknown = [name for name in request.args if name not in known]
    if unknown:
        there = f"There are: {', '.join(known)}." if known else "It takes none."
        abort(422, f"This page has no parameter “{unknown[0][:60]}”. {there}")


def slash() -> AnyResponse:
    """A page's address with a slash too many leads to the page, query and all."""
    query = request.query_string.decode("ascii", "replace")
    return redirect(f"{request.script_root}{request.path.rstrip('/')}{'?' if query else ''}{query}", 308)


class NumberConverter(IntegerConverter):
    """<int:name> in an address: in 0 to 9, not in every script's digits, so that one thing has one address."""

    regex = "[0-9]+"


class IdConverter(NumberConverter):
    """<id:name> in an address: a whole number that the database can hold as a key; another is 404."""

    largest = 2**63 - 1

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=1, max=self.largest)


class NarrowIdConverter(IdConverter):
    """The same on PostgreSQL, whose keys have four bytes."""

    largest = 2**31 - 1


class CompiledTemplates(FileSystemBytecodeCache):
    """Templates as compiled, kept in a folder for the next start; where it is of no use they are compiled anew.

    What is kept is code: the folder is its owner's alone.
    """

    def __init__(self, folder: Path) -> None:
        with suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
        super().__init__(str(folder))

    def get_source_checksum(self, source: str) -> str:
        """What tells one compiled form from another: Jinja's and our release, too, for filters of constants are worked
        out when a template is compiled."""
        return super().get_source_checksum(f"{version('jinja2')} {version('research-dashboard')} {source}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read one."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def load_templates(app: Flask) -> None:
    """Compile or read what a run's page is made of: at a start hundreds of them may ask for it again, all at once.

    Not every template: all of them take 15 MB.
    """
    for name in app.jinja_env.list_templates(filter_func=lambda name: name.rpartition("/")[0] in ("", "runs")):
        app.jinja_env.get_template(name)


def init_app(app: Flask) -> None:
    """Give the templates their filters and what every page shares, and every answer its headers."""
    narrow = app.config["SETTINGS"].database_url.startswith("postgresql")
    app.url_map.converters["int"] = NumberConverter
    app.url_map.converters["id"] = NarrowIdConverter if narrow else IdConverter
    app.jinja_env.bytecode_cache = CompiledTemplates(app.config["SETTINGS"].instance / "compiled-templates")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["wording"] = wording  # a global, so that imported macros see it too
    app.jinja_env.filters.update(
        clock=clock,
        day=day,
        decimals=decimals,
        long_moment=long_moment,
        long_second=long_second,
        moment=moment,
        pretty=pretty,
        result_title=result_title,
        second=second,
        span=span,
        whole=whole,
    )
    app.context_processor(_context)
    app.after_request(_finish)
