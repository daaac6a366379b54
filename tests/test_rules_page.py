"""/rules: read from the tables the research runs on, each rule and ratio under an address of its own."""

from collections.abc import Callable

from research_dashboard.research.concepts import CONCEPTS
from research_dashboard.research.evaluate import EVERY_RATIO
from research_dashboard.research.rules import RULES
from tests.conftest import Page


def test_every_rule_ratio_and_concept_has_its_place(visit: Callable[..., Page]) -> None:
    page = visit("/rules")
    ids = {str(element["id"]) for element in page.soup.select("[id]")}
    assert {rule.id for rule in RULES} <= ids
    assert {f"concept-{name}" for name in CONCEPTS} <= ids
    assert {f"ratio-{name}".replace("%", "-pct") for name in EVERY_RATIO} <= ids
    for link in page.soup.select("main a[href^='#']"):
        assert str(link["href"])[1:] in ids, link


def test_a_rule_says_when_it_fires_and_what_it_needs(visit: Callable[..., Page]) -> None:
    page = visit("/rules")
    rule = next(rule for rule in RULES if rule.id == "W01")
    assert rule.when in page.text("#W01")
    assert "Revenue growth" in page.text("#W01")
    assert "net_income / avg equity" in page.text("#ratio-roe")
    assert "What a year earned on the money that the owners have" in page.text("#ratio-roe")
    assert "OperatingIncomeLoss" in page.text("#concept-operating_income")
