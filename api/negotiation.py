"""Which representation to send, and whether the client has it already."""

import hashlib
from collections.abc import Callable, Mapping

from flask import Response, request

from api.problems import Problem

_REVALIDATE = "private, no-cache"
_IF_NONE_MATCH = frozenset({"HTTP_IF_NONE_MATCH"})
# Every header that makes a request conditional, as WSGI has it. Werkzeug handles all of them, at a price; few requests send more than one.
_CONDITIONS = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_RANGE"})


def require_no_coding() -> None:
    """Refuse a body that is compressed or otherwise coded.

    Raises:
        Problem: it is.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Problem("unsupported_media_type", "Send the body as it is, without Content-Encoding.", headers={"Accept-Encoding": "identity"})


def choose(offers: Mapping[str, str], *, chosen: str | None = None, default: str) -> str:
    """The name of the representation to send.

    Args:
        offers: name (as in `?format=`) to media type, in order of preference.
        chosen: the name asked for by `?format=`; wins over `Accept`.
        default: the name for a client that accepts anything.

    Raises:
        Problem: none of the offers is acceptable.
    """
    if chosen is not None:
        if chosen in offers:
            return chosen
        raise _unacceptable(offers)
    if not request.accept_mimetypes.provided:
        return default
    ordered = {default: offers[default]} | dict(offers)
    media_type = request.accept_mimetypes.best_match(list(ordered.values()))
    if media_type is None:
        raise _unacceptable(offers)
    return next(name for name, offered in ordered.items() if offered == media_type)


def conditional(response: Response, *, etag: str | None = None) -> Response:
    """Set a strong ETag (by default the hash of the body) and answer 304 where the client holds the same."""
    tag = etag or etag_of(response)
    response.set_etag(tag)
    response.headers.setdefault("Cache-Control", _REVALIDATE)
    environ = request.environ
    conditions = _CONDITIONS.intersection(environ)
    if conditions == _IF_NONE_MATCH and is_known(tag):
        response.status_code = 304
    elif conditions - _IF_NONE_MATCH:
        response.make_conditional(environ)
    return response


def is_known(etag: str) -> bool:
    """Whether this request reads what the client holds already under that strong ETag, and says so by nothing but `If-None-Match`."""
    environ = request.environ
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or _CONDITIONS.intersection(environ) != _IF_NONE_MATCH:
        return False
    return bool(environ["HTTP_IF_NONE_MATCH"] == f'"{etag}"' or request.if_none_match.contains_weak(etag))


def is_news(present: Callable[[], Response]) -> bool:
    """Whether the client holds something under `If-None-Match`, and it is not what `present` makes, which is made only then."""
    return bool(request.if_none_match) and not is_known(etag_of(present()))


def not_modified(etag: str, *, vary: str) -> Response:
    """304 for a client that holds the representation with that strong ETag. Nothing else that describes it is repeated (RFC 9110, 15.4.5)."""
    return Response(status=304, headers=(("ETag", f'"{etag}"'), ("Cache-Control", _REVALIDATE), ("Vary", vary)))


def etag_of(response: Response) -> str:
    """The strong ETag of a body: its hash."""
    return hashlib.sha256(response.get_data()).hexdigest()[:32]


def json_acceptable() -> bool:
    """Whether the client takes JSON, as answer or as problem."""
    sent = request.headers.get("Accept", "*/*")
    return sent in {"*/*", "application/json"} or bool(request.accept_mimetypes.best_match(["application/json", "application/problem+json"]))


def _unacceptable(offers: Mapping[str, str]) -> Problem:
    offered = ", ".join(f"{media_type} (format={name})" for name, media_type in offers.items())
    return Problem("not_acceptable", f"Available here: {offered}.", extensions={"available": list(dict.fromkeys(offers.values()))})
