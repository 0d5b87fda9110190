"""Builds the Flask application from settings and jobs."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any

from flask import Flask

from api import amp, contract, hooks, problems, proxies, security
from api.auth import Authenticator
from api.automation import Automation
from api.counters import Counters, configured_counters
from api.cursors import CursorSigner
from api.leases import configured_leases
from api.metrics import HttpMetrics
from api.paths import SNAPSHOT
from api.ports import Jobs
from api.rates import Rates
from api.representations import ReportCache
from api.routes import RESOURCES
from api.routes.operations import worded
from api.services import SLOT, Services
from api.sse import StreamGate
from api.uploads import UPLOADS_AT_ONCE
from crew.secret import secret_key
from crew.settings import Settings
from crew.store.documents import DocumentStore
from crew.store.engine import make_engine
from crew.store.idempotency import IdempotencyStore
from crew.store.keys import KeyStore
from crew.store.tickets import TicketStore
from crew.store.usage import UsageStore
from crew.telemetry import Tracing, configured_tracing

_RESERVED_THREADS = 8


class _Door(Flask):
    """Flask without what nothing here uses and every request would pay for: there are no coroutines among the views and hooks."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """`func` as it is."""
        return func


def utc_now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    jobs: Jobs | None = None,
    clock: Callable[[], datetime] = utc_now,
    tracing: Tracing | None = None,
    counters: Counters | None = None,
) -> Flask:
    """The application. Without `jobs` it opens the configured database; without `tracing`, spans go where the settings say.

    `counters` count requests and failed logins, as the settings say without them.

    Raises:
        ConfigurationError: the settings cannot be used.
    """
    app = _Door("api", static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, MAX_FORM_MEMORY_SIZE=settings.max_body_bytes, PROPAGATE_EXCEPTIONS=False)
    app.url_map.strict_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    proxies.register(app, settings)
    engine = make_engine(settings, pool_size=10, busy_timeout_s=10)
    rates, keys = Rates(settings, counters or configured_counters(settings)), KeyStore(engine, clock=clock)
    tickets = TicketStore(engine, clock=clock)
    app.extensions[SLOT] = Services(
        settings=settings,
        jobs=jobs if jobs is not None else _configured_jobs(settings),
        clock=clock,
        cursors=CursorSigner(secret_key(settings)),
        streams=StreamGate(stream_capacity(settings.threads), longest_s=settings.stream_max_s),
        metrics=HttpMetrics(),
        reports=ReportCache(),
        idempotency=IdempotencyStore(engine, clock=clock),
        keys=keys,
        rates=rates,
        auth=Authenticator(keys, rates, tickets=tickets, required=settings.env != "local", clock=clock),
        tickets=tickets,
        usage=UsageStore(engine, clock=clock),
        documents=DocumentStore(engine, clock=clock),
        uploads=BoundedSemaphore(UPLOADS_AT_ONCE),
        automation=Automation.over(engine, settings, clock=clock),
        leases=configured_leases(settings),
        tracing=tracing or configured_tracing(settings, service="stockcrew-api"),
    )
    app.extensions["stockcrew.openapi"] = json.dumps(json.loads(SNAPSHOT.read_text(encoding="utf-8")), ensure_ascii=False)
    amp.register(app)
    app.jinja_env.filters["worded"] = worded
    problems.register(app)
    contract.mount(app, RESOURCES)
    security.register(app, settings)
    hooks.register(app)
    return app


def stream_capacity(threads: int) -> int:
    """Streams that may be open at once: every stream holds a thread, and some must stay free for everything else."""
    return max(1, threads - max(_RESERVED_THREADS, threads // 8)) if threads > _RESERVED_THREADS else max(1, threads // 2)


def _configured_jobs(settings: Settings) -> Jobs:
    from crew.jobs.client import JobClient  # noqa: PLC0415 - the database driver is needed only where no jobs are given

    return JobClient(settings)
