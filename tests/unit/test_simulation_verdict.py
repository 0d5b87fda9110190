"""The judge of the scaling simulation: each promise, when broken, is told as broken."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploy.simulation.rolling import count
from deploy.simulation.verdict import Line, Rolling, Scaling, Takeover, judge_rolling, judge_scaling, judge_takeover, table
from loadtests.samples import Sample

ROLLING = Rolling(
    restarted=5,
    processes=5,
    bad_exits=0,
    requests=3000,
    failed_requests=0,
    failed_checks=0,
    accepted=60,
    stored=60,
    succeeded=60,
)
TAKEOVER = Takeover(
    jobs=2,
    submitted=6,
    succeeded=6,
    moved=2,
    moved_after_s=4.5,
    finished_after_s=12.0,
    finished_steps=3,
    paid_again=0,
    unaccounted_calls=0,
)
SCALING = Scaling(workers=1, before=15.0, after=29.0)
Judge = Callable[[Any], Iterator[Line]]


@pytest.mark.parametrize(("judge", "seen"), [(judge_rolling, ROLLING), (judge_takeover, TAKEOVER), (judge_scaling, SCALING)])
def test_what_holds_is_kept(judge: Judge, seen: object) -> None:
    """Good figures break nothing."""
    assert all(line.kept for line in judge(seen))


@pytest.mark.parametrize(
    ("judge", "seen", "change", "broken"),
    [
        (judge_rolling, ROLLING, {"failed_requests": 1}, "failed requests"),
        (judge_rolling, ROLLING, {"requests": 20}, "failed requests"),
        (judge_rolling, ROLLING, {"failed_checks": 1}, "not what was asked for"),
        (judge_rolling, ROLLING, {"succeeded": 59}, "lost jobs"),
        (judge_rolling, ROLLING, {"stored": 59, "succeeded": 59}, "lost jobs"),
        (judge_rolling, ROLLING, {"accepted": 2, "stored": 2, "succeeded": 2}, "lost jobs"),
        (judge_rolling, ROLLING, {"restarted": 4}, "restarted under load"),
        (judge_rolling, ROLLING, {"restarted": 0, "processes": 0}, "restarted under load"),
        (judge_rolling, ROLLING, {"bad_exits": 1}, "exit code 0"),
        (judge_takeover, TAKEOVER, {"moved": 1}, "move to the others"),
        (judge_takeover, TAKEOVER, {"jobs": 0, "moved": 0}, "move to the others"),
        (judge_takeover, TAKEOVER, {"moved_after_s": 20.0}, "moved within"),
        (judge_takeover, TAKEOVER, {"succeeded": 5}, "all succeed"),
        (judge_takeover, TAKEOVER, {"paid_again": 1}, "paid twice"),
        (judge_takeover, TAKEOVER, {"finished_steps": 0}, "paid twice"),
        (judge_takeover, TAKEOVER, {"unaccounted_calls": 1}, "no receipt"),
        (judge_scaling, SCALING, {"after": 20.0}, "times the reports"),
    ],
)
def test_a_broken_promise_is_told(judge: Judge, seen: Any, change: dict[str, Any], broken: str) -> None:
    """One bad figure, or figures that say nothing, break exactly the promise that they belong to."""
    lines = list(judge(dataclasses.replace(seen, **change)))

    assert [line for line in lines if not line.kept] == [line for line in lines if broken in line.promise]
    assert [line.kept for line in lines if broken in line.promise] == [False]
    assert table(lines).count("BROKEN") == 1


def _sample(metric: str, value: float, at: float = 1.0, **tags: str) -> Sample:
    return Sample(metric, value, at, tags)


def test_what_k6_saw_is_counted() -> None:
    """202 to a POST is one accepted analysis, to a batch three; failed requests, failed checks and analyses that did not end are counted."""
    samples = [
        _sample("http_req_failed", 0, 5.0, name="POST /v1/analyses", status="202"),
        _sample("http_req_failed", 0, 6.0, name="POST /v1/batches", status="202"),
        _sample("http_req_failed", 1, 7.0, name="POST /v1/analyses", status="502"),
        _sample("http_req_failed", 0, 9.0, name="GET /v1/analyses/:id", status="200"),
        _sample("checks", 1),
        _sample("checks", 0),
        _sample("deliberate_errors_answered", 0),
        _sample("job_failed", 0),
        _sample("job_failed", 1),
    ]
    seen = count(samples)

    assert (seen.requests, seen.failed, seen.accepted, seen.failed_checks) == (4, 1, 4, 3)
    assert (seen.first, seen.last) == (5.0, 9.0)
