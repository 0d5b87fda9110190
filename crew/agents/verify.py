"""Verification: every sentence and claim of a draft against the fact sheet, and the removal of what does not hold."""

from collections.abc import Callable, Iterator
from typing import Any

from crew.agents.verification import direction, figures, language, meaning, wording
from crew.agents.verification.claims import data_faults
from crew.agents.verification.known import Fault, Known
from crew.agents.verification.sentence import Sentence, sentences
from crew.domain.factsheet import FactSheet
from crew.domain.run import Violation

RULES: tuple[Callable[[Sentence, Known], Iterator[Fault]], ...] = (
    figures.hidden_characters,
    figures.unknown_evidence,
    figures.broken_citation,
    figures.unbound_figure,
    figures.spelled_figure,
    figures.doubled_unit,
    direction.wrong_direction,
    direction.wrong_sign,
    direction.wrong_comparison,
    meaning.wrong_metric,
    meaning.wrong_period,
    meaning.stale_figure,
    meaning.peer_unnamed,
    meaning.own_figure_for_peer,
    wording.unknown_name,
    wording.hearsay,
    wording.copied_text,
    wording.prompt_echo,
    wording.rating_word,
    wording.promise,
    wording.instruction,
    wording.markup,
    language.other_language,
    language.encoded,
    wording.uncited_change,
)


class Verifier:
    """Checks the drafts of one task against the run's fact sheet.

    Args:
        sheet: the facts.
        languages: those that the draft may be in.
        private: texts of the prompt that no draft may repeat.
    """

    def __init__(self, sheet: FactSheet, *, languages: frozenset[str] = frozenset({"en"}), private: tuple[str, ...] = ()) -> None:
        self._known = Known(sheet, languages, private)
        self._judged: dict[str, tuple[Fault, ...]] = {}

    def verify(self, draft: dict[str, Any]) -> list[Violation]:
        """Every violation in a draft that has its schema's shape, in reading order."""
        return [violation for path, part in _parts(draft) for violation in self._part(path, part)]

    def judge(self, text: str) -> tuple[Fault, ...]:
        """Every fault of one sentence, as code and message."""
        if text not in self._judged:
            sentence = Sentence(text, self._known.sheet.by_id)
            self._judged[text] = tuple(fault for rule in RULES for fault in rule(sentence, self._known))
        return self._judged[text]

    def _part(self, path: str, part: str | dict[str, Any]) -> Iterator[Violation]:
        text = part if isinstance(part, str) else str(part.get("text") or part.get("reason") or "")
        for one in sentences(text):
            for code, message in self.judge(one):
                yield Violation(path=path, code=code, message=message, text=one)
        if isinstance(part, dict):
            for code, message in data_faults(part, Sentence(text, self._known.sheet.by_id), self._known):
                yield Violation(path=path, code=code, message=message, text=text)


def _parts(draft: dict[str, Any]) -> Iterator[tuple[str, str | dict[str, Any]]]:
    """The draft's texts and items by path: `growth`, `business[1]`, `claims[0]`, `crew_view`."""
    for name, content in draft.items():
        for path, part in [(f"{name}[{index}]", item) for index, item in enumerate(content)] if isinstance(content, list) else [(name, content)]:
            if isinstance(part, str | dict):
                yield path, part


def withhold(draft: dict[str, Any], violations: list[Violation]) -> dict[str, Any]:
    """The draft without the sentences and items that violate. An item falls whole, a paragraph loses its sentences, and may end empty."""
    bad: dict[str, set[str]] = {}
    for violation in violations:
        bad.setdefault(violation.path, set()).add(violation.text)

    def kept(path: str, part: Any) -> Any:
        if path not in bad:
            return part
        return " ".join(sentence for sentence in sentences(part) if sentence not in bad[path]) if isinstance(part, str) else None

    result: dict[str, Any] = {}
    for name, content in draft.items():
        if isinstance(content, list):
            result[name] = [part for index, item in enumerate(content) if (part := kept(f"{name}[{index}]", item))]
        else:
            result[name] = kept(name, content)
    return result


def has_prose(draft: dict[str, Any]) -> bool:
    """Whether anything readable is left."""
    return any(
        (isinstance(part, str) and part.strip()) or (isinstance(part, dict) and (part.get("text") or part.get("reason"))) for _, part in _parts(draft)
    )


__all__ = ["RULES", "Verifier", "has_prose", "sentences", "withhold"]
