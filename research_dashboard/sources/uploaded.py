"""A private company's figures, as a CSV file of one's own: read, each row checked, errors told by line."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from research_dashboard.one_line import is_one_line
from research_dashboard.research.concepts import CONCEPTS, UPLOADABLE
from research_dashboard.research.periods import YEAR_DAYS, days
from research_dashboard.research.wording import long_date
from research_dashboard.sources.bundled import sic_list

MOST_BYTES, MOST_ROWS, MOST_ERRORS, MOST_COLUMNS = 1_000_000, 5_000, 100, 30
NAME_LENGTH = 200
COLUMNS = ("company name", "concept", "period start", "period end", "value", "unit")
OPTIONAL = "sic"  # an industry's code: it decides the sector and, where none are chosen, the peers
EARLIEST = date(1950, 1, 1)
LARGEST = Decimal(10) ** 15  # a thousand times the largest balance sheet there is, in dollars
ALPHABETS = frozenset({"Latin", "Cyrillic", "Greek"})  # they share the shapes of letters
LOOK_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρυ", "ABESIJKMHOPCTYXaesijopcyxhdqwABEZHIKMNOPTYXovpu"
)  # Cyrillic, then Greek
FORMULA = ("=", "+", "-", "@")  # a spreadsheet would run what begins with these
PAID = frozenset({"capex", "dividends", "buybacks"})
MAY_BE_NEGATIVE = frozenset({"equity", "equity_total"})  # of what stands at a date
NEVER_NEGATIVE = PAID | {"revenue", "shares_basic", "shares_diluted"} | {
    id for id in UPLOADABLE if CONCEPTS[id].kind == "instant" and id not in MAY_BE_NEGATIVE
}  # fmt: skip
ROUNDING = Decimal("0.002")  # of the assets: a balance sheet in rounded figures (FINANCE.md 1, liabilities)
BY_LABEL = {CONCEPTS[id].label.casefold(): id for id in UPLOADABLE} | {id: id for id in UPLOADABLE}


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong on a line of the file; line 1 is the header, 0 the file as a whole."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        where = f"Line {self.line:,}, {self.column}: " if self.column else f"Line {self.line:,}: " if self.line else ""
        return f"{where}{self.text}"


class BadUploadError(ValueError):
    """A file that cannot be taken. Nothing of it is stored."""

    def __init__(self, errors: Sequence[LineError]) -> None:
        super().__init__(" ".join(str(error) for error in errors[:5]))
        self.errors = tuple(errors[:MOST_ERRORS])
        self.more = len(errors) - len(self.errors)


@dataclass(frozen=True, slots=True)
class OwnFigure:
    """One row: a concept's value in a period (`start` None: at a date)."""

    line: int
    concept: str
    start: date | None
    end: date
    value: Decimal
    unit: str


@dataclass(slots=True)
class OwnCompany:
    """A company of the file and its figures."""

    name: str
    line: int  # where it is first named
    sic: int | None = None
    figures: list[OwnFigure] = field(default_factory=list)


def template() -> str:
    """A file to start from: two years of a made-up company."""
    rows: list[tuple[str, ...]] = [(*COLUMNS, OPTIONAL)]
    for year in (2024, 2025):
        for concept in ("revenue", "cost_of_revenue", "operating_income", "net_income", "ocf", "capex"):
            amount = EXAMPLE[concept] * (year - 2014) // 10 * 1000
            rows.append((EXAMPLE_NAME, concept, f"{year}-01-01", f"{year}-12-31", str(amount), "USD", "7372"))
        for concept in ("assets", "current_assets", "cash", "current_liabilities", "liabilities", "equity", "debt"):
            amount = EXAMPLE[concept] * (year - 2014) // 10 * 1000
            rows.append((EXAMPLE_NAME, concept, "", f"{year}-12-31", str(amount), "USD", "7372"))
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


EXAMPLE_NAME = "Example Holding (change me)"
EXAMPLE = {"revenue": 52_000, "cost_of_revenue": 31_000, "operating_income": 6_200, "net_income": 4_100, "ocf": 5_900,
           "capex": 1_800, "assets": 44_000, "current_assets": 19_000, "cash": 7_000, "current_liabilities": 9_500,
           "liabilities": 21_000, "equity": 23_000, "debt": 8_000}  # fmt: skip


def read_upload(content: bytes, today: date) -> list[OwnCompany]:
    """The companies of a file, in its order. Raises BadUploadError with every line that is wrong: all or nothing."""
    rows = _rows(_text(content))
    header = _header(rows)
    reading = _Reading(header, today)
    for line, row in rows[1:]:
        if any(cell.strip() for cell in row):
            reading.take(line, row)
    if not reading.companies and not reading.errors:
        reading.errors.append(LineError(0, "", "There are no rows below the header."))
    if not reading.errors:
        reading.errors += [wrong for company in reading.companies.values() for wrong in _unbalanced(company)]
    if reading.errors:
        raise BadUploadError(reading.errors)
    return list(reading.companies.values())


def _text(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise BadUploadError([LineError(0, "", f"The file has {len(content):,} bytes: at most {MOST_BYTES:,} (1 MB).")])
    if not content.strip():
        raise BadUploadError([LineError(0, "", "The file is empty.")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadUploadError([LineError(line, "", "This is not UTF-8: save the file as “CSV UTF-8”.")]) from None


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Rows with the line each begins on. Raises BadUploadError for quotes that do not close, and for too many."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for row in reader:
            if len(rows) > MOST_ROWS:
                raise BadUploadError([LineError(line, "", f"There are more than {MOST_ROWS:,} rows.")])
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadUploadError([LineError(line, "", f"This is not CSV: {error}.")]) from None
    return rows


def _header(rows: Sequence[tuple[int, list[str]]]) -> dict[str, int]:
    """Column -> its place. Raises BadUploadError where one is missing, doubled or unknown."""
    names = [" ".join(cell.replace("_", " ").split()).casefold() for cell in (rows[0][1] if rows else [])]
    names = ["company name" if name == "company" else name for name in names]
    if len(names) > MOST_COLUMNS:
        raise BadUploadError([LineError(1, "", f"There are {len(names):,} columns: at most {MOST_COLUMNS}.")])
    wrong = [f"the column “{name}” is missing" for name in COLUMNS if name not in names]
    wrong += [f"there is no column “{_shown(name)}”" for name in names if name not in (*COLUMNS, OPTIONAL)]
    wrong += [f"the column “{name}” is there twice" for name in {*names} if names.count(name) > 1]
    if wrong:
        hint = f" The first line must be: {','.join(COLUMNS)} (and {OPTIONAL}, if you like), separated by commas."
        raise BadUploadError([LineError(1, "", f"{'; '.join(wrong)[0].upper()}{'; '.join(wrong)[1:]}.{hint}")])
    return {name: place for place, name in enumerate(names)}


class _Wrong(ValueError):
    """A cell that cannot be taken."""


class _Reading:
    """What was read so far."""

    def __init__(self, header: dict[str, int], today: date) -> None:
        self.header, self.today = header, today
        self.companies: dict[str, OwnCompany] = {}
        self.errors: list[LineError] = []
        self.seen: dict[tuple[str, str, date | None, date], int] = {}
        self.currencies: dict[str, tuple[str, int]] = {}

    def take(self, line: int, row: list[str]) -> None:
        """One row, or what is wrong with it."""
        if len(row) != len(self.header):
            text = f"It has {len(row)} cells, the header {len(self.header)}: a value with a comma needs quotes."
            self.errors.append(LineError(line, "", text))
            return
        cells, before = {}, len(self.errors)
        for column, read in (("company name", _name), ("concept", _concept), ("period end", self._end),
                             ("value", _value), (OPTIONAL, _sic)):  # fmt: skip
            cells[column] = self._read(line, column, row, read)
        cells["period start"] = self._read(line, "period start", row, _day_or_none)
        cells["unit"] = self._read(line, "unit", row, _unit)
        if len(self.errors) > before:
            return
        figure = OwnFigure(line, cells["concept"], cells["period start"], cells["period end"], cells["value"],
                           cells["unit"])  # fmt: skip
        self.errors += [
            LineError(line, *wrong) for wrong in self._unfit(cells["company name"], figure, cells[OPTIONAL])
        ]

    def _read(self, line: int, column: str, row: list[str], read: Any) -> Any:
        """The cell as what it should be; None where it is not, with the error noted."""
        if column not in self.header:
            return None
        try:
            return read(_clean(row[self.header[column]]))
        except _Wrong as error:
            self.errors.append(LineError(line, column, str(error)))
            return None

    def _end(self, text: str) -> date:
        end = _day(text)
        if end > self.today:
            raise _Wrong(f"{end} lies in the future.")
        return end

    def _unfit(self, name: str, figure: OwnFigure, sic: int | None) -> Iterator[tuple[str, str]]:
        """What is wrong with the row as a whole, or against the rows before it; a row that fits is kept."""
        problems = [*_wrong_period(figure), *_wrong_unit(figure), *_wrong_sign(figure)]
        key = name.casefold()
        company = self.companies.setdefault(key, OwnCompany(name, figure.line))
        if sic is not None and company.sic not in (None, sic):
            problems.append((OPTIONAL, f"{company.name} has SIC {company.sic:04} on another line."))
        company.sic = company.sic or sic
        period = (key, figure.concept, figure.start, figure.end)
        if period in self.seen:
            problems.append(("concept", f"The same concept and period stand on line {self.seen[period]:,} already."))
        self.seen.setdefault(period, figure.line)
        currency = figure.unit.partition("/")[0]
        if currency != "shares":
            known, first = self.currencies.setdefault(key, (currency, figure.line))
            if known != currency:
                problems.append(("unit", f"{company.name} is in {known} on line {first:,}: one currency a company."))
        company.figures.append(figure)
        yield from problems


def _wrong_period(figure: OwnFigure) -> Iterator[tuple[str, str]]:
    concept = CONCEPTS[figure.concept]
    if concept.kind == "instant":
        if figure.start is not None:
            yield "period start", f"{concept.label} stands at a date: leave the period start empty."
        return
    if figure.start is None:
        yield "period start", f"{concept.label} is of a period: say when it began."
    elif figure.start > figure.end:
        yield "period start", f"The period starts {long_date(figure.start)}, after its end {long_date(figure.end)}."
    elif days(figure.start, figure.end) not in YEAR_DAYS:
        length = days(figure.start, figure.end)
        yield "period start", f"A fiscal year has {YEAR_DAYS[0]} to {YEAR_DAYS[-1]} days; this period has {length:,}."


def _wrong_unit(figure: OwnFigure) -> Iterator[tuple[str, str]]:
    concept = CONCEPTS[figure.concept]
    wanted = {"USD": r"[A-Z]{3}", "USD/shares": r"[A-Z]{3}/shares", "shares": "shares"}[concept.unit]
    if not re.fullmatch(wanted, figure.unit):
        said = concept.unit if concept.unit == "shares" else f"{concept.unit} (or another currency's three letters)"
        yield "unit", f"{concept.label} is in {said}, not in “{_shown(figure.unit)}”."


def _wrong_sign(figure: OwnFigure) -> Iterator[tuple[str, str]]:
    if figure.concept in NEVER_NEGATIVE and figure.value < 0:
        cure = "payments are given as positive numbers" if figure.concept in PAID else "check the sign"
        yield "value", f"{CONCEPTS[figure.concept].label} is {figure.value:,}: it cannot be below 0; {cure}."


def _unbalanced(company: OwnCompany) -> Iterator[LineError]:
    """Balance sheets whose assets are not liabilities and equity, where the file holds all three.

    Minority and temporary equity may stand apart (FINANCE.md 1), so assets may be larger; rounding is let pass.
    """
    sheets: dict[date, dict[str, OwnFigure]] = {}
    for figure in company.figures:
        sheets.setdefault(figure.end, {})[figure.concept] = figure
    for end, sheet in sheets.items():
        assets, liabilities = sheet.get("assets"), sheet.get("liabilities")
        equity = sheet.get("equity_total") or sheet.get("equity")
        if not (assets and liabilities and equity):
            continue
        total = liabilities.value + equity.value
        if abs(assets.value - total) > max(abs(assets.value) * ROUNDING, Decimal(3)):
            yield LineError(
                assets.line, "value",
                f"Assets of {assets.value:,} on {end} are not liabilities (line {liabilities.line:,}) and equity "
                f"(line {equity.line:,}), {total:,} together: at most {ROUNDING:.1%} may differ, by rounding. "
                "Correct one of the three; equity_total holds minority interests, too.",
            )  # fmt: skip


def _clean(text: str) -> str:
    """A cell without blanks around it. Raises _Wrong for what cannot be seen."""
    if not is_one_line(text):
        raise _Wrong("There are line breaks or control characters in it.")
    return unicodedata.normalize("NFC", text).strip()


def _name(text: str) -> str:
    if not text:
        raise _Wrong("The company needs a name.")
    if text.startswith(FORMULA):
        raise _Wrong(f"A name cannot begin with “{text[0]}”: a spreadsheet would run it as a formula.")
    if len(text) > NAME_LENGTH:
        raise _Wrong(f"The name has {len(text):,} characters: at most {NAME_LENGTH}.")
    if not re.search(r"[^\W\d_]", text):
        raise _Wrong("A name has a letter in it.")
    for word in re.findall(r"[^\W\d_]+", text):
        scripts = sorted({unicodedata.name(letter, "").split(" ")[0].capitalize() for letter in word} & ALPHABETS)
        if len(scripts) > 1:
            raise _Wrong(f"“{_shown(word)}” mixes {' and '.join(scripts)} letters that look alike: type it anew.")
    return text


def in_latin(name: str) -> str:
    """The name with Greek and Cyrillic letters as the Latin ones that look the same; a name in those stays itself."""
    return unicodedata.normalize("NFKC", name).translate(LOOK_ALIKE)


def _concept(text: str) -> str:
    if not text:
        raise _Wrong("Say which figure it is: revenue, net_income, assets …")
    if text.startswith(FORMULA):
        raise _Wrong(f"A concept cannot begin with “{text[0]}”.")
    plain = text.casefold()
    if found := BY_LABEL.get(plain) or BY_LABEL.get(plain.replace(" ", "_")):
        return found
    if plain in CONCEPTS:
        raise _Wrong(f"{CONCEPTS[plain].label} is worked out from other figures: leave it out.")
    from rapidfuzz import fuzz, process

    near = process.extractOne(plain, list(BY_LABEL), scorer=fuzz.ratio, score_cutoff=80)
    hint = f" Did you mean {BY_LABEL[near[0]]}?" if near else ""
    raise _Wrong(f"“{_shown(text)}” is no concept known here.{hint}")


def _day(text: str) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError
        found = date.fromisoformat(text)
    except ValueError:
        raise _Wrong(f"“{_shown(text)}” is no date: write it as 2025-12-31.") from None
    if found < EARLIEST:
        raise _Wrong(f"{found} is too long ago: figures from {EARLIEST.year} on are taken.")
    return found


def _day_or_none(text: str) -> date | None:
    return _day(text) if text else None


def _value(text: str) -> Decimal:
    if not text:
        raise _Wrong("There is no value: leave the row out where nothing is known.")
    if re.fullmatch(r"[+-]?(nan|inf|infinity)", text, re.IGNORECASE):
        raise _Wrong(f"“{_shown(text)}” is no number.")
    if not re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        raise _Wrong(f"“{_shown(text)}” is no plain number: digits, a point for decimals, no commas, no exponent.")
    if len(text) > 40 or abs(Decimal(text)) >= LARGEST:
        raise _Wrong(f"“{_shown(text)}” is too large: give amounts in whole units, below {LARGEST:,}.")
    return Decimal(text)


def _unit(text: str) -> str:
    if not text:
        raise _Wrong("Give the unit: USD, USD/shares or shares.")
    return text


def _sic(text: str) -> int | None:
    if not text:
        return None
    code = int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else -1
    if code not in sic_list():
        raise _Wrong(f"“{_shown(text)}” is none of the SEC's industry codes (SIC), such as 7372.")
    return code


def _shown(text: str) -> str:
    """What was typed, short enough to be read."""
    return text if len(text) <= 40 else f"{text[:40]}…"
