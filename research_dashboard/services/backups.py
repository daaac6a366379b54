"""Backups of the database: made while it is used, checked, put back without losing what was there."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, create_engine, inspect, make_url, text

from research_dashboard.base import utcnow
from research_dashboard.logs import logger

KEEP = 10  # backups of one reason kept by rotation
PAGES_AT_ONCE = 2000  # of the online copy: writers get their turn in between


class BackupError(Exception):
    """A backup cannot be made, is broken, or cannot be put back; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup and what was true of it when it was made; kept beside it as NAME.json."""

    path: Path
    made_at: str
    schema: str  # the migration it stands at
    size: int
    sha256: str
    rows: Mapping[str, int]
    reason: str  # by hand, before upgrade, before restore

    @property
    def moment(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.made_at)


def make(url: str, folder: Path, reason: str = "by hand", now: datetime | None = None) -> Backup:
    """Copy the database into the folder, under load, and write down what is in the copy. Raises BackupError."""
    parsed = make_url(url)
    moment = (now or utcnow()).astimezone(UTC)
    sqlite = parsed.get_backend_name() == "sqlite"
    path = _unused(folder, f"{moment:%Y%m%d-%H%M%S-%f}", ".db" if sqlite else ".dump")
    unfinished = path.with_suffix(path.suffix + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if sqlite:
            schema, rows = _copy_sqlite(_file_of(parsed), unfinished)
        else:
            schema, rows = _dump_postgresql(parsed, unfinished)
        os.replace(unfinished, path)
    except (OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        with suppress(OSError):
            unfinished.unlink()
        raise BackupError(f"No backup was made: {_reason(error)}. Nothing was changed.") from error
    backup = Backup(path, moment.isoformat(), schema, path.stat().st_size, _sha256(path), rows, reason)
    _note(path).write_text(json.dumps(asdict(backup) | {"path": path.name}, indent=1))
    rotate(folder)
    return backup


def before_change(url: str, folder: Path, heads: Sequence[str]) -> Backup | None:
    """Back up a database whose schema is about to change; None when it is empty or stands at the heads already.

    Raises BackupError on SQLite: without a backup the schema is not touched.
    """
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            schema = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    finally:
        engine.dispose()
    if schema is None or schema in heads:
        return None
    try:
        return make(url, folder, "before upgrade")
    except BackupError as error:
        if make_url(url).get_backend_name() == "sqlite":
            raise
        # A PostgreSQL server has its own backups, and often no pg_dump of its version here; its migrations are
        # one transaction, so that nothing is left half done.
        logger.warning("no_backup_before_upgrade", reason=str(error))
        return None


def rotate(folder: Path, keep: int = KEEP) -> None:
    """Delete the oldest backups beyond `keep` of each reason: a nightly job never pushes out those of upgrades."""
    seen: Counter[str] = Counter()
    for backup in kept(folder):
        seen[backup.reason] += 1
        if seen[backup.reason] > keep:
            backup.path.unlink(missing_ok=True)
            _note(backup.path).unlink(missing_ok=True)


def kept(folder: Path) -> Sequence[Backup]:
    """The backups in the folder, newest first; a file without its note is none of ours."""
    found = []
    for note in folder.glob("*.json"):
        try:
            values = json.loads(note.read_text())
            path = folder / values["path"]
            if path.exists():
                found.append(Backup(**values | {"path": path}))
        except (ValueError, KeyError, TypeError):
            continue
    return sorted(found, key=lambda backup: (backup.made_at, backup.path.name), reverse=True)


def verify(path: Path) -> Backup:
    """Check a backup against its note: sha256, integrity, foreign keys, row counts. Raises BackupError."""
    try:
        values = json.loads(_note(path).read_text())
        backup = Backup(**values | {"path": path})
    except FileNotFoundError:
        raise BackupError(
            f"{path.name} has no note ({_note(path).name}) beside it: it is not a backup made here."
        ) from None
    except (ValueError, TypeError) as error:
        raise BackupError(f"The note of {path.name} cannot be read ({error}).") from None
    if not path.exists():
        raise BackupError(f"{path} is not there.")
    if _sha256(path) != backup.sha256:
        raise BackupError(f"{path.name} is not what was written: its sha256 differs. Use another backup.")
    if path.suffix == ".dump":
        _run(["pg_restore", "--file", os.devnull, str(path)])  # reads every row of it
    else:
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
                problems = _problems(connection)
                rows = _rows(connection)
        except sqlite3.Error as error:
            raise BackupError(f"{path.name} is broken: {error}. Use another backup.") from None
        if problems:
            raise BackupError(f"{path.name} is broken: {problems[0]}. Use another backup.")
        if rows != backup.rows:
            raise BackupError(f"{path.name} does not hold the rows that were written. Use another backup.")
    return backup


def restore(path: Path, url: str, known: Sequence[str]) -> Path | None:
    """Put a verified backup in the database's place; what was there is kept beside it, and its path answered.

    `known` are the migrations this program has: a backup of a newer one is refused. Raises BackupError.
    """
    backup = verify(path)
    if backup.schema not in known:
        raise BackupError(
            f"{path.name} is of a newer version (schema {backup.schema}) than this program: update the program first."
        )
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        _run(["pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname", _libpq(parsed), str(path)])
        return None
    target = _file_of(parsed)
    aside = None
    if target.exists():
        aside = _unused(target.parent, f"{target.stem}-before-restore-{utcnow():%Y%m%d-%H%M%S}", ".db")
        try:
            _copy_sqlite(target, aside)  # with what its write-ahead log holds
        except sqlite3.Error:
            shutil.copyfile(target, aside)  # too broken to be read: kept as it is
    incoming = target.with_suffix(".incoming")
    shutil.copyfile(path, incoming)
    for suffix in ("-wal", "-shm"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    os.replace(incoming, target)
    return aside


def _copy_sqlite(source: Path, target: Path) -> tuple[str, Mapping[str, int]]:
    """SQLite's online backup: a consistent copy, though others write meanwhile."""
    if not source.exists():
        raise BackupError(f"There is no database at {source} yet.")
    with closing(sqlite3.connect(source, timeout=30)) as reader, closing(sqlite3.connect(target)) as writer:
        # In one read transaction, so that writers do not make the copy start over again.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reader.backup(writer, pages=PAGES_AT_ONCE)
        writer.execute("PRAGMA journal_mode = DELETE")
        problems = _problems(writer)
        if problems:
            raise sqlite3.DatabaseError(f"the database itself is damaged ({problems[0]})")
        return _schema(writer), _rows(writer)


def _dump_postgresql(url: URL, target: Path) -> tuple[str, Mapping[str, int]]:
    """pg_dump of a snapshot, though others write meanwhile, with the rows counted in the same snapshot."""
    import psycopg
    import psycopg.sql

    with psycopg.connect(_libpq(url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = str(connection.execute("SELECT pg_export_snapshot()").fetchall()[0][0])
        dump = ["pg_dump", "--format=custom", "--snapshot", snapshot, "--file", str(target), "--dbname", _libpq(url)]
        _run(dump)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        rows = {}
        for (name,) in tables:
            count = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(name))
            rows[name] = int(connection.execute(count).fetchall()[0][0])
        if "alembic_version" not in rows:
            return "", rows
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return (found[0] if found else ""), rows


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # no shell; pg_dump and what we give it
    except FileNotFoundError:
        raise BackupError(f"{command[0]} was not found: install PostgreSQL's client programs.") from None
    except subprocess.CalledProcessError as error:
        raise BackupError(f"{command[0]} failed: {error.stderr.strip()[-500:]}") from None


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _file_of(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise BackupError("The database lives in memory: there is nothing to back up.")
    return Path(url.database)


def _problems(connection: sqlite3.Connection) -> list[str]:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
    return found + [f"{row[0]} points to a missing {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")]


def _schema(connection: sqlite3.Connection) -> str:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return ""
    return row[0] if row else ""


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    ]
    count = 'SELECT count(*) FROM "{}"'  # tables of the database's own list
    return {table: connection.execute(count.format(table)).fetchone()[0] for table in tables}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def _unused(folder: Path, stem: str, suffix: str) -> Path:
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists() or _note(path).exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
