"""Outside text made harmless to carry: no control or format characters, one line, bounded."""

import unicodedata

DROPPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def clean(value: object, limit: int) -> str | None:
    """Return `value` as one line of at most `limit` characters, or None when it is not a text or nothing is left.

    Control, format (zero-width, bidirectional) and private characters go; runs of white space become one space.
    """
    if not isinstance(value, str):
        return None
    kept = "".join(" " if char.isspace() else char for char in value if char.isspace() or unicodedata.category(char) not in DROPPED)
    line = " ".join(kept.split())
    return (line if len(line) <= limit else line[: limit - 1].rstrip() + "…") or None
