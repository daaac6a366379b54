"""The 36 rules by which strengths, weaknesses, opportunities and threats are found (FINANCE.md, section 5)."""

from research_dashboard.research.rules.engine import Rule
from research_dashboard.research.rules.opportunities import OPPORTUNITIES
from research_dashboard.research.rules.strengths import STRENGTHS
from research_dashboard.research.rules.threats import THREATS
from research_dashboard.research.rules.weaknesses import WEAKNESSES

# Raised whenever a rule, a threshold, a score or the selection changes: runs of different versions are not compared.
RULES_VERSION = "1"

RULES: tuple[Rule, ...] = (*STRENGTHS, *WEAKNESSES, *OPPORTUNITIES, *THREATS)
