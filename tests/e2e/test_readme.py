"""README's commands do what it says: each is run here, or is a stage of the gate."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from crew.settings import Settings, inherited_environment
from loadtests.service import embedded_service

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line.strip()]
GATE = {"make demo", "make test", "make lint"}


def _runnable(prefix: str) -> list[str]:
    return [command for command in COMMANDS if command.startswith(prefix)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running service, as `make serve` starts it, on a port of its own."""
    with embedded_service(tmp_path_factory.mktemp("service") / "service.log") as url:
        yield url


def test_every_command_is_known_to_this_test() -> None:
    """A command that is added to the README is run here or in the gate."""
    known = {*GATE, "make serve", "make help", *_runnable("curl "), *_runnable(".venv/bin/stockcrew ")}

    assert set(COMMANDS) == known
    gate = "".join(stage.read_text(encoding="utf-8") for stage in (ROOT / ".ci" / "stages").glob("*.sh"))
    assert all(command in gate for command in GATE)


@pytest.mark.parametrize("command", _runnable(".venv/bin/stockcrew "))
def test_a_stockcrew_command_runs(command: str, tmp_path: Path) -> None:
    """Each command line exits 0 and says something."""
    arguments = shlex.split(command.replace("demo-output/", f"{tmp_path}/"))[1:]
    environment = inherited_environment(STOCKCREW_DATA_DIR=str(tmp_path / "data"), STOCKCREW_MARKET_DATA="sample")
    done = subprocess.run([sys.executable, "-m", "crew.cli", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() or any(tmp_path.glob("*.html"))


@pytest.mark.parametrize("command", _runnable("curl "))
def test_a_curl_command_is_answered(command: str, base: str) -> None:
    """Each request against the running service is answered with JSON."""
    done = subprocess.run(shlex.split(command.replace("http://127.0.0.1:8000", base)), capture_output=True, text=True, timeout=30)

    assert json.loads(done.stdout).keys() & {"id", "data"}, done.stdout


def test_make_help_lists_every_target() -> None:
    """`make help` names each target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\.PHONY: (\S+)", makefile, re.MULTILINE))
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert targets == set(re.findall(r"^\s+make (\S+)", listed, re.MULTILINE))


def test_the_configuration_table_is_true() -> None:
    """Each variable of the README exists with the default it states."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+?)`? \|", README.split("## Configuration")[1], re.MULTILINE)
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    plain = {name.removeprefix("STOCKCREW_"): default for name, default in rows}

    assert len(rows) > 8
    for name, default in plain.items():
        assert name in fields, name
        if " " not in default:
            assert TypeAdapter(fields[name].annotation).validate_python(default) == fields[name].default, name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["analyze", "NOSUCH", "--market-data", "sample"], "symbol_not_found"),
        (["analyze", "../etc/passwd"], "not a ticker"),
        (["analyze", "AAPL", "--market-data", "nonsense"], "use yahoo, sample or csv:FOLDER"),
        (["analyze", "AAPL", "--market-data", "sample", "--model", "nonsense/model"], "cannot be used"),
        (["analyze", "AAPL", "--market-data", "sample", "--as-of", "1999-01-01"], "no price of AAPL"),
        (["explain", "AAPL", "price.lats", "--market-data", "sample"], "near: price.last"),
        (["explain", "SPY", "valuation.pe", "--market-data", "sample"], "could not be had"),
    ],
)
def test_a_wrong_argument_gives_one_clear_sentence(arguments: list[str], said: str, tmp_path: Path) -> None:
    """Wrong input ends with a failing exit code and a sentence that says what to do, never a traceback."""
    environment = inherited_environment(STOCKCREW_DATA_DIR=str(tmp_path / "data"))
    done = subprocess.run([sys.executable, "-m", "crew.cli", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
