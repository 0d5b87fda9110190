"""What only the service can judge is taken out of well-formed test cases, because no schema can say which made-up value will be refused.

These are a made-up cursor, an Idempotency-Key used for another request before, a place in a stream of other analyses, the version in If-Match,
the ids of documents, where a URL leads, and whether a text is a cron expression or a time zone. Everything else about them is tested as it is:
malformed keys and places, empty, overlong and repeated cursors, missing headers, other types. The one analysis that has a report is left for all
other operations: what is deleted is another.

A body that is a file has no type of JSON's that it could violate, and whether there is anything to read in it no schema can tell: what is
sent as a document always begins with a word. Documents that hold nothing are tested in test_api_documents.
"""

import re
import uuid
from typing import Any

import schemathesis
from fakes.live_server import FAILED, FINISHED

from crew.domain.document import DOCUMENT_ID

_KEY = re.compile(r"[!#-~]{1,255}")
_PLACE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,49}")
_TEXTS = {"cron": ("30 6 * * MON-FRI", 100), "timezone": ("America/New_York", 64)}
_DOCUMENT = re.compile(DOCUMENT_ID)
_URL, _LONGEST_URL = "https://example.com/hook", 2000


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Give every well-formed Idempotency-Key of its own, leave well-formed cursors and places out, let If-Match match, put a word into documents."""
    headers, query = case.headers or {}, case.query or {}
    key = headers.get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    cursor = query.get("cursor")
    if isinstance(cursor, str) and 1 <= len(cursor) <= 500:
        del case.query["cursor"]
    if case.path == "/v1/events":
        _from_the_beginning(headers, query)
    _matching(case, headers)
    _tame(case.body)
    if _is_upload(case) and isinstance(case.body, str):
        case.body = "Seen. " + case.body.replace("\0", "")


def _from_the_beginning(headers: Any, query: Any) -> None:
    for values, name in ((query, "after"), (headers, "Last-Event-ID")):
        if isinstance(values.get(name), str) and _PLACE.fullmatch(values[name]):
            del values[name]


def _matching(case: Any, headers: Any) -> None:
    tag = headers.get("If-Match")
    if isinstance(tag, str) and 1 <= len(tag) <= 500:
        case.headers["If-Match"] = "*"
    if case.method == "DELETE" and case.path_parameters.get("analysis_id") == FINISHED:
        case.path_parameters["analysis_id"] = FAILED


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out documents whose body is meant to be of the wrong type."""
    return not (_is_upload(case) and not isinstance(case.body, str | bytes))


def _is_upload(case: Any) -> bool:
    return bool(case.path == "/v1/documents" and case.method.upper() == "POST")


def _tame(body: Any) -> None:
    for part in body if isinstance(body, list) else ():
        _tame(part)
    for name, value in body.items() if isinstance(body, dict) else ():
        if name == "documents" and isinstance(value, list) and all(isinstance(id, str) and _DOCUMENT.fullmatch(id) for id in value):
            body[name] = []
        elif isinstance(value, dict | list):
            _tame(value)
        elif isinstance(value, str) and name in _TEXTS and 1 <= len(value) <= _TEXTS[name][1]:
            body[name] = _TEXTS[name][0]
        elif isinstance(value, str) and name.lower().endswith("url") and 1 <= len(value) <= _LONGEST_URL:
            body[name] = _URL
