"""A crew that leaves nothing on disk: CrewAI would write every prompt and answer in clear into a table that each kickoff wipes for all others."""

from typing import Any

from crewai import Crew
from pydantic import PrivateAttr


class _Nowhere:
    """In the place of CrewAI's storage of task outputs, which serves `crewai replay` alone."""

    def update(self, task_index: int, log: dict[str, Any]) -> None:
        """Keep nothing."""

    def add(self, *args: Any, **named: Any) -> None:
        """Keep nothing."""

    def reset(self) -> None:
        """There is nothing to wipe."""

    def load(self) -> None:
        """There is nothing."""


class ForgetfulCrew(Crew):
    """CrewAI's crew without its storage of task outputs."""

    _task_output_handler: Any = PrivateAttr(default_factory=_Nowhere)
