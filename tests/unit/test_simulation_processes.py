"""What the simulation starts, it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.simulation.__main__ import LONGEST_LOAD_S, SHORTEST_LOAD_S, load_seconds
from deploy.simulation.processes import NotReady, Processes, await_that
from deploy.simulation.proxy import nginx_command

ROOT = Path(__file__).resolve().parents[2]
PARENT = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid, flush=True); subprocess.run(['sleep', '600'])"


def _child(folder: Path) -> int:
    log = folder / "parent.log"
    await_that(lambda: log.exists() and log.read_text().endswith("\n"), "the child's process id", seconds=20)
    return int(log.read_text())


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_every_descendant_is_ended_when_the_simulation_fails(tmp_path: Path) -> None:
    """Not only the process that was started, but also what it has started."""
    children = []

    def fail() -> None:
        with Processes(tmp_path) as processes:
            processes.start("parent", [sys.executable, "-c", PARENT])
            children.append(_child(tmp_path))
            await_that(lambda: False, "never", seconds=0)

    with pytest.raises(NotReady, match="not within 0 s"):
        fail()
    (child,) = children
    await_that(lambda: _is_gone(child), "the child ends", seconds=10)


def test_every_descendant_is_ended_when_the_simulation_is_stopped(tmp_path: Path) -> None:
    """SIGTERM to the simulation leaves nothing behind."""
    program = (
        "import signal, sys, time; from pathlib import Path\n"
        "from deploy.simulation.__main__ import _end; from deploy.simulation.processes import Processes\n"
        "signal.signal(signal.SIGTERM, _end)\n"
        f"with Processes(Path({str(tmp_path)!r})) as processes:\n"
        f"    processes.start('parent', [sys.executable, '-c', {PARENT!r}])\n"
        "    time.sleep(600)\n"
    )
    simulation = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    child = _child(tmp_path)
    simulation.terminate()

    assert simulation.wait(timeout=20) == 128 + signal.SIGTERM
    await_that(lambda: _is_gone(child), "the child ends", seconds=10)


def test_a_process_that_does_not_end_is_told(tmp_path: Path) -> None:
    """One that ignores SIGTERM breaks the restart by name."""
    with Processes(tmp_path) as processes:
        process = processes.start(
            "deaf", [sys.executable, "-uc", "import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(600)"]
        )
        await_that((tmp_path / "deaf.log").read_text, "it listens", seconds=20)
        began = time.monotonic()
        with pytest.raises(NotReady, match="did not end within 0 s of SIGTERM"):
            processes.stop(process, within_s=0.3)
    assert time.monotonic() - began < 10


def test_the_proxy_repeats_nothing_that_was_sent(tmp_path: Path) -> None:
    """No directive widens what nginx repeats by itself: a reset connection must show as a failed request."""
    nginx_command(tmp_path, 8080, [9001, 9002])
    text = (tmp_path / "nginx.conf").read_text()

    assert "proxy_next_upstream" not in text
    assert text.count("max_fails=0") == 2


def test_load_lasts_as_long_as_restarts_are_expected_to_take() -> None:
    """A slow machine gets more of it, within bounds."""
    assert load_seconds(2, 4) == SHORTEST_LOAD_S
    assert load_seconds(10, 20) > load_seconds(8, 15) > SHORTEST_LOAD_S
    assert load_seconds(100, 100) == LONGEST_LOAD_S
