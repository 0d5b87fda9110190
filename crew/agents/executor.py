"""An agent and its loop as CrewAI runs them, without what it would work out over and over: a pydantic class, signatures, a first loop unused."""

import inspect
from collections.abc import Callable
from typing import Any

from crewai import Agent, Task
from crewai.agents.agent_executor import AgentExecutor, AgentExecutorState
from crewai.flow.flow import FlowState
from crewai.flow.flow_definition import FlowDefinition
from crewai.flow.flow_wrappers import FlowMethod
from crewai.flow.types import FlowMethodName
from crewai.tools import BaseTool

# Made here, while nothing else runs: CrewAI looks through the class for its steps when the first executor is made, and keeps what it has found in
# that same class. Of the first tasks of a process, which run in parallel, one could find that the class "changed size during iteration".
_STEPS = AgentExecutor.flow_definition()


class _State(FlowState, AgentExecutorState):
    """What CrewAI derives for each executor: building it over and over took a tenth of an analysis's CPU."""


class LeanExecutor(AgentExecutor):
    """CrewAI's executor with the class of its state defined once, and its steps run where its loop runs."""

    async def _execute_method(self, method_name: FlowMethodName, method: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, str | None]:
        """Run a step, in the thread that runs the agent. CrewAI hands each step to another one, and then to a third what would keep the
        state of a flow, which this one does not keep: some twenty changes of threads for a task with one call of a model.
        """
        result = method(*args, **kwargs)
        if inspect.isawaitable(result):
            result = await result
        self._method_outputs.append({"method": str(method_name), "output": result})
        self._method_execution_counts[method_name] = self._method_execution_counts.get(method_name, 0) + 1
        self._completed_methods.add(method_name)
        return result, None

    def _create_initial_state(self) -> AgentExecutorState:
        return _State()

    @classmethod
    def flow_definition(cls) -> FlowDefinition:
        """The steps of CrewAI's executor: it looks for them in the class itself, where a subclass has none."""
        return _STEPS


class LeanAgent(Agent):
    """CrewAI's agent, whose loop is made once."""

    def create_agent_executor(self, tools: list[BaseTool] | None = None, task: Task | None = None) -> None:
        """Make the loop for `task`. CrewAI asks for one before there is a task as well, and replaces every part of that one."""
        if task is not None:
            super().create_agent_executor(tools=tools, task=task)


def _remember_signatures() -> None:
    """Note on each step's function its signature: CrewAI asks for it whenever a step is looked up, some hundred times per analysis."""
    for step in vars(AgentExecutor).values():
        if isinstance(step, FlowMethod):
            function = step.unwrap()
            function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]


_remember_signatures()
