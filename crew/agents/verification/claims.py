"""What is said as data: a claim's evidence, direction and tripwire, an event's source."""

from collections.abc import Iterator
from typing import Any

from crew.agents.verification.known import Fault, Known
from crew.agents.verification.sentence import Sentence
from crew.domain.evidence import Evidence


def data_faults(part: dict[str, Any], sentence: Sentence, known: Known) -> Iterator[Fault]:
    """Every fault of one item of a draft apart from its words."""
    ids = [str(name) for name in part.get("evidence") or ()]
    for name in ids:
        if name not in known.sheet.by_id:
            yield "unknown_evidence", f"rests on {name!r}, which is not in the fact sheet"
    if "side" in part:
        yield from _claim(sentence, ids)
    elif "evidence" in part and "tripwire" not in part and "view" not in part and not sentence.cited:
        yield "event_without_source", "an event must cite the text or date that reports it as [[id]]"
    for key in ("wrong_if", "tripwire"):
        if isinstance(part.get(key), dict):
            yield from _tripwire(part[key], known)
    first = known.sheet.by_id.get(ids[0]) if ids else None
    if "direction" in part and first is not None:
        yield from _direction(str(part["direction"]), first)


def _claim(sentence: Sentence, ids: list[str]) -> Iterator[Fault]:
    if not sentence.cited:
        yield "claim_without_figure", "a claim must cite the figure it rests on"
    elif not {one.id for one in sentence.cited} & set(ids):
        yield "claim_without_figure", f"cites none of the figures it says it rests on ({', '.join(ids)})"


def _direction(direction: str, first: Evidence) -> Iterator[Fault]:
    if isinstance(first.value, str):
        return
    if (direction == "up" and first.value < 0) or (direction == "down" and first.value > 0):
        yield "wrong_direction", f"direction {direction}, but {first.id} is {first.value:.4g}"


def _tripwire(wire: dict[str, Any], known: Known) -> Iterator[Fault]:
    item = known.sheet.by_id.get(str(wire["evidence"]))
    if item is None or isinstance(item.value, str):
        yield "unknown_evidence", f"its tripwire names {wire['evidence']!r}, which is no figure of the fact sheet"
    elif _holds(item.value, str(wire["operator"]), float(wire["threshold"])):
        yield "tripwire_crossed", f"its tripwire is crossed already: {item.id} is {item.value:.4g} {wire['operator']} {wire['threshold']}"


def _holds(value: float, operator: str, threshold: float) -> bool:
    return {"<": value < threshold, "<=": value <= threshold, ">": value > threshold, ">=": value >= threshold}[operator]
