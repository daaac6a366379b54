"""`flask companies …`: what is loaded, and how more is."""

import time
from pathlib import Path

import click
from flask.cli import AppGroup

from research_dashboard.queries.companies import loads_newest_first, stock
from research_dashboard.services.imports import import_data_set
from research_dashboard.services.loads import import_bundle
from research_dashboard.sources.imported import UnusableDataSet

companies = AppGroup("companies", help="Companies and their filed facts: import, fetch, status.")


@companies.command("import-bundle")
def import_bundle_command() -> None:
    """Load the facts that ship with the program. Safe to repeat."""
    started = time.perf_counter()
    load = import_bundle()
    took = time.perf_counter() - started
    click.echo(f"Bundle {load.version}: {load.facts:,} facts of {load.companies} companies ({took:.1f} s).")


@companies.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_command(file: Path) -> None:
    """Import FILE.zip, a quarterly Financial Statement Data Set of the SEC. Broken off, it goes on the next time."""
    started = time.perf_counter()
    try:
        with click.progressbar(length=1000, label=file.name) as bar:
            load = import_data_set(file, lambda part: bar.update(int(part * 1000) - bar.pos))
    except UnusableDataSet as error:
        raise click.ClickException(str(error)) from None
    took = time.perf_counter() - started
    companies_ = "1 company" if load.companies == 1 else f"{load.companies:,} companies"
    click.echo(f"{load.name}: {load.facts:,} facts of {companies_} ({took:.1f} s).")


@companies.command("status")
def status() -> None:
    """Say what is loaded, from where and from when."""
    held = stock()
    click.echo(f"{held.companies:,} companies known, {held.with_facts:,} with figures; {held.facts:,} facts.")
    for load in loads_newest_first(limit=20):
        state = f"{load.facts:,} facts of {load.companies:,} companies" if load.finished_at else "not finished"
        click.echo(f"{load.loaded_at:%Y-%m-%d %H:%M} UTC  {load.source:8}  {load.name}  {load.version}  {state}")
