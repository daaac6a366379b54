"""The huey object and wake(): with worker.py the only places that know huey.

huey only wakes a worker; which run is next is said by the table of runs. So a lost or doubled message does no harm.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from research_dashboard.memory import without
from research_dashboard.settings import Settings

if TYPE_CHECKING:
    from huey.consumer import Consumer

MAX_DELAY = 0.1  # seconds between two looks into the queue on SQLite; PostgreSQL notifies


def load_huey(settings: Settings) -> Any:
    """The package, without the drivers of databases that these settings do not name: it would load all there are."""
    with without("redis", "psycopg"):
        import huey
    if make_url(settings.database_url).get_backend_name() == "postgresql":
        import psycopg

        huey.storage.psycopg = psycopg
    return huey


class Queue:
    """The queue of one installation: an empty message means “look into the table of runs”."""

    def __init__(self, settings: Settings) -> None:
        huey = load_huey(settings)
        if (url := make_url(settings.database_url)).get_backend_name() == "postgresql":
            dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
            self.huey: Any = huey.PostgresHuey("research", dsn=dsn, results=False)
        else:
            self.huey = huey.SqliteHuey("research", filename=str(settings.instance / "queue.db"), results=False)
        self._handler: Callable[[], None] | None = None
        self._clock: Callable[[], None] | None = None
        self._task = self.huey.task(name="wake")(self._woken)
        self.huey.periodic_task(huey.crontab(minute="*"), name="minute")(self._minute)

    def wake(self) -> None:
        """Tell the workers that there is something to do."""
        self._task()

    def _woken(self) -> None:
        if self._handler is not None:
            self._handler()

    def _minute(self) -> None:
        if self._clock is not None:
            self._clock()

    def waiting(self) -> int:
        """How many messages nobody has taken yet."""
        return int(self.huey.storage.queue_size())

    def consumer(self, handler: Callable[[], None], clock: Callable[[], None], threads: int) -> "Consumer":
        """A consumer that calls the handler for each message, in that many threads, and the clock once a minute.

        Every consumer calls the clock, so that it goes on whichever worker dies: what it does, it does once.
        """
        from huey.consumer import Consumer

        self._handler, self._clock = handler, clock
        return Consumer(self.huey, workers=threads, periodic=True, max_delay=MAX_DELAY, graceful_signal="TERM")


@cache
def queue_of(settings: Settings) -> Queue:
    """The queue that these settings name, opened at its first use."""
    return Queue(settings)


def wake() -> None:
    """Wake a worker of the current application. Raises what the queue's storage raises."""
    from flask import current_app

    queue_of(current_app.config["SETTINGS"]).wake()
