"""Work that a worker does again and again in a thread of its own, through outages of the database."""

import threading
from collections.abc import Callable

import sqlalchemy as sa
import structlog

from crew.errors import ServiceError

log = structlog.get_logger(__name__)
_AFTER_TROUBLE_S = 1.0


class Loop:
    """Calls `work` until `stop`, pausing after each call that finds nothing to do.

    Args:
        name: of the thread, for the log.
        work: one round; whether there may be more to do at once.
        interval_s: the pause.
    """

    def __init__(self, name: str, work: Callable[[], bool], *, interval_s: float) -> None:
        self._name = name
        self._work = work
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, within_s: float = 10.0) -> None:
        """Begin no further round, and wait for the present one."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=within_s)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self._interval_s
            try:
                if self._work():
                    pause = 0.0
            except (sa.exc.DBAPIError, sa.exc.TimeoutError, ServiceError) as error:
                log.warning("loop_interrupted", loop=self._name, problem=str(error).splitlines()[0])
                pause = max(self._interval_s, _AFTER_TROUBLE_S)
            except Exception:
                # One bad row must not end what serves all the others.
                log.exception("loop_crashed", loop=self._name)
                pause = max(self._interval_s, _AFTER_TROUBLE_S)
