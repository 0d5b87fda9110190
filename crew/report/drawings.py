"""The charts of one report: which series and figures are drawn, with their headings."""

from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from crew.domain.factsheet import ChartSeries
from crew.report.charts import Bar, bar_chart, football_field, legend, line_chart
from crew.report.view import ReportView


@dataclass(frozen=True)
class Drawing:
    """A chart with its heading and the legend as pairs of colour index and label."""

    title: str
    svg: Markup
    legend: tuple[tuple[int, str], ...] = ()


def drawings(view: ReportView) -> dict[str, Drawing]:
    """The charts that can be drawn, by name: price, performance, drawdown, income, football."""
    found = {
        "price": _lines(view, "price_chart", ("chart.price", "chart.sma_50", "chart.sma_200")),
        "performance": _performance(view),
        "drawdown": _lines(view, "drawdown_chart", ("chart.drawdown",), height=170, baseline=0.0),
        "income": _income(view),
        "football": _football(view),
    }
    return {name: drawing for name, drawing in found.items() if drawing is not None}


def _series(view: ReportView, names: tuple[str, ...]) -> list[ChartSeries]:
    by_id = {item.id: item for item in view.report.charts}
    return [by_id[name] for name in names if name in by_id]


def _lines(view: ReportView, title: str, names: tuple[str, ...], *, height: int = 280, baseline: float | None = None) -> Drawing | None:
    series = _series(view, names)
    svg = line_chart(series, view.word(title), view.language, height=height, baseline=baseline) if series and series[0].id == names[0] else None
    return None if svg is None else Drawing(view.word(title), svg, tuple(legend(series)))


def _performance(view: ReportView) -> Drawing | None:
    names = ("chart.performance", "chart.benchmark_performance")
    return _lines(view, "performance_chart", names, height=200) if len(_series(view, names)) == len(names) else None


def _income(view: ReportView) -> Drawing | None:
    names = ("income.revenue", "income.net_income")
    years = sorted({item.period for item in view.report.evidence if item.id.startswith(tuple(f"{name}.FY" for name in names))})
    if len(years) < 2:
        return None
    labels = (view.word("revenue"), view.word("net_income"))
    rows = [(label, [_number(view, f"{name}.{year}") for year in years]) for label, name in zip(labels, names, strict=True)]
    currency = next((item.currency for item in view.report.evidence if item.id.startswith("income.") and item.currency), None)
    svg = bar_chart(years, rows, currency=currency, title=view.word("income_chart"), language=view.language)
    return None if svg is None else Drawing(view.word("income_chart"), svg, tuple(enumerate(labels)))


def _football(view: ReportView) -> Drawing | None:
    ids = (
        ("range_52w", "price.low_52w", "price.high_52w", None),
        ("analyst_targets", "analyst.target_low", "analyst.target_high", "analyst.target_mean"),
        ("scenarios", "valuation.scenario.bear.per_share", "valuation.scenario.bull.per_share", "valuation.scenario.base.per_share"),
    )
    bars = []
    for title, low, high, mark in ids:
        ends = _number(view, low), _number(view, high)
        if ends[0] is not None and ends[1] is not None and ends[0] <= ends[1]:
            bars.append(Bar(view.word(title), ends[0], ends[1], _number(view, mark) if mark else None))
    bars += _grid_range(view)
    if len(bars) < 2:
        return None
    price = view.by_id.get("price.last")
    last = None if price is None else price.number
    currency = view.report.instrument.currency
    svg = football_field(bars, last, currency=currency, title=view.word("football"), price_label=view.word("last_price"), language=view.language)
    return None if svg is None else Drawing(view.word("football"), svg)


def _grid_range(view: ReportView) -> list[Bar]:
    """The middle of the sensitivity grid, one step around its centre, since the corners are extremes by construction."""
    grid = view.report.valuation.sensitivity
    if grid is None or any(later <= earlier for earlier, later in pairwise(grid.rows)):
        return []
    rows, columns = (_around_middle(len(axis)) for axis in (grid.rows, grid.columns))
    cells = [cell for line in grid.cells[rows] for cell in line[columns] if cell is not None]
    return [Bar(view.word("dcf_range"), min(cells), max(cells), _number(view, "valuation.dcf.per_share"))] if cells else []


def _around_middle(count: int) -> slice:
    middle = count // 2
    return slice(max(0, middle - 1), middle + 2)


def _number(view: ReportView, name: str) -> float | None:
    item = view.by_id.get(name)
    return item.value if item is not None and not isinstance(item.value, str) else None
