"""Text made inert in Markdown: whatever it says, it stays text, on one line, within its table cell."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]<|~])")
_LINE_START = re.compile(r"^(\s*)([-+=>#]|\d{1,9}[.)](?=\s|$))")
_NUMBER = re.compile(r"\\\[(\d{1,4})\\\](?![:(\[\\])")
_LINKS = (
    (re.compile(r":(?=//)|(?<=mailto):|(?<=xmpp):", re.IGNORECASE), r"\\:"),
    (re.compile(r"(?<=www)\.", re.IGNORECASE), r"\\."),
    (re.compile(r"@"), r"\\@"),
    (re.compile(r"&(?=#?\w+;)"), r"\\&"),
)


def one_line(text: str) -> str:
    """The text on one line, without control characters and without invisible or direction-changing ones."""
    spaced = re.sub(r"\s", lambda match: match.group() if match.group() == "\u00a0" else " ", text)
    kept = "".join(character for character in spaced if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    return re.sub(r" {2,}", " ", kept).strip(" ")


def inert(text: str) -> str:
    """The text with everything escaped that Markdown or its common extensions would act on, links spelled out included."""
    escaped = _SPECIAL.sub(r"\\\1", one_line(text))
    for pattern, replacement in _LINKS:
        escaped = pattern.sub(replacement, escaped)
    return _LINE_START.sub(lambda match: f"{match.group(1)}{_guard(match.group(2))}", escaped)


def numbered(line: str) -> str:
    """An inert line with its bare numbers in brackets readable again, except where they would begin a link or define one."""
    return _NUMBER.sub(r"[\1]", line)


def code(text: str) -> str:
    """The text as a code span within a table cell; back-ticks and bars are dropped, since no escape holds inside a span."""
    cleaned = one_line(text).replace("`", "'").replace("|", "/")
    return f"`{cleaned}`" if cleaned else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """A table of cells that are already inert; columns in `right` are aligned to the right."""
    rule = ["---:" if index in right else "---" for index in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def _guard(marker: str) -> str:
    return f"\\{marker}" if not marker[0].isdigit() else f"{marker[:-1]}\\{marker[-1]}"
