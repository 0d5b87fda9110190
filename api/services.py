"""What the routes work with, built once per process and hung on the application."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import cast

from flask import Flask, current_app

from api.auth import Authenticator
from api.automation import Automation
from api.cursors import CursorSigner
from api.leases import Leases
from api.metrics import HttpMetrics
from api.ports import Jobs
from api.rates import Rates
from api.representations import ReportCache
from api.sse import StreamGate
from crew.settings import Settings
from crew.store.documents import DocumentStore
from crew.store.idempotency import IdempotencyStore
from crew.store.keys import KeyStore
from crew.store.tickets import TicketStore
from crew.store.usage import UsageStore
from crew.telemetry import Tracing

SLOT = "stockcrew"


@dataclass(frozen=True)
class Services:
    """Everything a route may use. `clock` gives the time in UTC."""

    settings: Settings
    jobs: Jobs
    clock: Callable[[], datetime]
    cursors: CursorSigner
    streams: StreamGate
    metrics: HttpMetrics
    reports: ReportCache
    idempotency: IdempotencyStore
    keys: KeyStore
    rates: Rates
    auth: Authenticator
    documents: DocumentStore
    uploads: BoundedSemaphore
    tickets: TicketStore
    usage: UsageStore
    automation: Automation
    leases: Leases
    tracing: Tracing


def services() -> Services:
    """The services of the application that answers the current request."""
    return of(current_app)


def of(app: Flask) -> Services:
    """The services of `app`."""
    return cast("Services", app.extensions[SLOT])
