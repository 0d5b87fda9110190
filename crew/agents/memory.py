"""Memory of a process with many threads: the C library gives each its own arena, and what is freed there is seldom given back."""

import ctypes
from typing import Any

_ARENA_MAX, _ARENAS = -8, 2


def _library() -> Any:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):
        return None


def share_arenas() -> bool:
    """Let all threads that are still to come share two arenas; False where the C library knows nothing of it."""
    library = _library()
    return hasattr(library, "mallopt") and bool(library.mallopt(_ARENA_MAX, _ARENAS))


def give_back() -> bool:
    """Give freed memory back to the system; False where the C library cannot."""
    library = _library()
    return hasattr(library, "malloc_trim") and bool(library.malloc_trim(0))
