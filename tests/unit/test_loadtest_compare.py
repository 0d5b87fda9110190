"""Baselines and the comparison of runs with them, on summaries with known figures."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.loadtest_summaries import baseline, summary

from loadtests.baseline import main as record_main
from loadtests.baseline import read_baseline, record
from loadtests.compare import NotComparable, allowed, compare, judge_rows, main, markdown, metrics


def _verdicts(runs: list[dict[str, Any]], base: dict[str, Any] | None = None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in compare(base or baseline(), runs):
        found.setdefault(row.verdict, []).append(row.metric)
    return found


@pytest.mark.parametrize(("measured", "limit"), [(10.0, 35.0), (166.0, 191.0), (167.0, 192.05), (1000.0, 1150.0)])
def test_the_allowance_is_the_larger_of_15_percent_and_25_ms(measured: float, limit: float) -> None:
    """Small latencies may grow by 25 ms, large ones by 15 %."""
    assert allowed("api p95_ms", measured) == pytest.approx(limit)


@pytest.mark.parametrize(("scale", "verdict"), [(1.0, 0), (1.14, 0), (1.16, 2), (0.2, 0), (5.0, 2)])
def test_known_pairs(scale: float, verdict: int) -> None:
    """Equal, a little slower and faster runs are within; runs slower than the allowance are a regression."""
    assert judge_rows(compare(baseline(), [summary(scale=scale)] * 3)) == verdict


def test_the_duration_of_a_stream_is_not_compared() -> None:
    """A stream lasts as long as its analysis; only its failures and the time to its first event say something."""
    run = summary()
    run["routes"]["GET /x (stream)"] = run["routes"]["GET /x"]

    assert [name for name in metrics(run) if "(stream)" in name] == ["GET /x (stream) failure_rate"]


def test_growth_of_25_ms_is_allowed_where_it_is_more_than_15_percent() -> None:
    """A route of 10 ms may take 34 ms before anyone is alarmed, and not 36."""
    base = baseline()
    base["metrics"]["GET /x mean_ms"] = 100.1
    assert "regression" not in _verdicts([summary()] * 3, base)

    base["metrics"]["GET /x mean_ms"] = 99.9
    assert _verdicts([summary()] * 3, base)["regression"] == ["GET /x mean_ms"]


def test_a_failure_rate_may_grow_by_half_a_percentage_point() -> None:
    """Rates are held to an absolute allowance."""
    assert "regression" not in _verdicts([summary(failure_rate=0.005)] * 3)
    assert _verdicts([summary(failure_rate=0.006)] * 3)["regression"] == ["jobs failure_rate"]


def test_the_median_of_three_forgives_one_outlier() -> None:
    """One bad run of three is noise, two are a regression."""
    assert judge_rows(compare(baseline(), [summary(), summary(scale=5), summary()])) == 0
    assert judge_rows(compare(baseline(), [summary(), summary(scale=5), summary(scale=5)])) == 2


def test_a_missing_metric_is_a_failure() -> None:
    """A route that one run no longer measured is a failure and not an improvement."""
    run = summary()
    run["routes"] = {}

    rows = compare(baseline(), [summary(), summary(), run])

    assert [row.metric for row in rows if row.verdict == "missing"] == ["GET /x mean_ms", "GET /x p95_ms", "GET /x failure_rate"]
    assert judge_rows(rows) == 2


def test_a_metric_that_the_baseline_does_not_know_asks_for_a_new_baseline() -> None:
    """A new route is no regression, but neither is it compared: the baseline must be recorded anew."""
    base = baseline()
    del base["metrics"]["streams first_event_p95_ms"]

    rows = compare(base, [summary()] * 3)

    assert [row.metric for row in rows if row.verdict == "new"] == ["streams first_event_p95_ms"]
    assert judge_rows(rows) == 3


@pytest.mark.parametrize("change", [{"profile": "load"}, {"schema_version": "0"}, {"outcome": "invalid"}])
def test_what_cannot_be_compared_is_refused(change: dict[str, str]) -> None:
    """Another profile, another shape or an invalid run gives no verdict."""
    with pytest.raises(NotComparable):
        compare(baseline(), [summary(), summary(), summary() | change])


def _files(folder: Path, *values: dict[str, Any]) -> list[str]:
    paths = [folder / f"{number}.json" for number in range(len(values))]
    for path, value in zip(paths, values, strict=True):
        path.write_text(json.dumps(value))
    return [str(path) for path in paths]


def test_the_command_exits_2_on_regression_and_prints_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A regression gives exit code 2, the Markdown table on stdout and the metric's name on stderr."""
    assert main(_files(tmp_path, baseline(), *[summary(failure_rate=0.5)] * 3)) == 2

    captured = capsys.readouterr()
    assert "| jobs failure_rate | 0.000 | 0.005 | 0.500 | **REGRESSION** |" in captured.out
    assert "regression: jobs failure_rate" in captured.err


def test_the_command_takes_three_runs_and_no_fewer(tmp_path: Path) -> None:
    """One run is no verdict on a regression."""
    with pytest.raises(SystemExit):
        main(_files(tmp_path, baseline(), summary()))


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_baseline_that_cannot_be_used_exits_3(tmp_path: Path, content: str | None) -> None:
    """A baseline that is missing, damaged or empty is not comparable, which is no regression."""
    path = tmp_path / "baseline"
    if content is not None:
        path.write_text(content)

    assert main([str(path), *_files(tmp_path, summary(), summary(), summary())]) == 3


def test_missing_figures_are_named_in_the_table() -> None:
    """The table says `missing` where a side has no figure."""
    run = summary()
    run["streams"]["first_event_p95_ms"] = None

    assert "| streams first_event_p95_ms | 10.000 | 35.000 | missing | **MISSING** |" in markdown(compare(baseline(), [run]))


def test_a_baseline_is_the_median_of_three_runs() -> None:
    """It holds the middle value of each metric, and says which machine and commit it was."""
    found = record("local", [summary(scale=1), summary(scale=3), summary(scale=2)])

    assert found["metrics"]["api mean_ms"] == 250
    assert (found["target"], found["profile"], found["commit"], found["machine"]["cores"]) == ("local", "smoke", "c0ffee", 2)
    assert found["recorded_at"] == "1970-01-01T00:16:40+00:00"


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ([summary()], "median of 3 runs, not of 1"),
        ([summary(), summary(), summary(profile="load")], "differ in profile"),
        ([summary(), summary(), summary() | {"outcome": "latency"}], "ended as latency"),
        ([summary(), summary(), summary() | {"routes": {}}], "not every run measured GET /x"),
    ],
)
def test_what_makes_no_baseline_is_refused(runs: list[dict[str, Any]], reason: str) -> None:
    """Only three whole runs of one profile that held every threshold make a baseline."""
    with pytest.raises(NotComparable, match=reason):
        record("local", runs)


def test_a_recorded_baseline_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command writes the file of that target and profile, which the comparison then finds."""
    assert record_main(["--target-name", "staging", *_files(tmp_path, summary(), summary(), summary())], tmp_path) == 0

    assert compare(read_baseline("staging", "smoke", tmp_path), [summary()])
    assert "staging/smoke.json" in capsys.readouterr().out


def test_runs_that_make_no_baseline_leave_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says why and writes nothing."""
    assert record_main(_files(tmp_path, summary(), summary()), tmp_path) == 3

    assert "median of 3 runs" in capsys.readouterr().err
    assert not (tmp_path / "local").exists()


def test_every_committed_baseline_can_be_compared() -> None:
    """The baselines in the repository are of the current shape, lie where their target and profile say, and name machine and commit."""
    folder = Path(__file__).resolve().parents[2] / "loadtests" / "baselines"
    paths = list(folder.glob("*/*.json"))

    assert {"smoke", "load"} <= {path.stem for path in paths if path.parent.name == "local"}
    for path in paths:
        found = json.loads(path.read_text())
        assert (found["target"], found["profile"], found["schema_version"]) == (path.parent.name, path.stem, summary()["schema_version"])
        assert found["commit"]
        assert found["machine"]["cores"]
