"""The vocabulary of the rules: words per meaning in English, Portuguese and Spanish, from one data file."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

_SHORT = 3
_FOLDER = Path(__file__).parent
_RUN = re.compile(r"\w+")
# Letters that a pattern takes for others when it ignores case, and that lower-casing leaves apart from them.
_TAKEN_FOR_OTHERS = re.compile("[ıſİ]")


def words_pattern(words: Collection[str]) -> str:
    """A pattern that finds any of `words` as whole words, the longest first; a space matches any blank or hyphen, a final `*` any ending."""
    parts = [re.escape(word.rstrip("*")).replace(r"\ ", r"[\s-]+") + (r"\w*" if word.endswith("*") else "") for word in words]
    return r"(?<!\w)(?:" + "|".join(sorted(parts, key=len, reverse=True)) + r")(?!\w)"


@lru_cache(maxsize=1024)
def _runs_in(text: str) -> frozenset[str] | None:
    """The runs of letters and digits in a text, lower-cased; None where they do not tell what a pattern would find."""
    return None if _TAKEN_FOR_OTHERS.search(text) else frozenset(_RUN.findall(text.lower()))


class Telltales:
    """One run of letters per phrase, the longest, of several the last: a text that has none of them has none of the phrases.

    Looking the runs of a sentence up in a set took 0.4 µs where the pattern of two hundred phrases took 29; finding them, once for all lists, 3.

    Args:
        phrases: each beginning with a letter or digit; a final `*` stands for any ending.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        whole, stems = set(), set()
        for phrase in phrases:
            runs = _RUN.findall(phrase.rstrip("*").lower())
            if phrase.endswith("*") and len(runs) == 1:
                stems.add(runs[0])
            else:
                whole.add(max(reversed(runs[:-1] if phrase.endswith("*") else runs), key=len))
        self._whole, self._stems = frozenset(whole), tuple(stems)

    def may_be_in(self, text: str) -> bool:
        """Whether any of the phrases may be in `text`."""
        runs = _runs_in(text)
        return runs is None or not self._whole.isdisjoint(runs) or (bool(self._stems) and any(run.startswith(self._stems) for run in runs))


class Guarded:
    """A pattern that is asked only of texts in which all that it needs may be.

    Args:
        pattern: finds nothing in a text that lacks one of the `needs`.
        needs: telling words.
    """

    def __init__(self, pattern: re.Pattern[str], *needs: Telltales) -> None:
        self._pattern = pattern
        self._needs = needs

    def may_be_in(self, text: str) -> bool:
        """False only when the pattern finds nothing in `text`."""
        return all(need.may_be_in(text) for need in self._needs)

    def search(self, text: str) -> re.Match[str] | None:
        """The first place in `text`."""
        return self._pattern.search(text) if self.may_be_in(text) else None

    def match(self, text: str) -> re.Match[str] | None:
        """The beginning of `text`."""
        return self._pattern.match(text) if self.may_be_in(text) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Each place in `text`, in order."""
        return self._pattern.finditer(text) if self.may_be_in(text) else iter(())

    def sub(self, put: str | Callable[[re.Match[str]], str], text: str) -> str:
        """`text` with `put` in each place."""
        return self._pattern.sub(put, text) if self.may_be_in(text) else text


class Phrases(Guarded):
    """Words and phrases without regard to case, found where a pattern of them all would find them.

    Args:
        phrases: a space matches any blank or hyphen, a final `*` any ending.
    """

    def __init__(self, phrases: Collection[str]) -> None:
        self.pattern = words_pattern(phrases)
        self.telltales = Telltales(phrases)
        super().__init__(re.compile(self.pattern, re.IGNORECASE), self.telltales)


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
        self._phrases = Phrases(plain)
        self._stems = [(_key(word.rstrip("*")), meaning) for meaning, words in groups.items() for word in words if word.endswith("*")]

    def mentions(self, text: str) -> list[Mention]:
        """Every word of the vocabulary in `text`, in order; a word with several meanings is mentioned once for each."""
        found = []
        for match in self._phrases.finditer(text):
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

    def any_of(self, name: str) -> Phrases:
        """The words under `name`, of all languages."""
        return Phrases(self.listed(name))

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
