"""The one path of every analysis: collect, compute, the crew's tasks, compose. The worker runs it durably, the command line at once."""

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from crew import __version__
from crew.agents.accounting import load_prices
from crew.agents.estimate import estimate
from crew.agents.guard import RunGuard
from crew.agents.memory import share_arenas
from crew.agents.metering import Meter
from crew.blueprint.depth import fitted
from crew.blueprint.loader import load_blueprint
from crew.blueprint.model import Blueprint
from crew.domain.analysis import AnalysisRequest
from crew.domain.factsheet import FactSheet
from crew.domain.market import MarketSnapshot
from crew.domain.report import Report
from crew.domain.run import Estimate, ModelCall, TaskResult
from crew.jobs.documents import DocumentDesk, DocumentSource
from crew.market.factory import market_data
from crew.settings import Settings

if TYPE_CHECKING:
    from crew.agents.library import MakeEmbeddings

COLLECT, COMPUTE, COMPOSE = "collect", "compute", "compose"


def upstream_of(levels: Sequence[Sequence[str]], name: str) -> list[str]:
    """The tasks of the levels before that of `name`, in order."""
    found: list[str] = []
    for level in levels:
        if name in level:
            break
        found += level
    return found


class Pipeline(Protocol):
    """The work behind each step. Implementations are used by several threads at once."""

    def levels(self) -> tuple[tuple[str, ...], ...]:
        """The crew's tasks in levels; all of one level may run at the same time."""

    def agent_of(self, task: str) -> str | None:
        """The name of the agent that does the task."""

    def collect(self, request: AnalysisRequest) -> MarketSnapshot:
        """Everything the market-data provider has on the symbol."""

    def compute(self, request: AnalysisRequest, snapshot: MarketSnapshot, *, guard: RunGuard, on_call: Callable[[ModelCall], None]) -> FactSheet:
        """The fact sheet at the request's day. Searching attached documents may take embedding calls, under the guard."""

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
        """One task of the crew, verified."""

    def estimate(self, request: AnalysisRequest, sheet: FactSheet) -> Estimate:
        """What the crew is expected to take, made without calling a model."""

    def compose(self, analysis_id: str, request: AnalysisRequest, sheet: FactSheet, results: Mapping[str, TaskResult]) -> Report:
        """The report."""


class CrewPipeline:
    """The real pipeline: the configured provider, the fact sheet, the crew of agents.yaml and tasks.yaml.

    Args:
        settings: names all of them.
        documents: gives attached documents by their ids; the database's unless told otherwise.
        make_embeddings: makes the embedding model by its name; LangChain's way unless told otherwise.

    Raises:
        BlueprintError: one of the two files is wrong.
        ConfigurationError: the provider is not known.
    """

    def __init__(self, settings: Settings, *, documents: DocumentSource | None = None, make_embeddings: "MakeEmbeddings | None" = None) -> None:
        self._settings = settings
        self._desk = DocumentDesk(settings, documents, make_embeddings)
        self._blueprint: Blueprint = load_blueprint(settings.agents_file, settings.tasks_file)
        self._market = market_data(settings)

    def levels(self) -> tuple[tuple[str, ...], ...]:
        """See `Pipeline`."""
        return self._blueprint.order()

    def agent_of(self, task: str) -> str | None:
        """See `Pipeline`."""
        found = self._blueprint.tasks.get(task)
        return found.agent if found else None

    def collect(self, request: AnalysisRequest) -> MarketSnapshot:
        """See `Pipeline`."""
        return self._market.snapshot(request.symbol, as_of=request.as_of)

    def compute(self, request: AnalysisRequest, snapshot: MarketSnapshot, *, guard: RunGuard, on_call: Callable[[ModelCall], None]) -> FactSheet:
        """See `Pipeline`."""
        from crew.analytics.factsheet import fact_sheet  # noqa: PLC0415 - NumPy is loaded when the first sheet is computed

        sheet = fact_sheet(snapshot, as_of=request.as_of)
        if not request.documents:
            return sheet
        calls: list[ModelCall] = []

        def count(call: ModelCall) -> None:
            calls.append(call)
            on_call(call)

        attached = self._desk.attach(sheet, request.documents, Meter(guard, load_prices(self._settings.prices_file), count))
        return attached.model_copy(update={"retrieval_calls": tuple(calls)})

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
        """See `Pipeline`."""
        from crew.agents.run import run_task  # noqa: PLC0415 - CrewAI takes seconds to import

        return run_task(
            fitted(self._blueprint, request.depth, request.focus),
            task,
            sheet=sheet,
            upstream=upstream,
            language=request.language,
            model_override=request.model,
            settings=self._settings,
            guard=guard,
            on_call=on_call,
            library=partial(self._desk.library, sheet, request.documents) if request.documents else None,
        )

    def estimate(self, request: AnalysisRequest, sheet: FactSheet) -> Estimate:
        """See `Pipeline`."""
        crew = fitted(self._blueprint, request.depth, request.focus)
        return estimate(crew, sheet, language=request.language, model_override=request.model, settings=self._settings)

    def compose(self, analysis_id: str, request: AnalysisRequest, sheet: FactSheet, results: Mapping[str, TaskResult]) -> Report:
        """See `Pipeline`."""
        from crew.report.compose import compose  # noqa: PLC0415 - templates are loaded when the first report is composed

        report = compose(
            analysis_id=analysis_id,
            sheet=sheet,
            blueprint=self._blueprint,
            results=results,
            request=request,
            code_version=__version__,
            prices_as_of=load_prices(self._settings.prices_file).as_of.isoformat(),
        )
        if request.documents:
            self._desk.require_verbatim(report)
        return report

    def warm(self) -> None:
        """Import what the first analysis would otherwise wait for."""
        import crew.analytics.factsheet  # noqa: F401, PLC0415
        from crew.agents.run import warm  # noqa: PLC0415

        share_arenas()
        warm(self._settings.data_dir)
        # CrewAI brings some hundred thousand objects that stay: looked through again and again, they cost a quarter of an analysis.
        gc.collect()
        gc.freeze()
        # What is made in an analysis mostly goes with it by itself; the collector, which stops all threads, need not look that often.
        gc.set_threshold(5_000, 10, 10)
