"""Which language a sentence is in, and whether it is disguised."""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

from crew.agents.verification.known import Fault, Known
from crew.agents.verification.lexicon import LEXICON
from crew.agents.verification.sentence import Sentence
from crew.agents.verification.wording import is_common

_WRITTEN = ("en", "pt-BR", "es")
_ACCENTED = re.compile(r"(?<!\w)[^\W\dA-Z]*[áéíóúàâêôãõçñü]")
_FEWEST_LETTERS, _LEAST_VOWELS = 12, 0.27
_TELLING = 4
_LETTERS = {"pt-BR": "ãõçêôâ", "es": "ñ¿¡", "fr": "œèùëïû", "de": "äöüß"}


def other_language(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """The sentence is in a language of the report."""
    spoken = _languages_of(sentence.words)
    accented = not sentence.text.isascii() and bool(_ACCENTED.search(sentence.text))
    lowered = sentence.text.lower()
    heard = Counter(language for languages in spoken for language in languages)
    counts = {language: heard[language] + _look(language, lowered, accented=accented) for language in LEXICON.stopwords}
    own, other = (max(names, key=lambda language: counts[language]) for names in (known.languages, set(counts) - known.languages))
    foreign = counts[other] >= 2 and counts[other] >= counts[own] + 2
    if foreign or any(_is_rather(spoken, len(sentence.words), language, own) for language in _WRITTEN if language not in known.languages):
        yield "other_language", f"is written in another language than {' or '.join(sorted(known.languages))}"


def _languages_of(words: list[str], disguise: Callable[[str], str] | None = None) -> list[frozenset[str]]:
    """For each small word among `words`, undone of a disguise: the languages that have it."""
    small = _small_words(disguise)
    return [small[word] for word in words if word in small]


@cache
def _small_words(disguise: Callable[[str], str] | None) -> dict[str, frozenset[str]]:
    """The languages of each small word, by the word or by what a disguise makes of it; words of two letters are told by no disguise."""
    words = {word for listed in LEXICON.stopwords.values() for word in listed if disguise is None or len(word) > 2}
    return {
        word if disguise is None else disguise(word): frozenset(language for language, listed in LEXICON.stopwords.items() if word in listed)
        for word in words
    }


def _is_rather(spoken: list[frozenset[str]], words: int, other: str, own: str) -> bool:
    """Whether the words that only one of two languages has speak for the other one."""
    theirs = sum(other in languages and own not in languages for languages in spoken)
    mine = sum(own in languages and other not in languages for languages in spoken)
    return theirs >= mine + 2 or (mine == 0 and words >= 3 and theirs >= max(1, words / 8))


def _look(language: str, lowered: str, *, accented: bool) -> int:
    """How much the letters of a text speak for the language."""
    own_letters = not lowered.isascii() and any(letter in lowered for letter in _LETTERS.get(language, ""))
    return 2 * own_letters + (accented and language != "en")


def _rotated(word: str) -> str:
    return codecs.encode(word, "rot13")


def _reversed(word: str) -> str:
    return word[::-1]


def encoded(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """The sentence is not disguised: not rotated, not reversed."""
    words = sentence.words
    own = max(sum(word in LEXICON.stopwords[language] and len(word) > 1 for word in words) for language in known.languages)
    if own == 0 and _has_hardly_a_vowel(sentence):
        yield "encoded_text", "holds hardly a vowel, as encoded text does"
    elif re.search(r"(?:^|\s)[.!?]\w", sentence.plain):
        yield "encoded_text", "has a full stop before a word, as reversed text does"
    else:
        for name, disguise in (("rotated", _rotated), ("reversed", _reversed)):
            hidden = _languages_of(words, disguise)
            most = max(sum(language in languages for languages in hidden) for language in _WRITTEN) if hidden else 0
            if most > own and (most >= 2 or own == 0) and len(words) > 3:
                yield "encoded_text", f"is {name} text"
                return


def _has_hardly_a_vowel(sentence: Sentence) -> bool:
    if len(sentence.words) < 3 or any(len(word) >= _TELLING and is_common(word) for word in sentence.words):
        return False
    letters = "".join(word for word in re.findall(r"[^\W\d_]+", sentence.plain) if any(map(str.islower, word))).lower()
    vowels = sum(letter in "aeiou" for letter in unicodedata.normalize("NFD", letters))
    return len(letters) >= _FEWEST_LETTERS and vowels < _LEAST_VOWELS * len(letters)
