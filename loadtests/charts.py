"""The report's charts: lines over time as positions ready to draw in SVG, once for broad and once for narrow screens."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.series import Slice

HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 220, 58, 14, 28, 14
WIDTHS = {"broad": 860, "narrow": 400}
# A limit far above everything measured would press the lines to the floor; it is then said instead of drawn.
LIMIT_SHOWN_FROM = 0.4


@dataclass(frozen=True)
class Line:
    """One line: CSS class, label, and its values at the times of the slices, None where there is nothing to draw."""

    css: str
    label: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Drawing:
    """A chart at one width: axis ticks as (position in pixels, text), SVG paths by CSS class, and the limit's position if drawn."""

    css: str
    width: int
    y_ticks: tuple[tuple[float, str], ...]
    x_ticks: tuple[tuple[float, str], ...]
    paths: tuple[tuple[str, str], ...]
    limit: float | None


@dataclass(frozen=True)
class Chart:
    """One chart: its title, a key of (CSS class, label), a note on the limit, and a drawing for each width."""

    title: str
    key: tuple[tuple[str, str], ...]
    note: str
    drawings: tuple[Drawing, ...]


def charts(parts: Sequence[Slice]) -> list[Chart]:
    """Latency, throughput and errors over time; nothing for no slices."""
    if not parts:
        return []
    failed = [None if part.failure_rate is None else part.failure_rate * 100 for part in parts]
    latency = [Line("p95", "95th percentile", [part.p95_ms for part in parts]), Line("p50", "median", [part.p50_ms for part in parts])]
    times = [part.at_s for part in parts]
    return [
        _chart("Latency", times, latency, unit=" ms", limit=500),
        _chart("Throughput", times, [Line("rate", "requests per second", [part.requests_per_s for part in parts])], unit="/s"),
        _chart("Errors", times, [Line("failed", "failed requests", failed)], unit=" %", limit=1),
    ]


def _nice_top(highest: float) -> float:
    top = 1.0
    while top < highest:
        top *= 10
    return next(top * share for share in (0.2, 0.4, 0.6, 0.8, 1.0) if top * share >= highest)


def _chart(title: str, times: Sequence[float], lines: Sequence[Line], *, unit: str, limit: float | None = None) -> Chart:
    highest = max((value for line in lines for value in line.values if value is not None), default=0.0)
    shown = limit if limit is not None and highest >= limit * LIMIT_SHOWN_FROM else None
    note = "" if limit is None or shown is not None else f"the promised {limit:g}{unit} lies above this chart"
    if highest == 0 and limit is not None:
        shown, note = limit, ""
    top = _nice_top(max(highest, shown or 0.0, 0.2))
    drawings = tuple(_drawing(css, width, times, lines, top=top, unit=unit, limit=shown) for css, width in WIDTHS.items())
    return Chart(title=title, key=tuple((line.css, line.label) for line in lines), note=note, drawings=drawings)


def _drawing(css: str, width: int, times: Sequence[float], lines: Sequence[Line], *, top: float, unit: str, limit: float | None) -> Drawing:
    end = max(times[-1], 1.0)

    def x(at: float) -> float:
        return round(LEFT + at / end * (width - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM), 1)

    shares = (0, 0.25, 0.5, 0.75, 1)
    return Drawing(
        css=css,
        width=width,
        y_ticks=tuple((y(top * share), f"{top * share:g}{unit}") for share in shares),
        x_ticks=tuple((x(end * share), _moment(end * share, end)) for share in shares),
        paths=tuple(
            (line.css, _path([(x(at), None if value is None else y(value)) for at, value in zip(times, line.values, strict=True)])) for line in lines
        ),
        limit=None if limit is None else y(limit),
    )


def _moment(seconds: float, end: float) -> str:
    return f"{seconds / 60:.1f} min" if end >= 180 else f"{seconds:.0f} s"


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    steps, pen_down = [], False
    for x, y in points:
        if y is not None:
            steps.append(f"{'L' if pen_down else 'M'}{x} {y}")
        pen_down = y is not None
    return " ".join(steps)
