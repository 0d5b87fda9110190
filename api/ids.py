"""Checks the ids in paths: what cannot be an id is simply not found, and never reaches the database."""

import re

from crew.domain.evidence import EVIDENCE_ID
from crew.errors import NotFound

_REST = re.compile(r"[a-z2-7]{26}")
_EVIDENCE = re.compile(EVIDENCE_ID)
_LONGEST_EVIDENCE_ID = 120


def checked_id(prefix: str, text: str, what: str) -> str:
    """`text` if it is spelled like an id with that prefix; `what` is the thing's name.

    Raises:
        NotFound: it is not.
    """
    begins, _, rest = text.partition("_")
    if begins != prefix or not _REST.fullmatch(rest):
        raise NotFound(f"There is no such {what}.")
    return text


def checked_evidence_id(text: str) -> str:
    """`text` if it is spelled like an evidence id.

    Raises:
        NotFound: it is not.
    """
    if len(text) > _LONGEST_EVIDENCE_ID or not _EVIDENCE.fullmatch(text):
        raise NotFound("There is no such figure in this report.")
    return text
