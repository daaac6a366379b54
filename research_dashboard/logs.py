"""The log (P15, D23): one line an event, to INSTANCE/logs and the console, rotating, safe against forged lines."""

import structlog
from flask import Flask

from research_dashboard.settings import Settings

logger = structlog.stdlib.get_logger("research_dashboard")


def init_app(app: Flask, settings: Settings) -> None:
    """Send the program's log to a rotating file and the console, in the format the settings ask for."""
