"""Child processes that are always ended: each in a process group of its own, with its output in a file."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self


class NotReady(Exception):
    """A process did not start, or what was waited for did not happen; the message says what and where to look."""


def await_that(condition: Callable[[], object], what: str, *, seconds: float, pause_s: float = 0.05) -> None:
    """Wait until `condition` holds.

    Raises:
        NotReady: it does not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause_s)


class Processes:
    """Starts processes and ends all of them, with their descendants, when it is left."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in reversed(self._running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start `command`; what it says goes to the end of NAME.log."""
        with (self._logs / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._running.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes], *, within_s: float) -> int:
        """Send SIGTERM and wait for the end; the exit code.

        Raises:
            NotReady: it does not end in time.
        """
        process.terminate()
        try:
            return process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            raise NotReady(f"process {process.pid} did not end within {within_s:.0f} s of SIGTERM") from None
