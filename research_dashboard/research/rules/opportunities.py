"""Opportunities: O01 to O08."""

from research_dashboard.research.rules.engine import Hit, Reader, Rule, collector
from research_dashboard.research.wording import multiple, percent, times

OPPORTUNITIES: list[Rule] = []
rule = collector(OPPORTUNITIES)


@rule(
    "O01",
    "growth_vs_margin",
    peers="close",
    inputs=("g1", "om"),
    base=30,
    score="(om − med(om)) ÷ 15 pp",
    sentence="Operating margin {om} is above the peer median {med} while growth {g1} is below their {growth}: "
    "margin leaves room to fund growth",
)
def margin_to_fund_growth(x: Reader) -> Hit | None:
    """g1 < med(g1) − 1 pp and om > med(om) + 2 pp."""
    g1, growth, om, med = x.own("g1"), x.median("g1"), x.own("om"), x.median("om")
    gap, behind = round(om - med, 6), round(growth - g1, 6)
    words = {"om": percent(om), "med": percent(med), "g1": percent(g1), "growth": percent(growth)}
    return x.fires(behind > 1 and gap > 2, gap / 15, **words)


@rule(
    "O02",
    "own_margin",
    inputs=("om", "revenue"),
    base=20,
    score="(best − om − 3 pp) ÷ 10 pp",
    sentence="Revenue no larger than now, or hardly so, earned an operating margin of {best} in {year}; now it is {om}",
)
def own_best_margin(x: Reader) -> Hit | None:
    """om > 0, best om of 5 years is ≥ 3 pp higher, revenue ≥ 95 % of that year’s."""
    margins = {back: x("om", back) for back in range(0, -5, -1)}
    year = max(margins, key=lambda back: (margins[back], back))
    om, best, revenue, then = margins[0], margins[year], x("revenue"), x("revenue", year)
    lost = round(best - om, 6)
    words = {"best": percent(best), "year": x.label(year), "om": percent(om)}
    return x.fires(om > 0 and lost >= 3 and revenue >= 0.95 * then, (lost - 3) / 10, **words)


@rule(
    "O03",
    "rd",
    peers="close",
    inputs=("rd", "g1"),
    base=25,
    score="(rd − med − 3 pp) ÷ 10 pp",
    sentence="R&D takes {rd} of revenue, peers {med}",
)
def research_above_peers(x: Reader) -> Hit | None:
    """med(rd) ≥ 2 %, rd − med ≥ 3 pp, g1 > 0."""
    rd, med, g1 = x.own("rd"), x.median("rd"), x.own("g1")
    ahead = round(rd - med, 6)
    return x.fires(med >= 2 and ahead >= 3 and g1 > 0, (ahead - 3) / 10, rd=percent(rd), med=percent(med))


@rule(
    "O04",
    "capacity",
    inputs=("nd", "ebitda", "fcf", "nm"),
    optional=("finance_leases", "debt", "cover"),
    unless=("T06", "T08"),
    base=25,
    score="(1 − nde) ÷ 1.5",
    sentence="Net debt{with} is {nde} EBITDA and free cash flow {fcf}: borrowing is low against earnings",
)
def borrowing_low(x: Reader) -> Hit | None:
    """(nd + finance leases) ÷ ebitda ≤ 1, fcf > 0, nm > 0, cover absent or ≥ 8, neither T06 nor T08."""
    leases = x.leases_beside_debt()
    nd, ebitda, fcf, nm = x("nd") + leases, x("ebitda"), x("fcf"), x("nm")
    cover = x.optional_raw("cover")
    if ebitda <= 0 or fcf <= 0 or nm <= 0 or (cover is not None and cover < 8):
        return None
    nde = nd / ebitda
    words = {"nde": times(nde), "fcf": x.money(fcf), "surplus": x.money(-nd)}
    words |= {"with": " with finance leases" if leases else "", "and": " and finance leases" if leases else ""}
    sentence = (
        "Liquid funds exceed debt{and} by {surplus} and free cash flow was {fcf}: borrowing is low against earnings"
    )
    return x.fires(nde <= 1, (1 - nde) / 1.5, sentence if nd < 0 else None, **words)


@rule(
    "O05",
    "op_leverage",
    inputs=("g1", "om", "operating_income"),
    base=25,
    score="(growth of operating income − g1 − 5 pp) ÷ 30 pp",
    sentence="Operating income grew {growth} on revenue growth of {g1}",
)
def operating_leverage(x: Reader) -> Hit | None:
    """g1 ≥ 2 %, om ≥ 2 %, growth of operating income − g1 ≥ 5 pp (base > 0)."""
    g1, om, growth = x("g1"), x("om"), x.growth("operating_income")
    if growth is None:
        return None
    ahead = round(growth - g1, 6)
    happens = g1 >= 2 and om >= 2 and ahead >= 5
    return x.fires(happens, (ahead - 5) / 30, growth=x.grown(growth), g1=percent(g1))


@rule(
    "O06",
    "delever",
    inputs=("debt", "assets", "fcf"),
    base=20,
    score="(0.9 − debt ÷ debt[-1]) ÷ 0.3",
    sentence="Debt fell {fall} while free cash flow was positive",
)
def debt_fell(x: Reader) -> Hit | None:
    """debt[-1] ≥ 10 % of assets, debt ≤ 90 % of debt[-1], fcf > 0."""
    debt, before, assets, fcf = x("debt"), x("debt", -1), x("assets", -1), x("fcf")
    if before <= 0:
        return None
    left = debt / before
    happens = before >= 0.1 * assets and left <= 0.9 and fcf > 0
    return x.fires(happens, (0.9 - left) / 0.3, fall=percent(100 * (1 - left)))


@rule("O07", "recovery", inputs=("g1",), base=25, score="g1 ÷ 10 %", sentence="Revenue grew {g1} after falling {fall}")
def recovery(x: Reader) -> Hit | None:
    """g1[-1] ≤ −2 %, g1 ≥ 2 %."""
    g1, before = x("g1"), x("g1", -1)
    return x.fires(before <= -2 and g1 >= 2, g1 / 10, g1=percent(g1), fall=percent(-before))


@rule(
    "O08",
    "capex",
    inputs=("capint", "g1", "ocf"),
    optional=("fcf",),
    base=20,
    score="(capint − 1.5) ÷ 1.5",
    sentence="Capital expenditure is {capint} times depreciation: investment runs ahead of wear",
)
def investment(x: Reader) -> Hit | None:
    """capex ≥ 1.5 × d_and_a, g1 ≥ 5 %, ocf ≥ 0."""
    capint, g1, ocf, fcf = x("capint"), x("g1"), x("ocf"), x.optional("fcf")
    beyond = "Capital expenditure is {capint} times depreciation, beyond operating cash flow"
    sentence = beyond if fcf is not None and fcf < 0 else None
    words = {"capint": multiple(capint, 1).rstrip("×")}
    return x.fires(capint >= 1.5 and g1 >= 5 and ocf >= 0, (capint - 1.5) / 1.5, sentence, **words)
