"""The vocabulary of the rules: words per meaning in English, Portuguese and Spanish, from one data file."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_SHORT = 3
_FOLDER = Path(__file__).parent


def words_pattern(words: list[str]) -> str:
    """A pattern that finds any of `words` as whole words, the longest first; a space matches any blank or hyphen, a final `*` any ending."""
    parts = [re.escape(word.rstrip("*")).replace(r"\ ", r"[\s-]+") + (r"\w*" if word.endswith("*") else "") for word in words]
    return r"(?<!\w)(?:" + "|".join(sorted(parts, key=len, reverse=True)) + r")(?!\w)"


@dataclass(frozen=True)
class Mention:
    """A word of the vocabulary in a text."""

    meaning: str
    word: str
    start: int
    end: int


class Vocabulary:
    """Words grouped by meaning; the longest word that fits at a place is the one that is meant."""

    def __init__(self, groups: dict[str, list[str]]) -> None:
        self._meanings: dict[str, list[str]] = {}
        plain = []
        for meaning, words in groups.items():
            for word in words:
                self._meanings.setdefault(_key(word.rstrip("*")), []).append(meaning)
                plain.append(word)
        # PER, the Spanish price to earnings, is not "per".
        self._small = frozenset(word.lower() for word in plain if word.isupper() and word.isalpha() and len(word) <= _SHORT)
        self._pattern = re.compile(words_pattern(plain), re.IGNORECASE)
        self._stems = [(_key(word.rstrip("*")), meaning) for meaning, words in groups.items() for word in words if word.endswith("*")]

    def mentions(self, text: str) -> list[Mention]:
        """Every word of the vocabulary in `text`, in order; a word with several meanings is mentioned once for each."""
        found = []
        for match in self._pattern.finditer(text):
            if match.group(0) in self._small:
                continue
            key = _key(match.group(0))
            meanings = self._meanings.get(key) or [meaning for stem, meaning in self._stems if key.startswith(stem)]
            found += [Mention(meaning, match.group(0), match.start(), match.end()) for meaning in meanings]
        return found


def _key(word: str) -> str:
    return re.sub(r"[\s-]+", " ", word).lower()


class Lexicon:
    """Everything in lexicon.json, compiled when first asked for."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def listed(self, name: str) -> list[str]:
        """The words under `name`, of all languages."""
        found = self._data[name]
        return [word for words in found.values() for word in words] if isinstance(found, dict) else list(found)

    def any_of(self, name: str) -> re.Pattern[str]:
        """A pattern that finds any word under `name`."""
        return re.compile(words_pattern(self.listed(name)), re.IGNORECASE)

    @cached_property
    def clause_break(self) -> re.Pattern[str]:
        """Where a clause ends: at a punctuation mark or before a conjunction."""
        return re.compile(rf",\s(?!by\b)|[;()—–]\s|\s(?={words_pattern(self.listed('conjunctions'))}(?!/))|[;—()]", re.IGNORECASE)

    @cached_property
    def concepts(self) -> Vocabulary:
        """What figures are called."""
        return Vocabulary(self._data["concepts"])

    @cached_property
    def accepted(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """For the beginning of an evidence id: the concepts by which such a figure may be called, the longest beginning first."""
        pairs = [(stem, frozenset(names.split())) for stem, names in self._data["accepted"].items()]
        return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))

    @cached_property
    def periods(self) -> Vocabulary:
        """What periods are called."""
        return Vocabulary(self._data["periods"])

    @property
    def period_of(self) -> dict[str, list[str]]:
        """For the period of a figure: the period words that fit it."""
        found: dict[str, list[str]] = self._data["period_of"]
        return found

    def listed_concepts(self) -> list[str]:
        """Every word for a figure."""
        return [word for words in self._data["concepts"].values() for word in words]

    def listed_names(self) -> dict[str, list[str]]:
        """What each rating is called."""
        found: dict[str, list[str]] = self._data["rating_names"]
        return found

    @cached_property
    def stopwords(self) -> dict[str, frozenset[str]]:
        """The small words by which a language is told."""
        return {language: frozenset(words.split()) for language, words in self._data["stopwords"].items()}

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Number words and their values."""
        found: dict[str, int] = self._data["numbers"]
        return found


def _load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return found


LEXICON = Lexicon(_load("lexicon.json"))
NAMES = Lexicon(_load("names.json"))
COMMON_WORDS = frozenset((_FOLDER / "words.en.txt").read_text(encoding="utf-8").split())
