"""`stockcrew analyze` with depth, focus and deadline."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.pipeline import SlowPipeline

from crew.domain.analysis import AnalysisRequest
from crew.errors import DeadlineExceeded
from crew.jobs import inline
from crew.settings import Settings, inherited_environment

ROOT = Path(__file__).resolve().parents[2]


def analyze(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = inherited_environment(STOCKCREW_DATA_DIR=str(folder / "data"), STOCKCREW_MARKET_DATA="sample")
    command = [sys.executable, "-m", "crew.cli", "analyze", "AAPL", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_the_report_is_as_it_was_asked_for(tmp_path: Path) -> None:
    """What the options ask is in the report, and what comes in focus comes first."""
    done = analyze(tmp_path, "--format", "json", "--depth", "quick", "--focus", "valuation", "--focus", "risks", "--deadline", "600")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    first = {
        task: next(section["id"] for section in report["sections"] if section["task"] == task) for task in ("research", "fundamentals", "technicals")
    }

    assert (report["depth"], report["focus"]) == ("quick", ["risks", "valuation"])
    assert first == {"research": "risks", "fundamentals": "valuation", "technicals": "trend"}
    assert all(
        paragraph["text"].count(". ") <= 1 for section in report["sections"] if section["task"] == "technicals" for paragraph in section["paragraphs"]
    )


def test_a_deadline_ends_the_work_by_name(tmp_path: Path) -> None:
    """Without a server the request's deadline holds as well: before the first model call once it is over."""
    settings = Settings(data_dir=tmp_path / "data", market_data="sample")
    log = tmp_path / "steps.log"
    with pytest.raises(DeadlineExceeded, match="deadline_s"):
        inline.analyze(AnalysisRequest(symbol="AAPL", deadline_s=1), settings, pipeline=SlowPipeline(settings, log, seconds=0.6))

    assert [line for line in log.read_text().splitlines() if line.startswith("begin")] == ["begin collect", "begin compute"]


@pytest.mark.parametrize("arguments", [("--depth", "huge"), ("--focus", "price"), ("--deadline", "0"), ("--deadline", "soon")])
def test_what_is_not_offered_is_a_usage_error(tmp_path: Path, arguments: tuple[str, str]) -> None:
    """The command names what may be given, and starts nothing."""
    done = analyze(tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[0] in done.stderr
