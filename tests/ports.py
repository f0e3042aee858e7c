"""Ports of this machine that nobody listens on, for the plants of tests.

They lie below those that the kernel gives to outgoing connections: one of these could take a port while its node is
not there yet, or is down, and a connection to a port from the very same port connects to itself. Processes that run
tests beside each other choose from ranges of their own.
"""

import os
import random
import socket
from typing import Final

from tests.session import WORKER

FIRST: Final = 12_000
WIDTH: Final = 2_000
"""Ports in the range of one process that runs tests; with the eight workers there are nine."""


def free_ports(count: int) -> list[int]:
    """Ports in a row that nobody listens on now."""
    beginning = FIRST + WIDTH * _place(os.environ.get(WORKER, ""))
    while True:
        first = random.randrange(beginning, beginning + WIDTH - count)  # noqa: S311  # nothing secret
        ports = range(first, first + count)
        if all(_is_free(port) for port in ports):
            return [*ports]


def free_address() -> str:
    """Where nobody listens now, as the bus writes it."""
    return f"tcp://127.0.0.1:{free_ports(1)[0]}"


def _place(worker: str) -> int:
    """Which range is a process's own: the first where there is one process, the others for workers gw0, gw1, ..."""
    return int(worker.removeprefix("gw")) + 1 if worker else 0


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
