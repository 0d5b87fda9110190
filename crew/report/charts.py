"""Charts as SVG drawn by hand: colours come from the page's style sheet by class, so that light, dark and print all work."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from crew.domain.factsheet import ChartSeries
from crew.report.figures import format_date, format_number, format_value, short_amount
from crew.report.scale import Scale, padded, ticks

WIDTH = 760
MOST_HITS = 130
LEFT, RIGHT, TOP, BOTTOM = 8, 64, 10, 24

_MONTHS = {
    "en": "JanFebMarAprMayJunJulAugSepOctNovDec",
    "pt-BR": "janfevmarabrmaijunjulagosetoutnovdez",
    "es": "enefebmarabrmayjunjulagosepoctnovdic",
}


@dataclass(frozen=True)
class Bar:
    """One range of the football field: from `low` to `high` with an optional mark in between."""

    label: str
    low: float
    high: float
    mark: float | None


def line_chart(series: Sequence[ChartSeries], title: str, language: str, *, height: int = 280, baseline: float | None = None) -> Markup | None:
    """Series over time on one axis, the first one filled down to `baseline` (the frame's floor when None). None without two points."""
    drawn = [item for item in series if sum(value is not None for value in item.values) > 1]
    values = [value for item in drawn for value in item.values if value is not None]
    if not values:
        return None
    low, high = (min(values), max(values)) if baseline is None else (min(*values, baseline), max(*values, baseline))
    low, high = padded(low, high) if baseline is None else (padded(low, high)[0], high)
    days = sorted({day for item in drawn for day in item.dates})
    x = Scale(days[0].toordinal(), days[-1].toordinal(), LEFT, WIDTH - RIGHT)
    y = Scale(low, high, height - BOTTOM, TOP)
    parts = [*_value_axis(y, drawn[0].unit, language), *_time_axis(days, x, height, language)]
    floor = y(low if baseline is None else baseline)
    parts.append(_area(drawn[0], x, y, floor))
    parts += [_line(item, x, y, index) for index, item in reversed(list(enumerate(drawn)))]
    parts += _hits(drawn, x, height, language)
    return _svg(parts, height, title, _summary(drawn, language))


def legend(series: Sequence[ChartSeries]) -> list[tuple[int, str]]:
    """The colour index and label of each series that `line_chart` draws."""
    return list(enumerate(item.label for item in series if sum(value is not None for value in item.values) > 1))


def bar_chart(
    years: Sequence[str], rows: Sequence[tuple[str, Sequence[float | None]]], currency: str | None, title: str, language: str
) -> Markup | None:
    """Groups of bars, one group per year and one bar per row. None without any value."""
    values = [value for _, row in rows for value in row if value is not None]
    if not values:
        return None
    height = 240
    low, high = min(0.0, *values), max(0.0, *values)
    y = Scale(low, high * 1.06 if high > 0 else 1.0, height - BOTTOM, TOP)
    slot = (WIDTH - RIGHT - LEFT) / len(years)
    width = round(slot * 0.62 / len(rows), 1)
    parts = _value_axis(y, currency or "count", language)
    for place, year in enumerate(years):
        left = LEFT + slot * place + slot * 0.19
        for index, (label, row) in enumerate(rows):
            value = row[place]
            if value is None:
                continue
            top, foot = sorted((y(value), y(0)))
            hint = Markup("<title>{}</title>").format(f"{label}, {year}: {format_value(value, 'currency', currency, language)}")
            parts.append(
                Markup('<rect class="bar c{}" x="{}" y="{}" width="{}" height="{}" rx="2">{}</rect>').format(
                    index, round(left + width * index, 1), top, width - 2, max(round(foot - top, 1), 0.5), hint
                )
            )
        parts.append(_text(round(left + slot * 0.31, 1), height - 7, year, "tick mid"))
    parts.append(Markup('<line class="zero" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LEFT, WIDTH - RIGHT, y(0), y(0)))
    spoken = "; ".join(f"{label} {format_value(row[-1], 'currency', currency, language)}" for label, row in rows if row and row[-1] is not None)
    return _svg(parts, height, title, f"{years[-1]}: {spoken}")


def football_field(bars: Sequence[Bar], price: float | None, *, currency: str, title: str, price_label: str, language: str) -> Markup | None:
    """Ranges of value per share one below the other, with today's price as a line through all of them. None without a range."""
    if not bars:
        return None
    step, label_width, top = 46, 168, 26
    height = top + step * len(bars) + BOTTOM
    points = [point for bar in bars for point in (bar.low, bar.high)] + ([price] if price is not None else [])
    low, high = padded(min(points), max(points), 0.1)
    x = Scale(low, high, label_width, WIDTH - 16)
    parts: list[Markup] = []
    for value in ticks(low, high):
        parts.append(Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(x(value), x(value), top, height - BOTTOM))
        parts.append(_text(x(value), height - 7, short_amount(value, currency, language), "tick mid"))
    for index, bar in enumerate(bars):
        parts += _range(bar, x, top + step * (index + 0.5), currency, language)
    if price is not None:
        shown = f"{price_label} {format_value(price, 'currency_per_share', currency, language)}"
        anchor = "mid" if label_width + 80 < x(price) < WIDTH - 100 else "end" if x(price) >= WIDTH - 100 else "start"
        parts.append(Markup('<line class="price" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(x(price), x(price), top - 4, height - BOTTOM))
        parts.append(_text(x(price), 14, shown, f"tick strong {anchor}"))
    spoken = "; ".join(f"{bar.label} {_span(bar, currency, language)}" for bar in bars)
    return _svg(parts, height, title, spoken)


def _range(bar: Bar, x: Scale, middle: float, currency: str, language: str) -> list[Markup]:
    left, right = x(bar.low), x(bar.high)
    hint = Markup("<title>{}</title>").format(f"{bar.label}: {_span(bar, currency, language)}")
    parts = [
        _text(0, middle + 4, bar.label, "tick strong start"),
        Markup('<rect class="range" x="{}" y="{}" width="{}" height="16" rx="3">{}</rect>').format(
            left, middle - 8, max(round(right - left, 1), 2), hint
        ),
    ]
    shown = [format_value(value, "currency_per_share", currency, language) for value in (bar.low, bar.high)]
    if right - left > 64:
        parts += [_text(place, middle + 21, text, "tick small mid") for place, text in zip((left, right), shown, strict=True)]
    else:
        parts.append(_text(round((left + right) / 2, 1), middle + 21, " – ".join(shown), "tick small mid"))
    if bar.mark is not None:
        parts.append(Markup('<rect class="mark" x="{}" y="{}" width="3" height="20"/>').format(round(x(bar.mark) - 1.5, 1), middle - 10))
    return parts


def _span(bar: Bar, currency: str, language: str) -> str:
    shown = [format_value(value, "currency_per_share", currency, language) for value in (bar.low, bar.high)]
    mark = "" if bar.mark is None else f" ({format_value(bar.mark, 'currency_per_share', currency, language)})"
    return f"{shown[0]} – {shown[1]}{mark}"


def _value_axis(y: Scale, unit: str, language: str) -> list[Markup]:
    parts: list[Markup] = []
    for value in ticks(y.low, y.high):
        parts.append(Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LEFT, WIDTH - RIGHT, y(value), y(value)))
        parts.append(_text(WIDTH - RIGHT + 6, y(value) + 4, _short(value, unit, language), "tick start"))
    return parts


def _time_axis(days: Sequence[date], x: Scale, height: int, language: str) -> list[Markup]:
    """Labels at the starts of months or years, so many that they do not touch."""
    months = (days[-1].year - days[0].year) * 12 + days[-1].month - days[0].month
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, 1200) if months / step <= 9)
    parts = []
    for index in range(months + 2):
        year, month = divmod(days[0].year * 12 + days[0].month - 1 + index, 12)
        day = date(year, month + 1, 1)
        if (
            month % min(step, 12) == 0
            and (step <= 12 or year % (step // 12) == 0)
            and days[0] <= day <= days[-1]
            and x(day.toordinal()) < WIDTH - RIGHT - 12
        ):
            name = _MONTHS.get(language, _MONTHS["en"])[month * 3 : month * 3 + 3]
            parts.append(_text(x(day.toordinal()), height - 7, str(year) if month == 0 else name, "tick mid"))
    return parts


def _points(series: ChartSeries, x: Scale, y: Scale) -> list[list[tuple[float, float]]]:
    """Stretches of points without a gap."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for day, value in zip(series.dates, series.values, strict=True):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append((x(day.toordinal()), y(value)))
    return [stretch for stretch in stretches if len(stretch) > 1]


def _line(series: ChartSeries, x: Scale, y: Scale, index: int) -> Markup:
    path = "".join("M" + "L".join(f"{a} {b}" for a, b in stretch) for stretch in _points(series, x, y))
    return Markup('<path class="line c{}" d="{}"/>').format(index, path)


def _area(series: ChartSeries, x: Scale, y: Scale, floor: float) -> Markup:
    path = "".join(
        f"M{stretch[0][0]} {floor}L" + "L".join(f"{a} {b}" for a, b in stretch) + f"L{stretch[-1][0]} {floor}Z" for stretch in _points(series, x, y)
    )
    return Markup('<path class="area" d="{}"/>').format(path)


def _hits(drawn: Sequence[ChartSeries], x: Scale, height: int, language: str) -> list[Markup]:
    """Invisible columns, at most `MOST_HITS`, that show the values of their day on hover."""
    known = [dict(zip(item.dates, item.values, strict=True)) for item in drawn]
    days = drawn[0].dates[:: math.ceil(len(drawn[0].dates) / MOST_HITS)]
    width = round((x.end - x.start) / max(len(days) - 1, 1), 2)
    columns = []
    for day in days:
        values = [(item.label, column.get(day)) for item, column in zip(drawn, known, strict=True)]
        shown = " · ".join(f"{label} {_full(value, drawn[0].unit, language)}" for label, value in values if value is not None)
        hint = Markup("<title>{}</title>").format(f"{format_date(day, language)}: {shown}")
        place = round(x(day.toordinal()) - width / 2, 1)
        columns.append(
            Markup('<rect class="hit" x="{}" y="{}" width="{}" height="{}">{}</rect>').format(place, TOP, width, height - TOP - BOTTOM, hint)
        )
    return columns


def _summary(drawn: Sequence[ChartSeries], language: str) -> str:
    """The chart in one sentence for those who cannot see it: the last value of every series."""
    last = drawn[0].dates[-1]
    values = [(item.label, next((value for value in reversed(item.values) if value is not None), None)) for item in drawn]
    shown = "; ".join(f"{label} {_full(value, drawn[0].unit, language)}" for label, value in values if value is not None)
    return f"{format_date(last, language)}: {shown}"


def _short(value: float, unit: str, language: str) -> str:
    if unit == "percent":
        return f"{format_number(value, 0, language)} %"
    return short_amount(value, unit if _is_currency(unit) else None, language)


def _full(value: float, unit: str, language: str) -> str:
    if unit == "percent":
        return format_value(value, "percent", None, language)
    return format_value(value, "currency_per_share", unit, language) if _is_currency(unit) else format_number(value, 1, language)


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isupper()


def _text(x: float, y: float, text: str, classes: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(classes, x, y, text)


def _svg(parts: Iterable[Markup], height: int, title: str, spoken: str) -> Markup:
    body = Markup("").join(parts)
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(WIDTH, height, f"{title}. {spoken}", body)
