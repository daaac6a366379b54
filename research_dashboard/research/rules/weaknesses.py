"""Weaknesses: W01 to W10."""

from research_dashboard.research.rules.engine import Hit, Reader, Rule, collector
from research_dashboard.research.wording import multiple, percent, pp, times

WEAKNESSES: list[Rule] = []
rule = collector(WEAKNESSES)

NEGATIVE_EQUITY_SCORE = 43


@rule("W01", "growth", inputs=("g1",), base=30, score="(−g1 − 2 pp) ÷ 13 pp", sentence="Revenue fell {fall}")
def revenue_fell(x: Reader) -> Hit | None:
    """g1 ≤ −2 %."""
    g1 = x("g1")
    return x.fires(g1 <= -2, (-g1 - 2) / 13, fall=percent(-g1))


@rule(
    "W02",
    "profit",
    inputs=("nm", "net_income"),
    impairment=True,
    base=40,
    score="−nm ÷ 20 %",
    sentence="The year closed with a net loss of {loss}, {nm} of revenue",
)
def net_loss(x: Reader) -> Hit | None:
    """nm < 0."""
    nm, income = x("nm"), x("net_income")
    return x.fires(nm < 0, -nm / 20, loss=x.money(-income), nm=percent(-nm))


@rule(
    "W03",
    "op_margin",
    peers="close",
    inputs=("om",),
    impairment=True,
    base=25,
    score="(med − om − 2 pp) ÷ 20 pp",
    sentence="Operating margin {om} is below the peer median {med}",
)
def margin_below_peers(x: Reader) -> Hit | None:
    """percentile of om ≤ 25, med − om ≥ 2 pp."""
    om, med, place = x.own("om"), x.median("om"), x.percentile("om")
    behind = round(med - om, 6)
    return x.fires(place <= 25 and behind >= 2, (behind - 2) / 20, om=percent(om), med=percent(med))


@rule(
    "W04",
    "op_margin_chg",
    inputs=("om",),
    impairment=True,
    base=30,
    score="(fall − 2 pp) ÷ 8 pp",
    sentence="Operating margin fell {fall} to {om}",
)
def margin_fell(x: Reader) -> Hit | None:
    """om − om[-1] ≤ −2 pp (−5 pp if S03 fired)."""
    fall = -x.change("om", -1)
    bar = 5 if x.fired("S03") else 2
    return x.fires(fall >= bar, (fall - 2) / 8, fall=pp(fall, signed=False), om=percent(x("om")))


@rule(
    "W05",
    "fcf",
    inputs=("fcf", "revenue"),
    not_for=("bank", "insurer"),
    base=30,
    score="−fcf ÷ 15 % of revenue",
    sentence="Operating cash flow did not cover capital expenditure: free cash flow was {fcf}",
)
def cash_burnt(x: Reader) -> Hit | None:
    """fcf < 0."""
    fcf, revenue = x("fcf"), x("revenue")
    return x.fires(fcf < 0, -fcf / (0.15 * revenue) if revenue > 0 else 1, fcf=x.money(fcf))


@rule(
    "W06",
    "leverage",
    inputs=("nd", "debt", "assets", "ebitda"),
    base=30,
    score="(nde − limit) ÷ 4 (ebitda ≤ 0: 1)",
    sentence="Net debt is {nde} EBITDA",
)
def leverage_high(x: Reader) -> Hit | None:
    """nd > 0, debt ≥ 5 % of assets, and (ebitda ≤ 0 or nde > 3.5; utility 6)."""
    nd, debt, assets, ebitda = x("nd"), x("debt"), x("assets"), x("ebitda")
    if nd <= 0 or debt < 0.05 * assets:
        return None
    if ebitda <= 0:
        sentence = "Net debt is {nd} and EBITDA is not positive: {ebitda}"
        return x.fires(x.impairment() is None, 1, sentence, nd=x.money(nd), ebitda=x.money(ebitda))
    limit = 6 if x.sector == "utility" else 3.5
    nde = nd / ebitda
    return x.fires(nde > limit, (nde - limit) / 4, nde=times(nde))


@rule(
    "W07",
    "cover",
    inputs=("nd", "cover", "operating_income"),
    impairment=True,
    base=35,
    score="(3 − cover) ÷ 5 (utility 2)",
    sentence="Operating income covered interest {cover}",
)
def interest_not_covered(x: Reader) -> Hit | None:
    """nd > 0, cover < 3 (utility 2)."""
    nd, cover, income = x("nd"), x.raw("cover"), x("operating_income")
    limit = 2 if x.sector == "utility" else 3
    sentence = None if cover > 0 else "Interest was not covered: operating income was {income}"
    return x.fires(nd > 0 and cover < limit, (limit - cover) / 5, sentence, cover=times(cover), income=x.money(income))


@rule(
    "W08",
    "liquidity",
    inputs=("cr", "ocf", "current_liabilities"),
    not_for=("utility",),
    base=15,
    score="(1 − cr) ÷ 0.5",
    sentence="Current assets are {cr} times current liabilities",
)
def liquidity_low(x: Reader) -> Hit | None:
    """cr < 1 and ocf < 40 % of current liabilities; not utilities."""
    cr, ocf, due = x("cr"), x("ocf"), x("current_liabilities")
    return x.fires(cr < 1 and ocf < 0.4 * due, (1 - cr) / 0.5, cr=multiple(cr).rstrip("×"))


@rule(
    "W09",
    "equity",
    inputs=("equity",),
    optional=("buybacks", "dividends", "net_income"),
    base=NEGATIVE_EQUITY_SCORE,
    score="fixed",
    sentence="Shareholders’ equity is negative: {equity}",
)
def equity_negative(x: Reader) -> Hit | None:
    """equity < 0."""
    equity = x("equity")
    if equity >= 0:
        return None
    words = {"equity": x.money(equity)}
    paid, earned = x.five_years("dividends", "buybacks"), x.five_years("net_income")
    if paid is None or earned is None or paid <= earned:
        return x.fires(True, 0, **words)
    words |= {"paid": x.money(paid), "earned": x.money(earned)}
    more = "; dividends and buybacks of five years came to {paid}, net income to {earned}"
    return x.fires(True, 0, "Shareholders’ equity is negative: {equity}" + more, **words)


@rule(
    "W10",
    "dilution",
    inputs=("shares_diluted",),
    base=20,
    score="(rise − 3 pp) ÷ 10 pp",
    sentence="Diluted shares rose {rise}",
)
def dilution(x: Reader) -> Hit | None:
    """diluted shares +3 % to +50 % in one filing, no split."""
    rise = x.growth("shares_diluted")
    return None if rise is None else x.fires(3 <= rise <= 50, (rise - 3) / 10, rise=percent(rise))
