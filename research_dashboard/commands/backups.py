"""`flask db backup`, `backups`, `verify`, `restore`: beside Flask-Migrate's own commands of the database."""

import contextlib
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError

from research_dashboard.extensions import db, reading
from research_dashboard.queries.work import alive
from research_dashboard.services import audit, backups
from research_dashboard.services.backups import Backup, BackupError
from research_dashboard.settings import PREFIX, Settings


@click.command("backup")
@click.option("--to", type=click.Path(path_type=Path), help="Folder for the backup (default: INSTANCE/backups).")
@with_appcontext
def backup(to: Path | None) -> None:
    """Back the database up while it is used; the ten newest of each reason are kept."""
    settings = _settings()
    try:
        made = backups.make(settings.database_url, to or settings.backups)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{made.path} ({_size(made)}, sha256 {made.sha256[:12]}…)")


@click.command("backups")
@with_appcontext
def backups_list() -> None:
    """List the backups, newest first."""
    found = backups.kept(_settings().backups)
    for made in found:
        click.echo(f"{made.path.name}  {made.made_at}  schema {made.schema}  {_size(made)}  {made.reason}")
    if not found:
        click.echo("There is no backup yet: flask db backup makes one.")


@click.command("verify")
@click.argument("backup", required=False)
@with_appcontext
def verify(backup: str | None) -> None:
    """Check a backup (default: the newest): sha256, integrity, foreign keys, row counts."""
    try:
        made = backups.verify(_named(backup))
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    rows = f", {sum(made.rows.values()):,} rows in {len(made.rows)} tables" if made.rows else ""
    click.echo(f"{made.path.name} is sound: {_size(made)}, schema {made.schema}{rows}.")


@click.command("restore")
@click.argument("backup")
@with_appcontext
def restore(backup: str) -> None:
    """Put a backup in the database's place; what was there is kept beside it. The program must not be running."""
    from alembic.script import ScriptDirectory

    settings = _settings()
    try:
        path = _named(backup)
        if _running(settings):
            raise BackupError("The program is running on this database: stop it, restore, and start it again.")
        config = current_app.extensions["migrate"].migrate.get_config()
        known = [revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()]
        db.engine.dispose()
        aside = backups.restore(path, settings.database_url, known)
        with contextlib.suppress(DatabaseError):  # a backup from before there was an audit
            audit.note("database.restore", path.name, after={"kept_aside": aside.name if aside else None})
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    kept = f" What was there is kept as {aside.name}." if aside else ""
    click.echo(f"{path.name} is in place.{kept} Start the program again: it brings the schema up to date.")


@click.command("copy-to")
@click.argument("url")
@with_appcontext
def copy_to(url: str) -> None:
    """Copy this SQLite database into the empty PostgreSQL database at URL; every table is counted and hashed there."""
    from research_dashboard.services.copying import Copied, CopyError, copy

    def told(done: Copied) -> None:
        click.echo(f"{done.table:<20} {done.rows:>12,} rows  sha256 {done.sha256[:16]}…")

    settings = _settings()
    if _running(settings):
        raise click.ClickException(
            "The program is running on this database: stop it, copy, and start it on the new one."
        )
    try:
        if make_url(url).get_backend_name() != "postgresql":
            raise CopyError("A copy is made into PostgreSQL: postgresql+psycopg://USER:PASSWORD@HOST/NAME.")
        there = create_engine(url)
        try:
            _reach(there)
            _upgrade_there(settings, url)
            done = copy(db.engine, there, told)
        finally:
            there.dispose()
    except (CopyError, ArgumentError, SQLAlchemyError) as error:
        raise click.ClickException(str(error).splitlines()[0]) from None
    click.echo(f"{sum(each.rows for each in done):,} rows in {len(done)} tables, the same on both sides. From now on:")
    click.echo("set RESEARCH_DASHBOARD_DATABASE_URL to the new address; the old file stays as it is.")
    if marked := [place for each in done for place in each.marked]:
        click.echo(
            f"PostgreSQL does not keep the character NUL; � stands in its place in {', '.join(marked)}.", err=True
        )


def _reach(there: Engine) -> None:
    """Raises CopyError where the target does not answer: what it says, and that the URL given is to be checked."""
    from research_dashboard.services.copying import CopyError

    try:
        with there.connect():
            pass
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        shown = there.url.render_as_string(hide_password=True)
        raise CopyError(
            f"The target {shown} cannot be reached: {cause}. Check the URL given to this command."
        ) from error


def _upgrade_there(settings: Settings, url: str) -> None:
    """Bring another database to this program's schema, in a process whose settings name it. Raises CopyError."""
    from research_dashboard.services.copying import CopyError

    named = {"INSTANCE": str(settings.instance), "DATABASE_URL": url, "SECRET_KEY": settings.secret_key}
    environment = os.environ | {f"{PREFIX}{name}": value for name, value in named.items()}
    command = [sys.executable, "-m", "flask", "--app", "research_dashboard", "db", "upgrade"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # no shell
    if done.returncode:
        raise CopyError(done.stderr.strip().rpartition("\n")[2] or "The target could not be migrated.")


def _running(settings: Settings) -> bool:
    """A server holds the instance folder's lock, or a worker beats."""
    with (settings.instance / "serve.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    try:
        with reading() as session:
            return alive(session)
    except Exception:  # the database to be replaced may be missing, empty or broken
        return False


def _named(name: str | None) -> Path:
    """A backup by path, or by its name in the backups folder; the newest without one."""
    folder = _settings().backups
    if name is None:
        found = backups.kept(folder)
        if not found:
            raise BackupError("There is no backup yet: flask db backup makes one.")
        return found[0].path
    return Path(name) if Path(name).exists() else folder / name


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _size(made: Backup) -> str:
    return f"{made.size / 1e6:,.1f} MB"


COMMANDS = (backup, backups_list, verify, restore, copy_to)
