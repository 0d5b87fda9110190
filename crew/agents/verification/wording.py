"""Wording that no report may hold: names no fact names, sources no fact has, ratings, promises, instructions, markup."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

from crew.agents.verification.known import (
    COPIED_PROFILE_WORDS,
    COPIED_WORDS,
    ECHOED_WORDS,
    Fault,
    Known,
    allowed_names,
    allowed_phrases,
    peer_of,
    shingles,
)
from crew.agents.verification.lexicon import COMMON_WORDS, LEXICON, NAMES, Guarded, Telltales
from crew.agents.verification.sentence import MARK, Sentence
from crew.domain.outside import reads_like_instruction

_TEXTS = ("news.", "document.", "event.", "company.")
_NAME = re.compile(r"(?<![\w$@#])[^\W\d_][\w'’&./-]*(?<![./-])")
_OPENERS, _LIST_MARKS = '.!?:—–|("“«‘', "#*- \t\n"
_POSSESSIVE = re.compile(r"['’](?:s|ll|m|ve|re|d)?$")
# A ticker takes no article and no plural: the IC, los CEDEARs.
_PLURAL_ABBREVIATION = re.compile(r"(?:[A-Z]-)?[A-Z]{2,7}s")
_ABBREVIATION = re.compile(r"[A-Z]{2,5}")
_AFTER_ARTICLE = re.compile(r"(?<!\w)(?:the|an?|el|la|los|las|una?)\s$", re.IGNORECASE)
_NO_NOUN = re.compile(r"\s?(?:[.,;:!?)]|$)|\s(?P<word>[^\W\d_]+)")
_HEARSAY = LEXICON.any_of("hearsay")
_NO_HEARSAY = LEXICON.any_of("hearsay_safe")
_RATING, _RATING_SAFE = LEXICON.any_of("rating"), LEXICON.any_of("rating_safe")
_COMPUTED = LEXICON.any_of("computed_rating")
_TRADES = Telltales(["buy", "sell", "hold", "comprar", "vender", "manter", "mantener", "compra", "venda", "venta"])
_BARE_RATING = Guarded(
    re.compile(
        r"\b(?:STRONG )?(?:BUY|SELL|HOLD|COMPRA|VENDA|COMPRAR|VENDER|VENTA)\b|(?:[:–—-]\s*|\brating\s+)(?:a\s+)?(?:strong\s+)?(?:buy|sell|hold|"
        r"compra|venda|venta)\b[.!]?\s*$"
    ),
    _TRADES,
)
_NOUN_RATING = Guarded(
    re.compile(
        r"\b(?:an?|um|uma|una)\s+(?:strong\s+|clear\s+|speculative\s+|outright\s+)?(?:buy|sell|hold)\b(?=\s*(?:[.,;!]|for\b|at\b|on\b|here\b|now\b|"
        r"with\b|$))",
        re.IGNORECASE,
    ),
    _TRADES,
)
_TO_TRADE = Guarded(
    re.compile(
        r"\b(?:time|reasons?|opportunity|wise|better|best|moment|should|hora|momento|devem?|deben?|conviene|vale)\s+(?:to\s+|de\s+|a pena\s+)?(?:buy|"
        r"sell|hold|comprar|vender|manter|mantener)\b"
        r"(?=\s*(?:[.,;!]|$|(?:the|their|a|o|as|las|el|el)\s+(?:shares?|stock|name|ação|ações|papel|acción|acciones|valor)\b|shares|now|here|into|on\b|"
        r"more\b|it\b|this\b))",
        re.IGNORECASE,
    ),
    _TRADES,
)
_PROMISE, _INSTRUCTION = LEXICON.any_of("promise"), LEXICON.any_of("instruction")
_IMPERATIVES = LEXICON.any_of("imperative")
_IMPERATIVE = Guarded(
    re.compile(rf"^[\W_]*{_IMPERATIVES.pattern}(?=\s|[:!])(?!\s(?:side|case|discipline|support|quality)\b)"), _IMPERATIVES.telltales
)
_ACTING = re.compile(r"\b(?:you are|i am|act as|speaking as)", re.IGNORECASE)
# What any address holds, and any markup: one class of characters is soon looked for.
_HINT_OF_LINK = re.compile(r"[:@#\[(]|\.\w|www", re.IGNORECASE)
_HINT_OF_MARKUP = re.compile(r"[<>|`~^\\*_#+•&=]|!\[|\]\(|-[\s-]")
_LINK = re.compile(
    r"https?:|ftp:|javascript:|data:|mailto:|www\.|(?<![\w.])[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|io|ai|co|ru|cn|xyz|info|biz|top|app|dev|me|tv|br|"
    r"es|example|link|site|online|shop|live)(?:/|\b)"
    r"|[\w.+-]+@[\w-]+|(?<!\w)[@#]\w+|\bt\.me\b|\[dot\]|\(dot\)",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"[<>|`~^\\]|\*|(?<!\w)_|_(?!\w)|(?:^|[.!?]\s+)(?:#+|[+•]|>)\s|(?:^|[.!?]\s+)-\s(?![a-zà-ÿ])|^-\s|&(?:#\w+|[a-z]{2,8});|!\[|\]\(|={3,}|-{3,}"
)
_SECRET = re.compile(
    r"\b(?:sk|pk|rk)-[\w-]{6,}|\bAKIA\w{8,}|\bgh[pousr]_\w{8,}|\bxox[abp]-|\beyJ[\w-]{8,}|-----BEGIN|\bBearer\s+\S{8,}|\bapi[_\s-]?key\b|"
    r"\bpassword\b|\bsecret\s+key\b",
    re.IGNORECASE,
)
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{28,}")
_PICTURES, _NO_PICTURES = {"So", "Sk"}, {*"°™®©", *map(chr, range(128))}
_COMMON_ENDING = re.compile(
    r"(?:tion|sion|ity|ment|ness|ship|ism|ance|ence|ing|ics|cy|ure|age|th|dom|ery|worthy|able|ible|ful|less|ous|ive|ical|ual|ward|wise|some|ude|ião|ção|dade|mento|dad|miento|ción|ez|ly|s)$",
    re.IGNORECASE,
)
# An ending of a plural before a singular verb or a possessive: a name.
_SINGULAR = re.compile(
    r"\w*(?<!s)(?<!u)(?<!i)(?<!ic)(?<!new)(?<!ga)(?<!bia)(?<!len)(?<!serie)(?<!chao)s(?:['’]s\s|\s(?:is|has|was|gains|makes|raises|sells|owns|leads|gana|ganha)\b)"
)
_ACTS = re.compile(rf"\s+(?:{LEXICON.any_of('personal_verbs').pattern})", re.IGNORECASE)
_SUBJECTS = LEXICON.any_of("uncited_subjects")
_CHANGED = LEXICON.any_of("verbs_of_change")
_SMALL = frozenset({"of", "to", "the", "and", "in", "by", "for", "against", "per", "FY", "TTM"})


@cache
def _allowed() -> frozenset[str]:
    return allowed_names()


@cache
def _phrases() -> Guarded:
    allowed = sorted(allowed_phrases(), key=len, reverse=True)
    return Guarded(re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, allowed)) + r")(?!\w)"), Telltales(allowed))


@cache
def _companies() -> frozenset[str]:
    return frozenset(name.split()[0] for name in NAMES.listed("companies"))


def unknown_name(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """No company, ticker, person or product is named that no fact names."""
    # An allowed name of several words is written small, so that none of its words is taken for another name.
    plain = _phrases().sub(lambda match: match.group(0).lower(), _own_words(sentence, known))
    if "$" in plain and re.search(r"\$[A-Za-z]{1,6}\b", plain):
        yield "other_company", "names a ticker with a dollar sign"
    cites_text = any(item.id.startswith(_TEXTS[:3]) for item in sentence.items)
    peers = known.peers if any(item.id.startswith(("peer.", "peers.")) for item in sentence.items) else frozenset[str]()
    own = known.named_by_texts if cites_text else known.named
    # Most words have no capital, and none of what follows speaks of those.
    for match in (one for one in _NAME.finditer(plain) if not one.group(0).islower()):
        word, before, after = _POSSESSIVE.sub("", match.group(0)), plain[: match.start()], plain[match.end() :]
        if len(word) < 2 and _is_model(word, before, known):
            yield "unknown_name", f"names the model {word!r}, which no fact names"
            return
        if _is_no_name(word, before, after, sentence):
            continue
        opening = _opens(before)
        if opening and word not in own and word not in peers and _opens_as_a_name(word, after, named_as=match.group(0)):
            yield "other_company", f"speaks of {word!r}, which no fact names"
            return
        if _is_foreign(word, own, opening=opening, peers=peers):
            yield "other_company" if word.isupper() or word in _companies() else "unknown_name", f"names {word!r}, which no fact names"
            return


def _is_no_name(word: str, before: str, after: str, sentence: Sentence) -> bool:
    """Whether a word with a capital is a letter, a number's, or the abbreviation of a cited figure or of a common noun."""
    if len(word) < 2 or any(map(str.isdigit, word)) or any(word in _initials(item.label) for item in sentence.items):
        return True
    return word not in _companies() and _is_abbreviation(word, before, after)


def _opens(before: str) -> bool:
    """Whether a word after `before` begins a sentence, a clause or a quotation."""
    said = before.rstrip()
    return not said or said[-1] in _OPENERS or not said.strip(_LIST_MARKS)


def _is_abbreviation(word: str, before: str, after: str) -> bool:
    """Whether capitals stand as only an abbreviation of a common noun does: in the plural, or with an article and no noun to which that belongs."""
    if _PLURAL_ABBREVIATION.fullmatch(word):
        return True
    following = _NO_NOUN.match(after)
    if not _ABBREVIATION.fullmatch(word) or not _AFTER_ARTICLE.search(before) or following is None:
        return False
    return following["word"] is None or any(following["word"] in words for words in LEXICON.stopwords.values())


@lru_cache(maxsize=4096)
def _initials(label: str) -> frozenset[str]:
    """The abbreviations that a figure's label gives: ETR of effective tax rate, without its small words and what follows a comma."""
    words = [word for word in re.findall(r"[A-Za-z]+", label.split(",", maxsplit=1)[0]) if word not in _SMALL]
    averages = {"MA"} if "average" in label and "day" in label else set()
    return frozenset(averages.union("".join(word[0] for word in words[:end]).upper() for end in range(2, len(words) + 1)))


def _own_words(sentence: Sentence, known: Known) -> str:
    """What the sentence says itself: `plain` without what it quotes word for word from a text that it cites."""
    said = known.licence.unquoted(sentence.text)
    return sentence.plain if said == sentence.text else Sentence(said, {}).plain


def _is_model(letter: str, before: str, known: Known) -> bool:
    """Whether a single letter after a product's name makes another product: Model Q where the profile has a Model S."""
    first = re.search(r"([A-Z][^\W\d_]+)\s$", before)
    if first is None or first.group(1) not in known.own_names or first.group(1) in _allowed():
        return False
    return letter.isupper() and not any(f"{first.group(1)} {letter}" in str(item.value) for item in known.texts)


def _is_foreign(word: str, own: frozenset[str], *, opening: bool, peers: frozenset[str]) -> bool:
    if not any(map(str.isupper, word)) or word in peers:
        return False
    if word in own or word in _allowed():
        return False
    if "&" in word and not any(part in own or part in _allowed() for part in word.split("-") if "&" in part):
        return True
    if any(character.isupper() for character in word[1:]) and not _is_compound(word):
        return not _is_plain_plural(word, own)
    if opening:
        return word in _companies()
    parts = [part for part in re.split(r"[-/&.]", word) if any(map(str.isupper, part))]
    return not all(part in own or part in _allowed() or len(part) == 1 or _is_plain_plural(part, own) for part in parts) or (word in _companies())


def _opens_as_a_name(word: str, after: str, *, named_as: str) -> bool:
    """Whether a sentence's first word stands as only a name stands: as a subject without an article, or with a possessive."""
    if word[0].isupper() and _SINGULAR.match(f"{named_as}{after}") and word not in _allowed():
        return True
    if not word[0].isupper() or _COMMON_ENDING.search(word) or word.lower() in _commons() or word in _allowed():
        return False
    return named_as != word or bool(_ACTS.match(after))


@cache
def _commons() -> frozenset[str]:
    small = [word for words in LEXICON.stopwords.values() for word in words]
    return frozenset(
        [*small, *COMMON_WORDS, *LEXICON.listed("mass_nouns"), *(part.lower() for words in LEXICON.listed_concepts() for part in words.split())]
    )


def is_common(word: str) -> bool:
    """Whether a word, or that of which it is the plural, is in the dictionary or a term of the trade."""
    return word in _commons() or word.removesuffix("s") in _commons() or word.capitalize() in _allowed()


def _is_compound(word: str) -> bool:
    return bool(re.search(r"[-/.&]", word))


def _is_plain_plural(word: str, own: frozenset[str]) -> bool:
    return word.endswith("s") and (word[:-1] in _allowed() or word[:-1] in own)


def hearsay(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """Whoever is quoted is quoted by citing the text that says so."""
    if any(item.id.startswith((*_TEXTS, "analyst.")) for item in sentence.items):
        return
    for match in _HEARSAY.finditer(sentence.plain):
        if match.group(0).lower() == "segundo" and not re.search(r"(?:^|,\s)$", sentence.plain[: match.start()]):
            continue
        following = sentence.plain[match.end() : match.end() + 30]
        if not _NO_HEARSAY.match(following.lstrip()) and not following.lstrip().startswith(MARK):
            yield "made_up_source", f"rests on {match.group(0)!r} without citing a text of the fact sheet"
            return


def copied_text(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """Words of an outside text are shown by citing it; what reads like an instruction there is not shown at all."""
    plain = _own_words(sentence, known)
    runs = shingles(plain, COPIED_WORDS) | shingles(plain, COPIED_PROFILE_WORDS)
    copied = sorted(known.outside_runs[run] for run in runs if run in known.outside_runs)
    if copied:
        yield "copied_text", f"repeats words of {copied[0]}; cite it as [[{copied[0]}]] instead"
    for item in sentence.items:
        if item.kind == "text" and reads_like_instruction(str(item.value)):
            yield "hostile_text", f"cites {item.id}, which reads like an instruction and is not shown"


def prompt_echo(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """The desk's own instructions are not part of a report."""
    if known.private and any(run in known.private_runs for run in shingles(sentence.text, ECHOED_WORDS)):
        yield "prompt_echo", "repeats the instructions of the desk"
    elif _ACTING.search(sentence.plain) and any(
        re.search(rf"{_ACTING.pattern}\s+(?:an?\s+|the\s+)?{re.escape(role)}\b", sentence.plain, re.IGNORECASE) for role in known.roles
    ):
        yield "prompt_echo", "repeats who the writer was told to be"


def rating_word(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """No rating is given in prose; the computed one may be named as such."""
    plain = sentence.plain
    stated = _COMPUTED.search(plain)
    if stated:
        said = plain[stated.end() :].strip(" .").lower().replace("_", " ")
        names = [name for rating, words in LEXICON.listed_names().items() for name in words if rating == known.sheet.scorecard.rating]
        if said in names:
            return
        yield "rating_word", f"states the computed rating as {said[:30]!r}; it is {known.sheet.scorecard.rating}"
        return
    spoken = _RATING_SAFE.sub(" ", plain)
    if rating := _RATING.search(spoken) or _TO_TRADE.search(spoken) or _NOUN_RATING.search(spoken) or _BARE_RATING.search(spoken):
        yield "rating_word", f"uses the rating word {rating.group(0).strip()!r}; the rating is computed"


def promise(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """Nothing is promised."""
    if word := _PROMISE.search(sentence.plain):
        yield "promise", f"promises what nobody can: {word.group(0)!r}"


def instruction(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """The reader is told what is, never what to do; no text speaks to a model."""
    ordered = _IMPERATIVE.search(sentence.plain)
    if ordered and ordered.group(0).strip(' "“«') in known.own_names:
        ordered = None
    if word := _INSTRUCTION.search(sentence.plain) or ordered:
        yield "instruction", f"reads like an instruction: {word.group(0).strip()!r}"


def markup(sentence: Sentence, known: Known) -> Iterator[Fault]:
    """Prose is plain: no link, no address, no markup, no pictures, no secret, nothing encoded."""
    plain = _own_words(sentence, known)
    for match in _LINK.finditer(plain) if _HINT_OF_LINK.search(plain) else ():
        if match.group(0).strip("/") not in known.own_names and not any(match.group(0) in name for name in known.own_names):
            yield "link", f"holds an address: {match.group(0)!r}"
            return
    if found := _MARKUP.search(plain) if _HINT_OF_MARKUP.search(plain) else None:
        yield "markup", f"holds markup: {found.group(0).strip()!r}; write plain sentences"
    elif any(unicodedata.category(character) in _PICTURES for character in set(plain) - _NO_PICTURES):
        yield "markup", "holds a picture sign; write plain sentences"
    if _SECRET.search(plain):
        yield "secret", "holds what looks like a credential"
    if any(map(_BLOB.fullmatch, plain.split())):
        yield "encoded_text", "holds a run of letters that is no word"


def uncited_change(sentence: Sentence, _known: Known) -> Iterator[Fault]:
    """That a figure moved is said with the figure."""
    if sentence.cited:
        return
    for match in _CHANGED.finditer(sentence.plain):
        before = sentence.plain[max(0, match.start() - 30) : match.start()]
        ends = [one.end for one in LEXICON.concepts.mentions(before)] + [one.end() for one in _SUBJECTS.finditer(before)]
        if ends and before[max(ends) :].strip() in {"", "have", "has", "also", "then", "sharply", "líquida", "líquido", "neto"}:
            yield "uncited_change", f"says that something {match.group(0)!r} without citing the figure"
            return


__all__ = [
    "copied_text",
    "hearsay",
    "instruction",
    "is_common",
    "markup",
    "peer_of",
    "promise",
    "prompt_echo",
    "rating_word",
    "uncited_change",
    "unknown_name",
]
