"""Strengths: S01 to S10. Percentages are in percent; `back` counts years from the newest."""

from research_dashboard.research.rules.engine import Hit, Reader, Rule, collector
from research_dashboard.research.wording import multiple, percent, pp, times

STRENGTHS: list[Rule] = []
rule = collector(STRENGTHS)


@rule(
    "S01",
    "growth",
    peers="close/wide",
    inputs=("g1",),
    unless=("W01",),
    base=30,
    score="(g1 − med − 3 pp) ÷ 15 pp",
    sentence="Revenue grew {g1}, the peer median {med}",
)
def growth_above_peers(x: Reader) -> Hit | None:
    """g1 > 0 and g1 − med ≥ 3 pp."""
    g1, med = x.own("g1"), x.median("g1")
    ahead = round(g1 - med, 6)
    return x.fires(g1 > 0 and ahead >= 3, (ahead - 3) / 15, g1=percent(g1), med=percent(med))


@rule(
    "S02",
    "run",
    inputs=("g1",),
    base=20,
    score="lowest g1 ÷ 10 %",
    sentence="Revenue rose in each of the last four years, by at least {least}",
)
def growth_every_year(x: Reader) -> Hit | None:
    """g1 > 0 in each of 4 years."""
    least = x.lowest("g1", 4)
    return x.fires(least > 0, least / 10, least=percent(least))


@rule(
    "S03",
    "op_margin",
    peers="close",
    inputs=("om",),
    base=30,
    score="(om − med − 2 pp) ÷ 20 pp",
    sentence="Operating margin {om} is {rank} of {n} among the companies of {basis}; the peer median is {med}",
)
def margin_above_peers(x: Reader) -> Hit | None:
    """percentile of om ≥ 75, om > 0, om − med ≥ 2 pp."""
    om, med, place = x.own("om"), x.median("om"), x.percentile("om")
    ahead = round(om - med, 6)
    words = {"om": percent(om), "med": percent(med), "basis": x.set.basis}
    if x.set.ranks:
        words |= {"rank": str(x.rank("om")), "n": str(len(x.others("om")) + 1)}
        sentence = None
    else:
        sentence = "Operating margin {om} is above the median {med} of the peers of {basis}"
    return x.fires(place >= 75 and om > 0 and ahead >= 2, (ahead - 2) / 20, sentence, **words)


@rule(
    "S04",
    "gross_margin",
    inputs=("gm",),
    base=20,
    score="(rise − 2 pp) ÷ 6 pp",
    sentence="Gross margin rose {rise} in two years to {gm}",
)
def gross_margin_up(x: Reader) -> Hit | None:
    """gm − gm[-2] ≥ 2 pp."""
    rise = x.change("gm", -2)
    return x.fires(rise >= 2, (rise - 2) / 6, rise=pp(rise, signed=False), gm=percent(x("gm")))


@rule(
    "S05",
    "returns",
    inputs=("roic",),
    base=30,
    score="(min3 − 15 pp) ÷ 30 pp",
    sentence="Return on invested capital was at least {least} for three years",
)
def returns_high(x: Reader) -> Hit | None:
    """min3(roic) ≥ 15 %."""
    least = x.lowest("roic", 3)
    return x.fires(least >= 15, (least - 15) / 30, least=percent(least))


@rule(
    "S06",
    "cash_conv",
    inputs=("cc", "fcf", "net_income"),
    base=20,
    score="(min3 − 1.1) ÷ 0.8",
    sentence="Operating cash flow exceeded net income in three years, {cc} times lately",
)
def cash_above_profit(x: Reader) -> Hit | None:
    """min3(cc) ≥ 1.1 and fcf ≥ 80 % of net income."""
    least, fcf, income = x.lowest("cc", 3), x("fcf"), x("net_income")
    return x.fires(least >= 1.1 and fcf >= 0.8 * income, (least - 1.1) / 0.8, cc=multiple(x("cc")).rstrip("×"))


@rule(
    "S07",
    "leverage",
    inputs=("nd", "assets"),
    optional=("finance_leases", "debt"),
    base=30,
    score="size ÷ 30 % of assets",
    sentence="Cash and short-term investments exceed borrowings{leases} by {surplus}",
)
def net_cash(x: Reader) -> Hit | None:
    """nd + finance leases < 0 and its size ≥ 2 % of assets."""
    leases = x.leases_beside_debt()
    surplus, assets = -(x("nd") + leases), x("assets")
    part = surplus / assets if assets > 0 else 0
    words = {"surplus": x.money(surplus), "leases": " and finance leases" if leases else ""}
    return x.fires(part >= 0.02, part / 0.3, **words)


@rule(
    "S08",
    "cover",
    inputs=("cover",),
    base=20,
    score="(min3 − 10) ÷ 40",
    sentence="Operating income covered interest at least {least} for three years",
)
def interest_covered(x: Reader) -> Hit | None:
    """min3(cover) ≥ 10."""
    least = min(x.raw("cover", -back) for back in range(3))
    return x.fires(least >= 10, (least - 10) / 40, least=times(100, 0) if least > 100 else times(least))


@rule(
    "S09",
    "fcf",
    inputs=("fcf", "fcfm"),
    base=25,
    score="(fcfm − 10 pp) ÷ 20 pp",
    sentence="Free cash flow was positive in five years, {fcfm} of revenue lately",
)
def free_cash_flow(x: Reader) -> Hit | None:
    """fcf > 0 in 5 years, fcfm ≥ 10 %."""
    least, margin = x.lowest("fcf", 5), x("fcfm")
    return x.fires(least > 0 and margin >= 10, (margin - 10) / 20, fcfm=percent(margin))


@rule(
    "S10",
    "scale",
    peers="close",
    inputs=("revenue",),
    base=25,
    score="share ÷ 100 %",
    sentence="{share} of the revenue reported by these {n} companies ({basis}), rank {rank}",
)
def scale(x: Reader) -> Hit | None:
    """rank ≤ 2 and share ≥ 20 %."""
    own, others, place = x.own("revenue"), x.others("revenue"), x.rank("revenue")
    part = 100 * own / (own + sum(others)) if own > 0 else 0
    words = {"share": percent(part), "n": str(len(others) + 1), "basis": x.set.basis, "rank": str(place)}
    return x.fires(place <= 2 and part >= 20, part / 100, **words)
