"""results/report.html: the run as one self-contained page, charts as inline SVG, nothing fetched from anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.charts import BOTTOM, HEIGHT, LEFT, RIGHT, charts
from loadtests.compare import Row
from loadtests.series import Slice
from loadtests.thresholds import parse_expression, parse_selector

NO_SAMPLE = "no sample"
HEADLINES = {
    "ok": ("Holds", "Every promise was kept."),
    "latency": ("Too slow", "Answers came, but later than promised. Look at what scales the service before looking at the code."),
    "errors": (
        "Failing",
        "Requests or analyses failed, or answers were not what they should be. Look at the logs; roll back if it began with a deploy.",
    ),
    "invalid": ("Invalid run", "This run says nothing about the service. Repair the cause below and run again; never roll back on it."),
}
AGGREGATES = {"avg": "mean", "rate": "share", "count": "count", "med": "median", "max": "maximum", "min": "minimum"}
METRICS = {
    "http_req_duration": "latency",
    "http_req_failed": "failed",
    "checks": "check passed",
    "sse_first_event": "time to first event",
    "job_completion_time": "analysis finished after",
    "batch_completion_time": "batch finished after",
    "job_failed": "analyses failed",
    "deliberate_errors_answered": "deliberate errors answered as such",
    "dropped_iterations": "work that could not be started",
    "script_errors": "exceptions in the script",
}
_DURATIONS = ("http_req_duration", "sse_first_event", "job_completion_time", "batch_completion_time")
_SIGNS = {"<=": "≤", ">=": "≥", "==": "="}
_COUNTS = ("dropped_iterations", "script_errors")


@dataclass(frozen=True)
class Threshold:
    """A threshold in words: where it was measured, what, its limit and the measured value with unit."""

    where: str
    what: str
    limit: str
    measured: str
    ok: bool


def _quantity(metric: str, value: float) -> str:
    if metric in _DURATIONS:
        return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"
    return f"{value:.0f}" if metric in _COUNTS else f"{value * 100:.4g} %"


def _where(tags: dict[str, str]) -> str:
    named = tags.get("name") or tags.get("check")
    if named:
        return named
    return {"stream": "event streams", "api": "all requests"}.get(tags.get("kind", ""), "whole run")


def in_words(verdict: dict[str, Any]) -> Threshold:
    """A threshold of summary.json as the report shows it."""
    selection, expression = parse_selector(verdict["metric"]), parse_expression(verdict["expression"])
    metric, tags = selection.metric, selection.tags
    what = METRICS.get(metric, metric)
    if metric in _DURATIONS:
        what += f", {expression.percent:g}th percentile" if expression.percent is not None else f", {AGGREGATES[expression.aggregate]}"
    if tags.get("expected_response"):
        what += " (expected answers)"
    measured = NO_SAMPLE if verdict["value"] is None else _quantity(metric, verdict["value"])
    return Threshold(
        _where(tags), what, f"{_SIGNS.get(expression.operator, expression.operator)} {_quantity(metric, expression.limit)}", measured, verdict["ok"]
    )


def render_report(summary: dict[str, Any], parts: Sequence[Slice], comparison: Sequence[Row], no_comparison: str) -> str:
    """The page for a run; `no_comparison` says why `comparison` is empty."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    thresholds = sorted((in_words(one) for one in summary["thresholds"]), key=lambda one: (one.ok, one.measured == NO_SAMPLE))
    headline, advice = HEADLINES[summary["outcome"]]
    return environment.get_template("report.html.jinja").render(
        summary=summary,
        headline=headline,
        advice=advice,
        thresholds=thresholds,
        crossed=[one for one in thresholds if not one.ok],
        charts=charts(parts),
        comparison=sorted(comparison, key=lambda row: row.verdict == "within"),
        no_comparison=no_comparison,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        bottom=BOTTOM,
    )
