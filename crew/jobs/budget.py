"""What one analysis may use: the guard that all its tasks share, and whether its estimate fits under the cap."""

from collections.abc import Callable
from datetime import datetime

from crew.agents.guard import RunGuard
from crew.domain.analysis import Analysis, AnalysisRequest
from crew.domain.run import Estimate
from crew.errors import BudgetExceeded
from crew.settings import Settings


def guard_for(request: AnalysisRequest, settings: Settings, *, deadline: float, cancelled: Callable[[], bool] = lambda: False) -> RunGuard:
    """The guard of an analysis: its own cap in money where it names one, else the configured one."""
    return RunGuard(
        cancelled=cancelled,
        deadline=deadline,
        max_tokens=settings.max_tokens_per_analysis,
        max_cost_usd=request.max_cost_usd or settings.max_cost_usd,
        priced_only=request.max_cost_usd is not None,
    )


def left_s(analysis: Analysis, settings: Settings, now: datetime) -> float:
    """Seconds until the analysis is out of time; below 0 when it is."""
    ends = analysis.deadline(settings.job_deadline_s)
    return settings.job_deadline_s if ends is None else min(settings.job_deadline_s, (ends - now).total_seconds())


def ensure_affordable(estimate: Estimate, request: AnalysisRequest, settings: Settings) -> None:
    """Refuse an analysis that is not expected to end under its caps, before it costs anything.

    Raises:
        BudgetExceeded: the estimate is above the cap in tokens or money.
    """
    cap, tokens = request.max_cost_usd or settings.max_cost_usd, estimate.prompt_tokens + estimate.completion_tokens
    if estimate.cost_usd is not None and estimate.cost_usd > cap:
        raise BudgetExceeded(
            f"the analysis is expected to cost {estimate.cost_usd:.4f} US dollars,"
            f" above the cap of {cap:g} (max_cost_usd, else STOCKCREW_MAX_COST_USD)"
        )
    if tokens > settings.max_tokens_per_analysis:
        raise BudgetExceeded(
            f"the analysis is expected to use {tokens} tokens,"
            f" above the cap of {settings.max_tokens_per_analysis} (STOCKCREW_MAX_TOKENS_PER_ANALYSIS)"
        )
