"""What every table stands on: naming of constraints, column types, SQLite's pragmas. No Flask."""

import os
import sqlite3
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Dialect, Engine, Integer, MetaData, Numeric, String, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, DisconnectionError, IntegrityError, ProgrammingError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import Pool
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import Date, DateTime, TypeDecorator, TypeEngine

BUSY = 10  # seconds that a writer waits for another before it gives up
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC to the microsecond. A naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was given: say which time zone it is in")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class FiledDecimal(TypeDecorator[Decimal]):
    """A filed value, exactly as filed: text on SQLite (whose Numeric is a float), numeric elsewhere."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not value.is_finite():
            raise ValueError("a filed value is a finite number")
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy's own declaration style
        datetime: UTCDateTime(),
        int: BigInteger().with_variant(Integer(), "sqlite"),  # so that PostgreSQL compares with any number sent
        Decimal: FiledDecimal(),
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
    }


@dataclass(frozen=True, slots=True)
class Trouble:
    """A state of the database that passes when its cause goes: a kind for the log, the cause and the cure in words, and
    what goes on by itself then, where the program runs."""

    kind: str
    cause: str
    cure: str
    then: str = ""


_TROUBLES = (
    (
        ("disk is full", "disk I/O error", "No space left"),
        Trouble(
            "disk_full",
            "The disk that holds the database is full or cannot be written; nothing was stored.",
            "Free some space there.",
            "Waiting runs go on by themselves.",
        ),
    ),
    (
        ("readonly database", "read-only"),
        Trouble(
            "read_only",
            "The database can be read but not written; nothing was stored.",
            "Give the program's user the right to write the database's file and its folder.",
        ),
    ),
    (
        ("is locked",),
        Trouble(
            "locked",
            "Another program holds the database; nothing was stored.",
            "Try again in a moment; if it stays, look for a program that has the file open.",
        ),
    ),
    (
        ("malformed", "not a database"),
        Trouble(
            "broken",
            "The database's file is damaged.",
            "Stop the program and put a backup back: flask db backups, flask db restore NAME.",
        ),
    ),
    (
        ("unable to open", "connection", "could not connect", "server closed"),
        Trouble(
            "gone",
            "The database cannot be reached; nothing was stored.",
            "Check that it is there and running.",
            "Work goes on by itself when it is back.",
        ),
    ),
)


def trouble(error: DBAPIError) -> Trouble | None:
    """What an error says of the database's state; None for an error that is about the statement itself."""
    if not isinstance(error, DatabaseError) or isinstance(error, IntegrityError | ProgrammingError | DataError):
        return None
    said = str(error.orig)
    return next((found for words, found in _TROUBLES if any(word in said for word in words)), None)


def _hint(_compiler: SQLiteCompiler, _table: Any, text: str | None) -> str | None:
    return text


# SQLAlchemy hands table hints (INDEXED BY) to every dialect's compiler but SQLite's leaves them out.
SQLiteCompiler.get_from_hint_text = _hint  # type: ignore[method-assign, assignment]


def utcnow() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def fold(text: str) -> str:
    """The text without differences of case and of compatible characters: “ÅNGSTRÖM” and “Ångström” are one."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


class folded(GenericFunction[str]):
    """fold() in the database. SQLite's own lower() knows ASCII only, so ours is lent to each connection; PostgreSQL has
    the like of it, but for letters whose folding is longer (ß stays ß there)."""

    type = String()
    inherit_cache = True
    name = "fold"


@compiles(folded, "postgresql")
def _folded_on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"lower(normalize({compiler.process(element.clauses, **kw)}, NFKC))"


class utc_day(GenericFunction[date]):
    """The day of a moment, in UTC."""

    type = Date()
    inherit_cache = True
    name = "date"  # SQLite's own, which is right because moments are kept in UTC there


@compiles(utc_day, "postgresql")
def _utc_day_on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC')::date"


class File:
    """The file that a connection to SQLite holds open, which may since have been removed or replaced.

    SQLite would go on in a removed file, of which nothing is left when the program ends; and for whoever connects anew
    it would make an empty one.
    """

    _known: ClassVar[set[str]] = set()  # the paths where this process has found a database

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.path: str = connection.execute("PRAGMA database_list").fetchone()[2]  # empty: in memory
        self._is = self._there()
        self._known.add(self.path)

    def _there(self) -> tuple[int, int] | None:
        """What the path names now: device and number of the file."""
        try:
            found = os.stat(self.path)  # at every question: pathlib takes twice the time
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def same(self) -> bool:
        """True while the path names it. Raises sqlite3.OperationalError when nothing is there."""
        if not self.path:
            return True
        there = self._there()
        if there is None:
            raise sqlite3.OperationalError(GONE)
        return there == self._is

    @classmethod
    def refuse_to_make(cls, path: str) -> None:
        """Raise sqlite3.OperationalError where a database was that is there no more."""
        path = os.path.abspath(path)  # as SQLite names it
        if path in cls._known and not os.path.exists(path):
            raise sqlite3.OperationalError(GONE)


GONE = "unable to open database file: it was there, and is gone"


@event.listens_for(Engine, "do_connect")
def _before_connect(dialect: Dialect, _record: Any, arguments: Any, _options: Any) -> None:
    if dialect.name == "sqlite":
        File.refuse_to_make(arguments[0])


@event.listens_for(Pool, "checkout")
def _on_checkout(_connection: Any, record: Any, _proxy: Any) -> None:
    """A connection to a file that was replaced is given up for one to the new file."""
    file = record.info.get("file")
    if file is not None and not file.same():
        raise DisconnectionError


@event.listens_for(Engine, "connect")
def _on_connect(connection: Any, record: Any) -> None:
    """SQLite: WAL, foreign keys, patience; and transactions begun by us (CONVENTIONS, traps 16 and 17)."""
    if type(connection).__module__.partition(".")[0] != "sqlite3":
        return
    connection.isolation_level = None
    for pragma in (f"busy_timeout = {BUSY * 1000}", "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("fold", 1, lambda text: None if text is None else fold(text), deterministic=True)
    record.info["file"] = File(connection)


@event.listens_for(Engine, "handle_error")
def _on_error(context: ExceptionContext) -> None:
    """A connection that SQLite opened read-only stays so when the file can be written again: it is given up."""
    if context.dialect.name == "sqlite" and "readonly database" in str(context.original_exception):
        context.is_disconnect = True


@event.listens_for(Engine, "begin")
def _on_begin(connection: Any) -> None:
    """A session that writes takes the write lock at once; a reader never upgrades."""
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
