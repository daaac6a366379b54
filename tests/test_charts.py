"""Charts mislead nobody: zero is where bars stand, what is missing is a gap, a part never passes for the whole."""

from itertools import pairwise

import pytest
from bs4 import BeautifulSoup

from research_dashboard.charts import Chart, Series, draw

YEARS = ("FY2023", "FY2024", "FY2025")


def drawn(kind: str, labels: tuple[str, ...], *rows: tuple[float | None, ...], **values: object) -> BeautifulSoup:
    series = tuple(Series(f"Part {number}", row) for number, row in enumerate(rows))
    chart = Chart("one", kind, "One", "US$ billion", labels, series, source="made up", **values)  # type: ignore[arg-type]
    return BeautifulSoup(draw(chart), "html.parser")


def bars(svg: BeautifulSoup) -> list[tuple[float, float]]:
    """Top and bottom of each bar, legend keys left out."""
    found = [bar for bar in svg.select("rect") if bar["height"] != "10"]
    return [(float(str(bar["y"])), float(str(bar["y"])) + float(str(bar["height"]))) for bar in found]


def zero(svg: BeautifulSoup) -> float:
    return float(str(svg.select(".axis")[-1]["d"]).removeprefix("M").replace("H", " ").split()[1])


def test_a_bridge_steps_from_where_the_last_step_ended() -> None:
    steps = ("In", "Out", "Free", "Paid", "Left")
    svg = drawn("bridge", steps, (10.0, -4.0, 6.0, -7.5, -1.5), totals=("In", "Free", "Left"))
    into, out, free, paid, left = bars(svg)
    assert into[1] == pytest.approx(zero(svg), abs=0.1)
    assert out == pytest.approx((into[0], free[0]), abs=0.2)
    assert (paid[0], paid[1]) == pytest.approx((free[0], left[1]), abs=0.2)
    assert left[0] == pytest.approx(zero(svg), abs=0.1), "what is left hangs below zero"


def test_the_axis_of_a_bridge_strikes_no_value_out() -> None:
    steps = ("In", "Out", "Free", "Paid")
    svg = drawn("bridge", steps, (12.3, -14.0, -1.7, -3.3), totals=("In", "Free"))
    feet = [float(str(text["y"])) for text in svg.select("text.val")]
    assert len(feet) == 4
    assert not [foot for foot in feet if foot - 12 < zero(svg) < foot]
    assert feet[-1] > bars(svg)[-1][1], "under a bar that starts below zero"


def test_a_bridge_says_what_is_missing_and_goes_on_only_from_what_is_known() -> None:
    steps = ("In", "Out", "Free", "Paid", "Bought", "Left")
    svg = drawn("bridge", steps, (10.0, -4.0, 6.0, None, -2.0, None), totals=("In", "Free", "Left"))
    assert len(bars(svg)) == 3, "the step behind a gap starts nowhere"
    assert [text.get_text() for text in svg.select("text")].count("n/r") == 2


def test_a_stack_leaves_a_gap_where_a_part_is_missing_and_hangs_what_is_negative() -> None:
    svg = drawn("stack", YEARS, (5.0, None, 4.0), (3.0, 2.0, 3.0), (2.0, 2.0, -1.0))
    first, last = bars(svg)[:3], bars(svg)[3:]
    assert len(last) == 3
    assert all(lower[0] == pytest.approx(upper[1], abs=0.2) for lower, upper in pairwise(first))
    assert last[2][0] == pytest.approx(last[0][1], abs=0.2), "equity below zero starts at zero"
    assert "n/r" in svg.get_text()


@pytest.mark.parametrize("kind", ["columns", "groups", "lines", "bars", "bridge", "stack"])
@pytest.mark.parametrize("row", [(0.0, 0.0, 0.0), (None, None, None), (-1.0, -2.0, -3.0), (1e-9, 1.0, None)])
def test_every_kind_draws_whatever_comes(kind: str, row: tuple[float | None, ...]) -> None:
    svg = drawn(kind, YEARS, row)
    assert "nan" not in str(svg)
    assert svg.select_one("title") is not None
