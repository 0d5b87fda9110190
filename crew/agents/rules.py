"""The `rules` model: no language model but a deterministic writer, behind the same interface as any model."""

import json
from collections.abc import Mapping
from typing import Any

from crewai import BaseLLM
from pydantic import PrivateAttr

from crew.agents.names import RULES
from crew.agents.rules_page import Page
from crew.agents.rules_text import WRITERS
from crew.domain.factsheet import FactSheet
from crew.domain.run import TaskResult


class RulesModel(BaseLLM):
    """Writes the draft of one schema from one fact sheet by stated rules. The same sheet gives the same words.

    It goes through the same agents, tasks, guardrails and accounting as any model; it uses no tokens and costs nothing.
    """

    llm_type: str = "stockcrew-rules"
    _schema_name: str = PrivateAttr()
    _page: Page = PrivateAttr()
    _upstream: Mapping[str, TaskResult] = PrivateAttr()

    @classmethod
    def writing(
        cls, schema_name: str, sheet: FactSheet, *, upstream: Mapping[str, TaskResult], language: str, most_sentences: int | None = None
    ) -> "RulesModel":
        """A writer for one task. It has English and Brazilian Portuguese; the report says so where another language was wanted."""
        made = cls(model=RULES)
        made._schema_name, made._page, made._upstream = schema_name, Page(sheet, language, most_sentences), upstream
        return made

    def call(  # noqa: PLR0917 - CrewAI's signature
        self,
        messages: Any,  # noqa: ARG002 - the draft follows from the fact sheet alone
        tools: Any = None,  # noqa: ARG002
        callbacks: Any = None,  # noqa: ARG002
        available_functions: Any = None,  # noqa: ARG002
        from_task: Any = None,  # noqa: ARG002
        from_agent: Any = None,  # noqa: ARG002
        response_model: Any = None,  # noqa: ARG002
    ) -> str:
        """The draft as one JSON object."""
        return json.dumps(WRITERS[self._schema_name](self._page, self._upstream), ensure_ascii=False)

    def supports_function_calling(self) -> bool:
        """True, so that tools are offered natively; the writer needs none."""
        return True
