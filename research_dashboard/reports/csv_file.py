"""The figures of a run as CSV: one row a company, concept and period, values raw and signed."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from research_dashboard.reports.book import JSON, Book, form_words
from research_dashboard.reports.run_lists import harmless
from research_dashboard.research.wording import MILLIONS, exact

COLUMNS = (
    "company", "cik", "concept", "label", "period", "start", "end", "value", "unit", "made", "formula", "code",
    "tag", "accession", "form", "filed", "url", "source", "marks", "notes",
)  # fmt: skip


def raw(value: Any) -> str:
    """A number as it is, without thousands marks or exponent; nothing for none."""
    return "" if value is None else format(exact(value), "f")


def rows(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Every figure of the company over all its years, then every figure of its peers."""
    book = Book(results, MILLIONS)
    health = book.health
    company, cik = book.profile.get("name") or health.get("company"), book.profile.get("cik")
    groups: list[Sequence[JSON]] = [*(health.get("concepts") or {}).values(), *(health.get("ratios") or {}).values()]
    for figures in groups:
        for figure in figures:
            yield _row(book, figure, company, cik)
    for member in book.comparison.get("members") or ():
        if not member.get("subject"):
            for figure in member["figures"].values():
                yield _row(book, figure, member["name"], member.get("cik"))


def _row(book: Book, figure: JSON, company: Any, cik: Any) -> tuple[str, ...]:
    facts = [book.facts[str(fact)] for fact in figure.get("facts") or () if str(fact) in book.facts]

    def of_facts(key: str) -> str:
        return "; ".join(dict.fromkeys(str(fact[key]) for fact in facts if fact.get(key)))

    period = figure["period"]
    sources = sorted({book.number[fact["accession"]] for fact in facts})
    return (
        harmless(company),
        raw(cik),
        harmless(figure["concept"]),
        harmless(figure.get("label")),
        harmless(period.get("label")),
        harmless(period.get("start")),
        harmless(period.get("end")),
        raw(figure.get("value")),
        harmless(figure["unit"]),
        "uploaded" if figure["made"] == "filed" and of_facts("form") == "uploaded" else harmless(figure["made"]),
        harmless(figure.get("formula")),
        harmless(figure.get("code")),
        harmless(of_facts("tag")),
        harmless(of_facts("accession")),
        harmless("; ".join(dict.fromkeys(form_words(fact["form"]) for fact in facts))),
        harmless(of_facts("filed")),
        harmless(of_facts("url")),
        "; ".join(str(number) for number in sources),
        harmless("; ".join(figure.get("marks") or ())),
        harmless(" ".join(figure.get("notes") or ())),
    )


def write(results: Mapping[str, Any]) -> str:
    """The whole file, with its header row."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(rows(results))
    return out.getvalue()
