"""How gunicorn runs the API: one process with many threads, limits on what a client may send, and a shutdown that ends open streams."""

import ctypes
import gc
import logging
import signal
from threading import BoundedSemaphore
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

from api.front import PatientWorker
from api.metrics import forget_process
from api.patience import Patience
from api.services import SLOT, of
from crew.settings import Settings

GRACEFUL_S = 10
_IDLE_CONNECTIONS = 512
# Longer than load balancers and clients keep an idle connection: the side that sends requests must be the one that closes (ADR 40).
KEEPALIVE_S = 75
_M_ARENA_MAX = -8  # as malloc.h has it


class PlainLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Leaves gunicorn's own records to the process's logging, instead of a second format of their own."""

    def setup(self, cfg: Config) -> None:
        """Pass every record on to the root logger."""
        self.cfg = cfg
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.getLogger().getEffectiveLevel())
        self.access_log.handlers = []
        self.access_log.propagate = False


def options(settings: Settings, *, descriptor: int) -> dict[str, Any]:
    """Gunicorn's settings for the listening socket `descriptor`."""
    return {
        "bind": [f"fd://{descriptor}"],
        "worker_class": worker_class(settings),
        "workers": settings.web_concurrency,
        "threads": settings.threads,
        "worker_connections": settings.threads + _IDLE_CONNECTIONS,
        "timeout": 60,
        "graceful_timeout": GRACEFUL_S,
        "keepalive": KEEPALIVE_S,
        "backlog": 1024,
        "sendfile": False,  # past what keeps threads from waiting for slow clients
        "forwarded_allow_ips": "",  # gunicorn itself believes no proxy: api/proxies.py decides
        "limit_request_line": 4094,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        "control_socket_disable": True,
        "logger_class": PlainLogger,
        "accesslog": None,
        "proc_name": "stockcrew-api",
        "post_fork": prepare_process,
        "post_worker_init": end_streams_on_exit,
        "child_exit": forget_metrics,
    }


def worker_class(settings: Settings) -> type[PatientWorker]:
    """The worker that waits for its clients as long as the settings say."""

    class Worker(PatientWorker):
        patience = Patience(settings.client_timeout_s, readers=BoundedSemaphore(max(1, settings.threads // 4)))
        largest_body = settings.max_body_bytes

    return Worker


def prepare_process(arbiter: Arbiter, worker: ThreadWorker) -> None:
    """Name only the product in the `Server` header, which gunicorn offers no setting for, and save memory."""
    wsgi.SERVER = "stockcrew"
    save_memory(arbiter, worker)


def save_memory(_arbiter: Arbiter, _worker: ThreadWorker) -> None:
    """Let all threads share two arenas of the C library's allocator.

    By default it gives busy threads arenas of their own, each of which keeps what it once needed: 10 to 20 MB with 64 threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def forget_metrics(_arbiter: Arbiter, worker: ThreadWorker) -> None:
    """A process of several has ended."""
    forget_process(worker.pid)


def end_streams_on_exit(worker: ThreadWorker) -> None:
    """Make the worker's exit signals end open event streams first: they would otherwise hold the process until it is killed."""
    app = worker.wsgi
    if not isinstance(app, Flask) or SLOT not in app.extensions:
        return
    gate = of(app).streams
    gc.collect()
    gc.freeze()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        before = signal.getsignal(number)

        def stop(received: int, frame: FrameType | None, before: Any = before) -> None:
            gate.stopping.set()
            if callable(before):
                before(received, frame)

        signal.signal(number, stop)
