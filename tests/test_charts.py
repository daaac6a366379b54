"""Charts mislead nobody: zero is where bars stand, what is missing is a gap, a part never passes for the whole."""

from itertools import pairwise

import pytest
from bs4 import BeautifulSoup

from research_dashboard.charts import Chart, Series, draw
from research_dashboard.charts.model import WIDTH
from research_dashboard.charts.shapes import width_of

YEARS = ("FY2023", "FY2024", "FY2025")


def drawn(kind: str, labels: tuple[str, ...], *rows: tuple[float | None, ...], **values: object) -> BeautifulSoup:
    series = tuple(Series(f"Part {number}", row) for number, row in enumerate(rows))
    chart = Chart("one", kind, "One", "US$ billion", labels, series, source="made up", **values)  # type: ignore[arg-type]
    return BeautifulSoup(draw(chart), "html.parser")


def bars(svg: BeautifulSoup, at: str = "y", size: str = "height") -> list[tuple[float, float]]:
    """Top and bottom of each bar, legend keys left out."""
    return [(float(str(one[at])), float(str(one[at])) + float(str(one[size]))) for one in svg.select("rect:not(.key)")]


def lying(svg: BeautifulSoup) -> list[tuple[float, float]]:
    """Left and right end of each bar of a bridge."""
    return bars(svg, "x", "width")


def zero(svg: BeautifulSoup) -> float:
    """Where a bridge's zero line stands."""
    return float(str(svg.select(".axis")[-1]["d"]).removeprefix("M").split()[0])


def test_a_bridge_steps_from_where_the_last_step_ended() -> None:
    steps = ("In", "Out", "Free", "Paid", "Left")
    svg = drawn("bridge", steps, (10.0, -4.0, 6.0, -7.5, -1.5), totals=("In", "Free", "Left"))
    into, out, free, paid, left = lying(svg)
    assert into[0] == pytest.approx(zero(svg), abs=0.1)
    assert out == pytest.approx((free[1], into[1]), abs=0.2)
    assert (paid[0], paid[1]) == pytest.approx((left[0], free[1]), abs=0.2)
    assert left[1] == pytest.approx(zero(svg), abs=0.1), "what is left hangs left of zero"


def test_the_axis_of_a_bridge_strikes_no_value_out() -> None:
    steps = ("In", "Out", "Free", "Paid")
    svg = drawn("bridge", steps, (12.3, -14.0, -1.7, -3.3), totals=("In", "Free"))
    begins = [float(str(text["x"])) for text in svg.select("text.val")]
    assert len(begins) == 4
    assert min(begins) > zero(svg), "a value stands right of the axis, its bar wherever it is"


def test_a_bridge_says_what_is_missing_and_goes_on_only_from_what_is_known() -> None:
    steps = ("In", "Out", "Free", "Paid", "Bought", "Left")
    svg = drawn("bridge", steps, (10.0, -4.0, 6.0, None, -2.0, None), totals=("In", "Free", "Left"))
    assert len(lying(svg)) == 3, "the step behind a gap starts nowhere"
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


ENDS = {None: lambda x, width: x, "end": lambda x, width: x - width, "middle": lambda x, width: x - width / 2}


@pytest.mark.parametrize("kind", ["columns", "groups", "lines", "bars", "bridge", "stack"])
@pytest.mark.parametrize("row", [(-123456.7, 99.9, 1234567.8), (-0.3, None, -999.9), (0.1, 0.2, None)])
@pytest.mark.parametrize("suffix", ["", "%"])
def test_words_stay_inside_the_drawing_whatever_their_length(
    kind: str, row: tuple[float | None, ...], suffix: str
) -> None:
    names = ("International Business Machines Corporation", "W" * 30, "Target")
    svg = drawn(kind, names if kind == "bars" else YEARS, row, tuple(reversed(row)), suffix=suffix)
    for text in svg.select("text"):
        width = width_of(text.get_text(), bold=bool({"val", "me"} & set(text.get("class", ()))))
        left = ENDS[text.get("text-anchor")](float(str(text["x"])), width)
        assert left >= -0.1, text
        assert left + width <= WIDTH + 0.1, text


def test_fiscal_years_under_an_axis_never_touch_and_none_is_left_out() -> None:
    years = tuple(f"FY{year}" for year in range(2022, 2027))
    svg = drawn("lines", years, (-60.0, -40.0, -38.0, -39.0, -30.6), (62.0, 65.0, 67.0, 66.0, 67.2), suffix="%")
    under = [
        one for one in svg.select("text") if one.get_text().removeprefix("FY").isdigit() and len(one.get_text()) > 3
    ]
    assert [one.get_text() for one in under] == ["FY2022", "2023", "2024", "2025", "2026"]
    for before, after in pairwise(under):
        room = (width_of(before.get_text()) + width_of(after.get_text())) / 2
        assert float(str(after["x"])) - float(str(before["x"])) >= room + 6
