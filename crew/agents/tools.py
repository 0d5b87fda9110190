"""The crew's tools: deeper looks into the fact sheet. They compute nothing, fetch nothing, and their answers are bounded."""

import copy
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from crewai.tools import BaseTool
from crewai.tools.structured_tool import CrewStructuredTool, format_description_for_llm
from pydantic import BaseModel, Field, PrivateAttr

from crew.agents.prompts import fact_line
from crew.blueprint.catalog import TOOLS as DESCRIPTIONS
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet

if TYPE_CHECKING:
    from crew.agents.shelf import Shelf

MAX_LINES = 40
SEARCH = "search_documents"


class Arguments(BaseModel):
    """A tool's arguments. CrewAI asks for their JSON Schema several times in each task, so it is made once."""

    @classmethod
    def model_json_schema(cls, *args: Any, **named: Any) -> dict[str, Any]:
        """See `BaseModel.model_json_schema`; the caller may change what it is given."""
        key = (cls, args, tuple(sorted(named.items())))
        if key not in _SCHEMAS:
            _SCHEMAS[key] = super().model_json_schema(*args, **named)
        return copy.deepcopy(_SCHEMAS[key])


_SCHEMAS: dict[tuple[Any, ...], dict[str, Any]] = {}


class Lookup(Arguments):
    """What to look up."""

    id: str = Field(description="An evidence id, or the beginning of ids, such as income.revenue or price.")


class Item(Arguments):
    """A line item of the statements."""

    line_item: str = Field(description="A line item such as income.revenue, cashflow.free or balance.total_debt")


class Nothing(Arguments):
    """No argument is needed; `about` is taken for the sake of models that must send one."""

    about: str = Field("", description="Leave empty")


class _DescribedTool(CrewStructuredTool):
    """A tool whose description for prompts is put together once: CrewAI asks for it whenever it makes an agent's loop."""

    @property
    def formatted_description(self) -> str:
        """See `CrewStructuredTool.formatted_description`."""
        return _described(self.name, self.args_schema, self.description)


@cache
def _described(name: str, schema: type[BaseModel] | None, description: str) -> str:
    return format_description_for_llm(name, schema, description)


class SheetTool(BaseTool):
    """A tool over one fact sheet. One class serves all: making a class costs more than a call."""

    _answer: Callable[..., str] = PrivateAttr()

    def _run(self, **arguments: Any) -> str:
        return self._answer(**arguments)

    def let_go(self) -> None:
        """Forget the fact sheet; the tool is of no further use."""
        del self._answer

    def to_structured_tool(self) -> CrewStructuredTool:
        """See `BaseTool.to_structured_tool`."""
        made = _DescribedTool(name=self.name, description=self.description, args_schema=self.args_schema, func=self._run)
        made._original_tool = self  # noqa: SLF001 - as CrewAI does
        return made


def _lines(found: Sequence[Evidence], missing: str) -> str:
    if not found:
        return missing
    more = f"\n({len(found) - MAX_LINES} more; ask for a longer prefix)" if len(found) > MAX_LINES else ""
    return "\n".join(fact_line(item) for item in found[:MAX_LINES]) + more


def _tool(name: str, schema: type[BaseModel], answer: Callable[..., str]) -> BaseTool:
    made = SheetTool(name=name, description=DESCRIPTIONS[name], args_schema=schema)
    made._answer = answer  # noqa: SLF001 - of our own class
    return made


def make_tools(names: Sequence[str], sheet: FactSheet, shelf: "Shelf | None" = None) -> list[BaseTool]:
    """The named tools over `sheet` and the attached documents on `shelf`, made for one run. Without documents none can be searched.

    Raises:
        KeyError: a name is not in the catalogue.
    """
    evidence = sheet.evidence

    def under(prefix: str) -> list[Evidence]:
        return [item for item in evidence if item.id == prefix or item.id.startswith(prefix)]

    def fact_lookup(id: str) -> str:
        near = ", ".join(get_close_matches(id, list(sheet.by_id), n=5))
        return _lines(under(id.strip("[] ")), f"There is no such id. Near: {near or 'nothing'}")

    def statement_history(line_item: str) -> str:
        return _lines(under(line_item.strip("[] ").rstrip(".") + "."), "The statements have no such line item.")

    def price_history(about: str = "") -> str:
        return _lines([item for item in under("price.") if item.unit in {"percent", "currency_per_share"}], f"There are no prices {about}".strip())

    def compare_peers(about: str = "") -> str:
        return _lines(under("peer."), f"The data set has no peers {about}".strip())

    made: dict[str, tuple[type[BaseModel], Callable[..., str]]] = {
        "fact_lookup": (Lookup, fact_lookup),
        "statement_history": (Item, statement_history),
        "price_history": (Nothing, price_history),
        "compare_peers": (Nothing, compare_peers),
    }
    search = {SEARCH: shelf.tool()} if shelf is not None and shelf.readable and SEARCH in names else {}
    return [search[name] if name in search else _tool(name, *made[name]) for name in names if name != SEARCH or search]
