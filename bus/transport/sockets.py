"""The ZeroMQ sockets of the simulator; the only file that imports zmq.

When the plant has keys (`kpp keys init`), every socket is encrypted with CURVE, and those that bind admit only the keys
on the list.

Producers bind, everyone else connects, and either side may start first. One thread owns a socket. Every socket bounds
the size of what it receives; closing never waits for a peer.
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
"""Messages that a publisher keeps for a slow subscriber before it drops some of that one's: 10 s at the highest tick
rate."""

Multipart = Pair
"""The frames of a message: topic and payload."""

_COMMON = {
    zmq.LINGER: 0,  # by default a process would not end before a peer that has gone takes what was queued for it
    zmq.RECONNECT_IVL: 10,  # a restarted publisher is heard again after 4-16 ms instead of 75-190 ms
    zmq.RECONNECT_IVL_MAX: 200,
    # A peer that connects and says nothing holds a file; by default for 30 s.
    zmq.HANDSHAKE_IVL: 2000,
    # A host that loses its power or its cable sends no FIN. TCP alone would notice after minutes, and a subscriber,
    # which sends nothing, never.
    zmq.HEARTBEAT_IVL: 500,
    zmq.HEARTBEAT_TIMEOUT: 1500,
    zmq.HEARTBEAT_TTL: 2000,
}


FILES_FREE = 24
"""Files that must be free for a socket: libzmq aborts the whole process if it lacks one of the dozen that it opens."""


class AddressInUseError(OSError):
    """Another program holds the address that a node has to bind."""


def _made(context: Callable[[], Any], kind: int) -> Any:
    """A new socket.

    Args:
        context: returns the context of the socket, which its first call makes.
        kind: of socket.

    Raises:
        OSError: if this process has too many files or sockets.
    """
    # The files are opened and closed again to see that they can be had. More are tried than libzmq opens, since another
    # thread may take some in between.
    free: list[int] = []
    try:
        free.append(os.open(os.devnull, os.O_RDONLY))
        while len(free) < FILES_FREE:
            free.append(os.dup(free[0]))  # one by one: those before the one that fails have to be closed, too
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
    # libzmq ends the connection over a larger message before it reserves the memory that the peer has announced.
    socket.setsockopt(zmq.MAXMSGSIZE, largest)


ZAP_DOMAIN = "kpp"
"""Every socket that binds has this domain, for two reasons.

With keys: libzmq admits any key to a server without a domain while no authenticator answers. Without keys: libzmq
refuses peers that speak ZMTP 1 or 2 (and strangers, whose bytes it takes for ZMTP 1) at a socket with a domain. They
have to be refused, because libzmq aborts the process if such a peer's first message arrives while the socket is being
closed (`zmtp_engine_t::process_routing_id_msg` asserts that the message can still be delivered).
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
"""Event of libzmq and its value, None for any -> why the handshake failed."""

_FAILED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


def _failure(event: dict[str, Any]) -> Failure | None:
    """Why a handshake failed, from an event of libzmq; None if the event is another one, or of a stranger's program."""
    return _FAILURES.get((event["event"], None)) or _FAILURES.get((event["event"], event["value"]))


class _Log:
    """Logs which handshakes fail, each seldom; callable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._complaints = Complaints()

    def complain(self, text: str) -> None:
        """Log a complaint if it is due; an empty one never is."""
        # The line is written without the lock: a log that is slow to take it must not hold up the other threads.
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

    It must take them all. Events that nobody takes fill their queue, and after 1000 of them libzmq's I/O thread waits
    and nothing is sent any more.

    Args:
        monitored: the socket.
        events: the events that are wanted, as libzmq's flags.
        take: called in the thread for each event.
        name: of the thread.
    """

    _numbers = itertools.count()

    def __init__(self, monitored: Any, events: int, take: Callable[[dict[str, Any]], None], name: str) -> None:
        self._monitored = monitored
        address = f"inproc://monitor-{next(self._numbers)}"
        monitored.monitor(address, events | zmq.EVENT_MONITOR_STOPPED)
        # A plain socket, even where the monitored one is for asyncio: this thread has no event loop.
        pair: Any = zmq.Context.shadow(monitored.context.underlying).socket(zmq.PAIR)
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
        """End the thread; call it before the socket is closed."""
        # Makes libzmq send EVENT_MONITOR_STOPPED, on which the thread ends.
        self._monitored.monitor(None, 0)
        self._thread.join()


class _Authenticator(ThreadAuthenticator):
    """pyzmq's authenticator, which here also knows from which host the key comes that it is asked about."""

    peer = ""

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """Answer one request of libzmq, whose fourth frame is the peer's address (ZeroMQ RFC 27)."""
        # pyzmq does not hand it to the callback. The authenticator takes one request after the other, so an attribute
        # is enough.
        self.peer = msg[3].decode(errors="replace") if len(msg) > 3 else ""
        await super().handle_zap_message(msg)


class _AllowList:
    """Decides for the authenticator which client keys are admitted."""

    def __init__(self, curve: Curve, authenticator: _Authenticator) -> None:
        self._curve = curve
        self._authenticator = authenticator

    def callback(self, domain: str, key: bytes) -> bool:
        """True if this key is on the list. Whatever goes wrong, nobody is admitted and nothing is raised.

        An exception would end the authenticator's thread, and every later handshake would hang.
        """
        try:
            if domain == ZAP_DOMAIN and self._curve.allowed(key.decode()):
                return True
            _log.complain(of_refused_key(self._authenticator.peer, key.decode(), self._curve.folder))
        except Exception:  # whatever it is: raised, it would end the thread that answers all handshakes
            logging.getLogger(__name__).exception("a key could not be checked, so it is not admitted")
        return False


class _Guard:
    """The one authenticator of this process; it runs while there are sockets that need it.

    libzmq has a single address for it (`inproc://zeromq.zap.01`), so there can be only one in a process. It is asked at
    handshakes only, and libzmq cannot end one connection of a socket. So when a key is withdrawn, all connections are
    cut, and those who are still admitted connect again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._authenticator: _Authenticator | None = None
        self._watch: Watch | None = None
        self._known: set[str] = set()
        self._bound: WeakSet[_Bound] = WeakSet()
        # A lock of its own: `leave` holds the other one while it waits for the watch's thread, which takes this one.
        self._bound_lock = threading.Lock()

    def join(self, curve: Curve) -> None:
        """Count one more socket that needs the authenticator, and start that for the first."""
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
        if before - self._known:  # a key that was only added disturbs nobody
            # A copy: sockets are closed in other threads meanwhile, and cutting them takes a while.
            with self._bound_lock:
                bound = list(self._bound)
            for each in bound:
                each.cut()

    def bind(self, bound: "_Bound") -> None:
        """Have a socket's connections cut when a key is withdrawn."""
        with self._bound_lock:
            self._bound.add(bound)

    def unbind(self, bound: "_Bound") -> None:
        """Forget a socket that is being closed."""
        with self._bound_lock:
            self._bound.discard(bound)

    def leave(self) -> None:
        """Count one socket less, and stop the authenticator after the last."""
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
    """Give a socket its keys before it binds or connects; returns False if the plant has none."""
    curve = keys.curve(keys.folder())
    if curve is None:
        return False
    own = curve.server if binds else curve.node
    socket.curve_publickey, socket.curve_secretkey = own.public.encode(), own.secret.encode()
    if binds:
        _guard.join(curve)  # before the socket binds, or the first to connect would find nobody to ask
        socket.curve_server = True
    else:
        socket.curve_serverkey = curve.server.public.encode()
    return True


def _receive(socket: Any, timeout: float, *, copy: bool = True) -> list[Any] | None:
    # What has arrived already is taken without a poll, which would cost as much as the receive at 1000 ticks a second.
    try:
        return list(socket.recv_multipart(zmq.DONTWAIT, copy=copy))
    except zmq.Again:
        if timeout <= 0 or not socket.poll(round(timeout * 1000)):
            return None
        return list(socket.recv_multipart(copy=copy))


def _sender(frame: zmq.Frame) -> Caller:
    """Whose key a message came with, as the authenticator reported to libzmq, and what that key may do at present."""
    # Looked up with every message: the role of a key may have changed since the handshake, or the key be withdrawn.
    curve = keys.curve(keys.folder())
    user = frame.get("User-Id")
    if curve is None or not isinstance(user, str):
        return NOBODY
    # A file of the list may be damaged, or be removed between the listing and the reading. This runs in the main loop
    # of the node that was asked, which must not end by it.
    try:
        return curve.caller(user)
    except keys.SecurityError as error:
        _log.complain(f"a request is treated as one of a stranger: {error}")
        return NOBODY


class _Owner:
    """A socket with the life of a `with` block."""

    _socket: Any
    _guarded = False

    def close(self) -> None:
        """Close at once and drop what was not sent; calling it again does nothing."""
        self._socket.close()
        if self._guarded:
            self._guarded = False
            _guard.leave()

    def _bind(self, address: str) -> None:
        # A socket that could not be bound is closed here, since no caller will ever hold it.
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
        # Before the bind, or connections that are accepted right after it would be missing from the table.
        events = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | _FAILED
        self._monitor = _Monitor(self._socket, events, self._take, f"peers of {address}")
        self._bind(address)
        # Asked of the socket, since an address with a port of 0 leaves the choice to the kernel.
        host, _, port = self._socket.getsockopt_string(zmq.LAST_ENDPOINT).removeprefix("tcp://").rpartition(":")
        self.bound_to = host, int(port)
        """Host and TCP port that it listens on."""
        _guard.bind(self)

    def connections(self) -> int:
        """How many peers are connected at present; callable from any thread."""
        return len(self._connected)

    def cut(self) -> None:
        """End every connection; peers that are still admitted connect again. Callable from any thread."""
        for descriptor in list(self._connected):
            # libzmq may have closed it by now, and the kernel given its number to another file. Shutting it down, and
            # not closing it, leaves the descriptor to libzmq.
            # The local port tells whether it is still a connection of this socket.
            with contextlib.suppress(OSError), _connection(descriptor) as connection:
                if connection.getsockname()[1] == self.bound_to[1]:
                    connection.shutdown(socket.SHUT_RDWR)

    def _take(self, event: dict[str, Any]) -> None:
        # Only this thread changes the table. The value of both events is the connection's file descriptor. The peer's
        # address is read at the beginning, since a connection that has ended no longer has one.
        if event["event"] == zmq.EVENT_ACCEPTED:
            self._connected[event["value"]] = _peer(event["value"])
        elif event["event"] == zmq.EVENT_DISCONNECTED:
            peer, failure = self._connected.pop(event["value"], ""), self._failure
            self._failure = None
            if failure is not None:
                _log.complain(as_server(failure, self._address, peer, self._folder, has_keys=self._guarded))
        else:  # libzmq reports the end of the connection right after this, and only then whose it was
            self._failure = _failure(event)

    def close(self) -> None:
        """Close the socket and stop counting; calling it again does nothing."""
        _guard.unbind(self)
        if not self._socket.closed:
            self._monitor.stop()
        super().close()


@contextlib.contextmanager
def _connection(descriptor: int) -> Iterator[socket.socket]:
    """A connection of libzmq's, by a descriptor of our own, so that closing it leaves libzmq's open.

    Raises:
        OSError: if the descriptor is closed, or belongs to something other than a socket by now.
    """
    own = os.dup(descriptor)
    try:
        connection = socket.socket(fileno=own)
    except OSError:
        os.close(own)
        raise
    with connection:
        yield connection


def _peer(descriptor: int) -> str:
    """IP address of the peer of a connection, empty if it has gone already."""
    try:
        with _connection(descriptor) as connection:
            return str(connection.getpeername()[0])
    except OSError:
        return ""


class Publisher(_Bound):
    """PUB: binds, never blocks, and drops messages for a subscriber that does not keep up.

    Args:
        address: `tcp://host:port`.

    Raises:
        AddressInUseError: if another program has the address.
        OSError: if it cannot be bound for another reason, which the text gives.
        SecurityError: if other machines could reach it and the bus has no keys.
    """

    def __init__(self, address: str) -> None:
        # The limit is for what subscribers send, which is subscriptions only.
        super().__init__(zmq.PUB, address, MAX_REQUEST, TELEMETRY_QUEUE)

    def send(self, frames: Multipart) -> None:
        """Send topic and payload to everybody who subscribes."""
        self._socket.send_multipart(frames, zmq.DONTWAIT, copy=True)


def _subscribing(context: Callable[[], Any], addresses: Iterable[str], topics: Sequence[str]) -> tuple[Any, "_Monitor"]:
    socket = _made(context, zmq.SUB)
    _configure(socket, MAX_TELEMETRY)
    socket.setsockopt(zmq.RCVHWM, TELEMETRY_QUEUE)
    _encrypt(socket, binds=False)
    for topic in topics:
        socket.subscribe(topic)
    # Before the first connect: a handshake that fails at once would otherwise go unreported.
    monitor = _Monitor(
        socket, _FAILED | zmq.EVENT_HANDSHAKE_SUCCEEDED, partial(_log.connecting, keys.folder()), "handshakes"
    )
    for address in addresses:
        socket.connect(address)
    return socket, monitor


class _Subscribing(_Owner):
    """A socket that subscribes, and can connect again."""

    def __init__(self, context: Callable[[], Any], addresses: Iterable[str], topics: Sequence[str]) -> None:
        self._context = context
        self._addresses = tuple(addresses)
        self._topics = tuple(topics)
        self.malformed = 0
        self._socket, self._monitor = _subscribing(context, self._addresses, self._topics)

    def renew(self) -> None:
        """Close the socket and connect with a new one: libzmq never reconnects after an oversized frame."""
        self.close()
        self._socket, self._monitor = _subscribing(self._context, self._addresses, self._topics)

    def close(self) -> None:
        """Close at once; calling it again does nothing."""
        if not self._socket.closed:
            self._monitor.stop()
        super().close()


class Subscriber(_Subscribing):
    """SUB: connects to every address and takes the topics that begin as given.

    Args:
        addresses: of the publishers.
        topics: beginnings of topics, matched as bytes: `state/m1` would also match module m10.

    Attributes:
        malformed: messages that did not have two frames.
    """

    def __init__(self, addresses: Iterable[str], topics: Sequence[str]) -> None:
        super().__init__(zmq.Context.instance, addresses, topics)

    def receive(self, timeout: float = 0.0) -> Multipart | None:
        """Topic and payload of the next message, or None when none came in `timeout` seconds.

        A message of another number of frames is counted in `malformed` and dropped, and gives None as well.
        """
        frames = _receive(self._socket, timeout)
        if frames is None:
            return None
        if len(frames) == 2:
            return frames[0], frames[1]
        self.malformed += 1
        return None


class Request(NamedTuple):
    """What a client sent.

    Attributes:
        peer: frames of the return address, for `Server.reply`.
        payload: the packed request; empty if the message did not have the shape of one.
        caller: whose key it came with, and that key's role.
    """

    peer: list[bytes]
    payload: bytes
    caller: Caller


class Server(_Bound):
    """ROUTER: binds, takes requests of DEALER and REQ clients, and answers each in its own shape.

    Arguments and errors are those of `Publisher`.
    """

    def __init__(self, address: str) -> None:
        super().__init__(zmq.ROUTER, address, MAX_REQUEST)

    def receive(self, timeout: float = 0.0) -> Request | None:
        """The next request, or None when none came in `timeout` seconds."""
        received = _receive(self._socket, timeout, copy=not self._guarded)
        if received is None:
            return None
        # Only libzmq's own message knows its sender, a copy of its bytes does not. Hence no copies with keys.
        caller = _sender(received[-1]) if self._guarded else ANYBODY
        frames = [bytes(frame) for frame in received]
        if len(frames) == 3 and not frames[1]:  # a REQ client sends an empty delimiter and expects it back
            return Request(frames[:2], frames[2], caller)
        # Other shapes become an empty payload, which cannot be decoded: the sender gets a refusal like any other.
        return Request(frames[:1], frames[1] if len(frames) == 2 else b"", caller)

    def reply(self, peer: list[bytes], payload: bytes) -> None:
        """Answer a request. An answer to a peer that has gone is dropped without an error."""
        self._socket.send_multipart([*peer, payload], zmq.DONTWAIT)


def _dealing(context: Callable[[], Any], address: str) -> Any:
    socket = _made(context, zmq.DEALER)
    _configure(socket, MAX_TELEMETRY)
    _encrypt(socket, binds=False)
    # Otherwise libzmq queues for a peer that is not there yet. A beat of minutes ago, or a command that its sender has
    # given up, would be delivered when the peer comes.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(address)
    return socket


class Dealer(_Owner):
    """DEALER: connects, sends requests and receives replies; never queues for a peer that is not there.

    Args:
        address: of the one server to which it connects.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = _dealing(zmq.Context.instance, address)

    def send(self, payload: bytes, timeout: float = 0.0) -> bool:
        """Send, or return False when for `timeout` seconds no peer is connected or the peer does not keep up."""
        deadline = time.monotonic() + timeout
        # Again after the poll: the peer may have gone between the poll and the send.
        while True:
            try:
                self._socket.send(payload, zmq.DONTWAIT)
            except zmq.Again:
                left = deadline - time.monotonic()
                # Rounded up: a fraction of a millisecond would be a poll of 0 ms, and the last one a busy loop.
                if left <= 0 or not self._socket.poll(math.ceil(left * 1000), zmq.POLLOUT):
                    return False
            else:
                return True

    def receive(self, timeout: float = 0.0) -> bytes | None:
        """The next reply, or None when none came in `timeout` seconds."""
        frames = _receive(self._socket, timeout)
        return None if frames is None else frames[-1]

    def renew(self) -> None:
        """Forget every unanswered request, and connect with a new socket."""
        self._socket.close()
        self._socket = _dealing(zmq.Context.instance, self._address)


def wait(sockets: Sequence[Subscriber | Server | Dealer], timeout: float) -> None:
    """Return when one of the sockets has something to receive, or after `timeout` seconds."""
    # Without a `zmq.Poller`, which would have to be made and filled at each of these calls.
    items = [(socket._socket, zmq.POLLIN) for socket in sockets]  # noqa: SLF001  # same file: no one else may touch it
    zmq.zmq_poll(items, round(timeout * 1000))


class AsyncSubscriber(_Subscribing):
    """A Subscriber for an asyncio loop.

    It takes what has come in bursts. A future for each message, as `zmq.asyncio` makes them, costs several times as
    much as the message.
    """

    def __init__(self, addresses: Iterable[str], topics: Sequence[str]) -> None:
        super().__init__(zmq.Context.instance, addresses, topics)

    async def burst(self, most: int, timeout: float) -> list[Multipart]:
        """Topic and payload of all messages that have come, at most `most`; none if none comes in `timeout` seconds.

        Messages of another number of frames are counted in `malformed` and dropped.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while not (found := self._taken(most)) and loop.time() < end:
            await self._readable(end)
        return found

    async def receive(self) -> Multipart:
        """Topic and payload of the next message."""
        while not (found := await self.burst(1, 60.0)):
            pass
        return found[0]

    def _taken(self, most: int) -> list[Multipart]:
        found: list[Multipart] = []
        for _ in range(most):
            frames = _receive(self._socket, 0.0)
            if frames is None:
                break
            if len(frames) == 2:
                found.append((frames[0], frames[1]))
            else:
                self.malformed += 1
        return found

    async def _readable(self, end: float) -> None:
        """Wait until something happens at the socket, or until the loop's time `end`."""
        loop = asyncio.get_running_loop()
        happened: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not happened.done():
                happened.set_result(None)

        # The descriptor reports that libzmq has something to say, once, and not that there is a message. What came
        # before the descriptor was watched shows in the events of the socket, which have to be asked for afterwards.
        descriptor = self._socket.getsockopt(zmq.FD)
        loop.add_reader(descriptor, wake)
        timer = loop.call_at(end, wake)
        try:
            if not self._socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:
                await happened
        finally:
            timer.cancel()
            loop.remove_reader(descriptor)


class AsyncDealer(_Owner):
    """A Dealer for an asyncio loop."""

    def __init__(self, address: str) -> None:
        self._socket = _dealing(zmq.asyncio.Context.instance, address)

    async def send(self, payload: bytes, timeout: float) -> bool:
        """Send, or return False when for `timeout` seconds no peer is connected or the peer does not keep up."""
        # Without a connected peer, or with one that does not keep up, the send itself waits: see IMMEDIATE above.
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
