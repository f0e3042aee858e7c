"""The ZeroMQ sockets of the simulator; the only file that imports zmq.

When the plant has keys (`kpp keys init`), every socket is encrypted with CURVE, and those that bind let in only the
keys on the list.

Producers bind, everyone else connects, and either side may start first. One thread owns a socket. Every receiving
socket bounds the size of what it takes; nothing waits for a peer on close.
"""

import asyncio
import contextlib
import itertools
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from weakref import WeakSet

import zmq
import zmq.asyncio
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import parse_monitor_message

from bus.protocol.codec import MAX_REQUEST, MAX_TELEMETRY, Pair
from bus.security import keys
from bus.security.binding import require_safe_socket
from bus.security.handshakes import Complaints, Failure, as_client, as_server, of_refused_key
from bus.security.keys import ANYBODY, NOBODY, Curve
from bus.security.tokens import Caller
from bus.security.watch import Watch
from system.interfaces import failure

TELEMETRY_QUEUE = 10_000
"""Messages a publisher keeps for each slow subscriber before it drops for that one: 10 s at the highest tick rate."""

Multipart = Pair

_COMMON = {
    zmq.LINGER: 0,
    zmq.RECONNECT_IVL: 10,  # a restarted publisher is heard again after 4-16 ms instead of 75-190 ms
    zmq.RECONNECT_IVL_MAX: 200,
    zmq.HANDSHAKE_IVL: 2000,
    zmq.HEARTBEAT_IVL: 500,
    zmq.HEARTBEAT_TIMEOUT: 1500,
    zmq.HEARTBEAT_TTL: 2000,
}


FILES_FREE = 24
"""Files that must be free for a socket: libzmq ends the whole process if it lacks one of the dozen that it takes."""


class AddressInUseError(OSError):
    """Another program holds the address that a node has to bind."""


def _made(context: Callable[[], Any], kind: int) -> Any:
    """A new socket.

    Args:
        context: gives the one that it belongs to; the first call makes that.
        kind: of socket.

    Raises:
        OSError: if this process has too many files or sockets.
    """
    free: list[int] = []
    try:
        free.append(os.open(os.devnull, os.O_RDONLY))
        while len(free) < FILES_FREE:
            free.append(os.dup(free[0]))  # those before the one that fails are to be closed too
    finally:
        for each in free:
            os.close(each)
    try:
        return context().socket(kind)
    except zmq.ZMQError as error:
        raise OSError(error.errno, str(error)) from error


def _configure(socket: Any, largest: int) -> None:
    for option, value in _COMMON.items():
        socket.setsockopt(option, value)
    socket.setsockopt(zmq.MAXMSGSIZE, largest)


ZAP_DOMAIN = "kpp"
"""Every socket that binds names it, for two reasons.

With keys: a server without a domain of its own would take any key when nobody listens. Without keys: libzmq refuses
peers that speak ZMTP 1 or 2 (and strangers, whose bytes it takes for ZMTP 1) at a socket with a domain. It has to,
because it aborts the process if such a peer's first message comes while the socket is being closed
(`zmtp_engine_t::process_routing_id_msg` asserts that the message can still be delivered).
"""


def curve_pair() -> tuple[str, str]:
    """A new CURVE key pair, public and secret, in Z85."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


_FAILURES = {
    (zmq.EVENT_HANDSHAKE_FAILED_AUTH, None): Failure.REFUSED,
    (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC): Failure.OTHER_SERVER,
    (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH): Failure.ONE_SIDED,
    (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, None): Failure.BROKEN_OFF,
}
_FAILED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


def _failure(event: dict[str, Any]) -> Failure | None:
    """What an event of libzmq means, None if it is no failed handshake, or one of no plant's program."""
    return _FAILURES.get((event["event"], None)) or _FAILURES.get((event["event"], event["value"]))


class _Log:
    """Says which handshakes fail, each seldom; callable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._complaints = Complaints()

    def complain(self, text: str) -> None:
        """Log a complaint, if there is one and it is due."""
        with self._lock:
            due = bool(text) and self._complaints.due(text, time.monotonic())
        if due:
            logging.getLogger(__name__).warning(text)

    def connecting(self, folder: Path, event: dict[str, Any]) -> None:
        """Take an event of a socket that connects with the keys of a folder."""
        address, failure = event["endpoint"].decode(), _failure(event)
        with self._lock:
            if failure is None:
                self._complaints.succeeded(address)
            elif not self._complaints.often(failure, address):
                return
        if failure is not None:
            curve = keys.curve(folder)
            self.complain(as_client(failure, address, folder, "" if curve is None else curve.node.public))


_log = _Log()


class _Monitor:
    """A thread that takes the events of a socket.

    Events that nobody takes fill their queue: after 1000 of them libzmq's I/O thread waits and nothing is sent.

    Args:
        monitored: the socket.
        events: those that are wanted.
        take: called in the thread for each.
        name: of the thread.
    """

    _numbers = itertools.count()

    def __init__(self, monitored: Any, events: int, take: Callable[[dict[str, Any]], None], name: str) -> None:
        self._monitored = monitored
        address = f"inproc://monitor-{next(self._numbers)}"
        monitored.monitor(address, events | zmq.EVENT_MONITOR_STOPPED)
        pair: Any = zmq.Context.shadow(monitored.context.underlying).socket(zmq.PAIR)  # also of a socket for asyncio
        pair.connect(address)
        self._thread = threading.Thread(target=self._run, args=(pair, take), name=name, daemon=True)
        self._thread.start()

    @staticmethod
    def _run(pair: Any, take: Callable[[dict[str, Any]], None]) -> None:
        with pair:
            while True:
                event = dict(parse_monitor_message(pair.recv_multipart()))
                if event["event"] == zmq.EVENT_MONITOR_STOPPED:
                    return
                take(event)

    def stop(self) -> None:
        """End the thread; to be called before the socket is closed."""
        self._monitored.monitor(None, 0)
        self._thread.join()


class _Authenticator(ThreadAuthenticator):
    """libzmq's authenticator that knows whose key it is asked about."""

    peer = ""

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """Answer one question; its fourth frame is the address of who connects."""
        self.peer = msg[3].decode(errors="replace") if len(msg) > 3 else ""
        await super().handle_zap_message(msg)


class _AllowList:
    """Tells libzmq's authenticator which client keys are let in."""

    def __init__(self, curve: Curve, authenticator: _Authenticator) -> None:
        self._curve = curve
        self._authenticator = authenticator

    def callback(self, domain: str, key: bytes) -> bool:
        """Is this key on the list? An exception here would end the thread, and every later handshake would hang."""
        try:
            if domain == ZAP_DOMAIN and self._curve.allowed(key.decode()):
                return True
            _log.complain(of_refused_key(self._authenticator.peer, key.decode(), self._curve.folder))
        except Exception:  # see above: whatever is wrong, nobody is let in
            logging.getLogger(__name__).exception("a key could not be checked, so it is not let in")
        return False


class _Guard:
    """The one authenticator of this process; it runs while there are sockets that need it.

    libzmq asks it at the handshake alone. When a key is withdrawn all connections are cut, and made anew by those who
    are still let in.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._authenticator: _Authenticator | None = None
        self._watch: Watch | None = None
        self._known: set[str] = set()
        self._bound: WeakSet[_Bound] = WeakSet()
        self._bound_lock = threading.Lock()  # of its own: `leave` waits for the thread that goes through the set

    def join(self, curve: Curve) -> None:
        """One more socket needs it."""
        with self._lock:
            self._users += 1
            if self._authenticator is None:
                self._authenticator = _Authenticator(zmq.Context.instance())
                self._authenticator.start()
                self._authenticator.configure_curve_callback(ZAP_DOMAIN, _AllowList(curve, self._authenticator))
                self._known = curve.known()
                self._watch = Watch(keys.folders(curve.folder), lambda: self._changed(curve))
                self._watch.start()

    def _changed(self, curve: Curve) -> None:
        before, self._known = self._known, curve.known()
        if before - self._known:
            with self._bound_lock:
                bound = list(self._bound)
            for each in bound:
                each.cut()

    def bind(self, bound: "_Bound") -> None:
        """A socket is to be cut when a key is withdrawn."""
        with self._bound_lock:
            self._bound.add(bound)

    def unbind(self, bound: "_Bound") -> None:
        """It is closed."""
        with self._bound_lock:
            self._bound.discard(bound)

    def leave(self) -> None:
        """One socket less needs it."""
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._authenticator is not None:
                self._authenticator.stop()
                self._authenticator = None
                if self._watch is not None:
                    self._watch.close()
                self._watch = None


_guard = _Guard()


def _encrypt(socket: Any, *, binds: bool) -> bool:
    """Give a socket its keys before it binds or connects; False if the plant has none."""
    curve = keys.curve(keys.folder())
    if curve is None:
        return False
    own = curve.server if binds else curve.node
    socket.curve_publickey, socket.curve_secretkey = own.public.encode(), own.secret.encode()
    if binds:
        _guard.join(curve)
        socket.curve_server = True
    else:
        socket.curve_serverkey = curve.server.public.encode()
    return True


def _receive(socket: Any, timeout: float, *, copy: bool = True) -> list[Any] | None:
    # What is there already is taken without a poll: at 1000 ticks a second the poll would cost as much as the receive.
    try:
        return list(socket.recv_multipart(zmq.DONTWAIT, copy=copy))
    except zmq.Again:
        if timeout <= 0 or not socket.poll(round(timeout * 1000)):
            return None
        return list(socket.recv_multipart(copy=copy))


def _sender(frame: zmq.Frame) -> Caller:
    """Whose key a message came with, as the authenticator told libzmq, and what it may do now."""
    curve = keys.curve(keys.folder())
    user = frame.get("User-Id")
    return NOBODY if curve is None or not isinstance(user, str) else curve.caller(user)


class _Owner:
    """A socket with the life of a `with` block."""

    _socket: Any
    _guarded = False

    def close(self) -> None:
        """Close at once; what was not sent is dropped. Calling it again does nothing."""
        self._socket.close()
        if self._guarded:
            self._guarded = False
            _guard.leave()

    def _bind(self, address: str) -> None:
        try:
            require_safe_socket(address)
            self._socket.zap_domain = ZAP_DOMAIN.encode()
            self._guarded = _encrypt(self._socket, binds=True)
            self._socket.bind(address)
        except keys.SecurityError:
            self.close()
            raise
        except zmq.ZMQError as error:
            self.close()
            if error.errno == zmq.EADDRINUSE:
                raise AddressInUseError(f"{address} is taken by another program") from error
            host, _, port = address.removeprefix("tcp://").rpartition(":")
            reason = failure(host, int(port), OSError(error.errno, str(error)))
            raise OSError(f"{address} cannot be bound: {reason}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Bound(_Owner):
    """A socket that binds, and knows who is connected to it."""

    def __init__(self, kind: int, address: str, largest: int, queue: int | None = None) -> None:
        self._socket = _made(zmq.Context.instance, kind)
        _configure(self._socket, largest)
        if queue is not None:
            self._socket.setsockopt(zmq.SNDHWM, queue)
        self._address = address
        self._folder = keys.folder()
        self._connected: dict[int, str] = {}
        self._failure: Failure | None = None
        events = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | _FAILED
        self._monitor = _Monitor(self._socket, events, self._take, f"peers of {address}")
        self._bind(address)
        host, _, port = self._socket.getsockopt_string(zmq.LAST_ENDPOINT).removeprefix("tcp://").rpartition(":")
        self.bound_to = host, int(port)
        """Host and TCP port that it listens on."""
        _guard.bind(self)

    def connections(self) -> int:
        """How many peers are connected now; callable from any thread."""
        return len(self._connected)

    def cut(self) -> None:
        """End every connection; whoever is let in connects again. Callable from any thread."""
        for descriptor in list(self._connected):
            # It may be closed, and its number given to another file, by the time this looks at it.
            with contextlib.suppress(OSError), _connection(descriptor) as connection:
                if connection.getsockname()[1] == self.bound_to[1]:
                    connection.shutdown(socket.SHUT_RDWR)

    def _take(self, event: dict[str, Any]) -> None:
        if event["event"] == zmq.EVENT_ACCEPTED:  # its value is the file descriptor, as at the end
            self._connected[event["value"]] = _peer(event["value"])
        elif event["event"] == zmq.EVENT_DISCONNECTED:
            peer, failure = self._connected.pop(event["value"], ""), self._failure
            self._failure = None
            if failure is not None:
                _log.complain(as_server(failure, self._address, peer, self._folder, has_keys=self._guarded))
        else:  # libzmq tells of its end at once, and there of whom it was
            self._failure = _failure(event)

    def close(self) -> None:
        """Close the socket and stop counting; calling it again does nothing."""
        _guard.unbind(self)
        if not self._socket.closed:
            self._monitor.stop()
        super().close()


@contextlib.contextmanager
def _connection(descriptor: int) -> Iterator[socket.socket]:
    """A connection of libzmq's, by a descriptor of our own. Raises OSError if it has gone, or is another file."""
    own = os.dup(descriptor)
    try:
        connection = socket.socket(fileno=own)
    except OSError:
        os.close(own)
        raise
    with connection:
        yield connection


def _peer(descriptor: int) -> str:
    """Address of who is connected, empty if that has gone already."""
    try:
        with _connection(descriptor) as connection:
            return str(connection.getpeername()[0])
    except OSError:
        return ""


class Publisher(_Bound):
    """PUB: binds, never blocks, drops for a subscriber that does not keep up."""

    def __init__(self, address: str) -> None:
        super().__init__(zmq.PUB, address, MAX_REQUEST, TELEMETRY_QUEUE)

    def send(self, frames: Multipart) -> None:
        """Send topic and payload to whoever subscribes."""
        self._socket.send_multipart(frames, zmq.DONTWAIT, copy=True)


def _subscribing(context: Callable[[], Any], addresses: Iterable[str], topics: Sequence[str]) -> tuple[Any, "_Monitor"]:
    socket = _made(context, zmq.SUB)
    _configure(socket, MAX_TELEMETRY)
    socket.setsockopt(zmq.RCVHWM, TELEMETRY_QUEUE)
    _encrypt(socket, binds=False)
    for topic in topics:
        socket.subscribe(topic)
    monitor = _Monitor(
        socket, _FAILED | zmq.EVENT_HANDSHAKE_SUCCEEDED, partial(_log.connecting, keys.folder()), "handshakes"
    )
    for address in addresses:
        socket.connect(address)
    return socket, monitor


class _Subscribing(_Owner):
    """A socket that subscribes and can do so anew."""

    def __init__(self, context: Callable[[], Any], addresses: Iterable[str], topics: Sequence[str]) -> None:
        self._context = context
        self._addresses = tuple(addresses)
        self._topics = tuple(topics)
        self.malformed = 0
        self._socket, self._monitor = _subscribing(context, self._addresses, self._topics)

    def renew(self) -> None:
        """Connect anew: libzmq never reconnects a session that an oversized frame has ended."""
        self.close()
        self._socket, self._monitor = _subscribing(self._context, self._addresses, self._topics)

    def close(self) -> None:
        """Close at once; calling it again does nothing."""
        if not self._socket.closed:
            self._monitor.stop()
        super().close()


class Subscriber(_Subscribing):
    """SUB: connects to every address, takes the topics with the given beginnings."""

    def __init__(self, addresses: Iterable[str], topics: Sequence[str]) -> None:
        super().__init__(zmq.Context.instance, addresses, topics)

    def receive(self, timeout: float = 0.0) -> Multipart | None:
        """The next two frames, or None when none came in `timeout` seconds. Others are counted and dropped."""
        frames = _receive(self._socket, timeout)
        if frames is None:
            return None
        if len(frames) == 2:
            return frames[0], frames[1]
        self.malformed += 1
        return None


class Request(NamedTuple):
    """What a client sent."""

    peer: list[bytes]
    """Return address."""
    payload: bytes
    caller: Caller
    """Whose key it came with."""


class Server(_Bound):
    """ROUTER: binds, takes requests from DEALER and REQ clients and answers each in its own kind."""

    def __init__(self, address: str) -> None:
        super().__init__(zmq.ROUTER, address, MAX_REQUEST)

    def receive(self, timeout: float = 0.0) -> Request | None:
        """The next request, or None when none came in `timeout` seconds."""
        received = _receive(self._socket, timeout, copy=not self._guarded)
        if received is None:
            return None
        # Who sent a message is known to libzmq's own message alone, not to a copy of its bytes.
        caller = _sender(received[-1]) if self._guarded else ANYBODY
        frames = [bytes(frame) for frame in received]
        if len(frames) == 3 and not frames[1]:  # a REQ client sends an empty delimiter and wants it back
            return Request(frames[:2], frames[2], caller)
        return Request(frames[:1], frames[1] if len(frames) == 2 else b"", caller)

    def reply(self, peer: list[bytes], payload: bytes) -> None:
        """Answer; a peer that has gone is no fault."""
        self._socket.send_multipart([*peer, payload], zmq.DONTWAIT)


def _dealing(context: Callable[[], Any], address: str) -> Any:
    socket = _made(context, zmq.DEALER)
    _configure(socket, MAX_TELEMETRY)
    _encrypt(socket, binds=False)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(address)
    return socket


class Dealer(_Owner):
    """DEALER: connects, sends requests, receives replies; never queues to a peer that is not there."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = _dealing(zmq.Context.instance, address)

    def send(self, payload: bytes, timeout: float = 0.0) -> bool:
        """Send, or return False when for `timeout` seconds no peer is connected or it does not keep up."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._socket.send(payload, zmq.DONTWAIT)
            except zmq.Again:
                left = deadline - time.monotonic()
                if left <= 0 or not self._socket.poll(math.ceil(left * 1000), zmq.POLLOUT):
                    return False
            else:
                return True

    def receive(self, timeout: float = 0.0) -> bytes | None:
        """The next reply, or None when none came in `timeout` seconds."""
        frames = _receive(self._socket, timeout)
        return None if frames is None else frames[-1]

    def renew(self) -> None:
        """Forget every unanswered request and connect anew."""
        self._socket.close()
        self._socket = _dealing(zmq.Context.instance, self._address)


def wait(sockets: Sequence[Subscriber | Server | Dealer], timeout: float) -> None:
    """Return when one of the sockets has something to receive, at the latest after `timeout` seconds."""
    items = [(socket._socket, zmq.POLLIN) for socket in sockets]  # noqa: SLF001  # same file: no one else may touch it
    zmq.zmq_poll(items, round(timeout * 1000))


class AsyncSubscriber(_Subscribing):
    """A Subscriber for an asyncio loop."""

    def __init__(self, addresses: Iterable[str], topics: Sequence[str]) -> None:
        super().__init__(zmq.asyncio.Context.instance, addresses, topics)

    async def receive(self) -> Multipart:
        """The next two frames; others are counted and dropped."""
        while True:
            frames = await self._socket.recv_multipart()
            if len(frames) == 2:
                return frames[0], frames[1]
            self.malformed += 1


class AsyncDealer(_Owner):
    """A Dealer for an asyncio loop."""

    def __init__(self, address: str) -> None:
        self._socket = _dealing(zmq.asyncio.Context.instance, address)

    async def send(self, payload: bytes, timeout: float) -> bool:
        """Send, or return False when for `timeout` seconds no peer is connected or it does not keep up."""
        try:
            async with asyncio.timeout(timeout):
                await self._socket.send(payload)
        except TimeoutError:
            return False
        return True

    async def receive(self, timeout: float) -> bytes | None:
        """The next reply, or None when none came in `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                frames = await self._socket.recv_multipart()
        except TimeoutError:
            return None
        return bytes(frames[-1])
