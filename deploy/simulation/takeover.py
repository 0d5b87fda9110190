"""A worker killed in the midst of its analyses: where they go, how soon, and what is paid twice."""

import time
from collections import Counter
from dataclasses import dataclass

from deploy.simulation.processes import await_that
from deploy.simulation.service import Member, Service
from deploy.simulation.verdict import Takeover

CONCURRENCY = 2
SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM")
JOBS = 6
DAY = "2026-03-11"
_HELD = "SELECT workflow_uuid AS id FROM dbos.workflow_status WHERE executor_id LIKE :who AND status = 'PENDING' ORDER BY 1"
_MOVED = """
SELECT count(*) AS n FROM dbos.workflow_status
WHERE workflow_uuid = ANY(:ids) AND executor_id NOT LIKE :who AND status IN ('PENDING', 'SUCCESS')
"""
_STEPS = "SELECT analysis_id AS id, data::json->>'step' AS task FROM events WHERE analysis_id = ANY(:ids) AND type = 'step.finished'"
_CALLS = "SELECT analysis_id AS id, data::json->>'task' AS task FROM events WHERE analysis_id = ANY(:ids) AND type = 'model.called'"

Calls = Counter[tuple[str, str]]


@dataclass(frozen=True)
class _Victim:
    member: Member
    who: str
    jobs: list[str]


def _is_in_the_midst(service: Service, jobs: list[str]) -> bool:
    """Whether each of the jobs has a task done and paid for, and its report not begun."""
    paid = _finished(service, jobs)
    return len(jobs) == CONCURRENCY and {id for id, _ in paid} == set(jobs) and not any(task == "report" for _, task in paid)


def _finished(service: Service, jobs: list[str]) -> set[tuple[str, str]]:
    """Finished steps that called a model."""
    return {(row.id, row.task) for row in service.rows(_STEPS, ids=jobs)} & set(_calls(service, jobs))


def _calls(service: Service, jobs: list[str]) -> Calls:
    return Counter((row.id, row.task) for row in service.rows(_CALLS, ids=jobs))


def _choose(service: Service) -> _Victim | None:
    for member in service.workers:
        who = f"%-{member.process.pid}-%"
        jobs = [row.id for row in service.rows(_HELD, who=who)]
        if _is_in_the_midst(service, jobs):
            return _Victim(member, who, jobs)
    return None


def kill_one(service: Service) -> Takeover:
    """Give three workers as much as they can run at once, kill one that is in the midst, and wait until everything has ended.

    Raises:
        NotReady: an analysis does not end.
    """
    before = service.calls_served()
    ids = service.submit(SYMBOLS[:JOBS], as_of=DAY)
    found: list[_Victim] = []
    await_that(lambda: found.extend(filter(None, [_choose(service)])) or found, "a worker is in the midst of its analyses", seconds=60, pause_s=0.02)
    victim = found[0]
    victim.member.process.kill()
    victim.member.process.wait()
    killed = time.monotonic()
    finished, paid = _finished(service, victim.jobs), _calls(service, victim.jobs)
    print(f"    killed {victim.member.name} with {len(victim.jobs)} analyses, {len(finished)} of their steps finished", flush=True)

    await_that(lambda: service.rows(_MOVED, ids=victim.jobs, who=victim.who)[0].n == len(victim.jobs), "the jobs move", seconds=60)
    moved_after = time.monotonic() - killed
    service.await_ended(victim.jobs, seconds=90)
    finished_after = time.monotonic() - killed
    service.await_ended(ids, seconds=90)

    succeeded = service.rows("SELECT count(*) AS n FROM analyses WHERE id = ANY(:ids) AND status = 'succeeded'", ids=ids)[0].n
    (moved,) = service.rows(_MOVED, ids=victim.jobs, who=victim.who)
    receipts = {id: Counter(call["task"] for call in service.report(id)["provenance"]["model_calls"]) for id in ids}
    return Takeover(
        jobs=len(victim.jobs),
        submitted=len(ids),
        succeeded=succeeded,
        moved=moved.n,
        moved_after_s=moved_after,
        finished_after_s=finished_after,
        finished_steps=len(finished),
        paid_again=sum(receipts[id][task] - paid[id, task] for id, task in finished),
        unaccounted_calls=max(0, service.calls_served() - before - sum(receipt.total() for receipt in receipts.values())),
    )
