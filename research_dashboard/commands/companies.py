"""`flask companies …`: what is loaded, and how more is."""

import re
import time
from pathlib import Path
from typing import BinaryIO

import click
from flask import current_app
from flask.cli import AppGroup

from research_dashboard.models import DataLoad
from research_dashboard.queries.companies import TICKERS, loads_newest_first, stock, tickers_load
from research_dashboard.services.companies import CompanyError, UnknownCompany, resolve
from research_dashboard.services.imports import import_data_set
from research_dashboard.services.loads import import_bundle
from research_dashboard.services.provenance import verify_companies
from research_dashboard.services.tickers import fetch_index, look_up
from research_dashboard.services.uploads import upload
from research_dashboard.settings import Settings
from research_dashboard.sources.bundled import bundled_until
from research_dashboard.sources.imported import UnusableDataSet
from research_dashboard.sources.uploaded import MOST_BYTES, BadUploadError, template

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
    if load.left_out:
        click.echo(load.left_out, err=True)


@companies.command("fetch")
@click.argument("name")
def fetch_command(name: str) -> None:
    """Fetch from the SEC: one company by name, ticker or CIK, a quarter of every filer (2026q1), or the index of
    tickers (tickers), which is fetched at most once a day. Needs a contact."""
    from research_dashboard.services.live import check_on, fetch_company  # the HTTP client is for those who fetch
    from research_dashboard.sources.live import QUARTER
    from research_dashboard.sources.sec import SecError

    settings: Settings = current_app.config["SETTINGS"]
    try:
        if name == "tickers":
            fetch_index(settings)
            click.echo(_index())
            return
        if QUARTER.fullmatch(name):
            check_on(f"{name}.zip", settings)
            load = _fetch_quarter(name, settings)
        else:
            cik, label = _filer(name, settings)
            check_on(label, settings, cik)
            with click.progressbar(length=1000, label=label) as bar:
                load = fetch_company(cik, lambda part, _: bar.update(int(part * 1000) - bar.pos), settings)
    except (CompanyError, SecError, UnusableDataSet) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{load.name}: {load.facts:,} facts.")


def _filer(name: str, settings: Settings) -> tuple[int, str]:
    """CIK and name; with live data on, a CIK that is not known here yet will do. Raises CompanyError."""
    from research_dashboard.services.live import access_of

    typed = re.fullmatch(r"(?:CIK)?0*([1-9]\d{0,9})", name.strip(), re.IGNORECASE)
    if typed is None:  # a CIK needs no index
        look_up([name], settings)
    try:
        company = resolve(name, need_figures=False)
    except UnknownCompany:
        if typed is None or not access_of(settings).contact:
            raise
        return int(typed[1]), f"CIK {typed[1]}"
    return company.cik or 0, company.name


def _fetch_quarter(quarter: str, settings: Settings) -> DataLoad:
    from research_dashboard.services.live import fetch_quarter

    with (
        click.progressbar(length=1000, label=f"{quarter}.zip: fetching") as fetching,
        click.progressbar(length=1000, label=f"{quarter}.zip: importing") as importing,
    ):

        def note(done: int, total: int | None) -> None:
            if total:
                fetching.update(int(done / total * 1000) - fetching.pos)

        return fetch_quarter(quarter, settings, note, lambda part: importing.update(int(part * 1000) - importing.pos))


@companies.command("upload")
@click.argument("file", type=click.File("rb"))
def upload_command(file: BinaryIO) -> None:
    """Store a CSV file of a private company's figures, marked as not filed; all rows must be right."""
    try:
        stored = upload(file.read(MOST_BYTES + 1), file.name)
    except BadUploadError as error:
        for wrong in error.errors:
            click.echo(str(wrong), err=True)
        more = f" and {error.more} more" if error.more else ""
        raise click.ClickException(f"Nothing was stored: {len(error.errors)} errors{more}.") from None
    click.echo(f"{stored.figures:,} figures of {', '.join(stored.companies)}{'' if stored.new else ': here already'}.")


@companies.command("template")
def template_command() -> None:
    """Print a CSV file to start from, for `flask companies upload`."""
    click.echo(template(), nl=False)


@companies.command("verify")
@click.argument("name", required=False)
def verify_command(name: str | None) -> None:
    """Compare the facts at hand (or those of company NAME) with where they came from: the bundle, the SEC's answers.

    Exit code 1 when one differs. The files of data sets and uploads are not kept, so that their facts are left out."""
    settings: Settings = current_app.config["SETTINGS"]
    try:
        cik = resolve(name, need_figures=False).cik if name else None
    except CompanyError as error:
        raise click.ClickException(str(error)) from None
    if name and cik is None:
        raise click.ClickException(f"{name} is no filer: its figures were uploaded, and their file is not kept.")
    with click.progressbar(length=1000, label="Comparing") as bar:
        done = verify_companies(settings.instance, cik, lambda part: bar.update(int(part * 1000) - bar.pos))
    for difference in done.differences:
        click.echo(str(difference), err=True)
    for sentence in done.unseen:
        click.echo(sentence)
    click.echo(done.words)
    if done.differences:
        raise SystemExit(1)


@companies.command("status")
def status() -> None:
    """Say what is loaded, from where and from when."""
    held = stock()
    click.echo(f"{held.companies:,} companies known, {held.with_facts:,} with figures; {held.facts:,} facts.")
    click.echo(f"Index of companies: {_index()}")
    for load in loads_newest_first(limit=20):
        if load.name == TICKERS:
            continue
        state = f"{load.facts:,} facts of {load.companies:,} companies" if load.finished_at else _unfinished(load)
        click.echo(f"{load.loaded_at:%Y-%m-%d %H:%M} UTC  {load.source:8}  {load.name}  {load.version}  {state}")


def _unfinished(load: DataLoad) -> str:
    """Why a load did not come to its end, and the cure."""
    if load.left_out:
        return f"not finished: {load.left_out}"
    return "not finished: still at work, or broken off. Import the file again: it goes on where it stopped."


def _index() -> str:
    """Which index of companies serves, and from when it is."""
    load = tickers_load()
    if load is None or load.finished_at is None:
        return f"the one that came with the program; its newest filing is of {bundled_until()}."
    return (
        f"{load.position:,} tickers of {load.companies:,} companies, fetched from the SEC on "
        f"{load.finished_at:%Y-%m-%d %H:%M} UTC."
    )
