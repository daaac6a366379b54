"""`flask worker`: workers alone, beside a web server that runs elsewhere."""

import click
from flask import current_app
from flask.cli import with_appcontext


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Run a worker until Ctrl-C: it claims waiting runs and works on them."""
    from research_dashboard.services.database import prepare_database
    from research_dashboard.worker import Worker

    prepare_database(current_app.config["SETTINGS"].instance)
    click.echo("A worker is running. Ctrl-C ends it; what it works on is handed back.")
    Worker(current_app._get_current_object()).run()  # type: ignore[attr-defined]
