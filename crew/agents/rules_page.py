"""How the rules writer forms text: a sentence is written only when every figure it cites is in the fact sheet."""

import re
from collections.abc import Iterable
from functools import cached_property

from crew.agents.rules_portuguese import PORTUGUESE
from crew.domain.draft import CITATION
from crew.domain.factsheet import FactSheet

_CITATION = re.compile(CITATION)
_OF_A_YEAR = re.compile(r"(?:income|balance|cashflow)\.[a-z_]+\.(FY\d{4})")
_ON_ONE_DAY = ("balance.", "liquidity.", "leverage.debt_to_equity", "leverage.equity_ratio")


class Page:
    """A fact sheet to write from.

    Args:
        sheet: the figures.
        language: `pt-BR`; anything else is written in English.
        most_sentences: of a paragraph; with it lists are short as well.
    """

    def __init__(self, sheet: FactSheet, language: str = "en", most_sentences: int | None = None) -> None:
        self.sheet = sheet
        self._most_sentences = most_sentences
        self._is_portuguese = language == "pt-BR"

    def at_most(self, usual: int) -> int:
        """How many entries a list may have that usually has up to `usual`: half of them where paragraphs are kept short."""
        return usual if self._most_sentences is None else max(2, usual // 2)

    def words(self, text: str) -> str:
        """Fixed words in the page's language.

        Raises:
            KeyError: they have not been translated.
        """
        return PORTUGUESE[text] if self._is_portuguese else text

    def name(self, text: str) -> str:
        """A provider's name for something, such as a sector: translated where it is known, else as it is."""
        return PORTUGUESE.get(text, text) if self._is_portuguese else text

    def number(self, id: str) -> float | None:
        """The figure under `id`, or None when it is missing or not a number."""
        item = self.sheet.by_id.get(id)
        return item.value if item is not None and not isinstance(item.value, str) else None

    def newest(self, *stems: str) -> str | None:
        """The newest period that all figures under `stems` have: the twelve months, the newest balance sheet, or the newest fiscal year.

        An earlier year's figure does not stand in for one that the newest year lacks.
        """
        on_one_day = all(stem.startswith(_ON_ONE_DAY) for stem in stems)
        labels = ("TTM", *((self._balance_day,) if on_one_day else ()), self._year)
        return next((label for label in labels if label and all(f"{stem}.{label}" in self.sheet.by_id for stem in stems)), None)

    @cached_property
    def _year(self) -> str:
        found = (match.group(1) for id in self.sheet.by_id if (match := _OF_A_YEAR.fullmatch(id)))
        return max(found, default="")

    @cached_property
    def _balance_day(self) -> str:
        sheets = [item for item in self.sheet.evidence if item.id.startswith("balance.total_assets.")]
        return max(sheets, key=lambda item: item.as_of).id.rpartition(".")[2] if sheets else ""

    def say(self, text: str | None) -> str | None:
        """Fixed words in the page's language, bound to figures as `bound` does it; None when any figure is missing."""
        return None if text is None else self.bound(self.words(text))

    def bound(self, text: str) -> str | None:
        """`text` as it is, every `[[stem.*]]` set to the newest period that they all have; None when any figure is missing."""
        ids = _CITATION.findall(text)
        stems = [id.removesuffix(".*") for id in ids if id.endswith(".*")]
        label = self.newest(*stems) if stems else None
        if (stems and label is None) or any(id not in self.sheet.by_id for id in ids if not id.endswith(".*")):
            return None
        return text.replace(".*]]", f".{label}]]")

    def first(self, *texts: str | None) -> str | None:
        """The first of `texts` that can be written."""
        return next((written for text in texts if (written := self.say(text)) is not None), None)

    def paragraph(self, sentences: Iterable[str | tuple[str, ...] | None], otherwise: str) -> str:
        """The sentences that can be written, joined, of several in one place the first; the words of `otherwise` when none can."""
        places = (place if isinstance(place, tuple) else (place,) for place in sentences)
        written = [sentence for texts in places if (sentence := self.first(*texts)) is not None]
        return " ".join(written[: self._most_sentences]) or self.words(otherwise)

    def sign(self, stem: str) -> int:
        """1, 0 or -1 for the newest figure under `stem`, 0 when it is missing."""
        value = self.number(stem) if stem in self.sheet.by_id else self.number(f"{stem}.{self.newest(stem)}")
        return 0 if value is None else (value > 0) - (value < 0)


def cited(text: str) -> list[str]:
    """The ids that `text` cites, in order, each once."""
    return list(dict.fromkeys(_CITATION.findall(text)))
