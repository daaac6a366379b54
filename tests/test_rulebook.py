"""The page of rules is read from the tables the research runs on, so it cannot say something else."""

import hashlib
import json

from research_dashboard.research.concepts import CONCEPTS
from research_dashboard.research.crowd import MOST
from research_dashboard.research.evaluate import EVERY_RATIO
from research_dashboard.research.rulebook import rulebook
from research_dashboard.research.rules import RULES, RULES_VERSION
from research_dashboard.research.wording import ABSENT

BOOK = rulebook()
RATIOS = {row["id"]: row for row in BOOK["ratios"]}


def test_every_concept_ratio_and_rule_is_in_the_book() -> None:
    assert BOOK["version"] == RULES_VERSION
    assert [row["id"] for row in BOOK["concepts"]] == list(CONCEPTS)
    assert set(RATIOS) == set(EVERY_RATIO)
    assert [row["id"] for rows in BOOK["rules"].values() for row in rows] == [rule.id for rule in RULES]
    assert all(row["when"] and row["score"] for rows in BOOK["rules"].values() for row in rows)


def test_rules_read_only_what_the_book_explains() -> None:
    known = {*CONCEPTS, *RATIOS}
    for rule in RULES:
        assert {*rule.inputs, *rule.optional} <= known, rule.id


def test_every_code_a_ratio_or_concept_can_have_is_explained() -> None:
    explained = {row["code"] for row in BOOK["codes"]}
    assert explained == set(ABSENT)
    for row in (*BOOK["concepts"], *BOOK["ratios"]):
        assert set(row["codes"]) <= explained, row["id"]


def test_a_ratio_says_its_formula_and_why_it_can_be_absent() -> None:
    assert RATIOS["roe"]["formula"] == "net_income / avg equity"
    assert RATIOS["roe"]["codes"] == ["not_reported", "no_opening_balance", "negative_equity", "thin_equity"]
    assert RATIOS["cc"]["codes"][1:3] == ["loss", "tiny_profit"]
    assert "not_applicable_sector" in RATIOS["gm"]["codes"]


def test_a_concept_says_its_tags_in_order_or_its_formula() -> None:
    rows = {row["id"]: row for row in BOOK["concepts"]}
    assert rows["gross_profit"]["steps"][0]["tags"] == ["us-gaap:GrossProfit", "ifrs-full:GrossProfit"]
    assert rows["gross_profit"]["steps"][1]["formula"] == "revenue − cost_of_revenue"
    assert rows["revenue"]["steps"][0]["how"] == "largest of"
    assert rows["debt"]["steps"][0]["tags"][0] == "us-gaap:LongTermDebtNoncurrent"


def test_the_version_is_raised_whenever_the_same_filings_would_give_other_results() -> None:
    judged = {
        "concepts": [
            {key: row[key] for key in ("id", "unit", "kind", "bank_steps", "steps", "partial_tags", "not_for")}
            for row in BOOK["concepts"]
        ],
        "ratios": [{key: row[key] for key in ("id", "unit", "formula", "not_for", "codes")} for row in BOOK["ratios"]],
        "rules": BOOK["rules"],
        "chosen": [BOOK["score"], BOOK["selection"], BOOK["peers"]],
        "codes": [row["code"] for row in BOOK["codes"]],
    }
    digest = hashlib.sha256(json.dumps(judged, sort_keys=True).encode()).hexdigest()[:16]
    assert {RULES_VERSION: digest} == {"5": "ab71811ccd0e6493"}, (
        "raise RULES_VERSION if results differ, then write the digest down"
    )


def test_the_book_says_how_peers_are_chosen_and_cut() -> None:
    text = " ".join(BOOK["peers"])
    assert f"more than {MOST} companies" in text
    assert "18 months" in text
