"""What the rules know when they judge a draft: the facts, the words that may be used, the texts that may not be repeated."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from crew.agents.verification.lexicon import NAMES
from crew.agents.verification.sentence import Sentence, words_of
from crew.domain.digits import Licence
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet

Fault = tuple[str, str]
_PERIOD = re.compile(r"\.(FY\d{4}|Q[1-4]-\d{4}|TTM)$")
_CAPITALISED_RUN = re.compile(r"(?<!\w)[A-Z][a-z]+(?:\s(?:[A-Z][a-z]+|\d{1,3}(?![\w.,%])))+")
COPIED_WORDS = 6
ECHOED_WORDS = 8
COPIED_PROFILE_WORDS = 12


def shingles(text: str, size: int) -> set[tuple[str, ...]]:
    """Every run of `size` words."""
    words = words_of(text)
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


@dataclass(frozen=True)
class Known:
    """One fact sheet and one task as the rules see them.

    `languages` are those the draft may be in; `private` are texts of the prompt that no draft may repeat; those too short for that are
    the roles that agents were given.
    """

    sheet: FactSheet
    languages: frozenset[str]
    private: tuple[str, ...] = ()

    @cached_property
    def licence(self) -> Licence:
        """The digits that prose may hold."""
        return Licence.of(self.sheet.evidence, self.sheet.instrument.name, self.sheet.as_of)

    @cached_property
    def texts(self) -> tuple[Evidence, ...]:
        """The evidence that is text."""
        return tuple(item for item in self.sheet.evidence if item.kind == "text")

    @cached_property
    def own_names(self) -> frozenset[str]:
        """Words with a capital out of the instrument and its profile, and its symbols; other words of the profile may not be names."""
        instrument = self.sheet.instrument
        profile = [
            instrument.name,
            instrument.symbol,
            instrument.currency,
            *(str(item.value) for item in self.texts if item.id.startswith("company.")),
        ]
        return frozenset(_capitalised(profile)) | initials_of(profile)

    @cached_property
    def named(self) -> frozenset[str]:
        """Own names and the index funds: what any sentence may name."""
        return self.own_names | self.benchmarks

    @cached_property
    def named_by_texts(self) -> frozenset[str]:
        """What any sentence may name, and names in headlines, events and documents: those only where such a text is cited."""
        return self.named | frozenset(_capitalised(str(item.value) for item in self.texts))

    @cached_property
    def peers(self) -> frozenset[str]:
        """Symbols of peers that the sheet has figures of."""
        return frozenset(item.id.split(".", 2)[1] for item in self.sheet.evidence if item.id.startswith("peer."))

    @cached_property
    def benchmarks(self) -> frozenset[str]:
        """Symbols of the index funds that the price is compared with."""
        return frozenset(item.label.split(":")[0] for item in self.sheet.evidence if item.id.startswith("benchmark.close") and ":" in item.label)

    @cached_property
    def newest(self) -> dict[tuple[str, str], str]:
        """The newest period of each figure, by stem and kind of period (FY or Q)."""
        found: dict[tuple[str, str], str] = {}
        for item in self.sheet.evidence:
            stem, _, period = item.id.rpartition(".")
            if (day := _dated_end(period)) and found.get(key := (stem, period[0]), "") < day:
                found[key] = day
        return found

    @cached_property
    def outside_runs(self) -> dict[tuple[str, ...], str]:
        """Runs of words of outside texts, with the id of their text."""
        return {
            run: item.id
            for item in self.texts
            if item.id.startswith(("news.", "event.", "document.", "company.description"))
            for run in shingles(str(item.value), COPIED_PROFILE_WORDS if item.id.startswith("company.") else COPIED_WORDS)
        }

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The roles among the private texts."""
        return _roles_among(self.private)

    @cached_property
    def private_runs(self) -> frozenset[tuple[str, ...]]:
        """Runs of words of the prompt's own texts."""
        return _runs_of(self.private)


@lru_cache(maxsize=1024)
def _dated_end(end: str) -> str | None:
    """The end of an id in a form that sorts, None where it is no period."""
    return dated(end) if _PERIOD.fullmatch(f".{end}") else None


@lru_cache(maxsize=64)
def _roles_among(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts if 0 < len(words_of(text)) < ECHOED_WORDS)


@lru_cache(maxsize=64)
def _runs_of(texts: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """The texts of a prompt are the same in every analysis with one crew."""
    return frozenset(run for text in texts for run in shingles(text, ECHOED_WORDS))


def _capitalised(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[^\W_][\w'’&.-]*", text) if any(map(str.isupper, word))} | {
        part for text in texts for part in text.split() if part.isupper()
    }


def peer_of(id: str) -> str | None:
    """The peer that a figure belongs to: GOOGL for `peer.GOOGL.pe`."""
    match = re.match(r"peer\.(.+?)\.[a-z]", id) if id.startswith("peer.") else None
    return match.group(1) if match else None


def period_of(id: str) -> str | None:
    """The period at the end of an id."""
    match = _PERIOD.search(id)
    return match.group(1) if match else None


def stem_of(id: str) -> str:
    """The id without its period."""
    return _PERIOD.sub("", id)


def dated(period: str) -> str:
    """A period in a form that sorts: 2025-Q4."""
    return f"{period[3:]}-{period[:2]}" if period.startswith("Q") else period


_GROUPS = ("places", "institutions", "laws_and_events", "eponyms", "calendar", "abbreviations", "generic")


def allowed_names() -> frozenset[str]:
    """Names that any report may hold, word by word: places, institutions, laws, events, eponyms, indices and terms.

    A word of a longer name that is also a company is allowed in that name alone (`allowed_phrases`): Vale is not Vale do Silício.
    """
    listed = [name for group in _GROUPS for name in NAMES.listed(group)]
    companies = set(NAMES.listed("companies"))
    return frozenset([*listed, *(part for name in listed for part in re.split(r"[\s-]", name) if part not in companies)])


def allowed_phrases() -> frozenset[str]:
    """Allowed names of several words of which one is also a company."""
    companies = set(NAMES.listed("companies"))
    return frozenset(name for group in _GROUPS for name in NAMES.listed(group) if " " in name and not companies.isdisjoint(name.split()))


def initials_of(texts: Iterable[str]) -> frozenset[str]:
    """Abbreviations that runs of capitalised words in `texts` give, a number at their end kept: AWS of Amazon Web Services, M365 of Microsoft 365."""
    found = set()
    for text in texts:
        for run in _CAPITALISED_RUN.findall(text):
            words = run.split()
            for start in range(len(words)):
                for end in range(start + 2, len(words) + 1):
                    found.add("".join(word if word.isdigit() else word[0] for word in words[start:end]))
    return frozenset(one for one in found if len(one) > 1 and one[0].isalpha())


__all__ = [
    "Fault",
    "Known",
    "Sentence",
    "allowed_names",
    "allowed_phrases",
    "dated",
    "initials_of",
    "peer_of",
    "period_of",
    "shingles",
    "stem_of",
    "words_of",
]
