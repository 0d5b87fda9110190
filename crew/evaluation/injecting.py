"""How faults are put into a draft: a sentence changed, a sentence added, an item changed."""

import copy
import json
import re
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from crew.agents.verification.sentence import sentences
from crew.domain.draft import CITATION
from crew.domain.evidence import Evidence
from crew.evaluation.corpus import DATA, lines, page, resolve, sheet
from crew.evaluation.drafts import Correct

Injected = tuple[dict[str, Any], str]
Injector = Callable[[Random, Correct], Injected | None]
CITED = re.compile(CITATION)


@cache
def words(name: str) -> Any:
    """The content of a data file in JSON."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


@cache
def material(kind: str, language: str) -> tuple[str, ...]:
    """The fault sentences of one kind in one language."""
    return tuple(line.text for line in lines(f"faults.{language}.txt") if line.style == kind)


def places(draft: dict[str, Any]) -> list[tuple[str, str]]:
    """Every text of a draft with its path."""
    found = []
    for name, content in draft.items():
        for path, part in [(f"{name}[{n}]", one) for n, one in enumerate(content)] if isinstance(content, list) else [(name, content)]:
            text = part.get("text") or part.get("reason") if isinstance(part, dict) else part
            if isinstance(text, str):
                found.append((path, text))
    return found


def put(draft: dict[str, Any], path: str, text: str) -> Injected:
    """The draft with another text at `path`."""
    faulty = copy.deepcopy(draft)
    name, _, index = path.rstrip("]").partition("[")
    holder: Any = faulty[name] if index else faulty
    key: Any = int(index) if index else name
    if isinstance(holder[key], dict):
        holder[key]["text" if "text" in holder[key] else "reason"] = text
    else:
        holder[key] = text
    return faulty, path


def change_sentence(change: Callable[[Random, Correct, str], str | None], *, cited: bool = False) -> Injector:
    """An injector that changes one sentence of the draft."""

    def inject(random: Random, given: Correct) -> Injected | None:
        found = places(given.draft)
        for path, text in random.sample(found, len(found)):
            parts = sentences(text)
            for number in random.sample(range(len(parts)), len(parts)):
                if cited and not CITED.search(parts[number]):
                    continue
                changed = change(random, given, parts[number])
                if changed is not None and changed != parts[number]:
                    return put(given.draft, path, " ".join([*parts[:number], changed, *parts[number + 1 :]]))
        return None

    return inject


def add_sentence(make: Callable[[Random, Correct], str | None]) -> Injector:
    """An injector that adds one sentence to a text of the draft."""

    def inject(random: Random, given: Correct) -> Injected | None:
        added = make(random, given)
        if added is None:
            return None
        path, text = random.choice(places(given.draft))
        parts = sentences(text)
        at = random.randint(0, len(parts))
        return put(given.draft, path, " ".join([*parts[:at], added, *parts[at:]]))

    return inject


def from_material(kind: str) -> Injector:
    """An injector that adds a sentence of the data files."""

    def make(random: Random, given: Correct) -> str | None:
        known = material(kind, given.language)
        for line in random.sample(known, len(known)):
            text = line
            for name, listed in words("strangers.json").items():
                text = text.replace(f"{{{name}}}", random.choice(listed))
            written = resolve(text, page(given.symbol))
            if written is not None:
                return written
        return None

    return add_sentence(make)


def replace_citation(random: Random, given: Correct, sentence: str, by: Callable[[Evidence], str | None]) -> str | None:
    """The sentence with one of its citations replaced by what `by` makes of its figure, or None."""
    found = list(CITED.finditer(sentence))
    for match in random.sample(found, len(found)):
        item = sheet(given.symbol).by_id.get(match.group(1))
        put = by(item) if item is not None and not isinstance(item.value, str) else None
        if put is not None:
            return sentence[: match.start()] + put + sentence[match.end() :]
    return None


def number(random: Random) -> str:
    """A figure as writers state them."""
    value = random.choice([f"{random.uniform(0.5, 99):.1f}", f"{random.randint(11, 999)}", f"{random.randint(1, 9)},{random.randint(100, 999)}"])
    return random.choice(["{}%", "{} %", "${}", "{} billion", "{}x", "{}", "{}bn", "{} million", "-{}%", "US${}", "{}bps"]).format(value)


def change_item(change: Callable[[Random, Correct, dict[str, Any]], bool], *, among: tuple[str, ...] = ("claims",)) -> Injector:
    """An injector that changes one item of the draft as data."""

    def inject(random: Random, given: Correct) -> Injected | None:
        faulty = copy.deepcopy(given.draft)
        items = [(f"{name}[{n}]", item) for name in among for n, item in enumerate(faulty.get(name) or ()) if isinstance(item, dict)]
        for path, item in random.sample(items, len(items)):
            if change(random, given, item):
                return faulty, path
        return None

    return inject
