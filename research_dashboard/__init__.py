"""Research Dashboard: company research in which every figure is a filed figure, on record."""

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from flask import Flask

from research_dashboard import settings as settings_module
from research_dashboard.settings import Settings

__version__ = version("research-dashboard")


class Application(Flask):
    """Flask, spared what only asynchronous views need: asking of each hook and view whether it is one."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is; ours are all plain."""
        return func

    def run(
        self, host: str | None = None, port: int | None = None, debug: bool | None = None, *args: Any, **kw: Any
    ) -> None:
        """Flask's development server, under the rules of `flask run`. Raises SettingError."""
        from research_dashboard import listening

        host = host if host is not None else str(self.config["SERVER_NAME"] or "127.0.0.1").partition(":")[0]
        listening.refuse(self, host, debugger=self.debug if debug is None else debug)
        super().run(host, port, debug, *args, **kw)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Nearly all that importing makes stays: without this the collector looks it through a dozen times, for nothing."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def create_app(config: Mapping[str, Any] | None = None, settings: Settings | None = None) -> Flask:
    """The Flask application. `config` goes on top of what the settings say (tests); raises SettingError."""
    with _uncollected():
        from research_dashboard import (
            access,
            api,
            cli,
            compressed,
            door,
            errors,
            extensions,
            listening,
            logs,
            metrics,
            models,
            rates,
            upkeep,
            views,
        )

    assert models.Base.metadata is extensions.db.metadata  # noqa: S101  # every table is known from here on

    settings = settings or settings_module.load()
    app = Application(__name__, instance_path=str(settings.instance))
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        MAX_CONTENT_LENGTH=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
    )
    app.config.update(config or {})
    compressed.init_app(app)  # acts last
    logs.init_app(app, settings)
    extensions.db.init_app(app)
    app.extensions["migrate"] = extensions.Migrations(f"{app.root_path}/migrations")
    rates.init_app(app)
    metrics.init_app(app)
    if not app.testing:
        _prepare_at_first_request(app, settings)
    upkeep.init_app(app)
    access.init_app(app)
    door.init_app(app)
    extensions.csrf.init_app(app)  # after access: what a stranger sent is not read
    views.init_app(app)
    api.init_app(app)
    errors.init_app(app)
    cli.init_app(app)
    if not app.testing:
        listening.init_app(app)
    return app


def _prepare_at_first_request(app: Flask, settings: Settings) -> None:
    """`flask run` on an empty folder works too: the database is made ready before the first answer."""
    from research_dashboard.services.database import prepare_database

    ready = threading.Event()

    @app.before_request
    def prepare() -> None:
        if not ready.is_set():
            prepare_database(settings.instance)
            ready.set()
