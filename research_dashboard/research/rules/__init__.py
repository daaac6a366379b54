"""The 36 rules by which strengths, weaknesses, opportunities and threats are found (FINANCE.md, section 5)."""

from research_dashboard.research.rules.engine import Rule
from research_dashboard.research.rules.opportunities import OPPORTUNITIES
from research_dashboard.research.rules.strengths import STRENGTHS
from research_dashboard.research.rules.threats import THREATS
from research_dashboard.research.rules.weaknesses import WEAKNESSES

# Raised whenever the same filings give other results: a rule, a threshold, a score, the selection, a concept's tags, a
# ratio, a code of absence, the choice of peers. Findings of different versions are not compared.
# 5: the number that begins another share basis is marked, and shares outstanding before a split are noted, too.
# 4: payments of a negative sign are not taken; depreciation filed in parts is added up.
# 2: the sixty nearest in size of a crowded industry; what does not apply to banks and insurers has codes of its own.
RULES_VERSION = "5"

RULES: tuple[Rule, ...] = (*STRENGTHS, *WEAKNESSES, *OPPORTUNITIES, *THREATS)
