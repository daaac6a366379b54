"""What a web process does beside its requests: say of a run that nobody works on it, when no worker is there to."""

import threading

from flask import Flask

from research_dashboard.logs import logger
from research_dashboard.services import leases

SWEEP = 2.0  # seconds


class Upkeep:
    """The sweeping thread of this process, started once: by the server, or by the first request (`flask run`)."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.lock, self.begun = threading.Lock(), False

    def begin(self) -> None:
        """Sweep from now on, until the process ends."""
        if self.begun:
            return
        with self.lock:
            if not self.begun:
                self.begun = True
                threading.Thread(target=self._sweep, name="upkeep", daemon=True).start()

    def _sweep(self) -> None:
        with self.app.app_context():
            while not threading.Event().wait(SWEEP):
                try:
                    leases.sweep()
                except Exception as error:  # the database may be away for a while: the next sweep tries again
                    logger.error("sweep_failed", error=str(error))


def init_app(app: Flask) -> None:
    """Begin with the first request, but in tests."""
    kept = Upkeep(app)
    app.extensions["upkeep"] = kept
    if not app.testing:
        app.before_request(kept.begin)
