"""Results of a run in the stored form, made from a few filed values: for states that are hard to come by."""
# ruff: noqa: E501, PLR0917  # tables

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

M = 1_000_000
YEARS = tuple((f"FY{y}", f"{y - 1}-09-29", f"{y}-09-28") for y in range(2021, 2026))
ACCESSIONS = {label: f"0000320193-{label[4:]}-000079" for label, _, _ in YEARS}

# Apple, US$ million, FY2021 to FY2025.
FILED: Mapping[str, tuple[str, str, Sequence[float | None]]] = {
    "revenue": ("Revenue", "us-gaap:Revenues", (365817, 394328, 383285, 391035, 416161)),
    "gross_profit": ("Gross profit", "us-gaap:GrossProfit", (152836, 170782, 169148, 180683, 195201)),
    "operating_income": ("Operating income", "us-gaap:OperatingIncomeLoss", (108949, 119437, 114301, 123216, 133050)),
    "net_income": ("Net income", "us-gaap:NetIncomeLoss", (94680, 99803, 96995, 93736, 112010)),
    "interest_expense": ("Interest expense", "us-gaap:InterestExpense", (2645, 2931, 3933, None, None)),
    "ocf": ("Operating cash flow", "us-gaap:NetCashProvidedByUsedInOperatingActivities", (104038, 122151, 110543, 118254, 111482)),
    "capex": ("Capital expenditure", "us-gaap:PaymentsToAcquirePropertyPlantAndEquipment", (11085, 10708, 10959, 9447, 12715)),
    "assets": ("Total assets", "us-gaap:Assets", (351002, 352755, 352583, 364980, 359241)),
    "equity": ("Shareholders' equity", "us-gaap:StockholdersEquity", (63090, 50672, 62146, 56950, 73733)),
    "debt": ("Debt", "us-gaap:DebtLongtermAndShorttermCombinedAmount", (124719, 120069, 111088, 106629, 98657)),
}  # fmt: skip
INSTANTS = {"assets", "equity", "debt"}


class Maker:
    """Makes figures and keeps the facts they stand on."""

    def __init__(self, cik: int = 320193) -> None:
        self.cik, self.facts, self.next = cik, {}, 1  # type: ignore[var-annotated]

    def filed(
        self, concept: str, label: str, tag: str, year: tuple[str, str, str], value: float | None
    ) -> dict[str, Any]:
        """A filed figure, or an absent one."""
        name, start, end = year
        period = {"start": None if concept in INSTANTS else start, "end": end, "label": name}
        base = {"concept": concept, "label": label, "unit": "USD", "period": period}
        if value is None:
            return {**base, "value": None, "made": "absent", "facts": [], "code": "not_reported", "tags_tried": [tag]}
        key, self.next = self.next, self.next + 1
        accession = ACCESSIONS[name].replace("0000320193", f"{self.cik:010}")
        filing = {"accession": accession, "form": "10-K", "filed": f"{end[:4]}-10-31"}
        url = f"https://www.sec.gov/Archives/edgar/data/{self.cik}/{accession.replace('-', '')}/{accession}-index.htm"
        fact = {"id": key, "tag": tag, "unit": "USD", "start": period["start"], "end": end, "value": Decimal(int(value * M)),
                "cik": self.cik, "url": url, **filing}  # fmt: skip
        self.facts[str(key)] = fact
        return {**base, "value": fact["value"], "made": "filed", "facts": [key], "tag": tag, "url": url, **filing}

    def made(self, concept: str, label: str, formula: str, unit: str, inputs: Sequence[dict[str, Any]], value: Any,
             made: str = "formula", code: str = "not_reported") -> dict[str, Any]:  # fmt: skip
        """A figure by formula; absent where its value is None."""
        base = {"concept": concept, "label": label, "unit": unit, "formula": formula, "period": inputs[0]["period"],
                "inputs": [{"concept": i["concept"], "end": i["period"]["end"], "value": i["value"]} for i in inputs]}  # fmt: skip
        if value is None:
            return {**base, "value": None, "made": "absent", "facts": [], "code": code}
        marks = ["d"] if made == "derived" else []
        return {**base, "value": value, "made": made, "facts": [f for i in inputs for f in i["facts"]], "marks": marks}


def health(maker: Maker, filed: Mapping[str, tuple[str, str, Sequence[float | None]]] = FILED) -> dict[str, Any]:
    """financial_health: the filed concepts, free cash flow, growth and three margins."""
    concepts = {
        name: [maker.filed(name, label, tag, year, value) for year, value in zip(YEARS, values, strict=True)]
        for name, (label, tag, values) in filed.items()
    }
    pairs = list(zip(concepts["ocf"], concepts["capex"], strict=True))
    concepts["fcf"] = [
        maker.made("fcf", "Free cash flow", "ocf − capex", "USD", (a, b), a["value"] - b["value"] if a["value"] and b["value"] else None, "derived")
        for a, b in pairs
    ]  # fmt: skip

    def ratio(name: str, label: str, over: str, under: str) -> list[dict[str, Any]]:
        return [
            maker.made(name, label, f"{over} / {under}", "percent", (a, b), round(float(a["value"] / b["value"] * 100), 6) if a["value"] is not None and b["value"] else None)
            for a, b in zip(concepts[over], concepts[under], strict=True)
        ]  # fmt: skip

    revenue = concepts["revenue"]
    growth = [
        maker.made(
            "g1", "Revenue growth", "revenue / revenue[-1] − 1", "percent", (revenue[0],), None, code="no_prior_year"
        )
    ]
    for before, now in pairwise(revenue):
        value = (
            round(float((now["value"] / before["value"] - 1) * 100), 6) if now["value"] and before["value"] else None
        )
        growth.append(maker.made("g1", "Revenue growth", "revenue / revenue[-1] − 1", "percent", (now, before), value))
    ratios = {
        "g1": growth,
        "gm": ratio("gm", "Gross margin", "gross_profit", "revenue"),
        "om": ratio("om", "Operating margin", "operating_income", "revenue"),
        "nm": ratio("nm", "Net margin", "net_income", "revenue"),
    }
    years = [
        {"label": label, "start": start, "end": end, "days": 365, "accession": ACCESSIONS[label], "form": "10-K",
         "filed": f"{end[:4]}-10-31", "url": "https://www.sec.gov/"}
        for label, start, end in YEARS
    ]  # fmt: skip
    return {
        "company": "Apple Inc.", "cik": maker.cik, "currency": "USD", "sector": "general", "as_of": "2026-02-28",
        "view": "latest", "fiscal_year": years[-1], "years": years, "concepts": concepts, "ratios": ratios,
        "revenue_growth": growth[-1], "profit_margin": ratios["nm"][-1], "debt_equity_ratio": None,
        "notes": [{"kind": "53_weeks", "text": "FY2023 has 53 weeks."}],
        "restated": [{"concept": "revenue", "end": YEARS[0][2], "first": {"value": 365000 * M}, "latest": {"value": 365817 * M}}],
        "transition_periods": [], "facts": dict(maker.facts),
    }  # fmt: skip


def results(**changes: Any) -> dict[str, Any]:
    """All eight results of a run of Apple with two peers; a change replaces one of them, None leaves it out."""
    maker = Maker()
    own = health(maker)
    members = [
        _member(own, maker, "Apple Inc.", 320193, "AAPL", subject=True, share=70.0),
        _member(own, maker, "Peer One Corp.", 1111, "ONE", share=20.0),
        _member(own, maker, "Peer Two =Inc.", 2222, "TWO", share=10.0),
    ]
    peer_set = {"level": "sic4", "text": "Companies of SIC 3571 with revenue in CY2025"}
    finding = {
        "rule": "W01", "topic": "growth", "quadrant": "weaknesses", "sentence": "Revenue grew 6.4%, slowly.", "score": 40,
        "although": False, "figures": [{**own["ratios"]["g1"][-1], "company": "Apple Inc."}], "facts": own["ratios"]["g1"][-1]["facts"],
    }  # fmt: skip
    gaps = [
        {"concept": "interest_expense", "label": "Interest expense", "end": end, "period_label": label,
         "code": "not_reported", "reason": "No filing reports it.", "tags_tried": ["us-gaap:InterestExpense"]}
        for label, _, end in YEARS[3:]
    ]  # fmt: skip
    made: dict[str, Any] = {
        "company_profile": {"name": "Apple Inc.", "cik": 320193, "ticker": "AAPL", "exchange": "Nasdaq", "sic": 3571,
            "sic_description": "Electronic Computers", "category": "Large accelerated filer", "state": "CA", "city": "CUPERTINO"},
        "financial_health": own,
        "market_position": {"market_share": {"value": 70.0, "unit": "percent", "facts": [1],
            "wording": "70.0% of the revenue reported by these 3 companies for CY2025"}, "rank": 1, "of": 3,
            "calendar_year": 2025, "set": peer_set, "competitors": [], "excluded": []},
        "peer_comparison": {"calendar_year": 2025, "set": peer_set, "members": members, "standing": [
            {"ratio": "om", "label": "Operating margin", "unit": "percent", "value": 32.0, "rank": 1, "n": 3,
             "percentile": 100, "median": 20.0, "values": [32.0, 21.0, 19.0]}],
            "excluded": [{"name": "Peer Three", "cik": 3, "reason": "reports in EUR", "code": "currency_mismatch"}],
            "facts": dict(maker.facts)},
        "swot_analysis": {"strengths": [], "weaknesses": [finding], "opportunities": [], "threats": [], "rules": 36,
            "tested": 30, "fired": 1},
        "insights": {"count": 1, "findings": [finding], "notes": []},
        "gaps": {"count": 2, "gaps": gaps},
        "manifest": {"rules_version": "1", "code_version": "0.1.0", "facts_used": len(maker.facts),
            "data": [{"source": "bundled", "name": "bundle", "version": "1", "sha256": "ab" * 32}]},
    }  # fmt: skip
    return {name: data for name, data in {**made, **changes}.items() if data is not None}


def _member(own: Mapping[str, Any], maker: Maker, name: str, cik: int, ticker: str, *, subject: bool = False,
            share: float) -> dict[str, Any]:  # fmt: skip
    end = YEARS[-1][2]
    if subject:
        figures = {
            "revenue": own["concepts"]["revenue"][-1],
            "g1": own["ratios"]["g1"][-1],
            "om": own["ratios"]["om"][-1],
        }
    else:
        other = Maker(cik)
        other.next = 1000 * cik
        revenue = other.filed("revenue", "Revenue", "us-gaap:Revenues", YEARS[-1], 416161 * share / 100)
        income = other.filed("operating_income", "Operating income", "us-gaap:OperatingIncomeLoss", YEARS[-1], -500)
        margin = round(float(income["value"] / revenue["value"] * 100), 6)
        figures = {"revenue": revenue, "om": other.made("om", "Operating margin", "operating_income / revenue", "percent", (income, revenue), margin)}  # fmt: skip
        maker.facts.update(other.facts)
    return {
        "name": name,
        "cik": cik,
        "ticker": ticker,
        "subject": subject,
        "end": end,
        "share": share,
        "figures": figures,
    }
