"""The concepts: which tags make a figure, in which order, by which rule. Reads like section 1 of FINANCE.md.

A concept has steps, tried in order *within one filing for exactly one period*: F takes the first tag present,
L the largest value, D a formula over other concepts of the same filing. Nothing is ever summed across filings.
"""

from dataclasses import dataclass, field
from typing import Literal

Sector = Literal["bank", "insurer", "utility", "reit", "general"]
Kind = Literal["duration", "instant"]


@dataclass(frozen=True, slots=True)
class Step:
    """Tags with their taxonomy, and how one is picked: the first present or the largest value."""

    rule: Literal["F", "L"]
    tags: tuple[str, ...]
    note: str | None = None  # what a reader must know when this step supplied the figure


@dataclass(frozen=True, slots=True)
class Term:
    """A concept in a formula. `optional`: nothing when absent. `filed`: its tags only, never its own formula."""

    concept: str
    sign: int = 1
    optional: bool = False
    filed: bool = False


@dataclass(frozen=True, slots=True)
class D:
    """A sum of concepts of one filing; the figure is marked derived and lists its inputs."""

    terms: tuple[Term, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """One row of the table. `partial` are tags that hold only a part: they never make the figure, but name the gap."""

    id: str
    label: str
    kind: Kind
    steps: tuple[Step | D, ...]
    unit: str = "USD"
    bank: tuple[Step | D, ...] = ()  # used instead of `steps` for banks
    not_for: frozenset[Sector] = frozenset()
    unusual_for: frozenset[Sector] = frozenset()  # shown where it is filed; where it is not, it does not apply
    partial: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)  # by tag: what a reader must know when it supplied the figure
    outflow: bool = False  # a payment, filed as a positive number: a negative one is not taken
    shown: bool = True  # a helper of formulas and tests is not a row of the report


def _names(tags: str) -> tuple[str, ...]:
    """Tags separated by blanks; `ifrs:` stands for the IFRS taxonomy, no prefix for us-gaap."""
    prefix = {"ifrs": "ifrs-full", "dei": "dei", "us-gaap": "us-gaap"}
    split = (tag.rpartition(":") for tag in tags.split())
    return tuple(f"{prefix[taxonomy or 'us-gaap']}:{name}" for taxonomy, _, name in split)


def F(tags: str, note: str | None = None) -> Step:
    """The first tag present in the filing for the period."""
    return Step("F", _names(tags), note)


def L(tags: str, note: str | None = None) -> Step:
    """The largest value among the tags in the filing for the period."""
    return Step("L", _names(tags), note)


NO_MARGIN: frozenset[Sector] = frozenset({"bank", "insurer", "utility"})
FINANCIAL: frozenset[Sector] = frozenset({"bank", "insurer"})
NOT_BANKS: frozenset[Sector] = frozenset({"insurer", "utility", "reit", "general"})
PRETAX = "IncomeLossFromContinuingOperationsBeforeIncomeTaxes"
TEMPORARY = "TemporaryEquityCarryingAmount"
REDEEMABLE = "RedeemableNoncontrollingInterestEquity"
WITH_LEASES = "us-gaap:LongTermDebtAndCapitalLeaseObligations"

FLOWS = (
    Concept("revenue", "Revenue", "duration",
        (L("RevenueFromContractWithCustomerExcludingAssessedTax RevenueFromContractWithCustomerIncludingAssessedTax "
           "Revenues SalesRevenueNet SalesRevenueGoodsNet SalesRevenueServicesNet "
           "RegulatedAndUnregulatedOperatingRevenue ifrs:Revenue"),),
        bank=(F("RevenuesNetOfInterestExpense Revenues"),
              D((Term("net_interest_income"), Term("noninterest_income")))),
        notes={"us-gaap:Revenues": "The tag Revenues may include other income."}),
    Concept("cost_of_revenue", "Cost of revenue", "duration",
        (F("CostOfRevenue CostOfGoodsAndServicesSold CostOfGoodsSold ifrs:CostOfSales"),), unusual_for=FINANCIAL),
    Concept("gross_profit", "Gross profit", "duration",
        (F("GrossProfit ifrs:GrossProfit"), D((Term("revenue"), Term("cost_of_revenue", -1)))), not_for=NO_MARGIN),
    Concept("operating_income", "Operating income", "duration",
        (F("OperatingIncomeLoss ifrs:ProfitLossFromOperatingActivities"),), unusual_for=FINANCIAL),
    Concept("net_income", "Net income", "duration",
        (F("NetIncomeLoss NetIncomeLossAvailableToCommonStockholdersBasic ProfitLoss "
           "ifrs:ProfitLossAttributableToOwnersOfParent ifrs:ProfitLoss"),),
        notes={"us-gaap:NetIncomeLossAvailableToCommonStockholdersBasic": "Available to common shareholders.",
               "us-gaap:ProfitLoss": "Includes minority interests.",
               "ifrs-full:ProfitLoss": "Includes minority interests."}),
    Concept("net_income_total", "Net income incl. minorities", "duration",
        (F("ProfitLoss NetIncomeLossIncludingPortionAttributableToNonredeemableNoncontrollingInterest "
           "ifrs:ProfitLoss"),)),
    Concept("eps_basic", "EPS, basic", "duration",
        (F("EarningsPerShareBasic EarningsPerShareBasicAndDiluted ifrs:BasicEarningsLossPerShare"),),
        unit="USD/shares"),
    Concept("eps_diluted", "EPS, diluted", "duration",
        (F("EarningsPerShareDiluted EarningsPerShareBasicAndDiluted ifrs:DilutedEarningsLossPerShare"),),
        unit="USD/shares"),
    Concept("rnd", "Research and development", "duration",
        (F("ResearchAndDevelopmentExpense ResearchAndDevelopmentExpenseExcludingAcquiredInProcessCost "
           "ResearchAndDevelopmentExpenseSoftwareExcludingAcquiredInProcessCost ifrs:ResearchAndDevelopmentExpense"),),
        unusual_for=FINANCIAL),
    Concept("selling", "Selling and marketing", "duration", (F("SellingAndMarketingExpense SellingExpense"),)),
    Concept("gna", "General and administrative", "duration", (F("GeneralAndAdministrativeExpense"),)),
    Concept("sga", "Selling, general and administrative", "duration",
        (F("SellingGeneralAndAdministrativeExpense"), D((Term("selling"), Term("gna")))),
        partial=_names("SellingAndMarketingExpense SellingExpense GeneralAndAdministrativeExpense"),
        unusual_for=FINANCIAL),
    Concept("interest_expense", "Interest expense", "duration",
        (F("InterestExpense InterestExpenseNonoperating InterestAndDebtExpense InterestExpenseDebt "
           "InterestExpenseOperating ifrs:InterestExpense ifrs:FinanceCosts"),)),
    Concept("pretax_income", "Income before tax", "duration",
        (F(f"{PRETAX}ExtraordinaryItemsNoncontrollingInterest "
           f"{PRETAX}MinorityInterestAndIncomeLossFromEquityMethodInvestments"),
         D((Term("pretax_domestic"), Term("pretax_foreign"))),
         F("ifrs:ProfitLossBeforeTax"))),
    Concept("pretax_domestic", "Income before tax, domestic", "duration", (F(f"{PRETAX}Domestic"),), shown=False),
    Concept("pretax_foreign", "Income before tax, foreign", "duration", (F(f"{PRETAX}Foreign"),), shown=False),
    Concept("tax", "Income tax", "duration", (F("IncomeTaxExpenseBenefit ifrs:IncomeTaxExpenseContinuingOperations"),)),
    Concept("d_and_a", "Depreciation and amortization", "duration",
        (L("DepreciationDepletionAndAmortization DepreciationAmortizationAndAccretionNet DepreciationAndAmortization "
           "ifrs:DepreciationAndAmortisationExpense"),
         D((Term("depreciation"), Term("amortization"))),
         F("Depreciation", note="Depreciation only: no amortization is reported."))),
    Concept("d_and_a_line", "Depreciation and amortization, in one line", "duration",
        (L("DepreciationDepletionAndAmortization DepreciationAmortizationAndAccretionNet "
           "DepreciationAndAmortization"),), shown=False),
    Concept("d_and_a_in_costs", "Depreciation and amortization in costs", "duration",
        (F("CostOfGoodsAndServicesSoldDepreciationAndAmortization"),), shown=False),
    Concept("other_d_and_a", "Other depreciation and amortization", "duration",
        (F("OtherDepreciationAndAmortization"),), shown=False),
    Concept("depreciation", "Depreciation", "duration", (F("Depreciation"),), shown=False),
    Concept("amortization", "Amortization of intangible assets", "duration",
        (F("AmortizationOfIntangibleAssets"),), shown=False),
    Concept("impairment", "Impairment charges", "duration",
        (L("GoodwillAndIntangibleAssetImpairment GoodwillImpairmentLoss AssetImpairmentCharges "
           "ImpairmentOfLongLivedAssetsHeldForUse "
           "ImpairmentOfIntangibleAssetsIndefinitelivedExcludingGoodwill"),)),
    Concept("ocf", "Operating cash flow", "duration",
        (F("NetCashProvidedByUsedInOperatingActivities NetCashProvidedByUsedInOperatingActivitiesContinuingOperations "
           "ifrs:CashFlowsFromUsedInOperatingActivities"),
         F("ifrs:CashFlowsFromUsedInOperations", note="Before tax and interest."))),
    Concept("capex", "Capital expenditure", "duration",
        (F("PaymentsToAcquirePropertyPlantAndEquipment PaymentsToAcquireProductiveAssets "
           "PaymentsToAcquireMachineryAndEquipment "
           "ifrs:PurchaseOfPropertyPlantAndEquipmentClassifiedAsInvestingActivities"),),
        partial=_names("PaymentsToAcquireOtherPropertyPlantAndEquipment"), unusual_for=FINANCIAL, outflow=True),
    Concept("fcf", "Free cash flow", "duration", (D((Term("ocf"), Term("capex", -1))),), unusual_for=FINANCIAL),
    Concept("ebitda", "EBITDA", "duration", (D((Term("operating_income"), Term("d_and_a"))),)),
    Concept("dividends", "Dividends paid", "duration",
        (F("PaymentsOfDividendsCommonStock PaymentsOfDividends PaymentsOfOrdinaryDividends "
           "ifrs:DividendsPaidClassifiedAsFinancingActivities"),), outflow=True),
    Concept("buybacks", "Share buybacks", "duration",
        (F("PaymentsForRepurchaseOfCommonStock PaymentsForRepurchaseOfEquity "
           "ifrs:PaymentsToAcquireOrRedeemEntitysShares"),), outflow=True),
    Concept("shares_basic", "Weighted shares, basic", "duration",
        (F("WeightedAverageNumberOfSharesOutstandingBasic WeightedAverageNumberOfShareOutstandingBasicAndDiluted "
           "ifrs:WeightedAverageShares"),), unit="shares"),
    Concept("shares_diluted", "Weighted shares, diluted", "duration",
        (F("WeightedAverageNumberOfDilutedSharesOutstanding WeightedAverageNumberOfShareOutstandingBasicAndDiluted "
           "ifrs:AdjustedWeightedAverageShares"),), unit="shares"),
    Concept("costs_and_expenses", "Costs and expenses", "duration", (F("CostsAndExpenses"),), shown=False),
    Concept("net_interest_income", "Net interest income", "duration", (F("InterestIncomeExpenseNet"),), shown=False),
    Concept("noninterest_income", "Non-interest income", "duration", (F("NoninterestIncome"),), shown=False),
    Concept("noninterest_expense", "Non-interest expense", "duration", (F("NoninterestExpense"),), shown=False),
)  # fmt: skip

STOCKS = (
    Concept("shares_outstanding", "Shares outstanding", "instant",
        (F("CommonStockSharesOutstanding"),), unit="shares"),
    Concept("assets", "Total assets", "instant", (F("Assets ifrs:Assets"),)),
    Concept("current_assets", "Current assets", "instant", (F("AssetsCurrent ifrs:CurrentAssets"),),
        unusual_for=FINANCIAL),
    Concept("cash", "Cash and equivalents", "instant",
        (F("CashAndCashEquivalentsAtCarryingValue ifrs:CashAndCashEquivalents"),
         F("CashCashEquivalentsAndShortTermInvestments", note="Holds the short-term investments too."),
         F("CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents", note="Holds restricted cash too."),
         F("Cash", note="The tag Cash is often only a part of cash and equivalents."))),
    Concept("st_investments", "Short-term investments", "instant",
        (L("ShortTermInvestments MarketableSecuritiesCurrent AvailableForSaleSecuritiesDebtSecuritiesCurrent "
           "DebtSecuritiesCurrent DebtSecuritiesAvailableForSaleExcludingAccruedInterestCurrent "
           "AvailableForSaleSecuritiesCurrent OtherShortTermInvestments"),)),
    Concept("liquid", "Cash and short-term investments", "instant", (D((Term("cash"), Term("st_investments"))),)),
    Concept("receivables", "Receivables", "instant",
        (L("AccountsReceivableNetCurrent ReceivablesNetCurrent AccountsAndOtherReceivablesNetCurrent "
           "AccountsNotesAndLoansReceivableNetCurrent"),
         F("AccountsReceivableNet"),
         F("ifrs:CurrentTradeReceivables ifrs:TradeAndOtherCurrentReceivables")), unusual_for=FINANCIAL),
    Concept("inventory", "Inventory", "instant", (F("InventoryNet ifrs:Inventories"),),
        partial=_names("InventoryFinishedGoods InventoryFinishedGoodsNetOfReserves InventoryRawMaterials "
                       "InventoryWorkInProcess"), unusual_for=FINANCIAL | {"reit"}),
    Concept("payables", "Trade payables", "instant",
        (F("AccountsPayableCurrent AccountsPayableTradeCurrent"),
         F("AccountsPayableAndAccruedLiabilitiesCurrent", note="Holds accrued liabilities too."),
         F("ifrs:TradeAndOtherCurrentPayables")), unusual_for=FINANCIAL),
    Concept("current_liabilities", "Current liabilities", "instant",
        (F("LiabilitiesCurrent ifrs:CurrentLiabilities"),), unusual_for=FINANCIAL),
    Concept("equity", "Shareholders' equity", "instant",
        (F("StockholdersEquity ifrs:EquityAttributableToOwnersOfParent"),
         D((Term("equity_total", filed=True), Term("nci", -1))))),
    Concept("equity_total", "Equity incl. minorities", "instant",
        (F("StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest ifrs:Equity"),
         D((Term("equity", filed=True), Term("nci", optional=True))))),
    Concept("liabilities", "Total liabilities", "instant",
        (F("Liabilities ifrs:Liabilities"),
         D((Term("liabilities_and_equity"), Term("equity_total", -1), Term("temporary_equity", -1, optional=True),
            Term("redeemable_nci", -1, optional=True))))),
    Concept("liabilities_and_equity", "Liabilities and equity", "instant",
        (F("LiabilitiesAndStockholdersEquity Assets ifrs:EquityAndLiabilities ifrs:Assets"),), shown=False),
    Concept("nci", "Minority interests", "instant", (F("MinorityInterest ifrs:NoncontrollingInterests"),), shown=False),
    Concept("temporary_equity", "Temporary equity", "instant",
        (L(f"{TEMPORARY} {TEMPORARY}AttributableToParent "
           f"{TEMPORARY}IncludingPortionAttributableToNoncontrollingInterests"),), shown=False),
    Concept("redeemable_nci", "Redeemable minority interests", "instant",
        (L(f"{REDEEMABLE}CarryingAmount {REDEEMABLE}CommonCarryingAmount {REDEEMABLE}PreferredCarryingAmount "
           f"{REDEEMABLE}OtherCarryingAmount"),), shown=False),
    Concept("goodwill", "Goodwill", "instant", (F("Goodwill ifrs:Goodwill"),)),
    Concept("finance_leases", "Finance leases", "instant",
        (F("FinanceLeaseLiability CapitalLeaseObligations"),)),
    Concept("operating_leases", "Operating leases", "instant", (F("OperatingLeaseLiability"),)),
    Concept("deposits", "Deposits", "instant", (F("Deposits"),), not_for=NOT_BANKS),
    Concept("debt", "Debt", "instant", (), not_for=FINANCIAL),  # algorithm 1a, in debt.py
    Concept("current_debt", "Debt due within a year", "instant", (), not_for=FINANCIAL),  # C + S or K of algorithm 1a
)  # fmt: skip

CONCEPTS: dict[str, Concept] = {concept.id: concept for concept in (*FLOWS, *STOCKS)}

# The tags of algorithm 1a, by the letter each has there. Face values are never debt, and so are not here.
DEBT_TAGS: dict[str, tuple[str, ...]] = {
    "N": _names("LongTermDebtNoncurrent LongTermDebtAndCapitalLeaseObligations"),
    "N other": _names(
        "LongTermNotesPayable ConvertibleLongTermNotesPayable ConvertibleNotesPayableNoncurrent "
        "ConvertibleDebtNoncurrent SeniorLongTermNotes LongTermLoansPayable"
    ),
    "total": _names("DebtAndCapitalLeaseObligations DebtLongtermAndShorttermCombinedAmount"),
    "LongTermDebt": _names("LongTermDebt"),
    "C": _names("LongTermDebtCurrent LongTermDebtAndCapitalLeaseObligationsCurrent"),
    "C other": _names("ConvertibleNotesPayableCurrent ConvertibleDebtCurrent SeniorNotesCurrent LoansPayableCurrent"),
    "K": _names("DebtCurrent"),
    "S": _names("ShortTermBorrowings"),
    "S parts": _names(
        "CommercialPaper OtherShortTermBorrowings ShortTermBankLoansAndNotesPayable NotesPayableCurrent "
        "LinesOfCreditCurrent"
    ),
    "ifrs total": _names("ifrs:Borrowings"),
    "ifrs N": _names("ifrs:LongtermBorrowings"),
    "ifrs C": _names("ifrs:CurrentPortionOfLongtermBorrowings ifrs:ShorttermBorrowings"),
}

NET_INCOME_TAGS: tuple[str, ...] = CONCEPTS["net_income"].steps[0].tags  # type: ignore[union-attr]
ASSETS_TAGS: tuple[str, ...] = CONCEPTS["assets"].steps[0].tags  # type: ignore[union-attr]
CORE_FLOW_TAGS: frozenset[str] = frozenset(  # they tell the years where a source carries neither of the two above
    tag
    for concept in ("revenue", "operating_income", "net_income", "ocf")
    for step in CONCEPTS[concept].steps
    if isinstance(step, Step)
    for tag in step.tags
)
_REVENUE = [step for step in (*CONCEPTS["revenue"].steps, *CONCEPTS["revenue"].bank) if isinstance(step, Step)]
REVENUE_TAGS: frozenset[str] = frozenset(tag for step in _REVENUE for tag in step.tags)
BANK_INCOME: tuple[str, ...] = _names("InterestIncomeExpenseNet NoninterestIncome")  # revenue where a bank files none
# What tells the sector of a company without a SIC code: tags, and how many of them its newest report must hold.
SECTOR_TAGS: tuple[tuple[Sector, tuple[str, ...], int], ...] = (
    ("bank", _names("RevenuesNetOfInterestExpense"), 1),
    ("bank", _names("Deposits InterestIncomeExpenseNet NoninterestIncome NoninterestExpense InterestExpenseDeposits "
                    "InterestAndDividendIncomeOperating ifrs:DepositsFromCustomers ifrs:InterestRevenueExpense "
                    "ifrs:FeeAndCommissionIncome"), 2),
    ("insurer", _names("PremiumsEarnedNet PolicyholderBenefitsAndClaimsIncurredNet LiabilityForFuturePolicyBenefits "
                       "LiabilityForClaimsAndClaimsAdjustmentExpense ifrs:InsuranceRevenue "
                       "ifrs:InsuranceServiceResult"), 2),
    ("utility", _names("RegulatedAndUnregulatedOperatingRevenue"), 1),
)  # fmt: skip
COVER_SHARES = "dei:EntityCommonStockSharesOutstanding"  # at the date of the cover, not at the period's end


def _every_tag() -> frozenset[str]:
    """Every tag that any rule may look at."""
    tags = {COVER_SHARES, *(tag for group in DEBT_TAGS.values() for tag in group)}
    tags.update(tag for _, telling, _ in SECTOR_TAGS for tag in telling)
    for concept in CONCEPTS.values():
        tags.update(concept.partial)
        for step in (*concept.steps, *concept.bank):
            if isinstance(step, Step):
                tags.update(step.tags)
    return frozenset(tags)


TAGS: frozenset[str] = _every_tag()  # "us-gaap:Assets" …: what a source must keep for research to see it


def other_tags(name: str) -> frozenset[str]:
    """The other tags under which a company may file what it files under this one, in other reports."""
    steps = [[s for s in (*c.steps, *c.bank) if isinstance(s, Step)] for c in CONCEPTS.values()]
    same = [tag for these in steps if any(name in step.tags for step in these) for step in these for tag in step.tags]
    return frozenset(same) - {name}


OWN = "uploaded"  # the taxonomy, and the form, of a private company's figures: uploaded:revenue, never filed
_OWN_TAGS = {"revenue": "us-gaap:Revenues", "debt": DEBT_TAGS["total"][1], "current_debt": DEBT_TAGS["K"][0]}
# What can be uploaded: concept -> the tag that its figure stands for in the rules. The rest is formulas over these.
UPLOADABLE: dict[str, str] = {
    concept.id: _OWN_TAGS.get(concept.id) or next(s.tags[0] for s in concept.steps if isinstance(s, Step))
    for concept in CONCEPTS.values()
    if concept.shown and (concept.id in _OWN_TAGS or any(isinstance(step, Step) for step in concept.steps))
}


def sector_of(sic: int | None) -> Sector:
    """The sector that decides what applies, by SIC code; general when there is none."""
    if sic is None:
        return "general"
    for sector, first, last in SECTORS:
        if first <= sic <= last:
            return sector
    return "general"


SECTORS: tuple[tuple[Sector, int, int], ...] = (
    ("bank", 6000, 6299),
    ("insurer", 6300, 6499),
    ("utility", 4900, 4999),
    ("reit", 6798, 6798),
)
