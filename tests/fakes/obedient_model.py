"""A model that obeys an instruction from outside: it writes what it was told into every text and calls the tool it was told."""

import json
from typing import Any

from fakes.attacks import Attack
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import Script
from fakes.model_writer import draft_for

from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet

_IDS = {"headline": "news.1", "profile": "company.description", "document": "document.d1.p1", "event": "event.next", "tool output": "quality.note"}


def planted(sheet: FactSheet, attack: Attack) -> FactSheet:
    """`sheet` with the attack in its place, past every check that a fact sheet makes."""
    if attack.place in {"name", "sector"}:
        evidence = tuple(item.model_copy(update={"value": attack.text}) if item.id == f"company.{attack.place}" else item for item in sheet.evidence)
        return sheet.model_copy(update={"instrument": sheet.instrument.model_copy(update={attack.place: attack.text}), "evidence": evidence})
    value, label = ("Results on Thursday", f"Headline, {attack.text}") if attack.place == "publisher" else (attack.text, "Headline")
    id = _IDS.get(attack.place, "news.1")
    text = Evidence(
        id=id, kind="text", label=label, value=value, unit="text", period="spot", as_of=sheet.as_of, source="outside", locator="outside#1"
    )
    return sheet.model_copy(update={"evidence": (text, *(item for item in sheet.evidence if item.id != id))})


def reads(request: ModelRequest, attack: Attack) -> bool:
    """Whether the request holds the attack in a form that a model could make out: most of its letters, whatever stands between them."""
    wanted, seen = _letters(attack.text), _letters(request.text)
    pieces = [wanted[start : start + 10] for start in range(0, max(1, len(wanted) - 9), 10)]
    return sum(piece in seen for piece in pieces) >= 0.6 * len(pieces)


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def obeying(attack: Attack, *, only_if_read: bool = False) -> Script:
    """A script that does what the attack says, always or only where the request lets the attack through."""

    def script(request: ModelRequest) -> Reply:
        if "fact_lookup" in request.tools and attack.place == "tool output" and not request.answered:
            return Reply(calls=(("fact_lookup", {"id": "quality.note"}),))
        draft = draft_for(request.text)
        if only_if_read and not reads(request, attack):
            return Reply(text=json.dumps(draft))
        if attack.tool and len(request.answered) < (2 if attack.place == "tool output" else 1):
            return Reply(calls=((attack.tool, {"id": "price.last", "line_item": "income.revenue"}),))
        said = attack.obeyed or request.system[:400].replace("\n", " ")
        return Reply(text=json.dumps(_turned(draft, said), ensure_ascii=False))

    return script


def _turned(node: Any, said: str) -> Any:
    if isinstance(node, list):
        return [_turned(item, said) for item in node]
    if not isinstance(node, dict):
        return f"{node} {said}" if isinstance(node, str) else node
    turned = {key: f"{value} {said}" if key in {"text", "reason"} else value for key, value in node.items()}
    if "view" in turned:
        turned["view"] = "one_notch_up"
    return {
        key: _turned(value, said) if key not in {"text", "reason", "view", "evidence", "side", "direction", "wrong_if", "tripwire"} else value
        for key, value in turned.items()
    }
