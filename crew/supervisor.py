"""Runs the API and the worker as two processes of one small machine: starts both, passes signals on, restarts what crashes."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

API = (sys.executable, "-m", "api.server")
WORKER = (sys.executable, "-m", "crew.cli", "worker")
MIGRATE = (sys.executable, "-m", "crew.cli", "migrate")


def run_before(command: Sequence[str]) -> int:
    """Run what has to be done before the children start, in a process of its own whose memory is given back; its exit code."""
    return subprocess.run(command, check=False).returncode  # noqa: S603 - a fixed command of ours


@dataclass
class _Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.starts.append(time.monotonic())
        self.process = subprocess.Popen(self.command)  # noqa: S603 - a fixed command of ours

    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None


class Supervisor:
    """Keeps children alive until a signal arrives.

    A child that ends by itself is started again after a second, at most `restarts` times a minute; one that ends more often, or
    ends with code 2 (a configuration error that a restart cannot mend), ends everything.

    Args:
        commands: child name to command line.
        grace_s: seconds the children may take to end after SIGTERM before they are killed.
        restarts: restarts of one child within a minute before the supervisor gives up.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], *, grace_s: float, restarts: int = 5) -> None:
        self._children = [_Child(name, command) for name, command in commands.items()]
        self._grace_s = grace_s
        self._restarts = restarts
        self._stopping = False

    def run(self) -> int:
        """Run until SIGTERM or SIGINT (0), or until a child cannot be kept alive (its exit code, 1 at least)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        for child in self._children:
            child.start()
        code = 0
        while not self._stopping and code == 0:
            time.sleep(0.2)
            code = max((self._tend(child) for child in self._children), default=0)
        self._stop_all()
        return code

    def _tend(self, child: _Child) -> int:
        code = child.exit_code()
        if code is None or self._stopping:
            return 0
        recent = [start for start in child.starts if time.monotonic() - start < 60]
        if code == 2 or len(recent) > self._restarts:
            log.error("process_given_up", process=child.name, exit_code=code, starts_within_a_minute=len(recent))
            return max(1, abs(code))
        log.warning("process_restarted", process=child.name, exit_code=code)
        time.sleep(1)
        if not self._stopping:
            child.start()
        return 0

    def _stop_all(self) -> None:
        running = [child.process for child in self._children if child.process and child.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._grace_s
        for process in running:
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("process_killed", pid=process.pid, after_s=self._grace_s)
                process.kill()
                process.wait()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature signal wants
        self._stopping = True
