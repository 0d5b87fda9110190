"""The image's launcher as the first process of a process namespace, with a stand-in for Python."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).resolve().parents[3] / "deploy/image/stockcrew"
UNSHARE = ["unshare", "--pid", "--fork"]
CAN_UNSHARE = shutil.which("unshare") is not None and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0

NAMESPACE = pytest.mark.skipif(not CAN_UNSHARE, reason="a process namespace cannot be made here")


def _start(folder: Path, program: str, *, first: bool = True) -> tuple[subprocess.Popen[str], int]:
    """The launcher with `program` in place of Python, once it has said that it runs; and the launcher's process id as seen from here."""
    (folder / "python").write_text(f"#!/bin/bash\n{program}\n")
    (folder / "python").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    prefix = UNSHARE if first else []
    process = subprocess.Popen([*prefix, str(LAUNCHER), "worker", "two words"], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "-m crew.cli worker two words\n"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return process, int(children.read_text().split()[0]) if first else process.pid


SAY = 'echo "$@"'


@NAMESPACE
@pytest.mark.parametrize(
    ("program", "code"),
    [
        (f"{SAY}; exec sleep 60", 0),  # no handler yet, as while Python starts
        (f"trap 'exit 0' TERM; {SAY}; sleep 60 & wait", 0),
        (f"trap 'sleep 1; exit 0' TERM; {SAY}; sleep 60 & wait", 0),  # drains first
        (f"trap 'exit 7' TERM; {SAY}; sleep 60 & wait", 7),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_first_process_of_a_container(tmp_path: Path, program: str, code: int, number: signal.Signals) -> None:
    """The signal reaches the real process, its exit code comes back, and one that was still starting counts as well ended."""
    process, launcher = _start(tmp_path, program)
    began = time.monotonic()
    os.kill(launcher, number)

    assert process.wait(timeout=30) == code
    assert time.monotonic() - began < 30
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.parametrize(
    "first", [pytest.param(True, marks=pytest.mark.skipif(not CAN_UNSHARE, reason="a process namespace cannot be made here")), False]
)
@pytest.mark.parametrize("code", [0, 2, 143])
def test_the_exit_code_comes_back(tmp_path: Path, first: bool, code: int) -> None:
    """Without a signal every exit code is handed on, first process or not."""
    process, _ = _start(tmp_path, f"{SAY}; sleep 0.5; exit {code}", first=first)

    assert process.wait(timeout=30) == code
    assert process.stdout is not None
    process.stdout.close()
