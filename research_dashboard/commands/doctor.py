"""`flask doctor`: what is wrong, and how to mend it."""

import click
from flask import current_app
from flask.cli import with_appcontext

from research_dashboard.services import health


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Look over the installation: what is well, what is not, and how to mend it. Exit code 1 when something is not."""
    found = health.checks(current_app.config["SETTINGS"], thorough=True)
    told = ""
    for check in found:
        mark = "ok" if check.well else "--" if not check.needed else "NOT"
        click.echo(f"{mark:3}  {check.name}: {check.found}")
        if check.cure and check.cure != told:  # one fault shows in many places, and has one cure
            click.echo(f"     {check.cure}")
        told = check.cure or told
    if not health.is_ready(found):
        raise SystemExit(1)
