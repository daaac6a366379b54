"""Set research/ against the filings themselves: python scripts/check_filings.py FILE… (companyfacts, .json or .gz).

Without a FILE, the bundled companies' years that are in no golden table: writes docs/filings-kept-apart.md, with every
value that the latest view shows otherwise, each with its rule and what the two filings say.

An independent reading: nothing of research/ is used to find the filed value. For each annual report (10-K, 20-F, 40-F)
the period is that of the report's own net income: the latest of 350 to 380 days. The filed value is the one fact of
that very report for that very period, under the tags below. Research is asked for its first view, which claims to be
just that. Prints a Markdown table and what disagrees; exits 1 where fewer than 99 % agree or a figure has no facts.
"""

import csv
import gzip
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.financials import financial_health
from research_dashboard.research.model import Company, Fact, Figure, Filing
from research_dashboard.research.periods import View
from research_dashboard.sources.bundled import read_bundle
from research_dashboard.sources.companyfacts import cik_of, load_companyfacts, parse_companyfacts

FORMS = frozenset({"10-K", "10-K405", "20-F", "40-F"})
NET_INCOME = ("NetIncomeLoss", "NetIncomeLossAvailableToCommonStockholdersBasic",
              "ProfitLossAttributableToOwnersOfParent", "ProfitLoss")  # fmt: skip
TAGS: dict[str, tuple[str, ...]] = {  # the first that the report has for its year; of revenue the largest (EDGAR.md)
    "revenue": ("RevenueFromContractWithCustomerExcludingAssessedTax", "Revenues", "SalesRevenueNet",
                "RevenueFromContractWithCustomerIncludingAssessedTax", "SalesRevenueGoodsNet",
                "SalesRevenueServicesNet", "RegulatedAndUnregulatedOperatingRevenue", "Revenue"),
    "net_income": NET_INCOME,
    "assets": ("Assets",),
    "equity": ("StockholdersEquity", "EquityAttributableToOwnersOfParent"),
    "ocf": ("NetCashProvidedByUsedInOperatingActivities",
            "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations",
            "CashFlowsFromUsedInOperatingActivities", "CashFlowsFromUsedInOperations"),
}  # fmt: skip
Key = tuple[str, str | None, str]  # tag, start, end


Reports = dict[str, dict[str, Any]]  # accession -> {form, filed, values by tag and period}
ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "filings-kept-apart.md"


def reports(answer: dict[str, Any]) -> Reports:
    """The annual reports, from the raw answer."""
    found: Reports = defaultdict(lambda: {"values": {}})
    for taxonomy in ("us-gaap", "ifrs-full"):
        for tag, body in answer["facts"].get(taxonomy, {}).items():
            for unit, rows in body["units"].items():
                for row in rows if len(unit) == 3 else ():
                    if row["form"] in FORMS:
                        report = found[row["accn"]]
                        report["form"], report["filed"] = row["form"], row["filed"]
                        report["values"][tag, row.get("start"), row["end"]] = Decimal(row["val"])
    return found


def own_period(values: dict[Key, Decimal]) -> tuple[str, str] | None:
    """The latest annual period that net income stands for."""
    spans = {(end, start) for tag, start, end in values if tag in NET_INCOME and start}
    years = [(e, s) for e, s in spans if 350 <= (date.fromisoformat(e) - date.fromisoformat(s)).days + 1 <= 380]
    return max(years)[::-1] if years else None


def filed_fact(concept: str, values: dict[Key, Decimal], start: str, end: str) -> tuple[str, Decimal] | None:
    """What the report says of the concept for its own year, and by which tag."""
    instant = concept in ("assets", "equity")
    held = [(tag, values[key]) for tag in TAGS[concept] if (key := (tag, None if instant else start, end)) in values]
    if not held:
        return None
    return max(held, key=lambda fact: fact[1]) if concept == "revenue" else held[0]


def read(path: Path) -> tuple[dict[str, Any], Analysis, Analysis]:
    """The raw answer, and research's first and latest views of it."""
    content = path.read_bytes()
    answer = load_companyfacts(gzip.decompress(content) if path.suffix == ".gz" else content)
    cik = cik_of(answer)
    filings: dict[str, Filing] = {}
    facts = [
        Fact(row.taxonomy, row.tag, row.unit, row.start, row.end, row.value,
             filings.setdefault(row.accession, Filing(row.accession, cik, row.form, row.filed, row.fy)))
        for row in parse_companyfacts(answer)
    ]  # fmt: skip
    company = Company(cik, cik, str(answer["entityName"]))
    today = datetime.now(UTC).date()
    return answer, analyse(company, facts, today, view="first"), analyse(company, facts, today)


def without_facts(analysis: Analysis) -> int:
    """Figures that have a value and no fact to stand on."""
    health = financial_health(analysis)
    every = [figure for group in ("concepts", "ratios") for series in health[group].values() for figure in series]
    return sum(figure["value"] is not None and not figure["facts"] for figure in every)


@dataclass(frozen=True, slots=True)
class Case:
    """One filed value, and how research shows it."""

    company: str
    concept: str
    end: str
    accession: str
    tag: str
    filed: Decimal
    agrees: bool  # the first view has the very value from the very report
    shown: str  # by the first view, in words
    since: str  # how the latest view stands to it: a key of RULES, or latest_same
    latest: Decimal | None = None
    why: str = ""


RULES = {
    "restated": "2.7: restated by more than 0.5 %; the latest is shown, the first beside it",
    "small": "2.5: the newest report that states the year speaks for it; up to 0.5 % is not called a restatement",
    "unexplained": "none",
}


def _since(latest: Figure, filed: Decimal) -> str:
    """How the latest view, the default, stands to what was filed first: the same, or by which rule it differs."""
    if latest.value == filed:
        return "latest_same"
    if latest.first is not None and latest.first.value == filed:
        return "restated"  # the first value stands beside it
    if latest.value is not None and abs(Decimal(latest.value) - filed) <= Decimal("0.005") * abs(filed):
        return "small"
    return "unexplained"


def _why(latest: Figure, tag: str, filed: Decimal) -> str:
    """What the two filings say: the later one by its form, day and number, and how its value comes to differ."""
    fact = latest.facts[0]
    where = f"{fact.filing.form} of {fact.filing.filed}, {fact.filing.accession}"
    value = Decimal(latest.value or 0)
    if len(latest.facts) > 1:
        return f"derived from {len(latest.facts)} facts of the {where}"
    if fact.tag != tag:
        return f"stated by another tag, {fact.tag}, in the {where}"
    for unit, word in ((1000, "thousands"), (10**6, "millions")):
        if value % unit == 0 and filed % unit and abs(value - filed) < unit:
            return f"rounded to whole {word} in the {where}"
    return f"the same tag has another value in the {where}"


def cases(name: str, held: Reports, first: Analysis, latest: Analysis) -> Iterator[Case]:
    """Every filed value of every annual report's own year."""
    seen = set()
    ends = {year.end.isoformat() for year in first.years}
    for accession, report in sorted(held.items(), key=lambda item: item[1]["filed"]):
        period = own_period(report["values"])
        if period is None or period[1] in seen:  # a second report of one year is not its own
            continue
        seen.add(period[1])
        day = date.fromisoformat(period[1])
        for concept in TAGS:
            found = filed_fact(concept, report["values"], *period)
            if found is None:
                continue
            tag, filed = found
            if period[1] not in ends:
                yield Case(name, concept, period[1], accession, tag, filed, False, "no such year", "unexplained")
                continue
            figure, now = first.figure(concept, day), latest.figure(concept, day)
            agrees = figure.value == filed and figure.facts[0].filing.accession == accession
            shown = f"{figure.value} ({figure.code or figure.facts[0].name})"
            since = _since(now, filed)
            why = _why(now, tag, filed) if since != "latest_same" and now.facts else ""
            value = None if now.value is None else Decimal(now.value)
            yield Case(name, concept, period[1], accession, tag, filed, agrees, shown, since, value, why)


def compare(path: Path) -> tuple[str, Counter[str], list[str]]:
    """A company's name, its counts, and what does not agree."""
    answer, analysis, latest = read(path)
    name = str(answer["entityName"])
    found = list(cases(name, reports(answer), analysis, latest))
    return name, counted(found) + Counter(no_facts=without_facts(analysis)), odd_ones(found)


def counted(found: Sequence[Case]) -> Counter[str]:
    """The counts of the table."""
    counts = Counter(case.since for case in found if case.agrees)
    counts["years"] = len({(case.company, case.end) for case in found})
    counts["values"], counts["agree"] = len(found), sum(case.agrees for case in found)
    return counts


def odd_ones(found: Sequence[Case]) -> list[str]:
    """What the first view shows otherwise than the report, in words."""
    return [
        f"{case.company}, {case.concept}, year ended {case.end}: {case.accession} filed {case.filed}, "
        f"research {case.shown}"
        for case in found if not case.agrees
    ]  # fmt: skip


def golden() -> set[tuple[str, str]]:
    """Ticker and end of every year that stands in a golden table: those are not kept apart."""
    files = [ROOT / "tests" / f"golden_{name}.csv" for name in ("figures", "years")]
    return {(row["company"], row["end"]) for file in files for row in csv.DictReader(file.read_text().splitlines())}


def bundled() -> Iterator[tuple[str, list[Case], int]]:
    """Name, cases kept apart and figures without facts, of each bundled company."""
    bundle, tried = read_bundle(), golden()
    for known in bundle.companies:
        held: Reports = defaultdict(lambda: {"values": {}})
        filings: dict[str, Filing] = {}
        facts = []
        for row in bundle.facts(known.cik):
            filing = filings.setdefault(row.accession, Filing(row.accession, known.cik, row.form, row.filed, row.fy))
            facts.append(Fact(row.taxonomy, row.tag, row.unit, row.start, row.end, row.value, filing))
            if row.form in FORMS and len(row.unit) == 3 and row.taxonomy in ("us-gaap", "ifrs-full"):
                report = held[row.accession]
                report["form"], report["filed"] = row.form, str(row.filed)
                start = row.start.isoformat() if row.start else None
                report["values"][row.tag, start, row.end.isoformat()] = row.value
        company = Company(known.cik, known.cik, known.name, known.tickers, sic=known.sic)
        first, latest = (analyse(company, facts, BUNDLED_ON, view=view) for view in VIEWS)
        found = [
            case
            for case in cases(known.name, held, first, latest)
            if not any((ticker, case.end) in tried for ticker in known.tickers)
        ]
        yield known.name, found, without_facts(first)


VIEWS: tuple[View, View] = ("first", "latest")
BUNDLED_ON = date(2026, 11, 23)  # nothing in the bundle was filed later


def page() -> str:
    """docs/filings-kept-apart.md."""
    rows, every, total = [], list[Case](), Counter[str]()
    for name, found, bare in bundled():
        counts = counted(found) + Counter(no_facts=bare)
        every += found
        total += counts
        if not found:
            continue
        rows.append(f"| {name} | {' | '.join(str(counts[key]) for key in COLUMNS)} |")
    rows.append(f"| all | {' | '.join(str(total[key]) for key in COLUMNS)} |")
    odd = odd_ones(every)
    changed = [case for case in every if case.agrees and case.since != "latest_same"]
    wrong = "\n".join(f"- {line}" for line in odd) or "None."
    share = f"{total['agree']:,} of {total['values']:,} ({total['agree'] / max(1, total['values']):.2%})"
    table = "\n".join(_rule_table(rule, changed) for rule in RULES if any(case.since == rule for case in changed))
    return f"{INTRODUCTION}\n**{share} agree.**\n\n" + "\n".join(
        [HEAD, *rows, "", "## What the first view shows otherwise", "", wrong, "", table]
    )


def _rule_table(rule: str, changed: Sequence[Case]) -> str:
    of_rule = [case for case in changed if case.since == rule]
    lines = [
        f"| {case.company} | {case.end} | {case.concept} | {_number(case.filed)} | {case.accession} | "
        f"{_number(case.latest)} | {case.why} |"
        for case in of_rule
    ]
    return "\n".join([f"## Rule {RULES[rule]}: {len(of_rule)}", "", *CASES_HEAD, *lines, ""])


def _number(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:,f}"


CASES_HEAD = (
    "| company | year ended | concept | own report | its accession | latest view | cause |",
    "|---|---|---|--:|---|--:|---|",
)
INTRODUCTION = """# Filings kept apart

Made by `python scripts/check_filings.py`; a test makes it again and compares. Of the bundled companies, every annual
report whose year stands in no golden table (`tests/golden_figures.csv`, `tests/golden_years.csv`): revenue, net income,
assets, equity and operating cash flow as that very report filed them for its own year, found without any of research's
code, beside what research shows. “agree”: the first view has the very value, from that very report. The latest view,
the default, lets the newest report speak; every value that it shows otherwise is listed below by the rule that makes it
so, with what the two filings say. Why a company restated stands in the notes of the later filing, not in its figures.
Companies of which the bundle holds golden years or parts of reports alone are left out.
"""


def main(paths: list[str]) -> int:
    """The table of all companies, and what does not agree."""
    if not paths:
        PAGE.write_text(page())
        return 0
    total, odd = Counter[str](), list[str]()
    print(HEAD)
    for path in paths:
        name, counts, wrong = compare(Path(path))
        total += counts
        odd += wrong
        print("|", " | ".join([name, *(str(counts[key]) for key in COLUMNS)]), "|")
    print("|", " | ".join(["all", *(str(total[key]) for key in COLUMNS)]), "|")
    share = total["agree"] / max(1, total["values"])
    print(f"\n{share:.2%} agree.", *odd, sep="\n- ")
    return int(share < 0.99 or total["no_facts"] > 0)


HEAD = """| company | years | filed values | agree | latest the same | restated | by ≤ 0.5 % | else | without facts |
|---|---|---|---|---|---|---|---|---|"""
COLUMNS = ("years", "values", "agree", "latest_same", "restated", "small", "unexplained", "no_facts")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
