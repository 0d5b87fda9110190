"""The thresholds judged again from the raw samples, so that a killed k6 or a summary it could not write hides nothing."""

import json
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.samples import Sample, percentile

THRESHOLDS_FILE = Path(__file__).parent / "thresholds.json"
_SELECTOR = re.compile(r"(?P<metric>[a-z_]+)(?:\{(?P<tags>.*)\})?")
_EXPRESSION = re.compile(r"(?P<aggregate>avg|min|med|max|count|rate|p\((?P<percent>[\d.]+)\))\s*(?P<operator><=|>=|<|>|==)\s*(?P<limit>[\d.]+)")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
COUNTERS = frozenset({"dropped_iterations", "script_errors"})
OPTIONAL_FEATURES = ("batches",)


@dataclass
class Selection:
    """The values of one metric under one tag filter, as k6 writes it: `http_req_duration{name:GET /x,kind:api}`."""

    selector: str
    metric: str
    tags: dict[str, str]
    values: list[float] = field(default_factory=list)

    def offer(self, sample: Sample) -> None:
        """Keep the sample's value when metric and tags match."""
        if sample.metric == self.metric and all(sample.tags.get(name) == value for name, value in self.tags.items()):
            self.values.append(sample.value)


@dataclass(frozen=True)
class Verdict:
    """One threshold judged: `value` is None when there was no sample, which holds only for counters of mishaps."""

    metric: str
    expression: str
    value: float | None
    ok: bool


def parse_selector(selector: str) -> Selection:
    """Read k6's spelling of a metric with a tag filter.

    Raises:
        ValueError: it is not one.
    """
    match = _SELECTOR.fullmatch(selector)
    if match is None:
        raise ValueError(f"not a metric selector: {selector!r}")
    # A comma separates tags only where a new `key:` follows, since route names may contain one.
    parts = re.split(r",(?=[a-z_]+:)", match["tags"]) if match["tags"] else []
    tags = dict(part.split(":", 1) for part in parts)
    return Selection(selector=selector, metric=match["metric"], tags=tags)


def load_thresholds(features: Sequence[str] = OPTIONAL_FEATURES, path: Path = THRESHOLDS_FILE) -> dict[str, list[str]]:
    """The promises, selector to expressions, for a service that offers `features`; lib/thresholds.js spells them out likewise for k6."""
    promises: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    held: dict[str, list[str]] = _promises(promises, "kind:api") | {"checks": promises["checks"]}
    for feature in (promises["features"][name] for name in ("core", *features)):
        for route in feature["routes"]:
            held |= _promises(promises, f"name:{route},kind:api")
        held |= {f"checks{{check:{check}}}": promises["checks"] for check in feature["checks"]}
        held |= feature["metrics"]
    return held


def _promises(promises: dict[str, Any], tags: str) -> dict[str, list[str]]:
    return {
        f"http_req_duration{{{tags}}}": promises["latency"],
        f"http_req_duration{{{tags},expected_response:true}}": promises["latency"],
        f"http_req_failed{{{tags}}}": promises["failures"],
    }


@dataclass(frozen=True)
class Expression:
    """A threshold's expression taken apart: `p(95)<500` is percent 95, operator `<`, limit 500."""

    aggregate: str
    percent: float | None
    operator: str
    limit: float

    def measure(self, values: list[float]) -> float | None:
        """What the left side is for `values`; None when there are none."""
        if not values:
            return None
        ordered = sorted(values)
        if self.percent is not None:
            return percentile(ordered, self.percent)
        total = sum(ordered)
        simple = {"avg": total / len(ordered), "rate": total / len(ordered), "min": ordered[0], "max": ordered[-1], "count": total}
        return simple[self.aggregate] if self.aggregate in simple else percentile(ordered, 50)

    def holds(self, value: float) -> bool:
        """Whether `value` is on the right side of the limit."""
        return _OPERATORS[self.operator](value, self.limit)


def parse_expression(expression: str) -> Expression:
    """Read k6's spelling of a threshold.

    Raises:
        ValueError: it is not one.
    """
    match = _EXPRESSION.fullmatch(expression.replace(" ", ""))
    if match is None:
        raise ValueError(f"not a threshold: {expression!r}")
    percent = float(match["percent"]) if match["percent"] else None
    return Expression(aggregate=match["aggregate"], percent=percent, operator=match["operator"], limit=float(match["limit"]))


def judge(samples: Iterable[Sample], thresholds: dict[str, list[str]]) -> list[Verdict]:
    """Judge every threshold. One without a single sample is crossed, except a counter's, which is then zero."""
    selections = [parse_selector(selector) for selector in thresholds]
    by_metric: dict[str, list[Selection]] = defaultdict(list)
    for selection in selections:
        by_metric[selection.metric].append(selection)
    for sample in samples:
        for selection in by_metric.get(sample.metric, ()):
            selection.offer(sample)
    return [_verdict(selection, expression) for selection in selections for expression in thresholds[selection.selector]]


def _verdict(selection: Selection, text: str) -> Verdict:
    expression = parse_expression(text)
    value = expression.measure(selection.values)
    if value is None and selection.metric in COUNTERS:
        value = 0.0
    return Verdict(metric=selection.selector, expression=text, value=value, ok=value is not None and expression.holds(value))
