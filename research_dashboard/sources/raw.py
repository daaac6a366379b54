"""The SEC's answers as they came, kept in INSTANCE/raw under their hash; needs no network."""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from research_dashboard.base import utcnow
from research_dashboard.research.concepts import TAGS
from research_dashboard.sources.companyfacts import (
    NotCompanyFacts,
    Row,
    cik_of,
    load_companyfacts,
    parse_companyfacts,
)

ANNUAL_DAYS = 300  # the shortest duration kept: years are 350 to 380 days (FINANCE.md 2.2)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: kept in INSTANCE/raw, known by its hash."""

    name: str
    sha256: str
    at: datetime
    path: Path


class ChangedAnswer(Exception):
    """A kept answer is no longer what its name's hash says."""


def sha256(body: bytes) -> str:
    """The hash under which an answer is kept."""
    return hashlib.sha256(body).hexdigest()


def raw_folder(instance: Path, cik: int) -> Path:
    """Where a company's answers are kept."""
    return instance / "raw" / f"CIK{cik:010}"


def keep_raw(folder: Path, name: str, body: bytes) -> Answer:
    """Keep an answer as it came, once: FOLDER/NAME.TIME.SHA256.json.gz."""
    digest, at = sha256(body), utcnow()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"{name}.*.{digest}.json.gz"):
        path.touch()  # the name says when it was first told, the file's time when last
        return Answer(name, digest, at, path)
    path = folder / f"{name}.{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.{digest}.json.gz"
    part = path.with_suffix(".part")
    part.write_bytes(gzip.compress(body, 6, mtime=0))
    part.replace(path)
    return Answer(name, digest, at, path)


def kept_figures(instance: Path, cik: int, digest: str) -> list[Row] | None:
    """The figures of the companyfacts answer with that hash; None where it is not kept. Raises ChangedAnswer."""
    path = next(raw_folder(instance, cik).glob(f"companyfacts.*.{digest}.json.gz"), None)
    if path is None:
        return None
    try:
        body = gzip.decompress(path.read_bytes())
        if sha256(body) != digest:
            raise ChangedAnswer(path.name)
        return figures_in(load_companyfacts(body), cik)
    except (OSError, EOFError, zlib.error, NotCompanyFacts) as error:
        raise ChangedAnswer(path.name) from error


def figures_in(answer: Any, cik: int, malformed: Callable[[str], None] = lambda tag: None) -> list[Row]:
    """The facts of an answer that research reads, in an order of their own: the same answer gives the same rows.

    `malformed` is told the tag of each that had to be left out. Raises NotCompanyFacts.
    """

    def told(tag: str) -> None:
        if tag in TAGS:
            malformed(tag)

    if not isinstance(answer, dict) or not isinstance(answer.get("facts"), dict):
        raise NotCompanyFacts("The answer has no facts.")
    named = cik_of(answer)
    if named != cik:
        raise NotCompanyFacts(f"It is of CIK {named}.")
    rows = [row for row in parse_companyfacts(answer, told) if kept(row)]
    return sorted(rows, key=lambda row: (row.taxonomy, row.tag, row.unit, row.end, str(row.start), row.accession))


def kept(row: Row) -> bool:
    """Instants, annual durations, and every duration of a transition report (its stub), of the tags research reads."""
    if f"{row.taxonomy}:{row.tag}" not in TAGS:
        return False
    days = None if row.start is None else (row.end - row.start).days + 1
    return days is None or days >= ANNUAL_DAYS or row.form.startswith(("10-KT", "10-QT"))
