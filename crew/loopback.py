"""Ports of loopback for servers that are started beside whatever else runs on the machine."""

import random
import socket

# Below those that kernels give to connections going out and to whoever binds to port 0: such a port stays free until it is listened on.
_UNUSED_BY_KERNELS = range(20_000, 30_000)
_given: set[int] = set()


def free_port() -> int:
    """A port on which nobody listens and which stays free until the caller's server listens there. None is given twice by one process."""
    while True:
        port = random.SystemRandom().choice(_UNUSED_BY_KERNELS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
