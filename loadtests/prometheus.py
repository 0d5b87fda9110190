"""Judge a distributed run from Prometheus: `python -m loadtests.prometheus --url http://prometheus:9090 --testid ID`.

Several k6 pods each see a part of the load, so none of them can judge it. They send their samples to Prometheus (remote write, trends
as native histograms), and here every threshold is asked for over all pods. Exit codes: 0 all hold, 99 thresholds crossed, 3 invalid.
"""

import argparse
import json
import math
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests.thresholds import COUNTERS, OPTIONAL_FEATURES, Expression, Verdict, load_thresholds, parse_expression, parse_selector

CROSSED, INVALID = 99, 3
RATES = ("checks", "job_failed", "deliberate_errors_answered")
TIMEOUT_S = 30
# The value of a PromQL expression at a time in seconds since the epoch (None: now); None where it has none.
Ask = Callable[[str, float | None], float | None]


class NotJudged(Exception):
    """Prometheus cannot be asked, or knows nothing of the run."""


@dataclass(frozen=True)
class Run:
    """One run in Prometheus: the value of k6's tag `testid`, and how far back its samples lie at most, such as `2h`."""

    testid: str
    within: str = "2h"

    def series(self, metric: str, tags: dict[str, str]) -> str:
        """The series of `metric` with these tags, in PromQL."""
        labels = {"testid": self.testid, **tags}
        matchers = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
        return f"k6_{metric}{{{matchers}}}"

    @property
    def ended(self) -> str:
        """When its last request was counted, in seconds since the epoch, in PromQL."""
        counted = f"timestamp({self.series('http_reqs_total', {})})"
        return f"max({counted}) or max(max_over_time({counted}[{self.within}:15s]))"


def query(run: Run, selector: str, expression: Expression) -> str:
    """The PromQL whose value is the left side of a threshold, over all pods.

    Where k6 sends only each pod's rate, the worst pod counts: the smallest for `>=`, the largest for `<`.
    """
    selection = parse_selector(selector)
    metric, tags = selection.metric, selection.tags
    if metric == "http_req_failed":
        failed, every = (f"sum({run.series('http_reqs_total', one)})" for one in (tags | {"expected_response": "false"}, tags))
        return f"({failed} or vector(0)) / {every}"
    if metric in RATES:
        worst = "min" if expression.operator.startswith(">") else "max"
        return f"{worst}({run.series(f'{metric}_rate', tags)})"
    if metric in COUNTERS:
        return f"sum({run.series(f'{metric}_total', tags)}) or vector(0)"
    histogram = f"sum({run.series(f'{metric}_seconds', tags)})"
    if expression.percent is not None:
        return f"1000 * histogram_quantile({expression.percent / 100:g}, {histogram})"
    return f"1000 * histogram_sum({histogram}) / histogram_count({histogram})"


def judge(ask: Ask, run: Run, thresholds: dict[str, list[str]]) -> list[Verdict]:
    """Judge every threshold by its value at the end of the run.

    Raises:
        NotJudged: Prometheus has no request of the run.
    """
    ended = ask(run.ended, None)
    if ended is None:
        raise NotJudged(f"Prometheus has no request of testid {run.testid!r} within {run.within}")
    verdicts = []
    for selector, texts in thresholds.items():
        for text in texts:
            expression = parse_expression(text)
            value = ask(query(run, selector, expression), ended)
            verdicts.append(Verdict(metric=selector, expression=text, value=value, ok=value is not None and expression.holds(value)))
    return verdicts


def asking(url: str) -> Ask:
    """A function that asks the Prometheus at `url`.

    Raises:
        NotJudged: it is no http(s) URL.
    """
    if not url.startswith(("http://", "https://")):
        raise NotJudged(f"{url!r} is not a URL such as http://prometheus:9090")

    def ask(promql: str, at: float | None) -> float | None:
        content = urllib.parse.urlencode({"query": promql} | ({} if at is None else {"time": at})).encode()
        try:
            with urllib.request.urlopen(f"{url.rstrip('/')}/api/v1/query", data=content, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked above
                result = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise NotJudged(f"Prometheus answered {error.code} to {promql}") from None
        except (OSError, ValueError, KeyError) as error:
            raise NotJudged(f"Prometheus at {url} did not answer: {error}") from None
        value = float(result[0]["value"][1]) if result else math.nan
        return None if math.isnan(value) else value

    return ask


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge and print; see the module's text for the exit codes."""
    parser = argparse.ArgumentParser(description="Judge a distributed load test from Prometheus.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--testid", required=True)
    parser.add_argument("--within", default="2h", help="how long ago the run ended at most")
    parser.add_argument("--without-batches", action="store_true", help="the run was told FEATURES= ")
    options = parser.parse_args(arguments)
    thresholds = load_thresholds(() if options.without_batches else OPTIONAL_FEATURES)
    try:
        verdicts = judge(asking(options.url), Run(options.testid, options.within), thresholds)
    except NotJudged as error:
        print(f"INVALID: {error}", file=sys.stderr)
        return INVALID
    for one in verdicts:
        measured = "no sample" if one.value is None else f"{one.value:.4g}"
        print(f"{'holds  ' if one.ok else 'CROSSED'} {one.metric}: {one.expression} (measured {measured})")
    crossed = [one for one in verdicts if not one.ok]
    if any(one.metric == "script_errors" for one in crossed):
        print("INVALID: the script threw exceptions", file=sys.stderr)
        return INVALID
    return CROSSED if crossed else 0


if __name__ == "__main__":
    sys.exit(main())
