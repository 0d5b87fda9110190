"""What an analysis is going to take, from the very prompts that will be sent, before any model is called."""

import math

from crew.agents.accounting import CHARACTERS_A_TOKEN, Prices, load_prices
from crew.agents.names import RULES, resolve
from crew.agents.prompts import task_description
from crew.blueprint.model import AgentSpec, Blueprint, TaskSpec
from crew.domain.factsheet import FactSheet
from crew.domain.run import Estimate, EstimateLine
from crew.settings import Settings

# Tokens of a typical answer, from drafts of usual length, and of the claims that one task hands to the next.
TYPICAL_ANSWER = {"research": 900, "fundamentals": 1_300, "technicals": 900, "report": 600, "section": 600}
CLAIMS_OF_A_TASK = 350
# What CrewAI puts around our texts, and the tools' schemas.
FRAME, TOOL = 90, 110
# A look-up by tool and the answer; each repair round repeats the prompt as well. Each call sends everything before it again.
HIGH_CALLS = 2


def estimate(blueprint: Blueprint, sheet: FactSheet, *, language: str, model_override: str | None, settings: Settings) -> Estimate:
    """The estimate for the crew on one fact sheet.

    Raises:
        ConfigurationError: the price table is wrong.
    """
    prices = load_prices(settings.prices_file)
    lines, high = [], []
    for name, task in blueprint.tasks.items():
        agent = blueprint.agents[task.agent]
        model = resolve(agent.model, override=model_override, settings=settings)
        line = _line(name, task, agent, sheet, language=language, model=model, prices=prices)
        lines.append(line)
        high.append(_high(line, task, agent, prices))
    return Estimate(
        lines=tuple(lines),
        calls=sum(line.calls for line in lines),
        prompt_tokens=sum(line.prompt_tokens for line in lines),
        completion_tokens=sum(line.completion_tokens for line in lines),
        cost_usd=_sum([line.cost_usd for line in lines]),
        high_cost_usd=_sum(high),
        prices_as_of=prices.as_of.isoformat(),
    )


def _line(name: str, task: TaskSpec, agent: AgentSpec, sheet: FactSheet, *, language: str, model: str, prices: Prices) -> EstimateLine:
    texts = (task.description, task.expected_output, agent.role, agent.goal, agent.backstory)
    characters = sum(len(task_description(task, text, sheet, language=language, upstream={})) for text in texts)
    prompt = math.ceil(characters / CHARACTERS_A_TOKEN) + FRAME + TOOL * len(agent.tools) + CLAIMS_OF_A_TASK * len(task.context)
    answer = min(TYPICAL_ANSWER[task.schema_name], agent.limits.max_output_tokens)
    used = {"prompt_tokens": 0, "completion_tokens": 0} if model == RULES else {"prompt_tokens": prompt, "completion_tokens": answer}
    return EstimateLine(task=name, agent=task.agent, model=model, calls=1, cost_usd=prices.cost_usd(model, **used), **used)


def _high(line: EstimateLine, task: TaskSpec, agent: AgentSpec, prices: Prices) -> float | None:
    if line.model == RULES:
        return 0.0
    longest, calls = agent.limits.max_output_tokens, HIGH_CALLS + task.repair_rounds
    prompt = calls * line.prompt_tokens + longest
    return prices.cost_usd(line.model, prompt_tokens=prompt, completion_tokens=calls * longest)


def _sum(costs: list[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), 9) if len(known) == len(costs) else None
