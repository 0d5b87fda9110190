"""A database with the stores of webhooks and a courier that works when told to, in time that the test moves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import prometheus_client
from fakes.manual_time import ManualTime

from crew.domain.analysis import AnalysisRequest
from crew.domain.ids import new_id
from crew.domain.webhooks import ENDPOINT_EVENTS, Delivery, WebhookEndpoint
from crew.jobs.courier import Courier
from crew.secret import secret_key
from crew.settings import Settings
from crew.store.analyses import AnalysisStore
from crew.store.deliveries import DeliveryStore
from crew.store.engine import make_engine
from crew.store.hooks import HookStore
from crew.store.sealing import Seal
from crew.store.webhooks import EndpointStore

TENANT = "acme"


class World:
    """A database with its stores and a courier, in manual time near the real one, so that signatures are fresh."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.time = ManualTime(datetime.now(UTC).replace(microsecond=0))
        self.engine = make_engine(settings, pool_size=10)
        self.analyses = AnalysisStore(self.engine, clock=self.time.now)
        seal = Seal(lambda: secret_key(settings))
        self.endpoints = EndpointStore(self.engine, seal, clock=self.time.now)
        self.hooks = HookStore(self.engine, seal, clock=self.time.now)
        self.deliveries = DeliveryStore(self.engine, clock=self.time.now)
        self.couriers: list[Courier] = []

    def courier(self, name: str = "w1", **changes: Any) -> Courier:
        """A courier, which works only when told to."""
        settings = self.settings.model_copy(update=changes)
        made = Courier(self.engine, settings, name, registry=prometheus_client.CollectorRegistry(), clock=self.time.now)
        self.couriers.append(made)
        return made

    def endpoint(self, url: str, **more: Any) -> tuple[WebhookEndpoint, str]:
        """An endpoint of the tenant and its secret."""
        return self.endpoints.create(**({"tenant": TENANT, "url": url, "description": "", "event_types": ENDPOINT_EVENTS} | more))

    def analysis(self, symbol: str = "AAPL", tenant: str = TENANT) -> str:
        """The id of a queued analysis."""
        id = new_id("an")
        with self.analyses.transaction() as connection:
            self.analyses.insert(connection, id, AnalysisRequest(symbol=symbol), tenant=tenant, total_tasks=4, request_id=None)
        return id

    def deliver_due(self, courier: Courier | None = None) -> int:
        """Make every due delivery that can be claimed at once, in the order of the claims; how many."""
        one = courier or self.courier()
        claimed = self.deliveries.claim("w1", limit=100, lease=timedelta(seconds=30))
        return sum(one.deliver(row) for row in claimed)

    def log(self, **filters: Any) -> list[Delivery]:
        """The deliveries, oldest first."""
        return list(self.deliveries.list(tenant=TENANT, limit=500, **filters))[::-1]

    def close(self) -> None:
        """Give back connections."""
        for courier in self.couriers:
            courier.stop(within_s=0)
        self.engine.dispose()
