"""The check against filings kept aside: it agrees where they are at hand, and would notice if it did not."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from research_dashboard.research import analysis

ROOT = Path(__file__).parent.parent
HELD = [63908, 97476, 354950, 1336917, 1835632, 1997711]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_filings", ROOT / "scripts" / "check_filings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer_of(tmp_path: Path) -> Path:
    """A made-up company's answer: two reports, the second restates and repeats the first year."""

    def fact(value: int, year: int, filed: int, *, instant: bool = False) -> dict[str, Any]:
        period = {"end": f"{year}-12-31"} | ({} if instant else {"start": f"{year}-01-01"})
        return {**period, "val": value, "accn": f"0000000001-{filed - 2000}-000001", "fy": filed - 1, "fp": "FY",
                "form": "10-K", "filed": f"{filed}-02-01"}  # fmt: skip

    def flow(first: int, again: int, second: int) -> dict[str, Any]:
        return {"units": {"USD": [fact(first, 2023, 2024), fact(again, 2023, 2025), fact(second, 2024, 2025)]}}

    assets = [fact(100, 2023, 2024, instant=True), fact(120, 2024, 2025, instant=True)]
    tags = {"Revenues": flow(50, 45, 60), "NetIncomeLoss": flow(5, 5, 6), "Assets": {"units": {"USD": assets}}}
    path = tmp_path / "made-up.json"
    path.write_text(json.dumps({"cik": 1, "entityName": "Made Up", "facts": {"us-gaap": tags}}))
    return path


def test_a_restated_year_agrees_as_first_filed_and_is_counted_as_restated(check: ModuleType, tmp_path: Path) -> None:
    _, counts, odd = check.compare(answer_of(tmp_path))
    assert odd == []
    assert (counts["years"], counts["values"], counts["agree"]) == (2, 6, 6)
    assert (counts["restated"], counts["latest_same"], counts["unexplained"]) == (1, 5, 0)


def test_a_wrong_period_is_noticed(check: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = analysis.Analysis.figure

    def a_year_off(self: analysis.Analysis, id: str, end: Any) -> Any:
        return right(self, id, self.years[0].end)

    monkeypatch.setattr(analysis.Analysis, "figure", a_year_off)
    assert len(check.compare(answer_of(tmp_path))[2]) == 3


@pytest.mark.parametrize("cik", HELD)
def test_every_value_of_a_company_kept_aside_agrees_with_its_own_annual_report(check: ModuleType, cik: int) -> None:
    name = Path("shared", "data", "companyfacts", f"CIK{cik:010}.json.gz")
    path = next((folder / name for folder in Path(__file__).parents if (folder / name).exists()), None)
    if path is None:
        pytest.skip(f"the SEC's answer {name.name} is not at hand")
    _, counts, odd = check.compare(path)
    assert odd == []
    assert (counts["agree"], counts["unexplained"], counts["no_facts"]) == (counts["values"], 0, 0)


def test_what_is_kept_apart_agrees_and_every_other_value_is_listed_with_its_rule(check: ModuleType) -> None:
    """docs/filings-kept-apart.md is what the program says today: share, counts, and a line for each difference."""
    every = [case for _, found, bare in check.bundled() for case in found if not bare]
    assert len(every) > 1300, "years beyond the golden tables, of figures that all stand on facts"
    agreeing = [case for case in every if case.agrees]
    assert len(agreeing) >= 0.99 * len(every)
    assert not {(case.company, case.end) for case in every} & check.golden()
    changed = [case for case in agreeing if case.since != "latest_same"]
    assert {case.since for case in changed} <= {"restated", "small"}
    assert all(case.why for case in changed)
    page = check.PAGE.read_text()
    assert page == check.page(), "python scripts/check_filings.py"
    assert len([line for line in page.splitlines() if line.count("|") == 8 and "-" in line.split("|")[2]]) - 2 == len(
        changed
    )
