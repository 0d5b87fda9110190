"""ETags that carry a version, and If-Match: a change is made only to what its author has seen."""

import hashlib

from flask import Response, request
from werkzeug.datastructures import ETags
from werkzeug.http import parse_etags

from api.negotiation import conditional, etag_of
from api.problems import Problem

MERGE_PATCH = "application/merge-patch+json"


def versioned(answer: Response, id: str, version: int) -> Response:
    """`answer` with a strong ETag of the resource's version and of these very bytes; 304 where the client holds the same.

    Parts of a body change by themselves, such as the next runs of a schedule. They change the ETag, as they must, and `If-Match`
    still holds: it looks at the version alone.
    """
    digest = hashlib.sha256(answer.get_data()).hexdigest()[:16]
    return conditional(answer, etag=f"{id}.{version}.{digest}")


def require_match(current: Response) -> None:
    """Check that the client has seen the representation that it is about to change.

    Raises:
        Problem: `If-Match` is missing (428), or names none that is current (412).
    """
    if not _named().contains(etag_of(current)):
        raise _changed()


def required_version(id: str, version: int) -> int:
    """`version`, the present one of the resource, if `If-Match` names it.

    Raises:
        Problem: `If-Match` is missing (428), or names another version (412).
    """
    named = _named()
    if named.star_tag or any(tag.startswith(f"{id}.{version}.") for tag in named.as_set()):
        return version
    raise _changed()


def _named() -> ETags:
    sent = request.headers.get("If-Match", "")
    if not sent.strip():
        raise Problem("precondition_required", "Send the ETag of the resource in If-Match, or `*` for whatever it is now.")
    return parse_etags(sent)


def _changed() -> Problem:
    return Problem("precondition_failed", "If-Match does not name the current ETag: read the resource again.")
