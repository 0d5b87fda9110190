"""Broken surroundings, as an operator meets them: each program says in one sentence what to mend, or works all the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from crew.settings import inherited_environment

ROOT = Path(__file__).resolve().parents[2]


def stockcrew(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`stockcrew` with its data in `folder`."""
    environment = inherited_environment(STOCKCREW_DATA_DIR=str(folder), STOCKCREW_MARKET_DATA="sample", STOCKCREW_WORKER_METRICS_PORT="0") | variables
    command = [sys.executable, "-m", "crew.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_an_unwritable_home_costs_nothing(tmp_path: Path) -> None:
    """CrewAI writes below HOME when it is imported; where HOME cannot be written the data folder takes its place. /proc refuses even root."""
    done = stockcrew("analyze", "AAPL", folder=tmp_path, HOME="/proc/1")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# Apple Inc. (AAPL)")


@pytest.mark.parametrize("program", [("worker",), ("serve", "--with-worker"), ("analyze", "AAPL"), ("doctor",)])
def test_a_typo_in_the_crew_is_named_before_anything_runs(program: tuple[str, ...], tmp_path: Path) -> None:
    """Every program that needs the crew ends with one sentence that names file, line, field and the nearest valid name."""
    typo = tmp_path / "agents.yaml"
    typo.write_text((ROOT / "agents.yaml").read_text(encoding="utf-8").replace("  backstory:", "  backstroy:", 1), encoding="utf-8")
    line = typo.read_text(encoding="utf-8").splitlines().index("  backstroy: >-") + 1

    done = stockcrew(*program, folder=tmp_path / "data", STOCKCREW_AGENTS_FILE=str(typo), PORT="0")

    said = done.stderr + done.stdout
    assert done.returncode in {1, 2}
    assert all(part in said for part in (f"agents.yaml:{line}", "backstroy", "backstory")), said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"STOCKCREW_DATA_DIR": "/proc/1/data"}, "STOCKCREW_DATA_DIR"),
        ({"DATABASE_URL": "mysql://x"}, "use sqlite:///FILE or postgresql://"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "the database cannot be"),
        ({"STOCKCREW_ENV": "production"}, "STOCKCREW_SECRET_KEY is required"),
        ({"STOCKCREW_MARKET_DATA": "nonsense"}, "use yahoo, sample or csv:FOLDER"),
        ({"WEB_CONCURRENCY": "4"}, "needs REDIS_URL"),
    ],
)
def test_wrong_settings_end_the_service_with_a_sentence(variables: dict[str, str], said: str, tmp_path: Path) -> None:
    """`serve --with-worker` on settings that cannot work ends by itself, says which variable to mend and prints no traceback."""
    done = stockcrew("serve", "--with-worker", folder=tmp_path, **({"PORT": "0"} | variables))

    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
