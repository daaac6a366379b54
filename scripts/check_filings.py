"""Set research/ against the filings themselves: python scripts/check_filings.py FILE… (companyfacts, .json or .gz).

An independent reading: nothing of research/ is used to find the filed value. For each annual report (10-K, 20-F, 40-F)
the period is that of the report's own net income: the latest of 350 to 380 days. The filed value is the one fact of
that very report for that very period, under the tags below. Research is asked for its first view, which claims to be
just that. Prints a Markdown table and what disagrees; exits 1 where fewer than 99 % agree or a figure has no facts.
"""

import gzip
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.financials import financial_health
from research_dashboard.research.model import Company, Fact, Filing
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


def reports(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """accession -> {form, filed, values by tag and period}, of the annual reports, from the raw answer."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"values": {}})
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


def filed_value(concept: str, values: dict[Key, Decimal], start: str, end: str) -> Decimal | None:
    """What the report says of the concept for its own year."""
    instant = concept in ("assets", "equity")
    held = [values[key] for tag in TAGS[concept] if (key := (tag, None if instant else start, end)) in values]
    if not held:
        return None
    return max(held) if concept == "revenue" else held[0]


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


def _since(latest: Analysis, concept: str, end: str, filed: Decimal) -> list[str]:
    """How the latest view, the default, stands to what was filed first: the same, or by which rule it differs."""
    figure = latest.figure(concept, date.fromisoformat(end))
    if figure.value == filed:
        return ["latest_same"]
    if figure.first is not None and figure.first.value == filed:
        return ["restated"]  # 2.7: by more than 0.5 %; the first value stands beside it
    if figure.value is not None and abs(Decimal(figure.value) - filed) <= Decimal("0.005") * abs(filed):
        return ["small"]  # 2.7: less is not called a restatement; the latest filing's value is shown
    return ["unexplained"]


def compare(path: Path) -> tuple[str, Counter[str], list[str]]:
    """A company's name, its counts, and what does not agree."""
    answer, analysis, latest = read(path)
    counts: Counter[str] = Counter(no_facts=without_facts(analysis))
    odd, seen = [], set()
    ends = {year.end.isoformat() for year in analysis.years}
    for accession, report in sorted(reports(answer).items(), key=lambda item: item[1]["filed"]):
        period = own_period(report["values"])
        if period is None or period[1] in seen:  # a second report of one year is not its own
            continue
        seen.add(period[1])
        for concept in TAGS:
            filed = filed_value(concept, report["values"], *period)
            if filed is None:
                continue
            counts["values"] += 1
            figure = analysis.figure(concept, date.fromisoformat(period[1])) if period[1] in ends else None
            if figure is not None and figure.value == filed and figure.facts[0].filing.accession == accession:
                counts["agree"] += 1
                counts.update(_since(latest, concept, period[1], filed))
            else:
                shown = "no such year" if figure is None else f"{figure.value} ({figure.code or figure.facts[0].name})"
                odd.append(f"{answer['entityName']}, {concept}, year ended {period[1]}: {accession} filed {filed}, "
                           f"research {shown}")  # fmt: skip
    counts["years"] = len(seen)
    return str(answer["entityName"]), counts, odd


def main(paths: list[str]) -> int:
    """The table of all companies, and what does not agree."""
    total, odd = Counter[str](), list[str]()
    print("| company | years | filed values | agree | latest the same | restated | by ≤ 0.5 % | else | without facts |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in paths:
        name, counts, wrong = compare(Path(path))
        total += counts
        odd += wrong
        print("|", " | ".join([name, *(str(counts[key]) for key in COLUMNS)]), "|")
    print("|", " | ".join(["all", *(str(total[key]) for key in COLUMNS)]), "|")
    share = total["agree"] / max(1, total["values"])
    print(f"\n{share:.2%} agree.", *odd, sep="\n- ")
    return int(share < 0.99 or total["no_facts"] > 0)


COLUMNS = ("years", "values", "agree", "latest_same", "restated", "small", "unexplained", "no_facts")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
