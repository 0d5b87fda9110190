"""Phrases of the vocabulary: a text is asked for them only when it holds a telling word, and that loses none of them."""

import re
from collections.abc import Iterator
from functools import cache
from random import Random

import pytest

from crew.agents.verification.lexicon import LEXICON, Phrases, words_pattern
from crew.evaluation.corpus import lines

LISTS = (
    *("conjunctions", "up", "down", "up_after", "down_after", "level_words", "negations", "loss", "gain", "net_cash", "higher_than", "lower_than"),
    *("older", "now", "forward", "periods", "not_periods", "number_units", "multiplied", "number_joiners", "large_numbers", "spans"),
    *("rating", "rating_safe", "computed_rating", "promise", "instruction", "imperative", "hearsay", "hearsay_safe", "concepts", "peer_words"),
    *("verbs_of_change", "uncited_subjects", "mass_nouns", "personal_verbs", "link_words"),
)
# Letters that a pattern without regard to case takes for i, s and k, and what stands between words.
ODD = "ıſİKÅßñ§_'’-/.·\n "


@cache
def _sentences() -> tuple[str, ...]:
    return tuple(line.text for language in ("en", "pt-BR", "es") for line in lines(f"clean.{language}.txt"))


def _texts(phrases: list[str], random: Random) -> Iterator[str]:
    """Each phrase as it may stand in a text, and sentences of many writers, with letters exchanged here and there."""
    for phrase in phrases:
        said = phrase.rstrip("*")
        for form in (said, said.upper(), said.title(), said.replace(" ", "-"), said.replace(" ", "  "), f"{said}s", f"un{said}", f"{said}ing"):
            yield f"Sales, {form}, came to §."
            yield form.replace("i", "ı").replace("s", "ſ").replace("I", "İ").replace("k", "K")
    for sentence in random.sample(_sentences(), 300):
        yield sentence
        letters = list(sentence)
        for _ in range(3):
            letters[random.randrange(len(letters))] = random.choice(ODD)
        yield "".join(letters)


@pytest.mark.parametrize("name", LISTS)
def test_a_phrase_is_found_wherever_its_pattern_would_find_it(name: str) -> None:
    """Looking for the telling word first changes no answer, whatever stands around the phrase and whatever letters look like its own."""
    listed = LEXICON.listed(name)
    phrases, pattern = Phrases(listed), re.compile(words_pattern(listed), re.IGNORECASE)
    found = 0
    for text in _texts(listed, Random(name)):
        expected = [match.span() for match in pattern.finditer(text)]
        found += len(expected)
        assert [match.span() for match in phrases.finditer(text)] == expected, text
        assert phrases.sub(" ", text) == pattern.sub(" ", text), text
    assert found >= len(listed)


def test_most_sentences_are_not_searched_for_ratings() -> None:
    """The telling words are told apart from ordinary ones: four of five clean sentences need no search for a rating."""
    rating = LEXICON.any_of("rating")
    assert sum(map(rating.may_be_in, _sentences())) < len(_sentences()) / 5
