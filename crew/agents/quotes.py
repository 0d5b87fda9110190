"""Words that a draft puts in quotation marks beside a document's citation must be that document's own, character for character."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from crew.agents.verify import sentences
from crew.domain.document import FAMILY, plain
from crew.domain.draft import CITATION
from crew.domain.evidence import Evidence
from crew.domain.run import Violation

_CITATION = re.compile(CITATION)
_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|«([^«»]+)»|„([^„“”]+)[“”]")


def misquotations(draft: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> list[Violation]:
    """Every quotation in a sentence that cites a document and whose words are in none of the texts which the sentence cites."""
    return [violation for path, text in _texts(draft) for sentence in sentences(text) for violation in _in_sentence(path, sentence, evidence)]


def _in_sentence(path: str, sentence: str, evidence: Mapping[str, Evidence]) -> Iterator[Violation]:
    cited = [evidence[name.strip()] for name in _CITATION.findall(sentence) if name.strip() in evidence]
    if not any(item.id.startswith(FAMILY) for item in cited):
        return
    sources = [plain(str(item.value)) for item in cited if item.kind == "text"]
    for match in _QUOTED.finditer(_CITATION.sub(" ", sentence)):
        words = plain(next(filter(None, match.groups()))).strip(" .,;:…")
        if words and not any(words in source for source in sources):
            message = "quotes words that are not in the passage it cites; cite the passage, and its own words are put in"
            yield Violation(path=path, code="misquoted", message=message, text=sentence)


def _texts(draft: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, content in draft.items():
        for path, part in [(f"{name}[{index}]", item) for index, item in enumerate(content)] if isinstance(content, list) else [(name, content)]:
            text = part if isinstance(part, str) else (part.get("text") or part.get("reason")) if isinstance(part, dict) else None
            if isinstance(text, str):
                yield path, text
