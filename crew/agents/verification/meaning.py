"""What a figure is called: its name, its period, its age, and whose it is."""

import re
from collections.abc import Iterator
from functools import lru_cache

from crew.agents.verification.known import Fault, Known, dated, peer_of, period_of, stem_of
from crew.agents.verification.lexicon import LEXICON, Mention
from crew.agents.verification.sentence import MARK, Sentence, Window
from crew.domain.evidence import Evidence

_OLDER, _NOW, _FORWARD = LEXICON.any_of("older"), LEXICON.any_of("now"), LEXICON.any_of("forward")
_NOT_PERIOD = LEXICON.any_of("not_periods")
_PEER = LEXICON.any_of("peer_words")
_NEXT = 5
_COMPARED_WITH = re.compile(r"(?<!\w)(?:vs\.?|versus|against|contra|frente)(?!\w)", re.IGNORECASE)
_LINKS = frozenset([*LEXICON.listed("link_words"), *(word for words in LEXICON.stopwords.values() for word in words if len(word) < 4)])
_FLOWS = (
    "income.",
    "cashflow.",
    "growth.",
    "margin.",
    "returns.",
    "price.return",
    "price.total_return",
    "price.change",
    "price.cagr",
    "quality.",
    "shares.change",
    "price.relative",
    "price.volatility",
    "benchmark.",
    "price.alpha",
    "price.worst",
    "price.best",
    "per_share.",
)


def wrong_metric(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """The words of a figure's clause call it by its name, where they call it by any."""
    for window in sentence.windows:
        item = window.cited.item
        accepted = _accepted(item.id) if item is not None else None
        if item is None or not accepted or _called(item.label) in window.words.lower():
            continue
        named = _linked(window.before[-60:]) or [
            one for one in LEXICON.concepts.mentions(window.after[:30]) if one.start <= _NEXT and not _COMPARED_WITH.search(window.after[: one.start])
        ]
        if named and not {one.meaning for one in (*named, *LEXICON.concepts.mentions(window.after))} & accepted:
            yield "wrong_metric", f"speaks of {named[-1].word!r}, but {item.id} is {item.label!r}"


@lru_cache(maxsize=4096)
def _called(label: str) -> str:
    return re.sub(r"\s(?:FY\d{4}|Q[1-4]-\d{4}|TTM)$|,.*$", "", label).lower()


def _linked(before: str) -> list[Mention]:
    """The concepts named last before a citation, if only linking words stand between."""
    found = LEXICON.concepts.mentions(before)
    if not found or any(word.lower() not in _LINKS for word in re.findall(r"[^\W\d_]+", before[found[-1].end :])):
        return []
    return found


@lru_cache(maxsize=4096)
def _accepted(id: str) -> frozenset[str] | None:
    return next((concepts for stem, concepts in LEXICON.accepted if id.startswith(stem)), None)


def wrong_period(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """The words of a figure's clause name its period, where they name any."""
    inherited: tuple[int, set[str], str] | None = None
    for window in sentence.windows:
        item = window.cited.item
        named = _periods(window.words)
        meanings, word = {meaning for meaning, _ in named}, named[-1][1] if named else ""
        if named:
            inherited = (window.clause, meanings, word)
        elif inherited is not None and window.clause - inherited[0] <= 1:
            _, meanings, word = inherited
        elif not sentence.cited.index(window.cited) and window.clause == 1:
            opening = _periods(sentence.clauses[0][1])
            meanings, word = {meaning for meaning, _ in opening}, opening[-1][1] if opening else ""
        fitting = _fitting(item) if item is not None else None
        if item is not None and fitting and meanings and not meanings & fitting:
            yield "wrong_period", f"speaks of {word!r}, but {item.id} is of the period {item.period}"


def _periods(text: str) -> list[tuple[str, str]]:
    mentions = LEXICON.periods.mentions(text)
    rates = [match.span() for match in _NOT_PERIOD.finditer(text)] if mentions else []
    found = [one for one in mentions if not any(start <= one.start and one.end <= end for start, end in rates)]
    return [(one.meaning, one.word) for one in found if not _FORWARD.search(text[max(0, one.start - 14) : one.start])]


def _fitting(item: Evidence) -> set[str] | None:
    if not item.id.startswith(_FLOWS):
        return None
    period = period_of(item.id) or item.period
    key = "FY" if period.startswith("FY") else "Q" if re.match(r"Q\d", period) else period
    if key == "Q" and item.id.startswith(("growth.", "shares.")):
        key = "QY"
    words = LEXICON.period_of.get(key)
    if item.id.startswith("growth.") and key == "FY":
        words = [*(words or ()), "ttm"] if "_cagr_" not in item.id else words
    return set(words) if words else None


def stale_figure(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """A figure of an older period stands beside its newer one, or the words say that it is of the past; "latest" goes with the newest."""
    stems = [stem_of(item.id) for item in sentence.items]
    for window in sentence.windows:
        item = window.cited.item
        if item is None or not _is_old(item, known):
            continue
        if stems.count(stem_of(item.id)) > 1:
            continue
        if _NOW.search(window.words) or not _OLDER.search(window.words):
            yield "stale_figure", f"{item.id} is of an older period; cite the newest, or say that it is of the past and set the newest beside it"


def _is_old(item: Evidence, known: Known) -> bool:
    if re.match(r"(?:price|benchmark)\.(?:close|high|low)\.\d{4}-", item.id):
        return item.as_of < known.sheet.as_of
    period = period_of(item.id)
    if period is None or period == "TTM":
        return False
    newest = known.newest.get((stem_of(item.id), period[0]), "")
    return dated(period) < newest


def peer_unnamed(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """A peer's figure is called a peer's; whoever is named before it owns it."""
    for window in sentence.windows:
        peer = peer_of(window.cited.id)
        if peer is None or window.cited.item is None:
            continue
        around = sentence.plain[max(0, window.cited.at - 90) : window.cited.at + 60].replace(MARK, " ")
        if not re.search(rf"(?<!\w){re.escape(peer)}(?!\w)", around) and not _PEER.search(around):
            yield "other_company", f"gives {peer}'s figure {window.cited.id} without naming {peer}"


def own_figure_for_peer(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """A figure right after a peer's name is that peer's."""
    for window in sentence.windows:
        item = window.cited.item
        if item is None or peer_of(item.id) or item.id.startswith("peers."):
            continue
        for peer in known.peers:
            if peer in window.before and re.search(rf"(?<!\w){re.escape(peer)}(?:['’]s)?(?!\w)[^{MARK},;]{{0,40}}$", window.before):
                yield "other_company", f"gives {item.id} as {peer}'s; it belongs to {known.sheet.instrument.symbol}"


__all__ = ["Window", "own_figure_for_peer", "peer_unnamed", "stale_figure", "wrong_metric", "wrong_period"]
