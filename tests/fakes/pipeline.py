"""A pipeline with real market data and real figures whose steps leave a line in a file each time they run and can be held up."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from crew.agents.guard import RunGuard
from crew.analytics.factsheet import fact_sheet
from crew.domain.analysis import AnalysisRequest
from crew.domain.factsheet import FactSheet
from crew.domain.market import MarketSnapshot
from crew.domain.report import Report
from crew.domain.run import ModelCall, TaskResult
from crew.errors import ModelUnavailable
from crew.jobs.pipeline import CrewPipeline
from crew.settings import Settings

TEXT = {"business": ["The company does business."], "events": [], "catalysts": [], "risks": []}
VIEW = {"view": "agree", "reason": "The price is [[price.last]].", "evidence": ["price.last"]}
CLAIM = {
    "text": "The price is [[price.last]].",
    "side": "bull",
    "evidence": ["price.last"],
    "direction": "up",
    "wrong_if": {"evidence": "price.last", "operator": "<", "threshold": 0.0},
    "strength": 1,
}
DRAFTS = {
    "research": TEXT,
    "fundamentals": dict.fromkeys(("growth", "profitability", "balance_sheet", "cash_flow", "valuation"), "It is [[price.last]].")
    | {"claims": [CLAIM]},
    "technicals": dict.fromkeys(("trend", "momentum", "volatility", "levels"), "It is [[price.last]].") | {"claims": [CLAIM]},
    "report": {"summary": "It is [[price.last]].", "thesis": ["It is [[price.last]]."], "change_our_mind": ["It is."], "crew_view": VIEW},
}


class SlowPipeline(CrewPipeline):
    """Each step takes `seconds`; `log` gets `begin NAME` and `end NAME` lines.

    A step goes on only when there is no file `hold-NAME` beside the log. A task held up asks its guard meanwhile, as it
    would before each model call, unless there is a file `deaf-NAME`. The task named `failing` fails as if its model were
    away. A file `die-NAME` makes the step take the whole process with it.
    """

    def __init__(self, settings: Settings, log: Path, *, seconds: float, failing: str | None = None) -> None:
        super().__init__(settings)
        self._log, self._seconds, self._failing = log, seconds, failing

    def warm(self) -> None:
        """Nothing heavy is imported here."""

    def _work(self, name: str, check: Callable[[], None] = lambda: None) -> None:
        self._note(f"begin {name}")
        if self._log.with_name(f"die-{name}").exists():
            os._exit(9)
        time.sleep(self._seconds)
        is_deaf = self._log.with_name(f"deaf-{name}").exists()
        while self._log.with_name(f"hold-{name}").exists():
            if not is_deaf:
                check()
            time.sleep(0.02)
        self._note(f"end {name}")

    def _note(self, line: str) -> None:
        with self._log.open("a") as file:
            file.write(f"{line}\n")

    def collect(self, request: AnalysisRequest) -> MarketSnapshot:
        """The sample data, slowly."""
        self._work("collect")
        return super().collect(request)

    def compute(self, request: AnalysisRequest, snapshot: MarketSnapshot, *, guard: RunGuard, on_call: Callable[[ModelCall], None]) -> FactSheet:
        """The fact sheet, slowly."""
        self._work("compute")
        return fact_sheet(snapshot, as_of=request.as_of)

    def run_task(
        self,
        task: str,
        *,
        request: AnalysisRequest,
        sheet: FactSheet,
        upstream: Mapping[str, TaskResult],
        guard: RunGuard,
        on_call: Callable[[ModelCall], None],
    ) -> TaskResult:
        """A draft that is always the same, after one model call before the work and one after it."""
        if task == self._failing:
            raise ModelUnavailable("the model is away")
        call = ModelCall(task=task, agent=str(self.agent_of(task)), model="fake", prompt_tokens=10, completion_tokens=5, milliseconds=1)
        guard.check()
        on_call(call)
        self._work(task, guard.check)
        guard.check()
        on_call(call)
        return TaskResult(task=task, agent=call.agent, schema_name=task, title=task, model="fake", draft=DRAFTS[task], calls=(call, call))

    def compose(self, analysis_id: str, request: AnalysisRequest, sheet: FactSheet, results: Mapping[str, TaskResult]) -> Report:
        """The real report, slowly."""
        self._work("compose")
        return super().compose(analysis_id, request, sheet, results)
