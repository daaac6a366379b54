"""The huey object and wake(): with worker.py the only places that know huey.

huey only wakes a worker; which run is next is said by the table of runs. So a lost or doubled message does no harm.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from research_dashboard.settings import Settings

if TYPE_CHECKING:
    from huey.consumer import Consumer

MAX_DELAY = 0.1  # seconds between two looks into the queue on SQLite; PostgreSQL notifies


class Queue:
    """The queue of one installation: an empty message means “look into the table of runs”."""

    def __init__(self, settings: Settings) -> None:
        import huey

        url = make_url(settings.database_url)
        if url.get_backend_name() == "postgresql":
            dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
            self.huey: Any = huey.PostgresHuey("research", dsn=dsn, results=False)
        else:
            self.huey = huey.SqliteHuey("research", filename=str(settings.instance / "queue.db"), results=False)
        self._handler: Callable[[], None] | None = None
        self._task = self.huey.task(name="wake")(self._woken)

    def wake(self) -> None:
        """Tell the workers that there is something to do."""
        self._task()

    def _woken(self) -> None:
        if self._handler is not None:
            self._handler()

    def waiting(self) -> int:
        """How many messages nobody has taken yet."""
        return int(self.huey.storage.queue_size())

    def consumer(self, handler: Callable[[], None], threads: int) -> "Consumer":
        """A consumer that calls the handler for each message, in that many threads."""
        from huey.consumer import Consumer

        self._handler = handler
        return Consumer(self.huey, workers=threads, periodic=False, max_delay=MAX_DELAY, graceful_signal="TERM")


@cache
def queue_of(settings: Settings) -> Queue:
    """The queue that these settings name, opened at its first use."""
    return Queue(settings)


def wake() -> None:
    """Wake a worker of the current application. Raises what the queue's storage raises."""
    from flask import current_app

    queue_of(current_app.config["SETTINGS"]).wake()
