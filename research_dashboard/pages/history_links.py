"""The record's columns, and the addresses that lead from one view of it to the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from sqlalchemy.exc import SQLAlchemyError

from research_dashboard.access import reader
from research_dashboard.queries.run_facets import terms, with_term
from research_dashboard.queries.run_filter import PER_PAGE, USUAL
from research_dashboard.queries.runs import RunFilter
from research_dashboard.queries.saved_views import default_view

# Column of the table: name in the filter, heading, hint in its box.
COLUMNS = (
    ("id", "ID", "= 123"),
    ("date", "Date", "> 2026-02"),
    ("company", "Company", "contains"),
    ("researcher", "Researcher", "contains"),
    ("duration", "Duration (mins)", "> 2"),
    ("status", "Status", "is"),
    ("insights", "Insights Generated", "> 5"),
    ("ticker", "Ticker", "AAPL"),
    ("sic", "SIC", "35"),
    ("gaps", "Gaps", "> 0"),
    ("source", "Source", "live"),
    ("tag", "Tags", "is"),
    ("error", "Error kind", "contains"),
)
LABELS = {name: label for name, label, _ in COLUMNS}
PAGE_SIZES = (PER_PAGE, 50, 100, 200)
DEFAULT_VIEW = "research_dashboard.default_view"


def usual_view() -> int | None:
    """The view that the record opens with for this reader, asked once a request; None when the database cannot say."""
    kept = request.environ
    if DEFAULT_VIEW not in kept:
        try:
            kept[DEFAULT_VIEW] = default_view(reader())
        except SQLAlchemyError:
            kept[DEFAULT_VIEW] = None
    found: int | None = kept[DEFAULT_VIEW]
    return found


def record_url(**params: Any) -> str:
    """The record under this filter. Without one all runs: view=all says so where the bare address opens a view."""
    given = {name: value for name, value in params.items() if value not in ("", None)}
    if not given and usual_view() is not None:
        given["view"] = "all"
    return url_for("pages.historical_records", **given)


@dataclass(frozen=True, slots=True)
class Choice:
    """A column in the menu of columns: where it is turned on or off, or moved to."""

    name: str
    label: str
    switch: str
    shown: bool = False
    earlier: str = ""
    later: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses of this page under other filters: what is passed replaces, None takes out."""

    wanted: RunFilter
    facets: bool = False

    def here(self, **changes: Any) -> str:
        """This page with the changes."""
        shown: dict[str, Any] = {"facets": "1"} if changes.pop("facets", self.facets) else {}
        return record_url(**self.wanted.params(**changes), **shown)

    def adding(self, term: str) -> str:
        """This page with one more term in its filter text."""
        return self.here(q=with_term(self.wanted, term))

    def page(self, number: int, cursor: str = "") -> str:
        """Another page of the same filter; with a cursor it begins where this one ends."""
        return self.here(page=number, cursor=cursor)

    def page_sizes(self) -> list[tuple[int, str]]:
        """How many rows a page may have, and this filter with so many."""
        sizes = sorted({*PAGE_SIZES, self.wanted.per_page})
        return [(size, self.here(per_page=None if size == PER_PAGE else size)) for size in sizes]

    def status(self, status: str) -> str:
        """With the status beside those that are chosen; without it, if it is one of them."""
        chosen = [each for each in self.wanted.status if each != status]
        return self.here(status=",".join(chosen if len(chosen) < len(self.wanted.status) else [*chosen, status]))

    def sort(self, column: str) -> str:
        """Sorted by the column; by the one that sorts now, the other way round."""
        turned = f"-{column}" if self.wanted.sort == column else column
        return self.here(sort=None if turned == "-date" else turned)

    def run(self, run_id: int) -> str:
        """The details of the run, over this page."""
        shown: dict[str, Any] = {"facets": "1"} if self.facets else {}
        return record_url(**self.wanted.params(), run=run_id, **shown)

    def file(self, kind: str) -> str:
        """The whole filter as a file."""
        return url_for("pages.historical_records_file", kind=kind, **self.wanted.params(page=None, per_page=None))

    def counts(self) -> str:
        """The facets with their counts, which come by themselves."""
        return url_for("pages.historical_records_facets", **self.wanted.params(page=None))

    def columns(self) -> list[Choice]:
        """The columns that can be chosen: those shown, in their order, then the others."""
        shown = self.wanted.cols

        def showing(names: Iterable[str]) -> str:
            cols = tuple(names)
            text = "" if cols == USUAL else ",".join(cols)
            return self.here(cols=text, page=self.wanted.page, cursor=self.wanted.cursor)

        def moved(at: int, to: int) -> str:
            names = [name for name in shown if name != shown[at]]
            return showing([*names[:to], shown[at], *names[to:]]) if 0 <= to < len(shown) else ""

        return [
            Choice(
                name,
                LABELS[name],
                showing(each for each in shown if each != name) if len(shown) > 1 else "",
                True,
                moved(at, at - 1),
                moved(at, at + 1),
            )
            for at, name in enumerate(shown)
        ] + [Choice(name, label, showing([*shown, name])) for name, label, _ in COLUMNS if name not in shown]

    def chips(self) -> list[tuple[str, str]]:
        """Each condition of the filter but the status, and the address without it."""
        wanted, found = self.wanted, []
        for name, text in (("company", wanted.company), ("researcher", wanted.researcher)):
            found.append((f"{name}: {text}" if text else "", self.here(**{name: None})))
        found.append((f"from {wanted.start}" if wanted.start else "", self.here(start=None)))
        found.append((f"to {wanted.end}" if wanted.end else "", self.here(end=None)))
        found.extend((f"{name}: {text}", self.here(**{name: None})) for name, text in wanted.controls)
        found.extend(
            (f"{LABELS[name]} column: {text}", self.here(**{f"col_{name}": None})) for name, text in wanted.columns
        )
        found.extend((text, self.here(q=without)) for text, without in terms(wanted))
        return [(text, url) for text, url in found if text]

    def conditions(self) -> list[str]:
        """The filter in words, a line a condition; nothing for one that finds all."""
        status = [f"status: {' or '.join(self.wanted.status)}"] if self.wanted.status else []
        return status + [text for text, _ in self.chips()]
