"""Flask's extensions, made once; and the two ways to a session: reading and writing."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from decimal import Decimal
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from research_dashboard.base import BUSY, Base, FiledDecimal, UTCDateTime
from research_dashboard.intake import SLOTS, aside
from research_dashboard.turns import Turns

if TYPE_CHECKING:
    from flask_migrate import Migrate

STREAMS = 8  # files that are written while they are read, at a time: each holds a connection
T = TypeVar("T")
_encoder = msgspec.json.Encoder(decimal_format="number")


def to_json(value: Any) -> str:
    """JSON as it is stored and sent: decimals as numbers, moments as ISO 8601."""
    return _encoder.encode(value).decode()


def from_json(text: str | bytes) -> Any:
    """The Python value of JSON; a number with a fraction is a Decimal, so that filed values stay exact."""
    return _decoder.decode(text)


_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)


def _render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """How migrations write our column types: as SQLAlchemy's own, for migrations import nothing of ours."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, FiledDecimal):
        return "sa.String().with_variant(sa.Numeric(), 'postgresql')"
    return False


db = SQLAlchemy(
    metadata=Base.metadata,
    engine_options={
        "json_serializer": to_json,
        "json_deserializer": from_json,
        "hide_parameters": True,
        "pool_use_lifo": True,
        "max_overflow": 2 * SLOTS + 2 * STREAMS,  # for requests at work and files that are read, two each
    },
    session_options={"expire_on_commit": False},
)


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    """False for what the models do not describe: the full-text index with its shadow tables, the queue for the SEC,
    the trigram indexes."""
    return name is None or not name.startswith(
        ("run_search", "sec_pace", "company_names_parts", "research_runs_title_parts")
    )


class Migrations:
    """What Flask-Migrate looks for in app.extensions; it and alembic (0.2 s, 10 MB) are loaded at their first use."""

    db = db
    configure_args: Mapping[str, Any] = MappingProxyType(
        {"render_item": _render_item, "include_name": _ours, "compare_type": False, "render_as_batch": True}
    )

    def __init__(self, directory: str) -> None:
        self.directory = directory

    @cached_property
    def migrate(self) -> "Migrate":
        """Flask-Migrate's own object."""
        from flask_migrate import Migrate

        return Migrate(directory=self.directory)


csrf = CSRFProtect()


_outer: ContextVar[Session | None] = ContextVar("outer", default=None)


@contextmanager
def writing() -> Iterator[Session]:
    """A short session of its own that writes: BEGIN IMMEDIATE on SQLite, committed at the end, rolled back on error.

    Needs an application context. Only services and the worker use it; never hold it across network or computing.
    """
    outer = _outer.get()
    if outer is not None:
        with outer.begin_nested():
            yield outer
        return
    engine = db.engine
    alone = _turns(engine).turn() if engine.dialect.name == "sqlite" else nullcontext()
    with alone, Session(_writer(engine), expire_on_commit=False) as session, session.begin():
        yield session


def write(work: Callable[[Connection], T]) -> T:
    """What a short piece of writing returns, once it is committed, perhaps in one transaction with others of its kind.

    Needs an application context. The work changes nothing but the database, for it may be called a second time.
    """
    outer = _outer.get()
    if outer is not None:
        with outer.begin_nested():
            return work(outer.connection())
    engine = db.engine
    if engine.dialect.name == "sqlite":
        with aside():  # those behind do what comes before their own writing meanwhile, and share the transaction
            return _turns(engine).share(work)
    with engine.begin() as connection:
        return work(connection)


@lru_cache(maxsize=4)
def _writer(engine: Engine) -> Engine:
    """The engine whose transactions begin as a writer's."""
    return engine.execution_options(writes=True)


@lru_cache(maxsize=4)
def _turns(engine: Engine) -> Turns[Connection]:
    """The line of this process's writers; only SQLite needs one."""
    return Turns(_writer(engine).begin, BUSY, _locked)


def _locked() -> OperationalError:
    """What SQLite says to a writer that waited too long."""
    return OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))


@contextmanager
def reading() -> Iterator[Session]:
    """A short session of its own that reads, for code outside a request (worker, commands)."""
    outer = _outer.get()
    if outer is not None:
        yield outer
        return
    with Session(db.engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def one_transaction() -> Iterator[Session]:
    """Make all that is written and read below here one transaction: what `writing` commits waits for this one's end."""
    with writing() as session:
        token = _outer.set(session)
        try:
            yield session
        finally:
            _outer.reset(token)


def in_a_transaction() -> bool:
    """True below one_transaction()."""
    return _outer.get() is not None


def outside_transactions() -> None:
    """Make sure that no transaction is open here, before something slow. Raises RuntimeError."""
    if in_a_transaction():
        raise RuntimeError("this must not be done in a transaction")
