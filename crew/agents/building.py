"""Pydantic classes that are built when they are first used, by one thread at a time.

Libraries leave classes unfinished at import, to start sooner or because a type is defined later. Pydantic builds such a class for whoever uses it
first, and two threads that come at once undo each other's work: the first tasks of a process failed, now and then, with an answer already paid.
Pydantic mended it in 2.14 (pull request 13438), which CrewAI does not allow yet; see ADR 65.
"""

import sys
import threading
from typing import Any

from pydantic import BaseModel

_READING_SCHEMAS = ("openai", "anthropic")
_LOCK = threading.RLock()
_rebuild: Any = BaseModel.__dict__["model_rebuild"].__func__


def one_at_a_time() -> None:
    """Let a class be built by one thread while others wait, in the whole process. To be called before there are threads that use such classes."""

    def model_rebuild(
        cls: type[BaseModel],
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Any = None,
    ) -> bool | None:
        with _LOCK:
            # Names in annotations are looked up so many calls above; this function is one more of them.
            depth = _parent_namespace_depth + 1 if _parent_namespace_depth > 0 else 0
            built: bool | None = _rebuild(
                cls, force=force, raise_errors=raise_errors, _parent_namespace_depth=depth, _types_namespace=_types_namespace
            )
            return built

    BaseModel.model_rebuild = classmethod(model_rebuild)  # type: ignore[method-assign, assignment]


def finish_bases() -> None:
    """Build the class of which a provider's library derives all others, for the libraries that are loaded.

    They read the schema of a class besides using it. While the class is built that is its base's; pydantic's own, above the base, would be an error.
    """
    for name in _READING_SCHEMAS:
        base = getattr(sys.modules.get(name), "BaseModel", None)
        if base is not None:
            base.model_rebuild(raise_errors=False)
