"""Addresses for model servers: none is used twice in one process."""

from collections.abc import Callable
from socketserver import BaseServer
from typing import TypeVar

Server = TypeVar("Server", bound=BaseServer)
_USED: set[int] = set()


def at_a_new_address(bind: Callable[[], Server]) -> Server:
    """A server of `bind`, which binds to a free port, on a port that none before it had.

    The process under test remembers of an address that it failed; the kernel may give the port of a server that was meant to fail to the
    next test's.
    """
    passed_over = []
    while (server := bind()).server_address[1] in _USED:
        passed_over.append(server)
    for one in passed_over:
        one.server_close()
    _USED.add(server.server_address[1])
    return server
