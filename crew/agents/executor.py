"""The loop of one agent as CrewAI runs it, without the pydantic class that it would define anew for each agent."""

from crewai.agents.agent_executor import AgentExecutor, AgentExecutorState
from crewai.flow.flow import FlowState
from crewai.flow.flow_definition import FlowDefinition


class _State(FlowState, AgentExecutorState):
    """What CrewAI derives for each executor: building it over and over took a tenth of an analysis's CPU."""


class LeanExecutor(AgentExecutor):
    """CrewAI's executor with the class of its state defined once."""

    def _create_initial_state(self) -> AgentExecutorState:
        return _State()

    @classmethod
    def flow_definition(cls) -> FlowDefinition:
        """The steps of CrewAI's executor: it looks for them in the class itself, where a subclass has none."""
        return AgentExecutor.flow_definition()
