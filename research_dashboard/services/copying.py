"""Moving an installation from SQLite to PostgreSQL: every row, in one transaction, counted and hashed on both sides.

The target is filled or stays empty: a copy that broke off leaves nothing behind and is simply made again. Memory stays
flat, for rows are streamed both ways.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Connection, Engine, Row, String, cast, column, func, select, table, text

from research_dashboard.base import Base

AT_ONCE = 1000  # rows in memory
# The full-text index is none of the models' tables: FTS5 on SQLite, a table with a tsvector on PostgreSQL.
SEARCH = ("run_search", ("rowid", "title", "findings", "notes", "error"))
MOST = 1 << 256
NUL, MARK = "\0", "\ufffd"  # PostgreSQL keeps no NUL; what stands in its place there
NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
MOST_NAMED = 20  # places of a table


class CopyError(Exception):
    """The copy was not made; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A table that stands on both sides with the same rows: their number, and the sum of their hashes.

    `marked` says where NUL became MARK on the way: column, table and the row's key, of the first MOST_NAMED.
    """

    table: str
    rows: int
    sha256: str
    marked: Sequence[str] = ()


def copy(source: Engine, target: Engine, told: Callable[[Copied], None] = lambda _: None) -> Sequence[Copied]:
    """Copy every table of a migrated database into another at the same migration, which is empty. Raises CopyError."""
    if source.dialect.name != "sqlite" or target.dialect.name != "postgresql":
        raise CopyError("A copy is made from SQLite to PostgreSQL: give the URL of a PostgreSQL database.")
    done = []
    with source.connect() as reader, target.begin() as writer:
        _refuse_what_is_not_empty(writer)
        versions = [each.scalar(text("SELECT version_num FROM alembic_version")) for each in (reader, writer)]
        if versions[0] != versions[1]:
            raise CopyError(f"The databases stand at {versions[0]} and {versions[1]}: run `flask db upgrade` first.")
        for name, statement in _statements():
            copied = _copy_table(reader, writer, name, statement)
            told(copied)
            done.append(copied)
        _reset_sequences(writer)
    return done


def _statements() -> Iterator[tuple[str, Any]]:
    """Every table, after those it points to, with the SELECT of its rows: JSON as the text it is stored as."""
    for each in Base.metadata.sorted_tables:
        columns = [cast(c, String).label(c.name) if isinstance(c.type, JSON) else c for c in each.columns]
        yield each.name, select(*columns)
    name, names = SEARCH
    yield name, select(*(column(each) for each in names)).select_from(table(name))


def _refuse_what_is_not_empty(connection: Connection) -> None:
    for each in Base.metadata.sorted_tables:
        if connection.scalar(select(func.count()).select_from(select(text("1")).select_from(each).limit(1).subquery())):
            raise CopyError(f"The target is not empty: {each.name} has rows. Give an empty database.")


def _copy_table(reader: Connection, writer: Connection, name: str, statement: Any) -> Copied:
    """Stream one table over, with its own triggers off: what they keep (counts, index) is copied like the rest."""
    names = ", ".join(f'"{each.name}"' for each in statement.selected_columns)
    writer.execute(text(f'ALTER TABLE "{name}" DISABLE TRIGGER USER'))
    raw = writer.connection.driver_connection
    assert raw is not None  # noqa: S101  # the connection is open
    sent, marked = _Sum(), _Marks(name)
    with raw.cursor() as cursor, cursor.copy(f'COPY "{name}" ({names}) FROM STDIN') as stream:
        for row in reader.execute(statement.execution_options(yield_per=AT_ONCE)):
            kept = marked.without_nul(row)
            sent.add(kept)
            stream.write_row(kept)
    writer.execute(text(f'ALTER TABLE "{name}" ENABLE TRIGGER USER'))
    arrived = _Sum()
    for row in writer.execute(statement.execution_options(yield_per=AT_ONCE)):
        arrived.add(row)
    if (sent.rows, sent.value) != (arrived.rows, arrived.value):
        raise CopyError(f"{name} did not arrive as it was sent ({sent.rows:,} rows, {arrived.rows:,} arrived).")
    return Copied(name, arrived.rows, f"{arrived.value:064x}", marked.places)


class _Marks:
    """Rows as PostgreSQL can keep them: MARK in the place of NUL, and where that was."""

    def __init__(self, name: str) -> None:
        found = Base.metadata.tables.get(name)
        self._name = name
        self._json = {c.name for c in found.columns if isinstance(c.type, JSON)} if found is not None else set()
        self.places: list[str] = []

    def without_nul(self, row: Row[Any]) -> tuple[Any, ...]:
        """The row's values."""
        if not any(isinstance(value, str) and (NUL in value or "\\u0000" in value) for value in row):
            return tuple(row)
        kept = [self._marked(name, value) for name, value in row._mapping.items()]
        for name, before, after in zip(row._fields, row, kept, strict=True):
            if before != after and len(self.places) < MOST_NAMED:
                self.places.append(f"{name} of {self._name} {row[0]}")
        return tuple(kept)

    def _marked(self, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        value = value.replace(NUL, MARK)
        return NUL_IN_JSON.sub(rf"\1{MARK}", value) if name in self._json else value


class _Sum:
    """The sum of the rows' hashes: the same in whatever order they are read."""

    def __init__(self) -> None:
        self.rows = self.value = 0

    def add(self, row: Any) -> None:
        """Add one row."""
        text = "\x1f".join(_plain(value) for value in row)
        self.rows += 1
        self.value = (self.value + int.from_bytes(hashlib.sha256(text.encode()).digest())) % MOST


def _plain(value: Any) -> str:
    """A value as both databases give it."""
    return format(value, "f") if isinstance(value, Decimal) else repr(value)


def _reset_sequences(connection: Connection) -> None:
    """New rows are numbered after those that were copied."""
    for each in Base.metadata.sorted_tables:
        key = each.autoincrement_column
        if key is None:
            continue
        sequence = connection.scalar(select(func.pg_get_serial_sequence(each.name, key.name)))
        largest = connection.scalar(select(func.max(key)))
        if sequence and largest:
            connection.execute(select(func.setval(sequence, largest)))
