"""What a crew task leaves behind: the verified draft, what was withheld, and what it cost."""

from typing import Any, Literal

from crew.domain.base import Value
from crew.domain.evidence import Evidence


class Violation(Value):
    """One reason why a sentence or claim may not be published. `path` is its place in the draft: `claims[2].text`."""

    path: str
    code: str
    message: str
    text: str


class ModelCall(Value):
    """One request to a model, as counted at the model boundary. `cost_usd` is None when no price is known."""

    task: str
    agent: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    milliseconds: int
    cost_usd: float | None = None
    outcome: Literal["ok", "error", "interrupted"] = "ok"


class EstimateLine(Value):
    """What one task is expected to take. `cost_usd` is None when no price is known."""

    task: str
    agent: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


class Estimate(Value):
    """What an analysis is expected to take, made from its prompts before any model is called.

    `cost_usd` supposes that every task succeeds with one call; `high_cost_usd` a look-up by tool and every repair
    round in each task, every answer as long as agents.yaml allows. Both are None when any model has no known price.
    """

    lines: tuple[EstimateLine, ...]
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    high_cost_usd: float | None
    prices_as_of: str


class TaskResult(Value):
    """The outcome of one task. `draft` is the verified draft as JSON under the named `schema`, with withheld parts removed.

    `evidence` are the passages of attached documents that the task found by searching and that its draft cites.
    """

    task: str
    agent: str
    schema_name: str
    title: str
    model: str
    draft: dict[str, Any]
    withheld: tuple[Violation, ...] = ()
    calls: tuple[ModelCall, ...] = ()
    repair_rounds: int = 0
    tool_failures: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
