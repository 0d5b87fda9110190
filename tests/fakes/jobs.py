"""An in-memory stand-in for the jobs behind the door, for tests of the door alone."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from crew.domain.analysis import Analysis, AnalysisRequest, Event, EventType, Failure, Origin, Progress, Status
from crew.domain.batch import Batch, BatchItem, OnError, Wanted
from crew.domain.ids import new_id
from crew.domain.report import Report
from crew.errors import AnalysisActive, Gone, NotCancelable, NotFound, ReportNotReady, StoreUnavailable
from crew.jobs.readiness import JobCounts, JobDetail, WorkerSeen

START = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True)
class FakeSubmission:
    """What `submit` answers."""

    analysis: Analysis
    outcome: Literal["created", "joined", "reused"]


@dataclass(frozen=True)
class FakeCheck:
    """One dependency's state."""

    ok: bool
    detail: str


@dataclass
class FakeReadiness:
    """The state of every dependency."""

    checks: dict[str, FakeCheck] = field(default_factory=lambda: {"database": FakeCheck(True, "ok"), "worker": FakeCheck(True, "1 worker")})


class FakeJobs:
    """Keeps analyses in a dictionary. The test plays the worker through `start`, `log` and `finish`."""

    def __init__(self, *first_ids: str) -> None:
        self._first_ids = first_ids
        self.analyses: dict[str, Analysis] = {}
        self.logs: dict[str, list[Event]] = {}
        self.reports: dict[str, Report] = {}
        self.deleted: dict[str, Analysis] = {}
        self.kept_batches: dict[str, Batch] = {}
        self.ready = FakeReadiness()
        self.broken = False
        self._lock = threading.RLock()

    @property
    def batches(self) -> "FakeBatches":
        """Batches over these jobs."""
        return FakeBatches(self)

    def submit(self, request: AnalysisRequest, *, tenant: str, request_id: str | None = None, origin: Origin | None = None) -> FakeSubmission:
        """Join what is under way, else create."""
        self._check()
        with self._lock:
            for known in self.analyses.values():
                if known.tenant == tenant and known.request == request and not known.is_terminal:
                    return FakeSubmission(known, "joined")
                if known.tenant == tenant and known.request == request and known.status == "succeeded" and not request.force:
                    return FakeSubmission(known, "reused")
            number = len(self.analyses) + len(self.deleted)
            made_id = self._id(number)
            created = START + timedelta(seconds=number)
            made = Analysis(id=made_id, tenant=tenant, request=request, status="queued", progress=Progress(total_tasks=4), created_at=created)
            made = made.model_copy(update={"origin": origin or Origin()})
            self.analyses[made_id], self.logs[made_id] = made, []
            self.log(made_id, "analysis.queued", request_id=request_id)
            return FakeSubmission(made, "created")

    def get(self, id: str, *, tenant: str) -> Analysis:
        """One of the tenant's analyses."""
        self._check()
        found = self.analyses.get(id)
        if id in self.deleted and self.deleted[id].tenant == tenant:
            raise Gone("The analysis was deleted.")
        if found is None or found.tenant != tenant:
            raise NotFound("There is no such analysis.")
        return found

    def status(self, id: str, *, tenant: str) -> Status:
        """The status of one of the tenant's analyses."""
        return self.get(id, tenant=tenant).status

    def list(
        self,
        *,
        tenant: str,
        limit: int,
        before: tuple[datetime, str] | None = None,
        status: Status | None = None,
        symbol: str | None = None,
        batch_id: str | None = None,
        schedule_id: str | None = None,
        created_after: datetime | None = None,
    ) -> Sequence[Analysis]:
        """The tenant's analyses, newest first."""
        self._check()
        found = [
            item
            for item in self.analyses.values()
            if item.tenant == tenant and status in {None, item.status} and symbol in {None, item.request.symbol}
            if schedule_id is None and batch_id in {None, item.origin.batch_id} and (created_after is None or item.created_at > created_after)
        ]
        found.sort(key=lambda item: (item.created_at, item.id), reverse=True)
        return [item for item in found if before is None or (item.created_at, item.id) < before][:limit]

    def cancel(self, id: str, *, tenant: str) -> Analysis:
        """Cancel at once when queued, ask when running."""
        found = self.get(id, tenant=tenant)
        if found.status in {"succeeded", "failed"}:
            raise NotCancelable(f"The analysis has already {found.status}.")
        if found.status == "queued":
            return self.finish(id, "canceled")
        self.analyses[id] = found.model_copy(update={"cancel_requested_at": START}) if found.status == "running" else found
        return self.analyses[id]

    def events(self, id: str, *, tenant: str, after: int = 0, limit: int = 100) -> Sequence[Event]:
        """The log behind `after`."""
        self.get(id, tenant=tenant)
        with self._lock:
            return [event for event in self.logs[id] if event.seq > after][:limit]

    def retry(self, id: str, *, tenant: str, request_id: str | None = None, key_id: str | None = None) -> FakeSubmission:
        """Submit the same again."""
        found = self._ended(id, tenant)
        again = found.request.model_copy(update={"force": True})
        return self.submit(again, tenant=tenant, request_id=request_id, origin=Origin(retried_from=id, key_id=key_id))

    def delete(self, id: str, *, tenant: str) -> None:
        """Forget an ended analysis."""
        self._ended(id, tenant)
        with self._lock:
            self.deleted[id] = self.analyses.pop(id)
            del self.logs[id]

    def _ended(self, id: str, tenant: str) -> Analysis:
        found = self.get(id, tenant=tenant)
        if not found.is_terminal:
            raise AnalysisActive(f"The analysis is {found.status}.")
        return found

    def pulses(self, ids: Sequence[str], *, tenant: str) -> dict[str, tuple[int, bool]]:
        """The last number and the end of each."""
        self._check()
        with self._lock:
            mine = [self.analyses[id] for id in ids if id in self.analyses and self.analyses[id].tenant == tenant]
            return {item.id: (self.logs[item.id][-1].seq, item.is_terminal) for item in mine}

    def report(self, id: str, *, tenant: str) -> Report:
        """The report that `finish` was given."""
        self.get(id, tenant=tenant)
        if id not in self.reports:
            raise ReportNotReady("There is no report yet.")
        return self.reports[id]

    def readiness(self) -> FakeReadiness:
        """What the test set."""
        return self.ready

    def detail(self) -> JobDetail:
        """The states of all analyses, and one worker."""
        self._check()
        states = [item.status for item in self.analyses.values()]
        counts = JobCounts(by_status={status: states.count(status) for status in set(states)}, oldest_waiting_s=0.0)
        return JobDetail(counts=counts, workers=(WorkerSeen(name="worker-1", up_s=60.0, silent_s=0.5),))

    def close(self) -> None:
        """Nothing to give back."""

    def start(self, id: str) -> None:
        """Play the worker: begin."""
        self.analyses[id] = self.analyses[id].model_copy(update={"status": "running", "started_at": START})
        self.log(id, "analysis.started")

    def log(self, id: str, type: EventType, **data: Any) -> None:
        """Play the worker: append an event."""
        with self._lock:
            log = self.logs[id]
            log.append(Event(analysis_id=id, seq=len(log) + 1, type=type, at=START + timedelta(seconds=len(log)), data=data))

    def finish(
        self, id: str, status: Literal["succeeded", "failed", "canceled"], *, report: Report | None = None, code: str = "stale_data"
    ) -> Analysis:
        """Play the worker: end."""
        failure = Failure(code=code, message="There is no price that old.", retryable=False) if status == "failed" else None
        changed = {"status": status, "finished_at": START, "failure": failure, "report_status": report.status if report else None}
        with self._lock:
            if report is not None:
                self.reports[id] = report
            self.analyses[id] = self.analyses[id].model_copy(update=changed)
            self.log(id, f"analysis.{status}")
        return self.analyses[id]

    def _id(self, number: int) -> str:
        if number < len(self._first_ids):
            return self._first_ids[number]
        return "an_" + "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(26)))

    def _check(self) -> None:
        if self.broken:
            raise StoreUnavailable("unable to open database file /secret/place/stockcrew.db")


class FakeBatches:
    """Batches as the door needs them: each item submitted, none of the rules about stopping."""

    def __init__(self, jobs: FakeJobs) -> None:
        self._jobs = jobs

    def create(self, wanted: Sequence[Wanted], *, tenant: str, on_error: OnError, request_id: str | None = None, key_id: str | None = None) -> Batch:
        """Submit every item that is not refused."""
        id, items = new_id("ba"), []
        for index, one in enumerate(wanted):
            if one.request is None:
                items.append(BatchItem(index=index, outcome="refused", refusal=one.refusal))
                continue
            made = self._jobs.submit(one.request, tenant=tenant, request_id=request_id, origin=Origin(batch_id=id, key_id=key_id, labels=one.labels))
            items.append(BatchItem(index=index, outcome=made.outcome, analysis_id=made.analysis.id))
        self._jobs.kept_batches[id] = Batch(id=id, tenant=tenant, on_error=on_error, created_at=START, items=tuple(items))
        return self.get(id, tenant=tenant)

    def get(self, id: str, *, tenant: str) -> Batch:
        """One batch with the states of its analyses."""
        found = self._jobs.kept_batches.get(id)
        if found is None or found.tenant != tenant:
            raise NotFound("There is no such batch.")
        known = self._jobs.analyses
        items = [item.model_copy(update={"status": known[item.analysis_id].status if item.analysis_id in known else None}) for item in found.items]
        return found.model_copy(update={"items": tuple(items)})

    def cancel(self, id: str, *, tenant: str) -> Batch:
        """Cancel what was made for it."""
        for item in self.get(id, tenant=tenant).items:
            if item.outcome == "created" and item.analysis_id in self._jobs.analyses and not self._jobs.analyses[item.analysis_id].is_terminal:
                self._jobs.cancel(item.analysis_id, tenant=tenant)
        return self.get(id, tenant=tenant)
