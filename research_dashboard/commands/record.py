"""`flask db fill`: beside Flask-Migrate's own commands of the database."""

import time

import click
from flask.cli import with_appcontext

from research_dashboard.services.fill import fill as fill_record


@click.command("fill")
@click.argument("number", type=click.IntRange(1, 100_000_000))
@with_appcontext
def fill(number: int) -> None:
    """Add NUMBER made-up runs with five steps each, to measure with: always the same, marked “flask db fill”."""
    began = time.monotonic()
    with click.progressbar(length=number, label="Filling") as bar:
        fill_record(number, lambda done: bar.update(done - bar.pos))
    click.echo(f"{number:,} runs in {time.monotonic() - began:.0f} s")


COMMANDS = (fill,)
