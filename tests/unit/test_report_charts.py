"""Charts as SVG: well-formed, inside their frame, honest about gaps, readable without seeing them."""

import re
import xml.etree.ElementTree as ET
from datetime import date, timedelta

import pytest
from fakes.report_parts import composed, seen, sheet
from markupsafe import Markup

from crew.domain.factsheet import ChartSeries
from crew.report.charts import MOST_HITS, WIDTH, Bar, bar_chart, football_field, legend, line_chart
from crew.report.drawings import drawings
from crew.report.view import ReportView

SVG = "{http://www.w3.org/2000/svg}"


def series(values: list[float | None], *, id: str = "chart.price", unit: str = "USD", step: int = 1) -> ChartSeries:
    """A series with one value every `step` days."""
    days = tuple(date(2025, 1, 1) + timedelta(days=step * index) for index in range(len(values)))
    return ChartSeries(id=id, label=id, unit=unit, dates=days, values=tuple(values))


def parsed(svg: Markup | None) -> ET.Element:
    """The chart as XML."""
    assert svg is not None
    return ET.fromstring(str(svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def points(chart: ET.Element, classes: str) -> list[tuple[float, float]]:
    """The points of the path with those classes."""
    path = next(item for item in chart.iter(f"{SVG}path") if item.get("class") == classes)
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d", ""))]


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0], [-5.0, 4.0, -3.0], [7.0, 7.0, 7.0], [1e12, 2e12, 1.5e12], [0.001, 0.002, 0.0015]])
def test_a_line_stays_in_its_frame_and_rises_upwards(values: list[float]) -> None:
    """Whatever the size or sign of the values, every point lies in the frame, later is further right, more is further up."""
    chart = parsed(line_chart([series(values)], "Price", "en"))
    drawn = points(chart, "line c0")

    assert all(0 <= x <= WIDTH and 0 <= y <= 280 for x, y in drawn)
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
    assert sorted(range(3), key=lambda index: values[index]) == sorted(range(3), key=lambda index: -drawn[index][1])


def test_a_gap_is_not_bridged() -> None:
    """A missing value breaks the line in two; a lone value beside a gap is not drawn as a line."""
    chart = parsed(line_chart([series([1.0, 2.0, None, 3.0, 4.0, None, 5.0])], "Price", "en"))
    path = next(item for item in chart.iter(f"{SVG}path") if item.get("class") == "line c0")

    assert path.get("d", "").count("M") == 2


def test_what_cannot_be_drawn_is_not_drawn() -> None:
    """No series, one point, or only gaps give no chart and no legend."""
    assert line_chart([], "Price", "en") is None
    assert line_chart([series([1.0])], "Price", "en") is None
    assert line_chart([series([None, None, None])], "Price", "en") is None
    assert bar_chart(["FY2025"], [("Revenue", [None])], currency="USD", title="Revenue", language="en") is None
    assert football_field([], 5.0, currency="USD", title="Values", price_label="Price", language="en") is None
    assert legend([series([1.0]), series([1.0, 2.0], id="b")]) == [(0, "b")]


def test_a_chart_says_what_it_shows() -> None:
    """The description names the title, the last day and the last values, and hovering shows single days."""
    chart = parsed(line_chart([series([1.0, 2.0, 3.5])], "Price", "en"))

    assert chart.get("role") == "img"
    assert chart.get("aria-label") == "Price. 3 January 2025: chart.price $3.50"
    assert [title.text for title in chart.iter(f"{SVG}title")][-1] == "3 January 2025: chart.price $3.50"


def test_hints_and_labels_are_bounded() -> None:
    """Many points give no more than a bounded number of hints, and no more labels on the axis than fit."""
    chart = parsed(line_chart([series([float(index) for index in range(1000)], step=2)], "Price", "en"))

    assert len([item for item in chart.iter(f"{SVG}rect") if item.get("class") == "hit"]) <= MOST_HITS
    assert len([item for item in chart.iter(f"{SVG}text") if item.get("class") == "tick mid"]) <= 10


def test_losses_hang_below_the_zero_line() -> None:
    """A bar of a negative value begins at zero and goes down."""
    chart = parsed(bar_chart(["FY2024", "FY2025"], [("Income", [-2e9, 3e9])], currency="USD", title="Income", language="en"))
    loss, gain = [item for item in chart.iter(f"{SVG}rect") if item.get("class") == "bar c0"]
    zero = float(next(item for item in chart.iter(f"{SVG}line") if item.get("class") == "zero").get("y1", ""))

    assert float(loss.get("y", "")) == pytest.approx(zero)
    assert float(gain.get("y", "")) + float(gain.get("height", "")) == pytest.approx(zero, abs=0.11)


def test_ranges_keep_their_order_and_the_price_its_place() -> None:
    """In the football field a lower value lies further left, the mark within its range, the price where its value is."""
    chart = parsed(
        football_field([Bar("A", 10, 30, 20), Bar("B", 40, 60, None)], 35.0, currency="USD", title="V", price_label="Price", language="en")
    )
    first, second = [item for item in chart.iter(f"{SVG}rect") if item.get("class") == "range"]
    price = float(next(item for item in chart.iter(f"{SVG}line") if item.get("class") == "price").get("x1", ""))
    mark = float(next(item for item in chart.iter(f"{SVG}rect") if item.get("class") == "mark").get("x", ""))

    ends = float(first.get("x", "")) + float(first.get("width", ""))
    assert float(first.get("x", "")) < mark < ends < price < float(second.get("x", ""))


def test_a_report_draws_what_its_sheet_has() -> None:
    """The small company has price, drawdown, income and ranges, and no benchmark to compare with; without years there is no income chart."""
    assert set(drawings(ReportView(composed()))) == {"price", "drawdown", "income", "football"}

    few = sheet().model_copy(update={"charts": ()})
    assert set(drawings(ReportView(composed(few)))) == {"income", "football"}


def test_a_range_upside_down_is_left_out() -> None:
    """A low that lies above its high is not drawn as a range."""
    facts = sheet(
        seen("analyst.target_low", "Low", 90.0, "currency_per_share", currency="USD"), seen("analyst.target_high", "High", 80.0, "currency_per_share")
    )

    assert "Analysts" not in drawings(ReportView(composed(facts)))["football"].svg
