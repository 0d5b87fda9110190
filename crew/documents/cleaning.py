"""Text made storable: one kind of line end, no control, invisible or direction-changing characters, ligatures spelled out."""

import re
import unicodedata

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\u0085\f\v]")
_BLANKS = re.compile(r"[^\S\n]+")
_EDGES = re.compile(r" ?\n ?")
_MANY_LINES = re.compile(r"\n{3,}")
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}


def cleaned(text: str) -> str:
    """The text as it is stored. Words, digits and signs stay as they are: a passage of it can be quoted verbatim."""
    lined = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text.translate(_LIGATURES)))
    kept = lined.translate({ord(character): None for character in set(lined) if _is_unseen(character)})
    return _MANY_LINES.sub("\n\n", _EDGES.sub("\n", _BLANKS.sub(" ", kept))).strip()


def _is_unseen(character: str) -> bool:
    return character not in "\n\t" and (unicodedata.category(character) in _DROPPED or character in _FILLERS)
