"""What the routes of webhooks, watchlists and schedules work with, over one database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import sqlalchemy as sa

from crew.domain.targets import TargetPolicy
from crew.secret import secret_key
from crew.settings import Settings
from crew.store.deliveries import DeliveryStore
from crew.store.hooks import HookStore
from crew.store.runs import RunStore
from crew.store.schedules import ScheduleStore
from crew.store.sealing import Seal
from crew.store.watchlists import WatchlistStore
from crew.store.webhook_secrets import SecretStore
from crew.store.webhooks import EndpointStore


@dataclass(frozen=True)
class Automation:
    """The stores, and which addresses webhooks may go to."""

    endpoints: EndpointStore
    deliveries: DeliveryStore
    hooks: HookStore
    secrets: SecretStore
    watchlists: WatchlistStore
    schedules: ScheduleStore
    runs: RunStore
    targets: TargetPolicy

    @classmethod
    def over(cls, engine: sa.Engine, settings: Settings, *, clock: Callable[[], datetime]) -> Self:
        """All of it over `engine`."""
        seal = Seal(lambda: secret_key(settings))
        return cls(
            endpoints=EndpointStore(engine, seal, clock=clock),
            deliveries=DeliveryStore(engine, clock=clock),
            hooks=HookStore(engine, seal, clock=clock),
            secrets=SecretStore(engine, seal, clock=clock),
            watchlists=WatchlistStore(engine, clock=clock),
            schedules=ScheduleStore(engine, clock=clock),
            runs=RunStore(engine, clock=clock),
            targets=TargetPolicy(settings.webhook_allowed_networks),
        )
