"""Percentiles, thresholds, comparison and outcome of load tests, on samples and summaries with known answers."""

import json
from pathlib import Path

import pytest

from loadtests.run import refusals
from loadtests.samples import Sample, percentile, read_samples
from loadtests.summary import RunFacts, outcome
from loadtests.thresholds import judge, load_thresholds, parse_expression, parse_selector


def _requests(*durations: float, failed: int = 0, name: str = "GET /x") -> list[Sample]:
    tags = {"name": name, "kind": "api"}
    timed = [Sample("http_req_duration", value, 1000.0 + number, tags) for number, value in enumerate(durations)]
    return timed + [Sample("http_req_failed", float(number < failed), 1000.0 + number, tags) for number in range(len(durations))]


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (50, 2.5), (95, 3.85), (100, 4.0)])
def test_percentiles_are_interpolated(percent: float, expected: float) -> None:
    """Percentiles lie between the closest ranks, as in k6 and NumPy's default."""
    assert percentile([1.0, 2.0, 3.0, 4.0], percent) == pytest.approx(expected)


def test_a_selector_with_a_route_and_two_tags_is_read() -> None:
    """Route names with colons and slashes survive the reading of k6's tag filters."""
    selection = parse_selector("http_req_duration{name:GET /v1/analyses/:id,expected_response:true}")

    assert selection.metric == "http_req_duration"
    assert selection.tags == {"name": "GET /v1/analyses/:id", "expected_response": "true"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("p(95)<500", 3.85), ("avg<300", 2.5), ("max<1", 4.0), ("med<1", 2.5), ("count<1", 10.0), ("rate>=0.99", 2.5)],
)
def test_aggregates_are_those_of_k6(expression: str, expected: float) -> None:
    """Each left side that k6 knows is computed from the raw values."""
    assert parse_expression(expression).measure([4.0, 1.0, 3.0, 2.0]) == pytest.approx(expected)


def test_a_threshold_without_samples_is_crossed() -> None:
    """A metric that was never measured cannot hold, except a count of mishaps, which is then zero."""
    verdicts = judge([], {"job_completion_time": ["p(95)<1000"], "dropped_iterations": ["count<1"]})

    assert [verdict.ok for verdict in verdicts] == [False, True]


def test_six_percent_slow_requests_cross_the_p95_but_not_the_mean() -> None:
    """A server slow for one request in sixteen is caught by the percentile although the mean looks fine."""
    samples = _requests(*([20.0] * 94 + [800.0] * 6))
    verdicts = judge(samples, {"http_req_duration{kind:api}": ["p(95)<500", "avg<300"]})

    assert [verdict.ok for verdict in verdicts] == [False, True]


@pytest.mark.parametrize(
    ("code", "crossed", "expected"),
    [
        (0, {}, "ok"),
        (99, {"http_req_duration{kind:api}": ["p(95)<1"]}, "latency"),
        (99, {"http_req_failed{kind:api}": ["rate<0.01"]}, "errors"),
        (99, {"http_req_duration{kind:api}": ["p(95)<1"], "checks": ["rate>=0.99"]}, "errors"),
        (107, {}, "invalid"),
        (-9, {}, "invalid"),
        (99, {}, "ok_is_impossible"),
    ],
)
def test_the_outcome_follows_from_exit_code_and_thresholds(code: int, crossed: dict[str, list[str]], expected: str) -> None:
    """Only a run that k6 ended itself is judged; code 99 without a crossed threshold is a contradiction, so invalid."""
    samples = _requests(100.0, 200.0, failed=1)
    result = outcome(judge(samples, crossed), RunFacts("smoke", "t", "1", code), has_samples=True)

    assert result == ("invalid" if expected == "ok_is_impossible" else expected)


@pytest.mark.parametrize("expression", ["p(95)", "p(95)<fast", "avg<300; rate<1", "nosuch<1", ""])
def test_an_expression_that_k6_would_not_take_is_refused(expression: str) -> None:
    """A typo in the thresholds file is an error and no promise that always holds."""
    with pytest.raises(ValueError, match="not a threshold"):
        parse_expression(expression)


@pytest.mark.parametrize("selector", ["Http{", "http_req_failed{name:x", "{name:x}", ""])
def test_a_selector_that_is_none_is_refused(selector: str) -> None:
    """A typo in a metric's name or filter is an error."""
    with pytest.raises(ValueError, match="not a metric selector"):
        parse_selector(selector)


def test_each_route_has_every_promise() -> None:
    """Latency, latency of expected answers and failures are held for all requests and for each route."""
    held = load_thresholds()
    routes = [selector for selector in held if selector.startswith("http_req_failed{name:")]

    assert len(routes) == 7
    for tags in ["kind:api", *(selector.removeprefix("http_req_failed{").removesuffix("}") for selector in routes)]:
        assert held[f"http_req_duration{{{tags}}}"] == held[f"http_req_duration{{{tags},expected_response:true}}"] == ["p(95)<500", "avg<300"]
        assert held[f"http_req_failed{{{tags}}}"] == ["rate<0.01"]


@pytest.mark.parametrize(("refused", "other", "told"), [(5, 5, True), (4, 5, False), (0, 5, False), (0, 0, False)])
def test_refusals_are_told_when_they_are_half_of_the_failures(refused: int, other: int, told: bool) -> None:
    """A key of the load test that is refused explains a failed run only when that is what mostly went wrong."""
    samples = [Sample("http_req_failed", 1.0, 1000.0, {"status": "403"})] * refused + [
        Sample("http_req_failed", 1.0, 1000.0, {"status": "500"})
    ] * other

    assert bool(refusals(samples)) is told


def test_a_run_without_samples_is_invalid() -> None:
    """No sample means that nothing was tested, whatever k6's exit code says."""
    assert outcome([], RunFacts("smoke", "t", "1", 0), has_samples=False) == "invalid"


def test_a_last_line_cut_off_is_left_out(tmp_path: Path) -> None:
    """What a killed k6 wrote up to its last whole line can be read."""
    line = {"type": "Point", "metric": "checks", "data": {"time": "2026-03-12T10:00:00Z", "value": 1, "tags": {}}}
    path = tmp_path / "output.json"
    path.write_text(json.dumps({"type": "Metric"}) + "\n" + json.dumps(line) + "\n" + '{"type": "Po')

    assert [sample.metric for sample in read_samples(path)] == ["checks"]


def test_samples_keep_the_tags_that_are_used(tmp_path: Path) -> None:
    """Metrics from which nothing is computed are left out, and so are other tags."""
    tags = {"name": "GET /x", "kind": "api", "status": "200", "group": "::setup", "method": "GET"}
    points = [{"metric": metric, "type": "Point", "data": {"time": "2026-03-12T10:00:00Z", "value": 5, "tags": tags}} for metric in
              ("http_req_duration", "http_req_failed", "http_req_waiting", "http_reqs", "vus", "job_failed", "iteration_duration")]  # fmt: skip
    path = tmp_path / "output.json"
    path.write_text("".join(json.dumps(point, separators=(",", ":")) + "\n" for point in points))

    read = list(read_samples(path))

    assert [sample.metric for sample in read] == ["http_req_duration", "http_req_failed", "job_failed"]
    assert read[0].tags == {"name": "GET /x", "kind": "api", "status": "200"}


def test_a_broken_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    """A damaged file is not read as if it were a short one."""
    path = tmp_path / "output.json"
    path.write_text('{"type"\n{"type": "Metric"}\n')

    with pytest.raises(ValueError, match="line 1 is not JSON"):
        list(read_samples(path))
