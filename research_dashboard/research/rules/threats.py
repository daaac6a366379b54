"""Threats: T01 to T08."""

from research_dashboard.research.rules.engine import Hit, Reader, Rule, Untested, collector
from research_dashboard.research.wording import moved, percent, pp, times

THREATS: list[Rule] = []
rule = collector(THREATS)

GOODWILL_SCORE = 33


@rule(
    "T01",
    "cover_chg",
    inputs=("cover",),
    unless=("W07",),
    impairment=True,
    base=30,
    score="1 − cover ÷ cover[-1]",
    sentence="Interest cover fell from {before} to {now}",
)
def cover_fell(x: Reader) -> Hit | None:
    """cover[-1] > 0, cover ≤ 70 % of it, cover < 8, W07 silent."""
    now, before = x.raw("cover"), x.raw("cover", -1)
    if before <= 0:
        return None
    return x.fires(now <= 0.7 * before and now < 8, 1 - now / before, before=times(before), now=times(now))


@rule(
    "T02",
    "growth_vs_peers",
    peers="close/wide",
    inputs=("g1",),
    unless=("W01", "O01"),
    base=25,
    score="(med − g1 − 5 pp) ÷ 15 pp",
    sentence="Peers’ revenue grew faster: median {med} against {g1}",
)
def growth_below_peers(x: Reader) -> Hit | None:
    """med − g1 ≥ 5 pp, W01 and O01 silent."""
    g1, med = x.own("g1"), x.median("g1")
    behind = round(med - g1, 6)
    return x.fires(behind >= 5, (behind - 5) / 15, med=percent(med), g1=percent(g1))


@rule(
    "T03",
    "gross_margin",
    inputs=("gm",),
    base=25,
    score="(fall − 2 pp) ÷ 6 pp",
    sentence="Gross margin fell {fall} in two years to {gm}",
)
def gross_margin_down(x: Reader) -> Hit | None:
    """gm − gm[-2] ≤ −2 pp."""
    fall = -x.change("gm", -2)
    return x.fires(fall >= 2, (fall - 2) / 6, fall=pp(fall, signed=False), gm=percent(x("gm")))


@rule(
    "T04",
    "maturity",
    inputs=("current_debt", "liquid", "fcf", "assets"),
    base=30,
    score="current debt ÷ (liquid + max(fcf, 0)) − 1",
    sentence="Debt due within a year, {due}, exceeds cash, short-term investments and free cash flow, {funds}",
)
def debt_due(x: Reader) -> Hit | None:
    """current debt > liquid + max(fcf, 0), ≥ 2 % of assets."""
    due, funds, assets = x("current_debt"), x("liquid") + max(x("fcf"), 0), x("assets")
    excess = due / funds - 1 if funds > 0 else 1
    return x.fires(due > funds and due >= 0.02 * assets, excess, due=x.money(due), funds=x.money(funds))


@rule(
    "T05",
    "wc",
    inputs=("g1", "assets"),
    optional=("inventory", "receivables"),
    base=25,
    score="(growth − g1 − 10 pp) ÷ 30 pp",
    sentence="{what} grew {growth}, revenue {moved}",
)
def working_capital(x: Reader) -> Hit | None:
    """inventory or receivables (each ≥ 5 % of assets) grew ≥ 10 pp faster than revenue."""
    g1, assets = x("g1"), x("assets")
    ahead = {
        what: (growth, round(growth - g1, 6))
        for what in ("inventory", "receivables")
        if (size := x.optional(what)) is not None
        and (growth := x.optional_growth(what)) is not None
        and size >= 0.05 * assets
    }
    if x.optional("inventory") is None and x.optional("receivables") is None:
        raise Untested
    if not ahead:
        return None
    what = max(ahead, key=lambda name: ahead[name][1])
    growth, faster = ahead[what]
    words = {"what": what.capitalize(), "growth": x.grown(growth), "moved": moved(g1)}
    return x.fires(faster >= 10, (faster - 10) / 30, **words)


@rule(
    "T06",
    "payout",
    inputs=("fcf", "revenue"),
    optional=("dividends", "buybacks"),
    not_for=("bank", "insurer"),
    base=25,
    score="(dividends + buybacks) ÷ fcf − 1",
    sentence="Distributions of {paid} exceeded free cash flow of {fcf} for two years",
)
def payout_above_cash(x: Reader) -> Hit | None:
    """dividends + buybacks > max(fcf, 0) in 2 years, ≥ 110 % of fcf now, ≥ 1 % of revenue."""
    fcf, before, revenue = x("fcf"), x("fcf", -1), x("revenue")
    paid, paid_before = x.distributed(0), x.distributed(-1)
    beyond = paid > max(fcf, 0) and paid_before > max(before, 0)
    excess = paid / fcf - 1 if fcf > 0 else 1
    happens = beyond and paid >= 1.1 * fcf and paid >= 0.01 * revenue
    return x.fires(happens, excess, paid=x.money(paid), fcf=x.money(fcf))


@rule(
    "T07",
    "goodwill",
    inputs=("goodwill", "equity"),
    base=GOODWILL_SCORE,
    score="fixed",
    sentence="Goodwill of {goodwill} is larger than equity of {equity}: exposed to impairment",
)
def goodwill_above_equity(x: Reader) -> Hit | None:
    """goodwill > equity > 0."""
    goodwill, equity = x("goodwill"), x("equity")
    return x.fires(goodwill > equity > 0, 0, goodwill=x.money(goodwill), equity=x.money(equity))


@rule(
    "T08",
    "debt_up",
    inputs=("debt", "assets", "g1"),
    base=25,
    score="(growth of debt − 20 pp) ÷ 60 pp",
    sentence="Debt grew {growth}, revenue {moved}",
)
def debt_grew(x: Reader) -> Hit | None:
    """debt ≥ 10 % of assets, up ≥ 20 % and more than 2 × max(g1, 0)."""
    debt, before, assets, g1 = x("debt"), x("debt", -1), x("assets"), x("g1")
    if before <= 0:
        return None
    growth = round((debt / before - 1) * 100, 6)
    happens = debt >= 0.1 * assets and growth >= 20 and growth > 2 * max(g1, 0)
    return x.fires(happens, (growth - 20) / 60, growth=x.grown(growth), moved=moved(g1))
