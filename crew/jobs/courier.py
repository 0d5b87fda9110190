"""The worker's courier: claims due deliveries, sends several at once, notes how each went."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import prometheus_client as prometheus
import sqlalchemy as sa
import structlog

from crew.domain.targets import TargetPolicy
from crew.errors import ConfigurationError, Gone, NotFound, StoreUnavailable
from crew.jobs.loop import Loop
from crew.jobs.messages import Composer
from crew.jobs.outbound import Reply, Sender
from crew.secret import secret_key
from crew.settings import Settings
from crew.store.analyses import AnalysisStore, utc_now
from crew.store.deliveries import DeliveryStore
from crew.store.hooks import HookStore
from crew.store.sealing import Seal

log = structlog.get_logger(__name__)
HOUSEKEEPING_EVERY_S = 3600.0
_COUNT_EVERY_S = 5.0
# Beyond the time to send: for resolving the name and for noting the outcome.
_MARGIN = timedelta(seconds=10)
_PER_TARGET = 2
_NOTE_TRIES, _NOTE_PAUSE_S = 5, 0.5


def lengthened(pause: timedelta) -> timedelta:
    """`pause` and up to a tenth more."""
    return pause * (1 + random.random() / 10)  # noqa: S311 - nothing secret


class CourierMetrics:
    """What the courier did."""

    def __init__(self, registry: prometheus.CollectorRegistry) -> None:
        self.attempts = prometheus.Counter("stockcrew_webhook_attempts", "Attempts to deliver webhooks", ("outcome",), registry=registry)
        self.seconds = prometheus.Histogram("stockcrew_webhook_duration_seconds", "Time of one attempt", registry=registry)
        self.due = prometheus.Gauge("stockcrew_webhooks_due", "Webhooks that are due and not delivered yet", registry=registry)
        self.oldest = prometheus.Gauge("stockcrew_webhooks_oldest_due_seconds", "Seconds the oldest of them has been due", registry=registry)


class Courier:
    """Delivers webhooks until `stop`.

    Args:
        engine: the database.
        settings: timeout, concurrency, allowed networks, retention.
        worker: this worker's name, new at every start.
        registry: where metrics are kept.
        sender: sends; the real one unless a test brings its own.
        clock: gives the time in UTC.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        worker: str,
        *,
        registry: prometheus.CollectorRegistry,
        sender: Sender | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        seal = Seal(lambda: secret_key(settings))
        self._settings = settings
        self._worker = worker
        self._clock = clock
        self._deliveries = DeliveryStore(engine, clock=clock, jitter=lengthened)
        self._hooks = HookStore(engine, seal, clock=clock)
        self._composer = Composer(engine, AnalysisStore(engine, clock=clock), seal, base_url=settings.public_url, clock=clock)
        self._sender = sender or Sender(TargetPolicy(settings.webhook_allowed_networks), timeout_s=settings.webhook_timeout_s)
        self._metrics = CourierMetrics(registry)
        self._lease = timedelta(seconds=settings.webhook_timeout_s) + _MARGIN
        self._pool = ThreadPoolExecutor(settings.webhook_concurrency, thread_name_prefix="courier")
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._cleaned_at = self._counted_at = float("-inf")
        self._loop = Loop("courier", self.round, interval_s=settings.poll_interval_s)

    def start(self) -> None:
        """Begin. On SQLite, whose one worker this is, what a predecessor was sending is sent again at once."""
        if self._settings.is_sqlite:
            self._deliveries.release()
        self._loop.start()

    def stop(self, *, within_s: float) -> None:
        """Claim nothing more, let what is being sent end for `within_s` seconds, give the rest back."""
        self._loop.stop()
        deadline = time.monotonic() + within_s
        while self._busy() and time.monotonic() < deadline:
            time.sleep(0.05)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._deliveries.release(self._worker)

    def round(self) -> bool:
        """Claim what is due and can be sent now, and hand it to the threads; whether anything was."""
        self._clean_up()
        self._count()
        with self._lock:
            free = self._settings.webhook_concurrency - self._under_way.total()
            busy = [target for target, number in self._under_way.items() if number >= _PER_TARGET]
        if free <= 0:
            return False
        claimed = self._deliveries.claim(self._worker, limit=free, lease=self._lease, busy=busy)
        for delivery in claimed:
            with self._lock:
                self._under_way[delivery.target] += 1
            self._pool.submit(self._carry, delivery)
        return bool(claimed)

    def _busy(self) -> bool:
        with self._lock:
            return self._under_way.total() > 0

    def _carry(self, delivery: sa.Row[Any]) -> None:
        try:
            self.deliver(delivery)
        except StoreUnavailable as error:
            # The claim runs out, and the delivery is made again.
            log.warning("webhook_outcome_lost", delivery_id=delivery.id, problem=error.message)
        except Exception:
            log.exception("webhook_crashed", delivery_id=delivery.id)
        finally:
            with self._lock:
                self._under_way[delivery.target] -= 1
                self._under_way += Counter()

    def deliver(self, delivery: sa.Row[Any]) -> bool:
        """Make one attempt on a claimed delivery and note it; False when somebody else had taken it over.

        Raises:
            StoreUnavailable: the database stayed away; the attempt is made again.
        """
        final = False
        try:
            message = self._composer.message(delivery)
        except (NotFound, Gone) as problem:
            reply, final = Reply(None, problem.message, 0), True
        except StoreUnavailable:
            raise
        except ConfigurationError as problem:
            log.error("webhook_not_signed", delivery_id=delivery.id, problem=problem.message)
            reply = Reply(None, problem.message, 0)
        except Exception as problem:
            log.exception("webhook_not_made", delivery_id=delivery.id)
            reply = Reply(None, f"the message could not be made ({type(problem).__name__})", 0)
        else:
            reply = self._sender.post(message.url, message.headers, message.body)
        noted = self._note(delivery, reply, final=final)
        outcome = "delivered" if reply.error is None else "failed"
        self._metrics.attempts.labels(outcome).inc()
        self._metrics.seconds.observe(reply.milliseconds / 1000)
        log.info(
            "webhook_attempted", delivery_id=delivery.id, outcome=outcome, status=reply.status, problem=reply.error, milliseconds=reply.milliseconds
        )
        return noted

    def _note(self, delivery: sa.Row[Any], reply: Reply, *, final: bool) -> bool:
        record = partial(
            self._deliveries.record,
            delivery,
            status=reply.status,
            error=reply.error,
            milliseconds=reply.milliseconds,
            retry_after=reply.retry_after,
            final=final,
        )
        for _ in range(_NOTE_TRIES - 1):
            try:
                return record()
            except StoreUnavailable:
                time.sleep(_NOTE_PAUSE_S)
        return record()

    def _count(self) -> None:
        if time.monotonic() - self._counted_at < _COUNT_EVERY_S:
            return
        self._counted_at = time.monotonic()
        number, oldest = self._deliveries.counts()
        self._metrics.due.set(number)
        self._metrics.oldest.set(max(0.0, (self._clock() - oldest).total_seconds()) if oldest else 0.0)

    def _clean_up(self) -> None:
        if time.monotonic() - self._cleaned_at < HOUSEKEEPING_EVERY_S:
            return
        self._cleaned_at = time.monotonic()
        before = self._clock() - timedelta(days=self._settings.webhook_log_days)
        deliveries = self._deliveries.delete_old(before)
        hooks = self._hooks.delete_old(before)
        log.info("webhook_housekeeping", deliveries_deleted=deliveries, hooks_deleted=hooks)
