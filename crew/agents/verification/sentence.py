"""A sentence as the rules read it: its citations set apart, its clauses found."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from crew.agents.verification.lexicon import LEXICON
from crew.domain.draft import CITATION
from crew.domain.evidence import Evidence

MARK = "§"
_WORD = re.compile(r"[^\W_]+(?:['’&./-][^\W_]+)*", re.UNICODE)
_CITATION = re.compile(CITATION)
_SENTENCE_END = re.compile(
    r"(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bvs\.)(?<!\bSr\.)(?<!\bJ\.P\.)(?<=[.!?])[\"”’)»]*\s+(?=[\"“‘«(\[A-ZÀ-ÖØ-Þ])|(?<=\]\])\s+(?=[A-ZÀ-ÖØ-Þ][a-zà-ÿ]+\s)|\s*\n+\s*"
)


def words_of(text: str) -> list[str]:
    """The words of a text, lower-cased."""
    return [word.lower() for word in _WORD.findall(text)]


def sentences(text: str) -> list[str]:
    """The sentences of `text`; citations never split one, a new line does."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


@dataclass(frozen=True)
class Cited:
    """One citation: the id as written, what it names (None when nothing), and where its mark stands in `Sentence.plain`."""

    id: str
    item: Evidence | None
    at: int


@dataclass(frozen=True)
class Window:
    """What is said about one citation: the words of its clause between the citations around it."""

    cited: Cited
    before: str
    after: str
    clause: int

    @property
    def words(self) -> str:
        """Both sides of the citation, its mark between them."""
        return f"{self.before}{MARK}{self.after}"


class Sentence:
    """One sentence of a draft. `plain` is its normalised text with a mark in place of each citation."""

    def __init__(self, text: str, evidence: Mapping[str, Evidence]) -> None:
        self.text = text
        pieces = _CITATION.split(unicodedata.normalize("NFKC", text).replace(MARK, " "))
        plain, cited = "", []
        for index, piece in enumerate(pieces):
            if index % 2:
                id = piece.strip()
                cited.append(Cited(id, evidence.get(id), len(plain)))
                plain += MARK
            else:
                plain += piece
        self.plain, self.cited = plain, tuple(cited)

    @cached_property
    def words(self) -> list[str]:
        """The words outside citations, lower-cased."""
        return words_of(self.plain)

    @cached_property
    def items(self) -> tuple[Evidence, ...]:
        """The evidence that is cited."""
        return tuple(one.item for one in self.cited if one.item is not None)

    @cached_property
    def clauses(self) -> tuple[tuple[int, str], ...]:
        """The clauses with the place where each begins."""
        found, start = [], 0
        for match in LEXICON.clause_break.finditer(self.plain):
            found.append((start, self.plain[start : match.start()]))
            start = match.start() if match.group(0).strip(" ,;:()—–") else match.end()
        found.append((start, self.plain[start:]))
        return tuple(found)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """One window for each citation."""
        made = []
        for number, (start, clause) in enumerate(self.clauses):
            inside = [one for one in self.cited if start <= one.at < start + len(clause)]
            for position, one in enumerate(inside):
                low = inside[position - 1].at + 1 if position else start
                high = inside[position + 1].at if position + 1 < len(inside) else start + len(clause)
                made.append(Window(one, self.plain[low : one.at], self.plain[one.at + 1 : high], number))
        return tuple(made)
