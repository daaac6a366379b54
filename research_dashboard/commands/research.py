"""`flask research …`: what can be done with research from the command line."""

import click
from flask import current_app
from flask.cli import with_appcontext

from research_dashboard.extensions import reading
from research_dashboard.queries.reports import results_by_type, run_kept
from research_dashboard.reports.build import is_report
from research_dashboard.services.provenance import verify_run


@click.group("research")
def research() -> None:
    """Check what research has stored."""


@research.command("verify")
@click.argument("run_id", type=click.IntRange(1))
@with_appcontext
def verify(run_id: int) -> None:
    """Recompute every figure of run RUN_ID from its facts, follow these to where they came from, and say n of n."""
    with reading() as session:
        run = run_kept(session, run_id)
        results = results_by_type(session, run_id)
    if run is None:
        raise click.ClickException(f"There is no run #{run_id}.")
    if not is_report(results):
        raise click.ClickException(f"Run #{run_id} holds no figures of the built-in research: it is {run.status}.")
    done = verify_run(run, results, current_app.config["SETTINGS"].instance)
    for problem in done.problems:
        click.echo(problem, err=True)
    click.echo(f"Run #{run_id}, {run.company}: {done.words}")
    if not done.sound:
        raise SystemExit(1)
