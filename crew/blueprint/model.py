"""What agents.yaml and tasks.yaml say, as frozen values: the crew's blueprint. Nothing here knows CrewAI."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from crew.domain.analysis import Depth, Language

# Top-level keys of tasks.yaml that are no tasks.
RESERVED = frozenset({"variables", "depths", "emphasis"})
NAME = r"^[a-z][a-z0-9_]{0,39}$"
FACTS = r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_*\-]+)*$"
MODEL = r"^(default|rules|[a-z][a-z0-9_]*/[^\s\x00-\x1f]+)$"

Line = Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=r"^[^\n\r]*\S[^\n\r]*$")]
Text = Annotated[StrictStr, Field(min_length=1, max_length=12_000, pattern=r"\S")]
Factor = Annotated[float, Field(gt=0, le=8, strict=True, allow_inf_nan=False)]
FactPrefix = Annotated[StrictStr, Field(pattern=FACTS, max_length=120)]


class Part(BaseModel):
    """A part of the blueprint: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Limits(Part):
    """Bounds on one agent's work on one task."""

    max_iterations: StrictInt = Field(6, ge=1, le=25, description="Rounds of model calls and tool calls before the agent must answer")
    max_output_tokens: StrictInt = Field(4_000, ge=256, le=32_000, description="Longest answer of one model call, in tokens")


class AgentSpec(Part):
    """One agent: who it is, which model speaks for it, which tools it may use."""

    role: Line = Field(description="What the agent is, in a few words; readers see it in the report")
    goal: Text = Field(description="What the agent tries to achieve")
    backstory: Text = Field(description="Who the agent is and by which rules it works")
    model: Annotated[StrictStr, Field(pattern=MODEL, max_length=200)] = Field(
        "default", description="`default` (STOCKCREW_MODEL), `rules`, or a model such as openai/gpt-5-mini"
    )
    tools: tuple[StrictStr, ...] = Field((), description="Names of the tools the agent may call")
    limits: Limits = Field(Limits(), description="Bounds on the agent's work on one task")


class TaskSpec(Part):
    """One task: what to deliver, by whom, from which facts and on top of which other tasks."""

    title: Line = Field(description="The section's heading in the report")
    titles: Mapping[Language, Line] = Field({}, description="The heading in reports of another language")
    description: Text = Field(description="What to do; placeholders such as {symbol} and {facts} are filled in before each run")
    expected_output: Text = Field(description="What the answer must look like")
    agent: StrictStr = Field(description="Name of the agent that does the task")
    context: tuple[StrictStr, ...] = Field((), description="Tasks whose verified claims this task builds on; it runs after them")
    schema_name: StrictStr = Field(alias="schema", description="Name of the draft's schema")
    facts: tuple[FactPrefix, ...] = Field(
        (), description="Prefixes of evidence ids that go into the prompt, `*` for any part: price, margin.*.TTM, price.return_*"
    )
    without: tuple[FactPrefix, ...] = Field((), description="Prefixes of evidence ids that `facts` would take and that stay out of the prompt")
    most_facts: StrictInt = Field(140, ge=1, le=500, description="Most facts in the prompt; those that `facts` names first go before the others")
    most_sentences: StrictInt | None = Field(None, ge=1, le=40, description="Most sentences of a paragraph that the `rules` model writes")
    repair_rounds: StrictInt = Field(1, ge=0, le=3, description="Times that a draft with violations is handed back to be mended")

    def heading(self, language: str) -> str:
        """The section's heading in `language`, or the plain title where there is none."""
        return next((text for name, text in self.titles.items() if name == language), self.title)

    def wants(self, evidence_id: str) -> bool:
        """Whether the evidence belongs to the task's facts: a prefix names it, or everything below a dot of its id, and `without` does not."""
        return self.chooser()(evidence_id)

    def chooser(self) -> Callable[[str], bool]:
        """`wants` for many ids."""
        return _chooser(self.facts, self.without)

    def rank(self, evidence_id: str) -> int:
        """The place in `facts` of the first prefix that names the evidence, behind all of them where none does."""
        return next((place for place, prefix in enumerate(self.facts) if _matches((prefix,), evidence_id)), len(self.facts))


class DepthSpec(Part):
    """How much work the crew puts in when a request asks for this depth. What is left out is as the task and its agent say."""

    instruction: Text | None = Field(None, description="Added to the end of every task's description")
    tools: StrictBool = Field(True, description="Whether agents may call their tools")
    iterations: Factor = Field(1.0, description="Factor on each agent's limits.max_iterations")
    output_tokens: Factor = Field(1.0, description="Factor on each agent's limits.max_output_tokens")
    most_facts: StrictInt | None = Field(None, ge=1, le=500, description="In place of each task's most_facts")
    most_sentences: StrictInt | None = Field(None, ge=1, le=40, description="In place of each task's most_sentences")
    repair_rounds: StrictInt | None = Field(None, ge=0, le=3, description="In place of each task's repair_rounds")


def _matches(prefixes: tuple[str, ...], evidence_id: str) -> bool:
    return bool(prefixes) and _pattern(prefixes).match(evidence_id) is not None


@lru_cache(maxsize=64)
def _chooser(facts: tuple[str, ...], without: tuple[str, ...]) -> Callable[[str], bool]:
    # Each prompt asks this of every figure of the sheet, and most companies have the same figures.
    return lru_cache(maxsize=8192)(lambda evidence_id: _matches(facts, evidence_id) and not _matches(without, evidence_id))


@lru_cache(maxsize=1024)
def _pattern(prefixes: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(wanted) for prefix in prefixes for wanted in (prefix, f"{prefix}.*")))


class Blueprint(Part):
    """The whole crew. Variables of tasks.yaml are already filled in; the known placeholders are still in place.

    `depths` are those that requests may ask for, `standard` always among them. `emphasis` is added to tasks whose subjects a request has in
    focus; without it none can be.
    """

    agents: Mapping[str, AgentSpec]
    tasks: Mapping[str, TaskSpec]
    depths: Mapping[Depth, DepthSpec] = {"standard": DepthSpec()}
    emphasis: Text | None = None

    def order(self) -> tuple[tuple[str, ...], ...]:
        """Task names in levels: a task's context lies in earlier levels, so that all tasks of one level may run at once."""
        levels: list[tuple[str, ...]] = []
        done: set[str] = set()
        while len(done) < len(self.tasks):
            level = tuple(name for name, task in self.tasks.items() if name not in done and done.issuperset(task.context))
            if not level:
                raise ValueError("the tasks' contexts form a cycle")
            levels.append(level)
            done.update(level)
        return tuple(levels)

    @property
    def config_hash(self) -> str:
        """SHA-256 over the meaning of both files: comments, quoting and layout do not enter, order and every text do."""
        content = {
            "agents": [[name, agent.model_dump(mode="json")] for name, agent in self.agents.items()],
            "tasks": [[name, task.model_dump(mode="json")] for name, task in self.tasks.items()],
            "depths": {name: depth.model_dump(mode="json") for name, depth in self.depths.items()},
            "emphasis": self.emphasis,
        }
        canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
