"""A limit on the whole of a call: a library's own timeout starts anew with each piece of an answer, so a trickle would never end."""

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class CallTimeout(TimeoutError):
    """A call was not over in time; its thread is left behind."""


class _Box(Generic[Answer]):
    answer: Answer
    error: BaseException | None = None


def within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, run in a thread of its own with the caller's context.

    Raises:
        CallTimeout: it was not there after `seconds`.
    """
    box: _Box[Answer] = _Box()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            box.answer = context.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            box.error = error

    thread = threading.Thread(target=run, name="model-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise CallTimeout(f"no whole answer within {seconds:.1f} s")
    if box.error is not None:
        raise box.error
    return box.answer
