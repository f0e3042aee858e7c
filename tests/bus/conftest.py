"""Free ports, and waiting on conditions instead of on time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from bus.transport.sockets import AddressInUseError, Publisher, Server
from tests.ports import free_address

PATIENCE = 60.0
"""Seconds until a test gives up waiting; on a good day nothing waits longer than some milliseconds."""


@pytest.fixture
def address() -> str:
    """A ZeroMQ address on a port that nobody uses."""
    return free_address()


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds.

    Raises:
        AssertionError: naming `what`, when patience ends.
    """
    deadline = time.monotonic() + PATIENCE
    turn = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}"
        turn.wait(0.002)


Node = TypeVar("Node", Publisher, Server)


def bound(node: type[Node], address: str) -> Node:
    """Bind an address that another socket has just left: libzmq lets it go a moment after the close."""
    made: list[Node] = []

    def free() -> bool:
        try:
            made.append(node(address))
        except AddressInUseError:
            return False
        return True

    eventually(free, f"{address} is free again")
    return made[0]
