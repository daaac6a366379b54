"""The SEC's quarterly Financial Statement Data Sets: a zip of sub, num, tag and pre, read in flat memory.

What the SEC does to the figures there, and so is true of everything imported: ends of periods are rounded to the
nearest month's end, lengths to quarters (the start is counted back from them), and a per-share value carries the
currency alone as its unit (here USD/shares again). Only values of the whole company are read: no segments, no
co-registrants. Of the tags, those that research reads.
"""

import hashlib
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from research_dashboard.research.concepts import TAGS
from research_dashboard.sources.bundled import sic_list
from research_dashboard.sources.submissions import FilingRow, Identity

FILES = ("sub.txt", "num.txt", "tag.txt")
LARGEST = 4 * 1024**3  # bytes of one file unpacked: a quarter's num.txt has about half of one of these four
HARMLESS = 10 * 1024**2  # bytes that any file may unpack to
MOST_TIMES = 100  # how much larger than packed a file may be: text packs to a tenth
MOST_ENTRIES = 100  # files in the zip: a data set has five
LONGEST_LINE = 1024 * 1024  # bytes; what is longer is no line of a table
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)
LONGEST_QUARTERS = 4
MOST_NAMED = 5  # malformed lines that are told one by one
WANTED = {tag.split(":", 1)[1].encode(): tag.split(":", 1)[0] for tag in sorted(TAGS)}
TAXONOMIES = {"us-gaap": "us-gaap", "ifrs": "ifrs-full", "ifrs-full": "ifrs-full", "dei": "dei"}
SUB_COLUMNS = (
    *("adsh", "cik", "name", "sic", "countryba", "stprba", "cityba", "stprinc", "afs", "fye"),
    *("form", "period", "fy", "fp", "filed", "former", "changed"),
)
CATEGORIES = {
    "1-LAF": "Large accelerated filer",
    "2-ACC": "Accelerated filer",
    "3-SRA": "Accelerated filer",
    "4-NON": "Non-accelerated filer",
    "5-SML": "Smaller reporting company",
}


class UnusableDataSet(Exception):
    """The file is not a data set that can be imported; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A line of sub.txt: who filed what."""

    identity: Identity
    filing: FilingRow


class Number(NamedTuple):
    """A line of num.txt that is kept."""

    accession: str
    taxonomy: str
    tag: str
    unit: str
    start: date | None
    end: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class Batch:
    """Some kept lines. `position`: lines of num.txt read so far; `part`: how much of the file that is, 0 to 1."""

    numbers: Sequence[Number]
    position: int
    part: float
    malformed: int


class DataSet:
    """A data set's zip, checked and open. Raises UnusableDataSet."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        self.malformed: list[str] = []  # the first lines that were left out: file, line, why
        self.malformed_lines = 0
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise UnusableDataSet(f"There is no file {path}.") from None
        except (OSError, zipfile.BadZipFile) as error:
            raise UnusableDataSet(
                f"{path.name} is not a zip file that can be read ({error}): fetch it again."
            ) from None
        try:
            if len(self._zip.infolist()) > MOST_ENTRIES:
                raise UnusableDataSet(f"{self.name} holds more than {MOST_ENTRIES} files: that is no data set.")
            self._members = {name: self._member(name) for name in FILES}
        except UnusableDataSet:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._zip.close()

    def _wrong(self, name: str, line: int, why: str) -> None:
        self.malformed_lines += 1
        if len(self.malformed) < MOST_NAMED:
            self.malformed.append(f"{name} line {line:,}: {why}")

    def left_out(self) -> str | None:
        """Which malformed lines were left out, in words; None when all was well."""
        if not self.malformed_lines:
            return None
        lines = (
            "1 malformed line was" if self.malformed_lines == 1 else f"{self.malformed_lines:,} malformed lines were"
        )
        more = self.malformed_lines - len(self.malformed)
        return f"{lines} left out: {'; '.join(self.malformed)}{f'; and {more:,} more' if more else ''}."

    def sha256(self) -> str:
        """The hash of the zip's bytes."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _member(self, name: str) -> zipfile.ZipInfo:
        """The one file of that name, checked: nothing is ever unpacked to disk, so its folder does not matter."""
        found = [info for info in self._zip.infolist() if info.filename.rpartition("/")[2] == name]
        if len(found) != 1:
            raise UnusableDataSet(
                f"{self.name} holds {len(found) or 'no'} {name}: give a Financial Statement Data Set of the SEC, "
                "a zip with sub.txt, num.txt, tag.txt and pre.txt."
            )
        info = found[0]
        if info.flag_bits & 1:
            raise UnusableDataSet(f"{name} in {self.name} is encrypted: give the SEC's own file.")
        if info.file_size > LARGEST or info.file_size > max(HARMLESS, MOST_TIMES * info.compress_size):
            raise UnusableDataSet(
                f"{name} in {self.name} would unpack to {info.file_size:,} bytes: that is no data set."
            )
        return info

    def _lines(self, name: str, columns: Sequence[str]) -> Iterator[list[int] | bytes]:
        """First the positions of the columns, then every line as bytes."""
        try:
            with self._zip.open(self._members[name]) as file:
                header = _decoded(file.readline(LONGEST_LINE)).rstrip("\r\n").split("\t")
                missing = [column for column in columns if column not in header]
                if missing:
                    raise UnusableDataSet(f"{name} in {self.name} has no column {missing[0]}: its format is not known.")
                yield [header.index(column) for column in columns]
                yield from _bounded(file, name)
        except DAMAGED as error:
            raise UnusableDataSet(f"{name} in {self.name} is damaged ({error}): fetch the file again.") from None

    def submissions(self) -> dict[str, Submission]:
        """accession -> who filed what; a line that lacks accession, CIK, name, form or day is left out."""
        lines = self._lines("sub.txt", SUB_COLUMNS)
        places = _places(lines)
        found: dict[str, Submission] = {}
        for number, line in enumerate(lines, start=2):
            fields = _decoded(line).rstrip("\r\n").split("\t")  # type: ignore[arg-type]
            if len(fields) <= max(places):
                self._wrong("sub.txt", number, f"{len(fields)} columns, {max(places) + 1} are needed")
                continue
            submission = _submission(dict(zip(SUB_COLUMNS, (fields[place] for place in places), strict=True)))
            if submission:
                found[submission.filing.accession] = submission
            else:
                self._wrong("sub.txt", number, "accession, CIK, name, form or filing day is missing or malformed")
        return found

    def tags(self) -> dict[tuple[str, str], tuple[str | None, bool]]:
        """(taxonomy, tag) -> (label, whether its values are per share), of the tags that research reads."""
        lines = self._lines("tag.txt", ("tag", "version", "custom", "datatype", "tlabel"))
        places = _places(lines)
        found: dict[tuple[str, str], tuple[str | None, bool]] = {}
        for line in lines:
            fields = line.rstrip(b"\r\n").split(b"\t")  # type: ignore[union-attr]
            if len(fields) <= max(places) or fields[places[0]] not in WANTED:
                continue
            tag, version, _, datatype, label = (_decoded(fields[place]) for place in places)
            taxonomy = TAXONOMIES.get(version.partition("/")[0])
            if taxonomy and f"{taxonomy}:{tag}" in TAGS:
                found[taxonomy, tag] = (label or None, datatype == "perShare")
        return found

    def batches(self, skip: int = 0, size: int = 20_000) -> Iterator[Batch]:
        """The kept lines of num.txt beyond the first `skip`, some thousand at a time."""
        per_share = {tag for (_, tag), (_, shares) in self.tags().items() if shares}
        lines = self._lines("num.txt", ("adsh", "tag", "version", "coreg", "segments", "ddate", "qtrs", "uom", "value")
                            if self._has_segments() else
                            ("adsh", "tag", "version", "coreg", "coreg", "ddate", "qtrs", "uom", "value"))  # fmt: skip
        places = _places(lines)
        tag_at, last = places[1], max(places)
        total = max(self._members["num.txt"].file_size, 1)
        numbers: list[Number] = []
        position = read = malformed = 0
        for line in lines:
            position += 1
            read += len(line)
            if position <= skip:
                continue
            fields = line.rstrip(b"\r\n").split(b"\t")  # type: ignore[union-attr]
            if len(fields) <= last:
                malformed += 1
                self._wrong("num.txt", position + 1, f"{len(fields)} columns, {last + 1} are needed")
                continue
            if fields[tag_at] in WANTED:
                number, bad = _number([fields[place] for place in places], per_share)
                if bad:
                    malformed += 1
                    self._wrong("num.txt", position + 1, bad)
                if number:
                    numbers.append(number)
            if len(numbers) >= size or position % (size * 20) == 0:
                yield Batch(numbers, position, min(read / total, 1.0), malformed)
                numbers, malformed = [], 0
        yield Batch(numbers, position, 1.0, malformed)

    def _has_segments(self) -> bool:
        """Data sets made before 2024 have no column of segments: they hold none of their values."""
        try:
            next(self._lines("num.txt", ("segments",)))
        except UnusableDataSet:  # of what else is wrong the reading tells
            return False
        return True


def _bounded(file: IO[bytes], name: str) -> Iterator[bytes]:
    """The file's lines; one of a megabyte is no line of a table."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise UnusableDataSet(f"{name} has a line of more than a megabyte: that is no data set.")
        yield line


def _places(lines: Iterator[list[int] | bytes]) -> list[int]:
    places = next(lines)
    if not isinstance(places, list):
        raise TypeError("the columns come first")
    return places


def _decoded(raw: bytes) -> str:
    """Text of a data set: UTF-8, and in some old ones Windows-1252."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _day(text: str) -> date | None:
    """20090630 as a date, None when there is none."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if len(text) == 8 else None
    except ValueError:
        return None


def _submission(line: dict[str, str]) -> Submission | None:
    filed = _day(line["filed"])
    if not (line["cik"].isdecimal() and line["name"] and line["form"] and filed):
        return None
    if not re.fullmatch(r"\d{10}-\d\d-\d{6}", line["adsh"]):
        return None
    sic = int(line["sic"]) if line["sic"].isdecimal() else None
    title, office = sic_list().get(sic or -1, (None, None))
    changed = _day(line["changed"])
    identity = Identity(
        cik=int(line["cik"]),
        name=line["name"],
        sic=sic,
        sic_description=title,
        office=office,
        category=CATEGORIES.get(line["afs"]),
        state=line["stprba"] or (f"country {line['countryba']}" if line["countryba"] else None),  # IL is Illinois, too
        city=line["cityba"] or None,
        state_of_incorporation=line["stprinc"] or None,
        fiscal_year_end=line["fye"] if re.fullmatch(r"\d{4}", line["fye"]) else None,
        former_names=({"name": line["former"], "from": "", "to": str(changed or "")},) if line["former"] else (),
    )
    year = int(line["fy"]) if line["fy"].isdecimal() else None
    filing = FilingRow(
        line["adsh"], identity.cik, line["form"], filed, _day(line["period"]), year, line["fp"] or None
    )  # fmt: skip
    return Submission(identity, filing)


def _number(fields: Sequence[bytes], per_share: set[str]) -> tuple[Number | None, str]:
    """A kept line of num.txt, or None; and why it is malformed, empty when it is merely of no use here."""
    accession, tag, version, coreg, segments, ddate, qtrs, unit, value = fields
    taxonomy = TAXONOMIES.get(version.partition(b"/")[0].decode("ascii", "replace"))
    name = tag.decode("ascii", "replace")
    if coreg or segments or not taxonomy or not value or f"{taxonomy}:{name}" not in TAGS:
        return None, ""
    try:
        quarters, end = int(qtrs), _DAYS[ddate]
        amount = Decimal(value.decode("ascii"))
    except (ValueError, InvalidOperation):
        return None, "qtrs or value is no number"
    if end is None or quarters < 0 or not unit or not amount.is_finite():
        return None, "ddate, qtrs, uom or value cannot be"
    if quarters > LONGEST_QUARTERS:
        return None, ""
    currency = unit.decode("ascii", "replace")
    if name in per_share and "/" not in currency:
        currency = f"{currency}/shares"
    start = None if quarters == 0 else _first_day(end, quarters)
    return Number(accession.decode("ascii", "replace"), taxonomy, name, currency, start, end, _short(amount)), ""


class _Days(dict[bytes, date | None]):
    """Days by how they stand in the file; each is worked out once."""

    def __missing__(self, raw: bytes) -> date | None:
        day = self[raw] = _day(raw.decode("ascii", "replace"))
        return day


_DAYS = _Days()


def _first_day(end: date, quarters: int) -> date:
    """The first day of a period of so many quarters that ends with the month of `end`."""
    months = end.year * 12 + end.month - 3 * quarters
    return date(months // 12, months % 12 + 1, 1)


def _short(value: Decimal) -> Decimal:
    """The value without the four decimals that the data sets pad it with."""
    whole = value.to_integral_value()
    return whole if whole == value else value.normalize()
