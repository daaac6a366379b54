"""`flask db fill`, `prune`, `import-seed` and `export-runs`: beside Flask-Migrate's own commands of the database."""

import sys
import time
from pathlib import Path
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from flask.cli import with_appcontext

from research_dashboard.extensions import reading
from research_dashboard.queries.runs import InvalidFilter, RunFilter, runs_stream, runs_total
from research_dashboard.queries.trash import trash_total
from research_dashboard.reports.run_lists import WHOLE, chosen, runs_csv, runs_json, runs_ndjson
from research_dashboard.services import organise, seed
from research_dashboard.services.fill import fill as fill_record

WRITERS = {"csv": runs_csv, "json": runs_json, "ndjson": runs_ndjson}


@click.command("fill")
@click.argument("number", type=click.IntRange(1, 100_000_000))
@with_appcontext
def fill(number: int) -> None:
    """Add NUMBER made-up runs with five steps each, to measure with: always the same, marked “flask db fill”."""
    began = time.monotonic()
    with click.progressbar(length=number, label="Filling") as bar:
        fill_record(number, lambda done: bar.update(done - bar.pos))
    click.echo(f"{number:,} runs in {time.monotonic() - began:.0f} s")


@click.command("prune")
@click.option("--days", type=click.IntRange(0, 36_500), default=30, show_default=True, help="Days in the trash.")
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
@click.option("--yes", is_flag=True, help="Do not ask: delete as many as there are. For timers.")
@with_appcontext
def prune(days: int, *, dry_run: bool, yes: bool) -> None:
    """Delete for good what has lain in the trash for that many days, with steps, results, notes and tags."""
    if dry_run or not yes:
        with reading() as session:
            count = trash_total(session, days)
        told = f"{_runs(count)} would be deleted for good" if dry_run else f"Delete {_runs(count)} for good?"
        if dry_run or not count:
            click.echo(told if dry_run else f"{_runs(0)} deleted for good")
            return
        click.confirm(told, abort=True)
    click.echo(f"{_runs(organise.purge(older_than_days=days))} deleted for good")


def _runs(count: int) -> str:
    return f"{count:,} {'run' if count == 1 else 'runs'}"


@click.command("import-seed")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--zone", default="UTC", show_default=True, help="The time zone its times are in, such as Europe/Berlin.")
@with_appcontext
def import_seed(file: Path, zone: str) -> None:
    """Import the runs of the seed's research.db, marked as figures without a source (legacy).

    A file may come again: runs that are on record are passed over. Rows that cannot be kept are named one by one, and
    the command then ends with 1, all others being stored.
    """
    try:
        done = seed.import_seed(file, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{done.runs:,} runs, {done.details:,} steps, {done.results:,} results imported")
    if done.passed_over:
        click.echo(f"{done.passed_over:,} runs were on record already and are passed over")
    if done.left_out:
        click.echo(f"{len(done.left_out):,} rows left out:", err=True)
        for reason in done.left_out:
            click.echo(f"  {reason}", err=True)
        raise SystemExit(1)


@click.command("export-runs")
@click.argument("text", default="")
@click.option("--filter", "query", default="", help="A query string as on the page: status=Failed&sort=company.")
@click.option("--format", "kind", type=click.Choice(list(WRITERS)), default="csv", show_default=True)
@with_appcontext
def export_runs(text: str, query: str, kind: str) -> None:
    """Write the runs that the filter text TEXT finds to the standard output: status:failed AND duration>2."""
    try:
        wanted = RunFilter.parse([*parse_qsl(query), *([("q", text)] if text else [])])
    except InvalidFilter as error:
        raise click.ClickException(str(error)) from None
    with reading() as session:
        rows = runs_stream(session, wanted, whole=kind in WHOLE)
        for piece in runs_csv(rows, chosen(wanted.cols)) if kind == "csv" else WRITERS[kind](rows):
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
        click.echo(f"{runs_total(session, wanted):,} runs", err=True)


COMMANDS = (fill, prune, import_seed, export_runs)
