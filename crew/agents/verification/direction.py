"""Direction, sign and comparison: the wording says what the figures say."""

import re
from collections.abc import Iterator

from crew.agents.verification.known import Fault, Known
from crew.agents.verification.lexicon import LEXICON, Guarded, Phrases
from crew.agents.verification.sentence import MARK, Sentence, Window
from crew.domain.evidence import Evidence

_UP, _DOWN = LEXICON.any_of("up"), LEXICON.any_of("down")
_SAID = ((_UP, 1), (_DOWN, -1))
_AFTERWARDS = ((LEXICON.any_of("up_after"), 1), (LEXICON.any_of("down_after"), -1))
_NEXT = 8
_LEVEL = LEXICON.any_of("level_words")
_NEGATION = LEXICON.any_of("negations")
_LOSS, _GAIN, _NET_CASH = LEXICON.any_of("loss"), LEXICON.any_of("gain"), LEXICON.any_of("net_cash")
_SIGNED = tuple(LEXICON.listed("signed"))
_AMOUNTS = (
    "income.net_income",
    "income.operating_income",
    "income.ebit",
    "income.eps",
    "income.pretax",
    "cashflow.free",
    "cashflow.operating",
    "margin.",
)
_FAR = 45
_RELATIVE = re.compile(r"premium|discount|prêmio|desconto|prima|descuento", re.IGNORECASE)


def _between_two(words: Phrases) -> Guarded:
    pattern = rf"{MARK}(?P<between>[^{MARK}.;]{{0,40}}?){words.pattern}(?P<then>[^{MARK}.;]{{0,60}}){MARK}"
    return Guarded(re.compile(pattern, re.IGNORECASE), words.telltales)


_COMPARED = ((_between_two(LEXICON.any_of("higher_than")), 1, "above"), (_between_two(LEXICON.any_of("lower_than")), -1, "below"))


def is_change(item: Evidence) -> bool:
    """Whether the sign of a figure says up or down."""
    if (
        isinstance(item.value, str)
        or not (item.id.startswith(_SIGNED) or item.id.endswith("_vs_history"))
        or item.id.endswith(("probability", "discount_rate", "factor", ".per_share", "_date", "cash_flow"))
    ):
        return False
    return item.unit in {"percent", "currency", "currency_per_share", "points"}


def wrong_direction(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """Beside a change stands the word for its direction."""
    for window in sentence.windows:
        item = window.cited.item
        if item is None or not is_change(item) or item.number == 0:
            continue
        said = _nearest(window)
        if said is not None and said[0] * item.number < 0:
            yield "wrong_direction", f"says {said[1]!r}, but {item.id} is {item.number:.4g}"


def _nearest(window: Window) -> tuple[int, str] | None:
    """The direction word that belongs to the citation: the last before it, else the first after it, if nothing makes it conditional."""
    before = max(_found(window.before, window.cited.item), key=lambda found: found[2], default=None)
    if before is not None:
        gap = window.before[before[3] :]
        is_level = _LEVEL.search(gap) and not _RELATIVE.fullmatch(before[1])
        if _NEGATION.search(window.before[max(0, before[2] - 30) : before[2]]) or is_level or len(gap) > _FAR:
            return None
        return before[0], before[1]
    after = min(_found(window.after, window.cited.item, _AFTERWARDS), key=lambda found: found[2], default=None)
    if after is not None and after[2] <= _NEXT and not _NEGATION.search(window.words[: len(window.before) + 1 + after[2]]):
        return after[0], after[1]
    return None


def _found(text: str, item: Evidence | None, words: tuple[tuple[Phrases, int], ...] = _SAID) -> list[tuple[int, str, int, int]]:
    found = []
    for pattern, sign in words:
        found += [(sign, match.group(0), match.start(), match.end()) for match in pattern.finditer(text)]
    label = (item.label if item is not None else "").lower()
    # "Deepest fall", "upside": the word is the figure's name, not a statement on it.
    return [one for one in found if one[1].lower() not in label or one[1].lower() in {"up", "off"}]


def wrong_sign(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """A profit is positive, a loss negative, net cash the opposite of net debt."""
    for window in sentence.windows:
        item = window.cited.item
        if item is None or isinstance(item.value, str) or item.value == 0 or _NEGATION.search(window.before):
            continue
        near = window.before[-_FAR:]
        if item.id.startswith(_AMOUNTS):
            positive = item.value > 0
            if (word := _LOSS.search(near)) and positive:
                yield "wrong_sign", f"says {word.group(0)!r}, but {item.id} is positive"
            elif (word := _GAIN.search(near)) and not positive and not _LOSS.search(near):
                yield "wrong_sign", f"says {word.group(0)!r}, but {item.id} is negative"
        elif item.id.startswith("balance.net_debt") and item.value > 0 and (word := _NET_CASH.search(near)):
            yield "wrong_sign", f"says {word.group(0)!r}, but {item.id} is positive: debt exceeds cash"
        elif item.id == "technical.macd_histogram" and (word := (_LOSS if item.value > 0 else _GAIN).search(window.words)):
            yield "wrong_sign", f"says {word.group(0)!r}, but {item.id} is {item.value:.4g}"


def wrong_comparison(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """Of two figures of one unit the one called higher is higher."""
    if len(sentence.cited) < 2:
        return
    for pattern, sign, word in _COMPARED:
        for match in pattern.finditer(sentence.plain):
            one, other = (next((cited.item for cited in sentence.cited if cited.at == at), None) for at in (match.start(), match.end() - 1))
            if one is None or other is None or one.unit != other.unit or isinstance(one.value, str) or isinstance(other.value, str):
                continue
            conditional = (
                _NEGATION.search(sentence.plain[: match.start()]) or _NEGATION.search(match["between"]) or re.search(r",|\bby\s*$", match["then"])
            )
            if not conditional and (one.value - other.value) * sign < 0:
                yield "wrong_comparison", f"puts {one.id} {word} {other.id}, but they are {one.value:.6g} and {other.value:.6g}"
