"""The tree under one figure: what it was computed from, down to what was observed or assumed."""

from collections.abc import Iterable
from typing import Self

from pydantic import Field

from crew.domain.base import Value
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet

_NAMELESS = {
    "text": "",
    "date": "",
    "ratio": "",
    "count": "",
    "percent": " %",
    "multiple": " ×",
    "shares": " shares",
    "days": " days",
    "points": " points",
    "index": " points",
}


class EvidenceTree(Value):
    """One figure and the trees of its inputs, in the order of its formula."""

    evidence: Evidence
    inputs: tuple[Self, ...] = Field(default=())

    @property
    def leaves(self) -> tuple[Evidence, ...]:
        """What the figure rests on in the end, in order, with repetitions."""
        if not self.inputs:
            return (self.evidence,)
        return tuple(leaf for branch in self.inputs for leaf in branch.leaves)


def unfold(sheet: FactSheet | Iterable[Evidence], evidence_id: str) -> EvidenceTree:
    """The tree under `evidence_id`.

    Raises:
        KeyError: there is no such evidence.
        ValueError: an input is missing, or the figure rests on itself.
    """
    by_id = sheet.by_id if isinstance(sheet, FactSheet) else {item.id: item for item in sheet}
    built: dict[str, EvidenceTree] = {}
    under_way: set[str] = set()

    def build(id: str) -> EvidenceTree:
        if id in built:
            return built[id]
        if id in under_way:
            raise ValueError(f"{id} rests on itself")
        under_way.add(id)
        item = by_id[id]
        absent = [name for name in item.inputs if name not in by_id]
        if absent:
            raise ValueError(f"{id} rests on {absent[0]}, which is not among the evidence")
        built[id] = EvidenceTree.model_construct(evidence=item, inputs=tuple(build(name) for name in item.inputs))
        under_way.discard(id)
        return built[id]

    return build(evidence_id)


def render_tree(tree: EvidenceTree) -> str:
    """The tree as lines of text: each figure with its value, period and day, then its formula or where it was observed.

    A figure that occurs again is named without repeating what is under it.
    """
    lines: list[str] = []
    _render(tree, "", "", lines, set())
    return "\n".join(lines)


def stated(item: Evidence) -> str:
    """The value in plain digits with its unit."""
    if isinstance(item.value, str):
        return item.value
    number = f"{item.value:,.4f}".rstrip("0").rstrip(".")
    if item.unit == "currency":
        return f"{number} {item.currency}"
    return f"{number} {item.currency} per share" if item.unit == "currency_per_share" else number + _NAMELESS[item.unit]


def _render(tree: EvidenceTree, lead: str, indent: str, lines: list[str], seen: set[str]) -> None:
    item = tree.evidence
    lines.append(f"{lead}{item.id} = {stated(item)}  [{item.label}; {item.period}, {item.as_of}]")
    if item.id in seen and tree.inputs:
        lines[-1] += " (see above)"
        return
    seen.add(item.id)
    rail = "│  " if tree.inputs else "   "
    why = f"{item.kind}: {item.formula}" if item.locator is None else f"{item.kind}: {item.source}, {item.locator}"
    lines.append(f"{indent}{rail}{why}")
    for position, branch in enumerate(tree.inputs):
        last = position == len(tree.inputs) - 1
        _render(branch, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  "), lines, seen)
