"""The ZeroMQ sockets of the simulator; the only file that imports zmq.

Producers bind, everyone else connects, and either side may start first. One thread owns a socket. Every receiving
socket bounds the size of what it takes; nothing waits for a peer on close.
"""

import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import zmq
import zmq.asyncio
from zmq.utils.monitor import parse_monitor_message

from bus.codec import MAX_REQUEST, MAX_TELEMETRY, Pair

TELEMETRY_QUEUE = 10_000
"""Messages a publisher keeps for each slow subscriber before it drops for that one: 10 s at the highest tick rate."""

Frames = Pair

_COMMON = {
    zmq.LINGER: 0,
    zmq.RECONNECT_IVL: 10,  # a restarted publisher is heard again after 4-16 ms instead of 75-190 ms
    zmq.RECONNECT_IVL_MAX: 200,
    zmq.HANDSHAKE_IVL: 2000,
    zmq.HEARTBEAT_IVL: 500,
    zmq.HEARTBEAT_TIMEOUT: 1500,
    zmq.HEARTBEAT_TTL: 2000,
}


class AddressInUseError(OSError):
    """Another program holds the address that a node has to bind."""


def _configure(socket: Any, largest: int) -> None:
    for option, value in _COMMON.items():
        socket.setsockopt(option, value)
    socket.setsockopt(zmq.MAXMSGSIZE, largest)


def _receive(socket: Any, timeout: float) -> list[bytes] | None:
    # What is there already is taken without a poll: at 1000 ticks a second the poll would cost as much as the receive.
    try:
        return list(socket.recv_multipart(zmq.DONTWAIT))
    except zmq.Again:
        if timeout <= 0 or not socket.poll(round(timeout * 1000)):
            return None
        return list(socket.recv_multipart())


class _Owner:
    """A socket with the life of a `with` block."""

    _socket: Any

    def close(self) -> None:
        """Close at once; what was not sent is dropped."""
        self._socket.close()

    def _bind(self, address: str) -> None:
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            if error.errno == zmq.EADDRINUSE:
                raise AddressInUseError(f"{address} is taken by another program") from error
            raise OSError(f"{address} cannot be bound: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Publisher(_Owner):
    """PUB: binds, never blocks, drops for a subscriber that does not keep up."""

    def __init__(self, address: str) -> None:
        self._socket = zmq.Context.instance().socket(zmq.PUB)
        _configure(self._socket, MAX_REQUEST)
        self._socket.setsockopt(zmq.SNDHWM, TELEMETRY_QUEUE)
        self._connected: set[int] = set()
        monitor = self._socket.get_monitor_socket(
            zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_MONITOR_STOPPED
        )
        # Events that nobody takes fill their queue: after 1000 of them libzmq's I/O thread waits and nothing is sent.
        self._counter = threading.Thread(target=self._count, args=(monitor,), name=f"peers of {address}", daemon=True)
        self._counter.start()
        self._bind(address)

    def send(self, frames: Frames) -> None:
        """Send topic and payload to whoever subscribes."""
        self._socket.send_multipart(frames, zmq.DONTWAIT, copy=True)

    def connections(self) -> int:
        """How many peers are connected now; callable from any thread."""
        return len(self._connected)

    def _count(self, monitor: Any) -> None:
        with monitor:
            while (event := parse_monitor_message(monitor.recv_multipart()))["event"] != zmq.EVENT_MONITOR_STOPPED:
                if event["event"] == zmq.EVENT_ACCEPTED:  # its value is the file descriptor, as at the end
                    self._connected.add(event["value"])
                else:
                    self._connected.discard(event["value"])

    def close(self) -> None:
        """Close the socket and stop counting; calling it again does nothing."""
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._counter.join()
        super().close()


def _subscribing(context: zmq.Context[Any], addresses: Iterable[str], topics: Sequence[str]) -> Any:
    socket = context.socket(zmq.SUB)
    _configure(socket, MAX_TELEMETRY)
    socket.setsockopt(zmq.RCVHWM, TELEMETRY_QUEUE)
    for topic in topics:
        socket.subscribe(topic)
    for address in addresses:
        socket.connect(address)
    return socket


class Subscriber(_Owner):
    """SUB: connects to every address, takes the topics with the given beginnings."""

    def __init__(self, addresses: Iterable[str], topics: Sequence[str]) -> None:
        self._addresses = tuple(addresses)
        self._topics = tuple(topics)
        self.malformed = 0
        self._socket = _subscribing(zmq.Context.instance(), self._addresses, self._topics)

    def receive(self, timeout: float = 0.0) -> Frames | None:
        """The next two frames, or None when none came in `timeout` seconds. Others are counted and dropped."""
        frames = _receive(self._socket, timeout)
        if frames is None:
            return None
        if len(frames) == 2:
            return frames[0], frames[1]
        self.malformed += 1
        return None

    def renew(self) -> None:
        """Connect anew: libzmq never reconnects a session that an oversized frame has ended."""
        self._socket.close()
        self._socket = _subscribing(zmq.Context.instance(), self._addresses, self._topics)


class Server(_Owner):
    """ROUTER: binds, takes requests from DEALER and REQ clients and answers each in its own kind."""

    def __init__(self, address: str) -> None:
        self._socket = zmq.Context.instance().socket(zmq.ROUTER)
        _configure(self._socket, MAX_REQUEST)
        self._bind(address)

    def receive(self, timeout: float = 0.0) -> tuple[list[bytes], bytes] | None:
        """The next request as (return address, payload), or None when none came in `timeout` seconds."""
        frames = _receive(self._socket, timeout)
        if frames is None:
            return None
        if len(frames) == 3 and not frames[1]:  # a REQ client sends an empty delimiter and wants it back
            return frames[:2], frames[2]
        return frames[:1], frames[1] if len(frames) == 2 else b""

    def reply(self, peer: list[bytes], payload: bytes) -> None:
        """Answer; a peer that has gone is no fault."""
        self._socket.send_multipart([*peer, payload], zmq.DONTWAIT)


class Dealer(_Owner):
    """DEALER: connects, sends requests, receives replies; never queues to a peer that is not there."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = self._open()

    def _open(self) -> Any:
        socket: Any = zmq.Context.instance().socket(zmq.DEALER)
        _configure(socket, MAX_TELEMETRY)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.connect(self._address)
        return socket

    def send(self, payload: bytes) -> bool:
        """Send, or return False when no peer is connected or it does not keep up."""
        try:
            self._socket.send(payload, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def receive(self, timeout: float = 0.0) -> bytes | None:
        """The next reply, or None when none came in `timeout` seconds."""
        frames = _receive(self._socket, timeout)
        return None if frames is None else frames[-1]

    def renew(self) -> None:
        """Forget every unanswered request and connect anew."""
        self._socket.close()
        self._socket = self._open()


def wait(sockets: Sequence[Subscriber | Server | Dealer], timeout: float) -> None:
    """Return when one of the sockets has something to receive, at the latest after `timeout` seconds."""
    items = [(socket._socket, zmq.POLLIN) for socket in sockets]  # noqa: SLF001  # same file: no one else may touch it
    zmq.zmq_poll(items, round(timeout * 1000))


class AsyncSubscriber(_Owner):
    """A Subscriber for an asyncio loop."""

    def __init__(self, addresses: Iterable[str], topics: Sequence[str]) -> None:
        self._addresses = tuple(addresses)
        self._topics = tuple(topics)
        self.malformed = 0
        self._context = zmq.asyncio.Context.instance()
        self._socket = _subscribing(self._context, self._addresses, self._topics)

    async def receive(self) -> Frames:
        """The next two frames; others are counted and dropped."""
        while True:
            frames = await self._socket.recv_multipart()
            if len(frames) == 2:
                return frames[0], frames[1]
            self.malformed += 1

    def renew(self) -> None:
        """Connect anew; see `Subscriber.renew`."""
        self._socket.close()
        self._socket = _subscribing(self._context, self._addresses, self._topics)


class AsyncDealer(_Owner):
    """A Dealer for an asyncio loop."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = self._open()

    def _open(self) -> Any:
        socket = zmq.asyncio.Context.instance().socket(zmq.DEALER)
        _configure(socket, MAX_TELEMETRY)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.connect(self._address)
        return socket

    async def send(self, payload: bytes) -> None:
        """Send as soon as a peer is connected; the caller sets the deadline."""
        await self._socket.send(payload)

    async def receive(self) -> bytes:
        """The next reply; the caller sets the deadline."""
        frames = await self._socket.recv_multipart()
        return bytes(frames[-1])
