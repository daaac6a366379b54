"""The SEC's `companyfacts` answer, read into plain rows. Every value stays exactly as filed."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

ACCESSION = re.compile(r"\d{10}-\d{2}-\d{6}")
MOST_DIGITS = 30  # before or after the point: no amount on Earth has more


class Row(NamedTuple):
    """One fact of one filing. `start` is None for an instant; `fy` and `fp` are the filing's, never the fact's."""

    taxonomy: str  # us-gaap, ifrs-full, dei
    tag: str
    label: str | None
    unit: str
    start: date | None
    end: date
    value: Decimal
    accession: str  # 0000320193-25-000079
    form: str
    filed: date
    fy: int | None
    fp: str | None


class NotCompanyFacts(ValueError):
    """The answer is not a companyfacts answer at all."""


def load_companyfacts(body: bytes | str) -> dict[str, Any]:
    """The JSON of an answer with every number exact. Raises NotCompanyFacts."""
    try:
        answer = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise NotCompanyFacts("The answer is not JSON.") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("facts"), dict):
        raise NotCompanyFacts("The answer has no facts.")
    return answer


def cik_of(answer: Mapping[str, Any]) -> int:
    """The CIK, which the SEC writes as a number or as a padded string. Raises NotCompanyFacts."""
    try:
        cik = int(answer["cik"])
    except (KeyError, TypeError, ValueError) as error:
        raise NotCompanyFacts("The answer names no CIK.") from error
    if not 0 < cik <= 9_999_999_999:
        raise NotCompanyFacts(f"{cik} is no CIK.")
    return cik


def _nobody(name: str) -> None:
    """Hears of a malformed fact, and says nothing."""


def parse_companyfacts(answer: Mapping[str, Any], malformed: Callable[[str], None] = _nobody) -> Iterator[Row]:
    """Every well-formed fact of an answer, in the answer's order. A malformed row is dropped, never mended.

    `malformed` is told the tag of each that was dropped, and of each tag that has no list of facts.
    Read the JSON with `load_companyfacts`: a float has already lost digits, and is taken by its shortest spelling.
    """
    for taxonomy, tags in _items(answer.get("facts")):
        for tag, body in _items(tags):
            units = body.get("units") if isinstance(body, dict) else None
            if not isinstance(units, dict):
                malformed(f"{taxonomy}:{tag}")
                continue
            label = body.get("label")
            label = label if isinstance(label, str) else None
            for unit, rows in units.items():
                for raw in rows if isinstance(rows, list) else (None,):
                    row = _row(taxonomy, tag, label, unit, raw)
                    if row is None:
                        malformed(f"{taxonomy}:{tag}")
                    else:
                        yield row


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """The pairs of a JSON object; nothing for anything else."""
    if isinstance(value, dict):
        yield from value.items()


def _row(taxonomy: str, tag: str, label: str | None, unit: str, raw: Any) -> Row | None:
    """One row, or None when a part of it is missing or is not what it should be."""
    try:
        start = date.fromisoformat(raw["start"]) if raw.get("start") else None
        end = date.fromisoformat(raw["end"])
        filed = date.fromisoformat(raw["filed"])
        value = _exact(raw["val"])
        accession, form, fy, fp = raw["accn"], raw["form"], raw.get("fy"), raw.get("fp")
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation):
        return None
    if value is None or not form or not isinstance(form, str):
        return None
    if not isinstance(accession, str) or not ACCESSION.fullmatch(accession):  # it could not be followed to its filing
        return None
    if start is not None and start > end:
        return None
    fiscal_year = fy if isinstance(fy, int) and not isinstance(fy, bool) else None
    return Row(
        taxonomy, tag, label, unit, start, end, value, accession, form, filed, fiscal_year,
        fp if isinstance(fp, str) else None,
    )  # fmt: skip


def _exact(value: Any) -> Decimal | None:
    """A JSON number as a finite Decimal; None for anything that is no number, or none that an amount could be."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    exact = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MOST_DIGITS or exact.adjusted() >= MOST_DIGITS:  # NaN, infinite
        return None
    return exact
