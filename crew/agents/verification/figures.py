"""Figures: every one is a citation of evidence, nothing is spelled out, hidden, or given a second unit."""

import re
import unicodedata
from collections.abc import Iterator

from crew.agents.verification.known import Fault, Known
from crew.agents.verification.lexicon import LEXICON, Guarded, Phrases
from crew.agents.verification.sentence import MARK, Sentence
from crew.blueprint.catalog import FACT_FAMILIES as FAMILIES
from crew.domain.draft import CITATION

_CITATION = re.compile(CITATION)
_NUMBERS, _UNITS = Phrases([word.strip() for word in LEXICON.numbers]), LEXICON.any_of("number_units")
_LARGE_NUMBERS = LEXICON.any_of("large_numbers")
_MORE = rf"(?:[\s-]+(?:{LEXICON.any_of('number_joiners').pattern}|{_NUMBERS.pattern}))*"
_SPELLED = Guarded(
    re.compile(rf"(?P<number>{_NUMBERS.pattern}{_MORE})[\s-]+(?P<unit>{_UNITS.pattern})", re.IGNORECASE), _NUMBERS.telltales, _UNITS.telltales
)
_LARGE = Guarded(
    re.compile(rf"(?P<number>{_LARGE_NUMBERS.pattern}{_MORE})(?P<after>(?:[\s-]+[^\W\d_]+){{0,2}})", re.IGNORECASE), _LARGE_NUMBERS.telltales
)
_MULTIPLIED = LEXICON.any_of("multiplied")
_SPAN = LEXICON.any_of("spans")
_AFTER = "|".join(sorted((re.escape(unit) for unit in LEXICON.listed("units") if unit[0].isalpha()), key=len, reverse=True))
_UNIT_AFTER = re.compile(rf"{MARK}[\s-]{{0,2}}(?:[%‰€$£¥×₹]|(?:{_AFTER})(?!\w))", re.IGNORECASE)
_UNIT_BEFORE = re.compile(rf"(?:[€$£¥₹₺]|(?<!\w)(?:usd|eur|brl|gbp|jpy|us\$|r\$))\s?{MARK}", re.IGNORECASE)
_CURRENCY_WORDS = {
    "USD": Phrases(["us dollar", "us dollars", "usdollar", "usdollars", "dollar", "dollars", "dólares"]),
    "EUR": Phrases(["euro", "euros"]),
    "GBP": Phrases(["pound", "pounds", "sterling", "libras"]),
    "BRL": Phrases(["reais"]),
    "JPY": Phrases(["yen", "ienes", "yenes"]),
}
_IN_CURRENCY = re.compile(r"(?<!\w)(?:in|of|em|en|de)\s+$", re.IGNORECASE)
_BARE_ID = re.compile(rf"(?<![\w.])(?:{'|'.join(FAMILIES)})(?:\.[A-Za-z0-9_\-]+)+")
_HIDDEN = {"Cf", "Cc", "Co", "Cs", "Cn"}
_GREEK = set("αβγδσμΔΣΩπ")


def unknown_evidence(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """A citation names evidence of the fact sheet."""
    for one in sentence.cited:
        if one.item is None:
            yield "unknown_evidence", f"cites {one.id!r}, which is not in the fact sheet"


def broken_citation(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """Brackets stand for nothing but citations."""
    rest = _CITATION.sub("", unicodedata.normalize("NFKC", sentence.text))
    if re.search(r"[\[\]{}]", rest):
        yield "broken_citation", "holds brackets that are no citation [[id]]"
    if bare := _BARE_ID.search(sentence.plain):
        yield "broken_citation", f"writes {bare.group(0)!r} outside of [[ ]]"
    if re.search(rf"\w{MARK}|{MARK}\w", sentence.plain):
        yield "broken_citation", "glues a citation to a word; set it off by a space"


def hidden_characters(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """No character is invisible, turns the line around, or comes from another script than its word."""
    if sentence.text.isascii() and sentence.text.replace("\n", "").replace("\t", "").isprintable():
        return
    hidden = [character for character in sentence.text if unicodedata.category(character) in _HIDDEN and character not in "\n\t"]
    if hidden:
        yield "hidden_characters", f"holds the invisible or control character U+{ord(hidden[0]):04X}"
    foreign = [
        c
        for c in sentence.text
        if c.isalpha() and c not in _GREEK and not unicodedata.name(c, "").startswith(("LATIN", "FEMININE", "MASCULINE", "MICRO"))
    ]
    if foreign:
        yield "foreign_script", f"holds the letter {foreign[0]!r}, which is not of the Latin script"
    styled = [c for c in sentence.text if c.isalpha() and ord(c) > 0x2100 and unicodedata.normalize("NFKC", c) != c]
    if styled:
        yield "foreign_script", f"holds the look-alike letter {styled[0]!r}; write plain letters"


def unbound_figure(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """No digit stands outside a citation or a name."""
    loose = known.licence.unbound(sentence.text)
    if loose:
        yield "unbound_figure", f"states {loose[0]!r} instead of citing a figure as [[id]]"


def spelled_figure(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """No figure is spelled out in words, unless it belongs to the name of a figure that the sentence cites (the average over fifty days)."""
    for match in _SPELLED.finditer(sentence.plain):
        if not _is_licensed(match.group(0), sentence):
            yield "spelled_figure", f"spells a figure out: {match.group(0)!r}; cite it instead"
            return
    for match in _LARGE.finditer(sentence.plain):
        if not _SPAN.search(match["after"]) and not _is_licensed(match["number"], sentence):
            yield "spelled_figure", f"spells a figure out: {match['number']!r}; cite it instead"
            return
    if multiplied := _MULTIPLIED.search(sentence.plain):
        yield "spelled_figure", f"spells a figure out: {multiplied.group(0)!r}; cite it instead"


def _is_licensed(words: str, sentence: Sentence) -> bool:
    licensed = {int(digits) for item in sentence.items for digits in re.findall(r"\d+", f"{item.id} {item.label} {item.period}") if len(digits) < 5}
    values = [LEXICON.numbers.get(word.lower(), -1) for word in re.split(r"[\s-]+", words)]
    numbers = [value for value in values if value >= 0]
    if len(numbers) == 2 and numbers[1] == 100:
        return numbers[0] * 100 in licensed
    return bool(numbers) and sum(numbers) in licensed


def doubled_unit(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """A citation brings its unit, so none is added; a currency that is named is the figure's."""
    for pattern in (_UNIT_AFTER, _UNIT_BEFORE) if sentence.cited else ():
        for match in pattern.finditer(sentence.plain):
            yield "doubled_unit", f"adds a unit to a citation, which brings its own: {match.group(0).replace(MARK, '[[id]]')!r}"
            return
    for window in sentence.windows:
        item = window.cited.item
        if item is None or item.currency is None:
            continue
        for currency, names in _CURRENCY_WORDS.items():
            spoken = names.search(window.words)
            if currency != item.currency and spoken and _IN_CURRENCY.search(window.words[: spoken.start()]):
                yield "wrong_currency", f"speaks of {spoken.group(0)}, but {item.id} is in {item.currency}"
