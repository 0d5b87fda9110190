"""A client that was generated from the OpenAPI document does the main job against the real service."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.paths import SNAPSHOT
from crew.jobs.migrate import migrate
from crew.settings import Settings, inherited_environment
from crew.store.engine import make_engine
from crew.store.keys import KeyStore

ROOT = Path(__file__).resolve().parents[3]
BINARIES = ROOT / ".venv" / "client" / "bin"
PROGRAM = ROOT / "tests" / "fakes" / "client_program.py"


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """The folder in which the generator has made a package from the committed document.

    It leaves out the upload of documents alone: it knows no request whose body is a plain file.
    """
    if not (BINARIES / "openapi-python-client").exists():
        pytest.skip("the generator of clients is missing: run `make .venv/.client`")
    folder = tmp_path / "generated"
    folder.mkdir()
    command = [str(BINARIES / "openapi-python-client"), "generate", "--path", str(SNAPSHOT), "--meta", "none"]
    environment = {**os.environ, "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}"}
    made = subprocess.run([*command, "--output-path", str(folder / "stockcrew_client")], env=environment, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    assert re.findall(r"WARNING parsing (\S+ \S+)", made.stdout + made.stderr) == ["POST /v1/documents"]
    return folder


@pytest.mark.timeout(300)
def test_a_generated_client_does_the_main_job(generated: Path, start_server: Callable[..., object], tmp_path: Path) -> None:
    """Create, wait, read the report and a figure of it, make a batch, read the usage, delete: all through typed calls."""
    settings = Settings(data_dir=tmp_path)
    migrate(settings)
    engine = make_engine(settings)
    _, key = KeyStore(engine).issue("production", tenant="acme", name="script", scopes=["read", "run"])
    engine.dispose()
    variables = {
        "STOCKCREW_ENV": "production",
        "STOCKCREW_SECRET_KEY": "k" * 32,
        "STOCKCREW_DATA_DIR": str(tmp_path),
        "STOCKCREW_MARKET_DATA": "sample",
        "STOCKCREW_WORKER_METRICS_PORT": "0",
    }
    served = start_server("api.server", **variables)
    with (tmp_path / "worker.log").open("w") as sink:
        worker = subprocess.Popen(
            [sys.executable, "-m", "crew.cli", "worker"], cwd=ROOT, env=inherited_environment(**variables), stdout=sink, stderr=sink
        )
    try:
        program = [str(BINARIES / "python"), str(PROGRAM), served.url, key]
        run = subprocess.run(program, env={**os.environ, "PYTHONPATH": str(generated)}, capture_output=True, text=True, timeout=240)
    finally:
        worker.terminate()
        worker.wait(timeout=60)

    assert run.returncode == 0, run.stderr + (tmp_path / "worker.log").read_text()[-2000:]
    found = json.loads(run.stdout)
    assert (found["refused"], found["status"], found["symbol"], found["source"]) == ("invalid_request", "succeeded", "AAPL", True)
    assert found["rating"] in {"strong_buy", "buy", "hold", "sell", "strong_sell", "not_rated"}
    assert found["evidence"] > 50
    assert (found["batch"], found["deleted"], found["left"]) == (["reused"], 204, 0)
    assert found["calls"] > 0
