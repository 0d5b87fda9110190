"""The attached documents as one task sees them: searched through a tool, every passage that was shown remembered, so that it can be cited."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crewai.tools import BaseTool
from crewai.tools.base_tool import Tool
from pydantic import BaseModel, Field

from crew.agents.prompts import fact_line
from crew.blueprint.catalog import TOOLS
from crew.domain.document import AttachedDocument
from crew.domain.evidence import Evidence
from crew.domain.outside import fenced

if TYPE_CHECKING:
    from crew.agents.library import Library
    from crew.agents.metering import Meter

NAME = "search_documents"
LONGEST_QUERY = 300
_PASSAGE_ID = re.compile(r"document\.\d+\.\d+")
_HINT = "A passage is quoted by citing its id, which the report replaces by its exact words in quotation marks."


class Search(BaseModel):
    """What to look for in the attached documents."""

    query: str = Field(description="A few words that the passage should hold, in the language of the documents")
    document: int = Field(0, description="The number of one document, or 0 for all")


class Shelf:
    """Searches the documents of one analysis for one task.

    Args:
        documents: as the report lists them.
        library: makes their passages; called when first needed.
        meter: counts the task's embedding calls.
    """

    def __init__(self, documents: Sequence[AttachedDocument], library: "Callable[[], Library]", meter: "Meter | None" = None) -> None:
        self._documents = documents
        self._meter = meter
        self._library = library
        self._shown: dict[str, Evidence] = {}

    @property
    def readable(self) -> list[AttachedDocument]:
        """The documents that were not left out."""
        return [item for item in self._documents if item.left_out is None]

    def search(self, query: str, document: int = 0) -> str:
        """The passages on `query` as a model reads them: each with the id to cite, the words of others fenced."""
        numbers = [item.number for item in self.readable]
        if document and document not in numbers:
            return f"There is no document {document} to search; there are: {', '.join(map(str, numbers))}"
        found = self._library().search(query[:LONGEST_QUERY], number=document or None, meter=self._meter)
        if not found:
            return "No passage holds any of these words. Try others, or the words that the documents themselves would use."
        self._shown |= {item.id: item for item in found}
        named = {int(item.id.split(".")[1]) for item in found}
        heads = [f"Document {item.number} is named {fenced(item.name)}" for item in self.readable if item.number in named]
        return "\n".join([*heads, *map(fact_line, found), _HINT])

    def cited_in(self, draft: Mapping[str, Any]) -> list[Evidence]:
        """The passages found by searching that a draft cites or rests on."""
        named = dict.fromkeys(_PASSAGE_ID.findall(json.dumps(draft)))
        return [self._shown[name] for name in named if name in self._shown]

    def tool(self) -> BaseTool:
        """The search as a tool of CrewAI, made from one of LangChain."""
        from langchain_core.tools import StructuredTool  # noqa: PLC0415 - LangChain is loaded only for analyses with documents

        described = "; ".join(_described(item) for item in self.readable)
        made = StructuredTool.from_function(self.search, name=NAME, description=f"{TOOLS[NAME]}. Attached: {described}", args_schema=Search)
        return Tool.from_langchain(made)


def _described(item: AttachedDocument) -> str:
    """The document in our own words: its name is outside text and has no place in a tool's description."""
    length = f"{item.pages} pages" if item.pages is not None else f"{item.characters} characters"
    dated = f"public on {item.as_of.isoformat()}" if item.as_of else "undated"
    return f"document {item.number} ({length}, {dated})"
