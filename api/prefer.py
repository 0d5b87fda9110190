"""`Prefer: wait=n` and `respond-async` (RFC 7240): a request that stays open until the analysis has ended, or n seconds."""

import re
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from flask import Response

from api.services import services

Resource = TypeVar("Resource")
LONGEST_S = 30
ACCEPTED = 202
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?(?:$|[,;\s])", re.IGNORECASE)
_PAUSE_S = (0.05, 0.1, 0.2)


def wanted_wait(prefer: str | None) -> int | None:
    """The seconds in `Prefer: wait=n`, at most 30; None when nothing is said.

    `respond-async` beside it asks for what happens anyway: an answer without the result once they are over (RFC 7240, 4.3).
    """
    found = _WAIT.search(prefer or "")
    return min(int(found.group(1)), LONGEST_S) if found else None


def waited(found: Resource, prefer: str | None, *, enough: Callable[[Resource], bool], read: Callable[[], Resource]) -> tuple[Resource, int | None]:
    """What was found, after the wait that `prefer` asks for; and the seconds that were allowed (None without a wait)."""
    seconds = wanted_wait(prefer)
    if seconds is None:
        return found, None
    found, stayed = stay(found, seconds, enough=enough, read=read)
    return found, seconds if stayed else None


def stay(found: Resource, seconds: int, *, enough: Callable[[Resource], bool], read: Callable[[], Resource]) -> tuple[Resource, bool]:
    """What was found, read again until it is `enough` or `seconds` are over; and whether that was waited for.

    A waiting request holds a thread as an event stream does, and shares the cap on those: beyond it there is no waiting.
    """
    gate = services().streams
    if enough(found):
        return found, True
    if not gate.enter():
        return found, False
    try:
        ends_at, turn = monotonic() + seconds, 0
        while not enough(found) and monotonic() < ends_at:
            if gate.stopping.wait(min(_PAUSE_S[min(turn, len(_PAUSE_S) - 1)], max(0.0, ends_at - monotonic()))):
                break
            turn += 1
            found = read()
        return found, True
    finally:
        gate.leave()


def applied(answer: Response, prefer: str | None, waited: int | None) -> Response:
    """`answer` with the preference that was honoured."""
    honoured = [f"wait={waited}"] if waited is not None else []
    if prefer is not None and "respond-async" in prefer.lower() and (waited is None or answer.status_code == ACCEPTED):
        honoured.insert(0, "respond-async")
    if honoured:
        answer.headers["Preference-Applied"] = ", ".join(honoured)
    return answer
