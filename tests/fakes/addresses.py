"""Addresses on loopback: none is given twice in one process, nor one that the kernel may give to somebody else."""

import random
import socket
from collections.abc import Callable
from socketserver import BaseServer
from typing import TypeVar

Server = TypeVar("Server", bound=BaseServer)
_USED: set[int] = set()
# Below those that kernels give to connections going out and to whoever binds to port 0: such a port stays free until it is listened on.
_UNUSED_BY_KERNELS = range(20_000, 30_000)


def free_port() -> int:
    """A port of loopback on which nobody listens and which stays free until the caller has its server listen there."""
    while True:
        port = random.SystemRandom().choice(_UNUSED_BY_KERNELS)
        if port not in _USED and _is_free(port):
            _USED.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


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
