"""A stand-in for a language model that does as the prompt asks: it looks one thing up, then writes a draft that cites the prompt's facts."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fakes.model_protocols import ModelRequest, Reply

_FACT = re.compile(r"^\[\[([a-z][\w.\-]+)\]\] (.+?) \(([^()]*)\): (-?[\d.]+(?:e[+-]?\d+)?) (\S.*)$", re.MULTILINE)
_PERIOD = re.compile(r"\.(FY\d{4}|Q[1-4]-\d{4})$")
_TEXT = re.compile(r"^\[\[([a-z][\w.\-]+)\]\] (.+?): <outside-text>", re.MULTILINE)
_CLAIMED = re.compile(r"^- \(\w+, (?:bull|bear), strength \d\) .*?\[evidence: ([^\]]*)\]$", re.MULTILINE)


_OTHER_LANGUAGES = {"Brazilian Portuguese": "O número que está no quadro é de", "Spanish": "La cifra que está en el cuadro es de"}
_DATA = frozenset({"evidence", "side", "direction", "wrong_if", "tripwire", "strength", "view"})


@dataclass(frozen=True)
class Fact:
    """A figure as the prompt states it."""

    id: str
    label: str
    value: float
    unit: str


def facts_in(prompt: str) -> list[Fact]:
    """The figures that the prompt lists, in its order; of a figure's fiscal years and quarters only the newest."""
    found = [Fact(id, label, float(value), unit) for id, label, _, value, unit in _FACT.findall(prompt)]
    newest: dict[tuple[str, str], str] = {}
    for fact in found:
        if match := _PERIOD.search(fact.id):
            key, when = (fact.id[: match.start()], match.group(1)[0]), match.group(1)[-4:] + match.group(1)
            newest[key] = max(newest.get(key, ""), when)
    return [
        fact
        for fact in found
        if not (match := _PERIOD.search(fact.id)) or newest[fact.id[: match.start()], match.group(1)[0]] == match.group(1)[-4:] + match.group(1)
    ]


def subject_of(prompt: str) -> str:
    """Which draft the prompt asks for, by the title of its JSON Schema: research, fundamentals, technicals, report or section."""
    names = re.findall(r'"title":"(\w+?)Draft"', prompt)
    name = names[-1] if names else ""
    return name.lower()


def write(request: ModelRequest) -> Reply:
    """One look-up where tools are offered, then the draft."""
    if "fact_lookup" in request.tools and not request.answered:
        return Reply(calls=(("fact_lookup", {"id": "price.last"}),))
    return Reply(text=json.dumps(draft_for(request.text)))


def draft_for(prompt: str) -> dict[str, Any]:
    """A draft of the schema that the prompt names, true to the facts that it lists."""
    draft = _WRITERS[subject_of(prompt)](prompt)
    asked = re.search(r"Write in (Brazilian Portuguese|Spanish)", prompt)
    return _translated(draft, _OTHER_LANGUAGES[asked.group(1)]) if asked else draft


def _translated(node: Any, words: str) -> Any:
    """The same draft with every text that cites a figure said in other words around the same citations."""
    if isinstance(node, str):
        return " ".join(f"{words} [[{id}]]." for id in re.findall(r"\[\[([^\[\]]+)\]\]", node)) or node
    if isinstance(node, list):
        return [_translated(item, words) for item in node]
    if isinstance(node, dict):
        return {key: value if key in _DATA else _translated(value, words) for key, value in node.items()}
    return node


def claim(fact: Fact, side: str) -> dict[str, Any]:
    """An argument on one side that rests on one figure."""
    return {
        "text": f"The figure for {_plain(fact.label)} of [[{fact.id}]] speaks {'for' if side == 'bull' else 'against'} the shares.",
        "side": side,
        "evidence": [fact.id],
        "direction": "up" if fact.value > 0 else "down" if fact.value < 0 else "flat",
        "wrong_if": tripwire(fact),
        "strength": 3,
    }


def tripwire(fact: Fact) -> dict[str, Any]:
    """A threshold a good way below the figure."""
    return {"evidence": fact.id, "operator": "<", "threshold": round(fact.value - abs(fact.value) / 2 - 1, 3)}


def sentence(fact: Fact) -> str:
    """One plain sentence on one figure."""
    return f"The {_plain(fact.label)} stands at [[{fact.id}]]."


def _plain(label: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\S*\d\S*", "", label)).strip(" ,").lower()


def _spread(facts: list[Fact], count: int) -> list[str]:
    size = max(1, len(facts) // count)
    return [" ".join(map(sentence, facts[index * size : index * size + 3])) or "Nothing is known here." for index in range(count)]


def _research(prompt: str) -> dict[str, Any]:
    facts = facts_in(prompt)
    headlines = [id for id, _ in _TEXT.findall(prompt) if id.startswith("news.")]
    return {
        "business": [" ".join(map(sentence, facts[:3])) or "Little is known."],
        "events": [{"text": f"The press reported: [[{id}]]", "evidence": [id]} for id in headlines[:3]],
        "catalysts": [sentence(facts[-1])] if facts else [],
        "risks": [{"text": sentence(facts[0]), "tripwire": tripwire(facts[0])}] if facts else [],
    }


def _fundamentals(prompt: str) -> dict[str, Any]:
    facts = facts_in(prompt)
    names = ("growth", "profitability", "balance_sheet", "cash_flow", "valuation")
    return {**dict(zip(names, _spread(facts, 5), strict=True)), "claims": [claim(facts[0], "bull"), claim(facts[-1], "bear")]}


def _technicals(prompt: str) -> dict[str, Any]:
    facts = facts_in(prompt)
    names = ("trend", "momentum", "volatility", "levels")
    return {**dict(zip(names, _spread(facts, 4), strict=True)), "claims": [claim(facts[0], "bull"), claim(facts[-1], "bear")]}


def _report(prompt: str) -> dict[str, Any]:
    facts = facts_in(prompt)
    claimed = [id.split(",")[0].strip() for id in _CLAIMED.findall(prompt)] or [facts[0].id]
    known = next((fact for fact in facts if fact.unit != "date"), None)
    cited = known.id if known else claimed[0]
    return {
        "summary": f"The case rests on [[{claimed[0]}]] and on [[{cited}]].",
        "thesis": [f"The argument rests on [[{id}]]." for id in claimed[:3]],
        "change_our_mind": [f"A turn in [[{claimed[0]}]] would overturn it."],
        "crew_view": {"view": "agree", "reason": f"The total of [[{cited}]] fits the arguments.", "evidence": [cited]},
    }


def _section(prompt: str) -> dict[str, Any]:
    return {"body": _spread(facts_in(prompt), 2), "claims": []}


_WRITERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "research": _research,
    "fundamentals": _fundamentals,
    "technicals": _technicals,
    "report": _report,
    "section": _section,
}
