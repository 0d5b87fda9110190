"""The supervisor, run as a real process with real children."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest


def _supervise(children: dict[str, str], *, grace_s: float = 5, restarts: int = 5) -> subprocess.Popen[bytes]:
    program = textwrap.dedent(
        f"""
        import sys
        from crew.supervisor import Supervisor
        children = {children!r}
        commands = {{name: (sys.executable, "-c", code) for name, code in children.items()}}
        sys.exit(Supervisor(commands, grace_s={grace_s}, restarts={restarts}).run())
        """
    )
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _wait_for(path: Path, lines: int) -> list[str]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and len(found := path.read_text().splitlines()) >= lines:
            return found
        time.sleep(0.05)
    pytest.fail(f"{path.name} did not reach {lines} lines")


def _sleeper(log: Path) -> str:
    return f"import os, time; open({str(log)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_sigterm_ends_every_child_and_exits_0(tmp_path: Path) -> None:
    """SIGTERM to the supervisor leaves no child behind and exits 0."""
    logs = [tmp_path / "one", tmp_path / "two"]
    supervisor = _supervise({log.name: _sleeper(log) for log in logs})
    pids = [int(_wait_for(log, 1)[0]) for log in logs]

    supervisor.send_signal(signal.SIGTERM)

    assert supervisor.wait(timeout=10) == 0
    assert not any(_alive(pid) for pid in pids)


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    """kill -9 of a child brings up another in its place."""
    log = tmp_path / "child"
    supervisor = _supervise({"child": _sleeper(log)})
    first = int(_wait_for(log, 1)[0])

    os.kill(first, signal.SIGKILL)
    second = int(_wait_for(log, 2)[1])

    assert second != first
    supervisor.terminate()
    assert supervisor.wait(timeout=10) == 0


def test_a_configuration_error_is_not_retried(tmp_path: Path) -> None:
    """A child that ends with code 2 ends the supervisor at once with that code."""
    log = tmp_path / "child"
    supervisor = _supervise({"child": f"open({str(log)!r}, 'a').write('start\\n'); raise SystemExit(2)"})

    assert supervisor.wait(timeout=15) == 2
    assert log.read_text().splitlines() == ["start"]


def test_a_child_that_keeps_crashing_ends_the_supervisor(tmp_path: Path) -> None:
    """A crash loop is given up after the allowed restarts, with a failing exit code."""
    log = tmp_path / "child"
    supervisor = _supervise({"child": f"open({str(log)!r}, 'a').write('start\\n'); raise SystemExit(7)"}, restarts=2)

    assert supervisor.wait(timeout=20) == 7
    assert len(log.read_text().splitlines()) == 3


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    """A child deaf to SIGTERM does not keep the supervisor from ending."""
    log = tmp_path / "deaf"
    supervisor = _supervise({"deaf": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + _sleeper(log)}, grace_s=1)
    pid = int(_wait_for(log, 1)[0])

    supervisor.terminate()

    assert supervisor.wait(timeout=10) == 0
    assert not _alive(pid)
