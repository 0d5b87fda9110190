"""The first analysis of a process, whose tasks run in parallel: what is made once for all threads is made before they run."""

import subprocess
import sys
from pathlib import Path

from crew.settings import inherited_environment

ROOT = Path(__file__).resolve().parents[3]
FIRST_ANALYSIS = """
import sys
from pathlib import Path
from crew.domain.analysis import AnalysisRequest
from crew.jobs.inline import analyze
from crew.jobs.pipeline import CrewPipeline
from crew.settings import Settings

settings = Settings(data_dir=Path(sys.argv[1]), market_data="sample", model="rules")
CrewPipeline(settings).warm()
from crew.agents.executor import LeanExecutor

before = {kind: set(vars(kind)) for kind in LeanExecutor.__mro__}
analyze(AnalysisRequest(symbol="AAPL"), settings)
print([(kind.__name__, sorted(set(vars(kind)) - names)) for kind, names in before.items() if set(vars(kind)) != names])
"""
TWO_AT_ONCE = """
import os, sys, threading
from pathlib import Path
from crew.agents.environment import prepare

begun, may_go_on, seen = threading.Event(), threading.Event(), []

class Slow(type(Path())):
    def __truediv__(self, name):
        begun.set()
        may_go_on.wait(60)
        return Path(self) / name

def second():
    prepare(Path(sys.argv[1]))
    seen.append(os.environ.get("CREWAI_DISABLE_TELEMETRY"))

threads = [threading.Thread(target=prepare, args=(Slow(sys.argv[1]),)), threading.Thread(target=second)]
threads[0].start()
begun.wait(60)
threads[1].start()
threads[1].join(1.0)
may_go_on.set()
for thread in threads:
    thread.join()
print(seen)
"""
SIX_AT_ONCE = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from crew.domain.analysis import AnalysisRequest
from crew.jobs.inline import analyze
from crew.jobs.pipeline import CrewPipeline
from crew.settings import Settings
from fakes.model_provider import ModelProvider

with ModelProvider() as server:
    os.environ |= {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": f"{server.url}/v1"}
    settings = Settings(data_dir=Path(sys.argv[1]), market_data="sample", model="openai/test-model")
    CrewPipeline(settings).warm()
    sys.setswitchinterval(2e-5)
    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(lambda symbol: analyze(AnalysisRequest(symbol=symbol), settings), ["AAPL", "MSFT", "NVDA", "JPM", "TSLA", "AAPL"]))
    sys.setswitchinterval(0.005)
print([report.status for report in reports], {call.outcome for report in reports for call in report.provenance.model_calls},
      len(server.requests) - sum(len(report.provenance.model_calls) for report in reports))
"""


def said(program: str, folder: Path) -> str:
    """What the program prints last, run in a process of its own."""
    environment = inherited_environment(PYTHONPATH=f"{ROOT}:{ROOT / 'tests'}")
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_the_first_analysis_adds_nothing_to_the_executors_classes(tmp_path: Path) -> None:
    """CrewAI goes through the attributes of these classes; what one thread added meanwhile would end the task of another."""
    assert said(FIRST_ANALYSIS, tmp_path) == "[]"


def test_nobody_imports_crewai_before_its_surroundings_stand(tmp_path: Path) -> None:
    """A task that comes while another one prepares them waits, and so never meets CrewAI with its telemetry on."""
    assert said(TWO_AT_ONCE, tmp_path) == "['true']"


def test_the_first_six_analyses_of_a_process_lose_no_answer(tmp_path: Path) -> None:
    """With threads that change far more often than usual every answer that was paid is used. Without `crew.agents.building` most starts fail."""
    assert said(SIX_AT_ONCE, tmp_path) == f"{['complete'] * 6} {{'ok'}} 0"
