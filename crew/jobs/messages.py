"""Makes the message of a claimed delivery: where it goes, its headers, its body. Only here are the secrets opened."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crew import __version__
from crew.domain.webhooks import thin_payload
from crew.errors import NotFound
from crew.jobs.amp_payloads import hook_payload
from crew.jobs.signing import signed_headers
from crew.store.analyses import AnalysisStore
from crew.store.connect import connected
from crew.store.moments import aware
from crew.store.sealing import Seal
from crew.store.webhook_secrets import SecretStore
from crew.store.webhook_tables import analysis_hooks, webhook_endpoints
from crew.store.webhooks import signing_secrets

_PLAIN = {"Content-Type": "application/json", "User-Agent": f"StockCrew-Webhooks/{__version__}", "Accept": "*/*", "Connection": "close"}


@dataclass(frozen=True)
class Message:
    """What is sent. It never shows its headers, some of which are secrets."""

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Composer:
    """Makes messages.

    Args:
        engine: the database.
        store: the analyses in it.
        seal: opens the secrets.
        base_url: put before links; empty leaves them relative.
        clock: gives the time in UTC.
    """

    def __init__(self, engine: sa.Engine, store: AnalysisStore, seal: Seal, *, base_url: str, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._store = store
        self._seal = seal
        self._base_url = base_url
        self._clock = clock
        self._secrets = SecretStore(engine, seal, clock=clock)

    def message(self, delivery: sa.Row[Any]) -> Message:
        """The message of a row of `webhook_deliveries`.

        Raises:
            NotFound: the receiver or the analysis is no longer there.
            ConfigurationError: a secret cannot be opened.
        """
        return self._to_endpoint(delivery) if delivery.endpoint_id is not None else self._to_hook(delivery)

    def _to_endpoint(self, delivery: sa.Row[Any]) -> Message:
        endpoint = self._row(webhook_endpoints, delivery.endpoint_id)
        subject = delivery.analysis_id or endpoint.id
        return self._signed(endpoint.url, delivery, subject, signing_secrets(self._seal, endpoint, context=endpoint.id, now=self._clock()))

    def _signed(self, url: str, delivery: sa.Row[Any], subject: str, secrets: list[str]) -> Message:
        body = _encoded(thin_payload(delivery.event_type, aware(delivery.created_at), subject, base_url=self._base_url))
        return Message(url, _PLAIN | signed_headers(delivery.id, self._clock(), body, secrets), body)

    def _to_hook(self, delivery: sa.Row[Any]) -> Message:
        hook = self._row(analysis_hooks, delivery.hook_id)
        if hook.kind == "analysis":
            self._store.get(delivery.analysis_id)
            secrets = self._secrets.signing(hook.tenant)
            return self._signed(hook.url, delivery, delivery.analysis_id, secrets)
        payload = hook_payload(
            self._store,
            delivery.analysis_id,
            hook.kind,
            seqs=(delivery.first_seq, delivery.last_seq),
            meta=json.loads(hook.meta) if hook.meta else None,
            wanted=json.loads(hook.event_types) if hook.event_types else None,
        )
        headers = _PLAIN | {"webhook-id": delivery.id, "webhook-timestamp": str(int(self._clock().timestamp()))}
        if hook.authorization is not None:
            headers["Authorization"] = self._seal.open(hook.authorization, context=hook.id)
        return Message(hook.url, headers, _encoded(payload))

    def _row(self, table: sa.Table, id: str) -> sa.Row[Any]:
        with connected(self._engine) as connection:
            row = connection.execute(sa.select(table).where(table.c.id == id)).first()
        if row is None:
            raise NotFound("the receiver is no longer there")
        return row


def _encoded(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
