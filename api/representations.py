"""A report as bytes in each format, kept in memory because a finished report never changes."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock

from api.security import REPORT_POLICY
from crew.domain.report import Report
from crew.report.html import render_html
from crew.report.markdown import render_markdown

MEDIA_TYPES = {"json": "application/json", "md": "text/markdown", "html": "text/html"}
_CACHE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Representation:
    """One report in one format, with the ETag of these very bytes and the headers that tell of them."""

    body: bytes
    etag: str
    headers: tuple[tuple[str, str], ...]


def render(id: str, report: Report, form: str) -> Representation:
    """The report of the analysis `id` as `json`, `md` or `html`."""
    text = json.dumps(report.to_json(), ensure_ascii=False) if form == "json" else (render_markdown if form == "md" else render_html)(report)
    body = text.encode()
    return Representation(body=body, etag=hashlib.sha256(body).hexdigest()[:32], headers=tuple(_headers(id, report, form)))


def _headers(id: str, report: Report, form: str) -> Iterator[tuple[str, str]]:
    yield "Content-Language", report.language
    yield "Content-Disposition", f'inline; filename="{report.symbol}-{id}.{form}"'
    for other, media_type in MEDIA_TYPES.items():
        if other != form:
            yield "Link", f'</v1/analyses/{id}/report?format={other}>; rel="alternate"; type="{media_type}"'
    if form == "html":
        yield "Content-Security-Policy", REPORT_POLICY
    yield "Vary", "Accept"


class ReportCache:
    """The representations asked for last, up to a number of bytes."""

    def __init__(self, capacity: int = _CACHE_BYTES) -> None:
        self._capacity = capacity
        self._size = 0
        self._kept: OrderedDict[tuple[str, str], Representation] = OrderedDict()
        self._lock = Lock()

    def get(self, id: str, form: str, load: Callable[[], Report]) -> Representation:
        """The report `id` as `form`; `load` fetches the report when it is not at hand."""
        key = (id, form)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = render(id, load(), form)
        with self._lock:
            if key not in self._kept and len(made.body) <= self._capacity:
                self._kept[key] = made
                self._size += len(made.body)
            while self._size > self._capacity:
                _, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped.body)
        return made

    def drop(self, id: str) -> None:
        """Forget the report `id`."""
        with self._lock:
            for form in MEDIA_TYPES:
                dropped = self._kept.pop((id, form), None)
                self._size -= len(dropped.body) if dropped else 0
