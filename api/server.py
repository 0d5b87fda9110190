"""Serves the API: `python -m api.server`, or `serve(settings)` from a program."""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from api.app import create_app
from api.gunicorn_conf import options
from api.metrics import share
from crew import logs
from crew.errors import ConfigurationError, StockcrewError, StoreUnavailable
from crew.secret import secret_key
from crew.settings import Settings, load_settings

CONFIGURATION_EXIT = 2
_BACKLOG = 1024

log = structlog.get_logger(__name__)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn with settings from here instead of its own command line and files."""

    def __init__(self, settings: Settings, make_app: Callable[[Settings], Flask], chosen: dict[str, Any]) -> None:
        self._settings = settings
        self._make_app = make_app
        self._chosen = chosen
        super().__init__()

    def load_config(self) -> None:
        """Take the chosen settings."""
        for name, value in self._chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Build the application, in the worker process; what the operator must correct ends the service with one sentence."""
        try:
            return self._make_app(self._settings)
        except StockcrewError as error:
            _explain(error)
            raise SystemExit(Arbiter.APP_LOAD_ERROR) from None


def migrated(settings: Settings) -> None:
    """See to it that the database is up to date, in a process of its own: what that loads need not stay in memory while serving.

    Raises:
        ConfigurationError: it is not, and this is not `local`.
        StoreUnavailable: it cannot be reached or written.
    """
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_migrate, args=(settings, theirs), daemon=True)
    child.start()
    theirs.close()
    try:
        outcome = ours.recv()
    except EOFError:
        outcome = StoreUnavailable("the migrations were cut off before they were done: start the service again")
    child.join()
    if outcome is not None:
        raise outcome


def _migrate(settings: Settings, outcome: Connection) -> None:
    from crew.jobs.migrate import ensure_migrated  # noqa: PLC0415 - loads the job engine, here only

    failure: StockcrewError | None = None
    try:
        ensure_migrated(settings)
    except StockcrewError as error:
        failure = error
    with suppress(BrokenPipeError):  # whoever asked may have been stopped meanwhile
        outcome.send(failure)


def serve(settings: Settings, *, prepare: Callable[[Settings], None] = migrated, make_app: Callable[[Settings], Flask] = create_app) -> int:
    """Serve until SIGTERM or SIGINT; the exit code, 2 when the application cannot be built.

    Args:
        settings: the configuration.
        prepare: runs once before anything else, for example the migrations.
        make_app: builds the application, once in every process.

    Raises:
        ConfigurationError: the address cannot be bound, or the data folder cannot be used.
        StoreUnavailable: the database cannot be used.
    """
    logs.configure(settings)
    secret_key(settings)
    prepare(settings)
    listener = bind(settings)
    host, port = listener.getsockname()[:2]
    log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}", processes=settings.web_concurrency, threads=settings.threads)
    parent = os.getpid()
    folder = _share_metrics(settings)
    try:
        _Server(settings, make_app, options(settings, descriptor=listener.detach())).run()
    except SystemExit as ended:
        if os.getpid() != parent:
            raise  # a worker process ends here too, and its exit code is for the parent to judge
        return CONFIGURATION_EXIT if ended.code == Arbiter.APP_LOAD_ERROR else int(ended.code or 0)
    finally:
        if folder is not None and os.getpid() == parent:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _share_metrics(settings: Settings) -> Path | None:
    if settings.web_concurrency == 1:
        return None
    folder = Path(tempfile.mkdtemp(prefix="metrics-", dir=settings.data_dir))
    share(folder)
    return folder


def bind(settings: Settings) -> socket.socket:
    """A listening socket on the configured address.

    Raises:
        ConfigurationError: the port is taken, forbidden, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror}): stop the program that uses it, or set PORT or STOCKCREW_HOST"
        ) from None
    listener.set_inheritable(True)
    return listener


def main() -> int:
    """Read the environment and serve; 2 when the configuration is wrong."""
    try:
        return serve(load_settings())
    except StockcrewError as error:
        _explain(error)
        return CONFIGURATION_EXIT if isinstance(error, ConfigurationError) else 1


def _explain(error: StockcrewError) -> None:
    sys.stderr.write(f"stockcrew: {error.message} ({error.code})\n")


if __name__ == "__main__":
    sys.exit(main())
