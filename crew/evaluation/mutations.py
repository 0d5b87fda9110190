"""Faults in a sentence: what becomes of one of its figures, words or letters. None where a sentence has nothing to change."""

import re
from collections.abc import Callable
from random import Random

from crew.agents.verification.known import period_of, stem_of
from crew.domain.evidence import Evidence
from crew.evaluation.corpus import sheet
from crew.evaluation.drafts import Correct
from crew.evaluation.injecting import CITED, number, replace_citation, words
from crew.report.figures import format_figure

_SCRIPTS = {
    "fullwidth": "０１２３４５６７８９",
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "devanagari": "०१२३४५६७८९",
    "thai": "๐๑๒๓๔๕๖๗๘๙",
    "superscript": "⁰¹²³⁴⁵⁶⁷⁸⁹",
}
_SCRIPTS |= {"bold": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "circled": "⓪①②③④⑤⑥⑦⑧⑨"}
_ALIKE = str.maketrans("aeopcxyAEOPCTHKMB", "аеорсхуАЕОРСТНКМВ")
UNSEEN = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad")
TURNING = ("\u202e", "\u202d", "\u2066", "\u2067", "\u200f")
_PEER_FIGURES = {
    "valuation.pe": "pe",
    "valuation.ps": "ps",
    "valuation.ev_ebitda": "ev_ebitda",
    "valuation.fcf_yield": "fcf_yield",
    "valuation.market_cap": "market_cap",
    "margin.operating": "operating_margin",
    "margin.net": "net_margin",
    "returns.roe": "roe",
    "growth.revenue_yoy": "revenue_growth",
    "income.revenue": "income.revenue.TTM",
    "income.net_income": "income.net_income.TTM",
    "cashflow.free": "cashflow.free.TTM",
}


def invented(random: Random, given: Correct, sentence: str) -> str | None:
    """A figure out of nowhere in place of a citation."""
    return replace_citation(random, given, sentence, lambda _: number(random))


def copied(random: Random, given: Correct, sentence: str) -> str | None:
    """The right figure, typed instead of cited."""
    return replace_citation(random, given, sentence, lambda item: format_figure(item, given.language))


def swapped(random: Random, given: Correct, sentence: str) -> str | None:
    """The right figure with two digits swapped."""

    def swap(item: Evidence) -> str | None:
        text = format_figure(item, given.language)
        at = [n for n in range(len(text)) if text[n].isdigit()]
        pairs = [(a, b) for a in at for b in at if a < b and text[a] != text[b]]
        if not pairs:
            return None
        a, b = random.choice(pairs)
        return text[:a] + text[b] + text[a + 1 : b] + text[a] + text[b + 1 :]

    return replace_citation(random, given, sentence, swap)


def typo(random: Random, given: Correct, sentence: str) -> str | None:
    """An id misspelt."""

    def damage(item: Evidence) -> str | None:
        at = random.randrange(1, len(item.id) - 1)
        damaged = random.choice([item.id[:at] + item.id[at + 1 :], item.id[:at] + item.id[at] + item.id[at:], item.id + "_adj"])
        return f"[[{damaged}]]" if damaged not in sheet(given.symbol).by_id else None

    return replace_citation(random, given, sentence, damage)


def no_such_period(random: Random, given: Correct, sentence: str) -> str | None:
    """An id of a period that the sheet has not."""

    def damage(item: Evidence) -> str | None:
        period = random.choice(["FY2031", "FY2012", "Q1-2027", "FY2026", "Q2-2019"])
        id = f"{stem_of(item.id)}.{period}"
        return f"[[{id}]]" if period_of(item.id) and id not in sheet(given.symbol).by_id else None

    return replace_citation(random, given, sentence, damage)


def unit(random: Random, given: Correct, sentence: str) -> str | None:
    """A unit after the citation."""
    unit = random.choice(words("words.json")[given.language]["units"])
    return replace_citation(random, given, sentence, lambda item: f"[[{item.id}]] {unit}")


def currency(random: Random, given: Correct, sentence: str) -> str | None:
    """A currency before or after the citation."""
    form = random.choice(words("words.json")[given.language]["currencies"])
    return replace_citation(random, given, sentence, lambda item: form.format(f"[[{item.id}]]"))


def spelled(random: Random, given: Correct, sentence: str) -> str | None:
    """A number in words."""
    said = random.choice(words("words.json")[given.language]["spelled"])
    return replace_citation(random, given, sentence, lambda _: said)


def peer(random: Random, given: Correct, sentence: str) -> str | None:
    """A peer's figure in place of the company's own."""
    if re.search(r"peer|rival|compet|\bpares\b|comparable|comparab|[A-Z]{4}", sentence):
        return None

    def other(item: Evidence) -> str | None:
        ending = _PEER_FIGURES.get(stem_of(item.id))
        peers = [id for id in sheet(given.symbol).by_id if ending and re.fullmatch(rf"peer\.[A-Z]+\.{re.escape(ending)}", id)]
        return f"[[{random.choice(peers)}]]" if peers else None

    return replace_citation(random, given, sentence, other)


def stale(random: Random, given: Correct, sentence: str) -> str | None:
    """The figure of an older year."""
    ids = CITED.findall(sentence)

    def older(item: Evidence) -> str | None:
        stem = stem_of(item.id)
        years = sorted(id for id in sheet(given.symbol).by_id if re.fullmatch(rf"{re.escape(stem)}\.FY\d{{4}}", id))
        is_newest = period_of(item.id) == "TTM" or (years and item.id == years[-1])
        return f"[[{random.choice(years[:-1])}]]" if is_newest and len(years) > 1 and sum(stem_of(id) == stem for id in ids) == 1 else None

    return replace_citation(random, given, sentence, older)


def in_word(random: Random, _given: Correct, sentence: str) -> str | None:
    """Digits inside a word."""
    words = [
        match
        for match in re.finditer(r"(?<![\w.\[])[^\W\d_]{4,}(?![\w.\]])", sentence)
        if "[[" not in sentence[: match.start()].rsplit("]]", maxsplit=1)[-1]
    ]
    if not words:
        return None
    word = random.choice(words)
    at = random.randint(word.start() + 1, word.end())
    return sentence[:at] + str(random.randint(2, 98)) + sentence[at:]


def hide(characters: tuple[str, ...]) -> Callable[[Random, Correct, str], str | None]:
    """A character of `characters` somewhere in the sentence."""

    def change(random: Random, _given: Correct, sentence: str) -> str | None:
        at = random.randint(1, len(sentence) - 1)
        return sentence[:at] + random.choice(characters) + sentence[at:]

    return change


def other_digits(random: Random, given: Correct, sentence: str) -> str | None:
    """Digits of another script."""
    script = random.choice(list(_SCRIPTS.values()))
    digits = "".join(script[int(one)] for one in str(random.randint(2, 9999)))
    put = random.choice([digits, digits + "%", "Ⅻ", "½", digits])
    return replace_citation(random, given, sentence, lambda _: put)


def homoglyph(random: Random, _given: Correct, sentence: str) -> str | None:
    """A letter of another script that looks the same."""
    at = [n for n, letter in enumerate(sentence) if letter.translate(_ALIKE) != letter and "[[" not in sentence[:n].rsplit("]]", maxsplit=1)[-1]]
    if not at:
        return None
    chosen = random.choice(at)
    return sentence[:chosen] + sentence[chosen].translate(_ALIKE) + sentence[chosen + 1 :]


def unbracketed(random: Random, given: Correct, sentence: str) -> str | None:
    """An id in the wrong brackets."""
    form = random.choice(["[{}]", "{{{}}}", "[[{}]", "[{}]]", "(({}))", "<<{}>>", "{}", "[[{}]]7"])
    return replace_citation(random, given, sentence, lambda item: form.format(item.id) if "." in item.id else None)


def marked_up(random: Random, _given: Correct, sentence: str) -> str | None:
    """The sentence with markup around it."""
    form = random.choice(
        [
            "**{}**",
            "- {}",
            "> {}",
            "`{}`",
            "* {}",
            "~~{}~~",
            "_{}_ ",
            "| {} |",
            "# {}",
            "![chart]({})",
            "<b>{}</b>",
            "<div>{}",
            "<!-- {} -->",
            "{} &lt;b&gt;",
        ]
    )
    return form.format(sentence)
