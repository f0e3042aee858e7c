"""The deadlines of a connection of gateway and clock, on a loop whose time is the test's."""

import asyncio
import heapq
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from runtime.http import HEADER_TIME, STALL_TIME, DeadlineProtocol


class Timer:
    """What call_later returns."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        """As asyncio has it."""
        self.cancelled = True


class Loop:
    """As much of a loop as a connection without a request asks for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, Timer]] = []

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """As asyncio has it."""
        timer = Timer(call)
        heapq.heappush(self._timers, (self.now + delay, len(self._timers), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.call()
        self.now = end


class Transport(asyncio.Transport):
    """A client that takes what the test says."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.pending = 0
        self.ended = False

    def get_write_buffer_size(self) -> int:
        """Bytes that it has not taken."""
        return self.pending

    def abort(self) -> None:
        """The connection is cut."""
        self.ended = True

    def is_closing(self) -> bool:
        """Is it?"""
        return self.ended


@pytest.fixture
def opened() -> tuple[DeadlineProtocol, Transport, Loop]:
    async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
        return None

    loop, transport = Loop(), Transport()
    config = uvicorn.Config(nothing, log_config=None, lifespan="off")
    protocol = DeadlineProtocol(config, ServerState(), {}, loop)  # type: ignore[arg-type]  # as much of a loop as it asks for
    protocol.connection_made(transport)
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    return protocol, transport, loop


def takes(transport: Transport, loop: Loop, per_second: int, seconds: int) -> None:
    for _ in range(seconds):
        transport.pending = max(0, transport.pending - per_second)
        loop.advance(1.0)


def test_a_header_that_does_not_end_ends_the_connection(opened: tuple[DeadlineProtocol, Transport, Loop]) -> None:
    _, transport, loop = opened
    loop.advance(HEADER_TIME - 0.1)
    assert not transport.ended
    loop.advance(0.2)
    assert transport.ended


@pytest.mark.parametrize("per_second", [200_000, 10_000, 1])
def test_f07_a_slow_client_keeps_its_answer_as_long_as_bytes_move(
    opened: tuple[DeadlineProtocol, Transport, Loop], per_second: int
) -> None:
    protocol, transport, loop = opened
    protocol._header = protocol._cancel(protocol._header)
    transport.pending = 100_000_000
    protocol.pause_writing()
    takes(transport, loop, per_second, 30)
    assert not transport.ended
    protocol.resume_writing()
    loop.advance(10 * STALL_TIME)
    assert not transport.ended


def test_f07_who_takes_nothing_is_cut_off_and_it_is_logged(
    opened: tuple[DeadlineProtocol, Transport, Loop], caplog: pytest.LogCaptureFixture
) -> None:
    protocol, transport, loop = opened
    protocol._header = protocol._cancel(protocol._header)
    transport.pending = 100_000_000
    protocol.pause_writing()
    takes(transport, loop, 100_000, 3)
    takes(transport, loop, 0, int(2 * STALL_TIME))
    assert transport.ended
    assert "cut off" in caplog.text


@pytest.fixture
def full() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A server's socket whose kernel takes nothing more, and its client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
            server.setblocking(False)
            with suppress(BlockingIOError):
                while server.send(bytes(1 << 16)):
                    pass
            yield server, client


def test_f07_what_the_kernel_holds_counts_as_not_taken(
    opened: tuple[DeadlineProtocol, Transport, Loop], full: tuple[socket.socket, socket.socket]
) -> None:
    protocol, transport, loop = opened
    server, client = full
    protocol._header = protocol._cancel(protocol._header)
    transport.pending, transport._extra["socket"] = 100_000, server  # type: ignore[attr-defined]  # as asyncio keeps it
    protocol.pause_writing()
    for _ in range(3):
        taken = 0
        while taken < 200_000:
            taken += len(client.recv(65536))
        loop.advance(STALL_TIME)
        assert not transport.ended, "what waits in the gateway stands still, and the client takes"
    loop.advance(2 * STALL_TIME)
    assert transport.ended
