"""Citations bound to their values. What cannot be bound is never published: it raises."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crew.domain.digits import Licence
from crew.domain.draft import CITATION
from crew.domain.evidence import Evidence
from crew.domain.report import Report
from crew.errors import OutputInvalid
from crew.report.figures import format_figure

_CITATION = re.compile(CITATION)


@dataclass(frozen=True)
class Plain:
    """Words between citations, as the writer wrote them."""

    text: str


@dataclass(frozen=True)
class Bound:
    """A citation with its value formatted for readers."""

    evidence: Evidence
    text: str


def cited_ids(text: str) -> list[str]:
    """The ids that `text` cites, in order, with repetitions."""
    return [match.group(1).strip() for match in _CITATION.finditer(text)]


def bind(text: str, evidence: Mapping[str, Evidence], language: str) -> list[Plain | Bound]:
    """Split `text` at its citations and put each figure's formatted value in.

    Raises:
        OutputInvalid: a citation names no evidence.
    """
    parts: list[Plain | Bound] = []
    for index, piece in enumerate(_CITATION.split(text)):
        if index % 2:
            item = evidence.get(piece.strip())
            if item is None:
                raise OutputInvalid(f"the text cites {piece.strip()!r}, which is not in the fact sheet")
            parts.append(Bound(item, _shown(item, language)))
        elif piece:
            parts.append(Plain(piece))
    return parts


def ensure_bound(texts: Iterable[str], evidence: Mapping[str, Evidence], licence: Licence) -> None:
    """Check that every citation names evidence and that no digit stands outside a citation but those that `licence` allows.

    Raises:
        OutputInvalid: on the first text that may not be published.
    """
    for text in texts:
        for name in cited_ids(text):
            if name not in evidence:
                raise OutputInvalid(f"the text cites {name!r}, which is not in the fact sheet")
        loose = licence.unbound(text)
        if loose:
            raise OutputInvalid(f"the text states {loose[0]!r} without citing evidence: {text[:120]!r}")


def prose_of(report: Report) -> list[str]:
    """Every text of the report that a crew task wrote, with its citations."""
    texts = [paragraph.text for section in report.sections for paragraph in section.paragraphs]
    texts += [item.claim.text for item in report.claims]
    view = report.recommendation.crew_view
    return [*texts, view.reason] if view is not None else texts


def _shown(item: Evidence, language: str) -> str:
    text = format_figure(item, language)
    return f"“{text}”" if item.kind == "text" and item.id.startswith(("news.", "document.")) else text
