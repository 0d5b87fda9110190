"""What the door needs from the jobs behind it, so that it can be tested and served with any implementation."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from crew.domain.analysis import Analysis, AnalysisRequest, Event, Origin, Status
from crew.domain.batch import Batch, OnError, Wanted
from crew.domain.report import Report


class Submitted(Protocol):
    """A submitted analysis and whether it is new, joined one that is under way, or is a finished one that is fresh enough."""

    @property
    def analysis(self) -> Analysis:
        """The analysis that answers the request."""

    @property
    def outcome(self) -> Literal["created", "joined", "reused"]:
        """How it came to answer the request."""


class Check(Protocol):
    """One thing the service depends on."""

    @property
    def ok(self) -> bool:
        """Whether it can be used."""

    @property
    def detail(self) -> str:
        """One sentence on its state."""


class Ready(Protocol):
    """Whether jobs can be accepted and carried out."""

    @property
    def checks(self) -> Mapping[str, Check]:
        """Each dependency by name; `worker` is the one without which jobs wait."""


class Counts(Protocol):
    """How many analyses of all tenants are in each state, and how long the oldest has been waiting."""

    @property
    def by_status(self) -> Mapping[Status, int]:
        """By state; one in which there are none may be missing."""

    @property
    def oldest_waiting_s(self) -> float:
        """Seconds since the oldest queued one was made."""


class Worker(Protocol):
    """One worker as its heartbeats show it."""

    @property
    def name(self) -> str:
        """Its name, new at every start."""

    @property
    def up_s(self) -> float:
        """Seconds since it started."""

    @property
    def silent_s(self) -> float:
        """Seconds since it was last seen."""


class Detail(Protocol):
    """What an operator wants to know of the jobs."""

    @property
    def counts(self) -> Counts:
        """The analyses of all tenants."""

    @property
    def workers(self) -> Sequence[Worker]:
        """The workers that have announced themselves."""


class Batches(Protocol):
    """The batches of all tenants. Every method raises StoreUnavailable when the database cannot be used."""

    def create(self, wanted: Sequence[Wanted], *, tenant: str, on_error: OnError, request_id: str | None = None, key_id: str | None = None) -> Batch:
        """Make a batch with all its analyses, or nothing of it."""

    def get(self, id: str, *, tenant: str) -> Batch:
        """One batch.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """

    def cancel(self, id: str, *, tenant: str) -> Batch:
        """Ask what was made for the batch and has not ended to stop.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """


class Jobs(Protocol):
    """The analyses of all tenants. Every method raises StoreUnavailable when the database cannot be used."""

    @property
    def batches(self) -> Batches:
        """Analyses asked for together."""

    def submit(self, request: AnalysisRequest, *, tenant: str, request_id: str | None = None, origin: Origin | None = None) -> Submitted:
        """Store and enqueue `request`, or find the analysis that already answers it."""

    def retry(self, id: str, *, tenant: str, request_id: str | None = None, key_id: str | None = None) -> Submitted:
        """Submit the request of an ended analysis again.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            AnalysisActive: it has not ended yet.
        """

    def delete(self, id: str, *, tenant: str) -> None:
        """Delete an ended analysis with all that is its own.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            AnalysisActive: it has not ended yet.
        """

    def pulses(self, ids: Sequence[str], *, tenant: str) -> Mapping[str, tuple[int, bool]]:
        """Of each of the tenant's analyses among `ids`: the number of its last event, and whether it has ended."""

    def get(self, id: str, *, tenant: str) -> Analysis:
        """One analysis.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """

    def status(self, id: str, *, tenant: str) -> Status:
        """The status of one analysis, for who needs no more of it.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """

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
        """Up to `limit` analyses, newest first, older than `before` (creation time and id)."""

    def cancel(self, id: str, *, tenant: str) -> Analysis:
        """Ask the analysis to stop.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
            NotCancelable: it has already succeeded or failed.
        """

    def events(self, id: str, *, tenant: str, after: int = 0, limit: int = 100) -> Sequence[Event]:
        """Up to `limit` events with `seq` greater than `after`, oldest first."""

    def report(self, id: str, *, tenant: str) -> Report:
        """The finished report.

        Raises:
            NotFound: there is no such analysis, or it belongs to another tenant.
            ReportNotReady: it has no report.
        """

    def readiness(self) -> Ready:
        """Look at the database, the migrations and the workers. Never raises."""

    def detail(self) -> Detail:
        """What an operator wants to know of queue and workers.

        Raises:
            StoreUnavailable: the database cannot be used.
        """

    def close(self) -> None:
        """Give back connections."""
