"""What the simulation measured, and whether the promises hold: the only place that knows the limits."""

from collections.abc import Iterator
from dataclasses import dataclass

ENOUGH_REQUESTS, ENOUGH_ANALYSES = 300, 20
SPEEDUP = 1.8
# A heartbeat that just came, the time after which its worker counts as dead, and another worker's beat, on a busy machine.
TAKEOVER_S = 15.0


@dataclass(frozen=True)
class Rolling:
    """Processes `restarted` while load was sent, from beginning to end.

    `accepted` analyses were answered with 202; `stored` and `succeeded` are in the database.
    """

    restarted: int
    processes: int
    bad_exits: int
    requests: int
    failed_requests: int
    failed_checks: int
    accepted: int
    stored: int
    succeeded: int


@dataclass(frozen=True)
class Takeover:
    """A worker killed in the midst of `jobs`. Steps that it had finished, `paid_again` calls of theirs, calls that no receipt shows."""

    jobs: int
    submitted: int
    succeeded: int
    moved: int
    moved_after_s: float
    finished_after_s: float
    finished_steps: int
    paid_again: int
    unaccounted_calls: int


@dataclass(frozen=True)
class Scaling:
    """Reports per minute with `workers` and with twice as many."""

    workers: int
    before: float
    after: float

    @property
    def ratio(self) -> float:
        """How many times as many."""
        return self.after / self.before


@dataclass(frozen=True)
class Line:
    """One promise: what was measured, and whether it is kept."""

    promise: str
    measured: str
    kept: bool


def judge_rolling(seen: Rolling) -> Iterator[Line]:
    """Whether a rolling restart goes unnoticed."""
    yield Line(
        "every API and worker process restarted under load", f"{seen.restarted} of {seen.processes} processes", seen.restarted == seen.processes > 0
    )
    yield Line("each ended by itself with exit code 0", f"{seen.bad_exits} others", seen.bad_exits == 0)
    yield Line("failed requests: 0", f"{seen.failed_requests} of {seen.requests}", seen.failed_requests == 0 and seen.requests >= ENOUGH_REQUESTS)
    yield Line("answers that are not what was asked for: 0", str(seen.failed_checks), seen.failed_checks == 0)
    lost = seen.accepted - min(seen.stored, seen.succeeded)
    is_whole = lost == 0 and seen.stored == seen.accepted and seen.accepted >= ENOUGH_ANALYSES
    yield Line("lost jobs: 0", f"{lost} of {seen.accepted} accepted ({seen.stored} stored, {seen.succeeded} succeeded)", is_whole)


def judge_takeover(seen: Takeover) -> Iterator[Line]:
    """Whether a killed worker loses nothing and little is paid twice."""
    yield Line("a killed worker's jobs move to the others", f"{seen.moved} of {seen.jobs}", seen.moved == seen.jobs > 0)
    yield Line(f"the last moved within {TAKEOVER_S:.0f} s", f"{seen.moved_after_s:.1f} s", 0 < seen.moved_after_s <= TAKEOVER_S)
    ended = f"{seen.succeeded} of {seen.submitted}, the killed worker's after {seen.finished_after_s:.1f} s"
    yield Line("all succeed", ended, seen.succeeded == seen.submitted)
    again = f"{seen.paid_again} calls of {seen.finished_steps} finished steps"
    yield Line("no finished step is paid twice", again, seen.paid_again == 0 and seen.finished_steps > 0)
    yield Line("model calls that no receipt shows: 0", str(seen.unaccounted_calls), seen.unaccounted_calls == 0)


def judge_scaling(seen: Scaling) -> Iterator[Line]:
    """Whether twice the workers give nearly twice the reports."""
    measured = f"{seen.before:.1f} to {seen.after:.1f} reports a minute, ratio {seen.ratio:.2f}"
    yield Line(f"{2 * seen.workers} workers in place of {seen.workers}: {SPEEDUP} times the reports", measured, seen.ratio >= SPEEDUP)


def table(lines: list[Line]) -> str:
    """The lines as aligned text."""
    wide, wider = max(len(line.promise) for line in lines), max(len(line.measured) for line in lines)
    return "\n".join(f"  {line.promise:<{wide}}  {line.measured:<{wider}}  {'kept' if line.kept else 'BROKEN'}" for line in lines)
