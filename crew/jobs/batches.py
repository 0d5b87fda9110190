"""Batches as clients use them: made in one transaction, looked at, canceled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from crew.domain.analysis import Origin
from crew.domain.batch import Batch, BatchItem, OnError, Refusal, Wanted
from crew.domain.ids import new_id
from crew.errors import InputError
from crew.store.batches import BatchStore

if TYPE_CHECKING:
    import sqlalchemy as sa

    from crew.jobs.client import JobClient

STOPPED = Refusal(code="batch_stopped", message="An item before this one was refused, and the batch stops on errors.")


class BatchClient:
    """The batches of all tenants. Every method raises StoreUnavailable when the database cannot be used.

    Args:
        jobs: submits the analyses.
        store: keeps the batches.
        ids: makes the id of a new batch.
    """

    def __init__(self, jobs: JobClient, store: BatchStore, *, ids: Callable[[], str] = lambda: new_id("ba")) -> None:
        self._jobs = jobs
        self._store = store
        self._ids = ids

    def create(self, wanted: Sequence[Wanted], *, tenant: str, on_error: OnError, request_id: str | None = None, key_id: str | None = None) -> Batch:
        """Make a batch with all its analyses, or nothing of it. What is wrong with one item is told in that item.

        Raises:
            Overloaded: there is no room for all that would have to wait.
        """
        id = self._ids()
        with self._jobs.transaction() as connection:
            self._store.open(connection, id, tenant=tenant, on_error=on_error)
            items: list[BatchItem] = []
            for index, one in enumerate(wanted):
                if on_error == "stop" and items and items[-1].refusal is not None:
                    items.append(BatchItem(index=index, outcome="skipped", refusal=STOPPED))
                    continue
                origin = Origin(key_id=key_id, batch_id=id, labels=one.labels)
                items.append(self._item(connection, index, one, tenant=tenant, request_id=request_id, origin=origin))
            self._store.add(connection, id, items)
            if any(item.outcome == "created" for item in items):
                self._jobs.require_room(connection)
        return self.get(id, tenant=tenant)

    def _item(self, connection: sa.Connection, index: int, one: Wanted, *, tenant: str, request_id: str | None, origin: Origin) -> BatchItem:
        if one.request is None:
            return BatchItem(index=index, outcome="refused", refusal=one.refusal)
        try:
            made = self._jobs.submit_within(connection, one.request, tenant=tenant, request_id=request_id, origin=origin)
        except InputError as error:
            return BatchItem(index=index, outcome="refused", refusal=Refusal(code=error.code, message=error.message))
        return BatchItem(index=index, outcome=made.outcome, analysis_id=made.analysis.id, status=made.analysis.status)

    def get(self, id: str, *, tenant: str) -> Batch:
        """One batch as it is now.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with self._jobs.transaction() as connection:
            return self._store.get(connection, id, tenant=tenant)

    def cancel(self, id: str, *, tenant: str) -> Batch:
        """Ask every analysis that was made for the batch and has not ended to stop. Analyses that it joined are left alone.

        Raises:
            NotFound: there is none, or it belongs to another tenant.
        """
        with self._jobs.transaction() as connection:
            self._store.get(connection, id, tenant=tenant)
            self._jobs.cancel_within(connection, self._store.note_cancel(connection, id))
        return self.get(id, tenant=tenant)
