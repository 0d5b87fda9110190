"""Correct drafts: those of the rules writer, and those put together from hand-written sentences, one for each writer's habit and company."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from crew.agents.rules_page import Page, cited
from crew.agents.rules_text import WRITERS
from crew.agents.verify import Verifier
from crew.blueprint.loader import load_blueprint
from crew.domain.run import TaskResult
from crew.evaluation.corpus import LANGUAGES, Line, lines, page, resolve, sheet, symbols
from crew.settings import Settings

_PARAGRAPH = 3
_SUBJECTS = ("research", "fundamentals", "technicals", "section", "report")


@dataclass(frozen=True)
class Correct:
    """A draft without a fault, and whose it is."""

    writer: str
    symbol: str
    language: str
    draft: dict[str, Any]


@cache
def verifier(symbol: str, language: str) -> Verifier:
    """The verifier as a task of the shipped crew would have it."""
    return Verifier(sheet(symbol), languages=frozenset({language}), private=prompt_texts())


@cache
def prompt_texts() -> tuple[str, ...]:
    """What the shipped crew is told: no draft may repeat it."""
    settings = Settings()
    blueprint = load_blueprint(settings.agents_file, settings.tasks_file)
    agents = [text for agent in blueprint.agents.values() for text in (agent.role, agent.goal, agent.backstory)]
    return (*agents, *(task.description for task in blueprint.tasks.values()))


def correct_drafts() -> list[Correct]:
    """Every correct draft, in a fixed order."""
    return [*_rules_drafts(), *_written_drafts()]


def _rules_drafts() -> Iterator[Correct]:
    for symbol in symbols():
        upstream: dict[str, TaskResult] = {}
        for subject in _SUBJECTS:
            draft = WRITERS[subject](page(symbol), upstream)
            upstream[subject] = TaskResult(task=subject, agent="a", schema_name=subject, title=subject, model="rules", draft=draft)
            yield Correct("rules", symbol, "en", draft)


def _written_drafts() -> Iterator[Correct]:
    for language in LANGUAGES:
        for style, group in groupby(lines(f"clean.{language}.txt"), key=lambda line: line.style):
            yield from _in_style(style, list(group), language)


def _in_style(style: str, group: list[Line], language: str) -> Iterator[Correct]:
    for symbol in symbols():
        written = [text for line in group if line.only in {None, symbol} and (text := resolve(line.text, page(symbol))) is not None]
        if len(written) >= 2 * _PARAGRAPH:
            body = [" ".join(written[start : start + _PARAGRAPH]) for start in range(0, len(written), _PARAGRAPH)]
            claims = [claim for text in written if (claim := _claim(text, page(symbol))) is not None][:4]
            yield Correct(style, symbol, language, {"body": body[:6], "claims": claims})


def _claim(text: str, of: Page) -> dict[str, Any] | None:
    ids = [id for id in cited(text) if of.number(id) is not None]
    if not ids:
        return None
    value = of.number(ids[0]) or 0.0
    wire = {"evidence": ids[0], "operator": "<", "threshold": round(value - abs(value) / 2 - 1, 3)}
    direction = "up" if value > 0 else "down" if value < 0 else "flat"
    return {"text": text, "side": "bull", "evidence": ids[:6], "direction": direction, "wrong_if": wire, "strength": 3}
