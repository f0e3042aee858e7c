"""Sockets over real ZeroMQ on loopback."""

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from bus.protocol import codec
from bus.protocol.messages import Beat, Event, Refused
from bus.transport.sockets import (
    AddressInUseError,
    AsyncDealer,
    AsyncSubscriber,
    Dealer,
    Multipart,
    Publisher,
    Server,
    Subscriber,
    _peer,
    wait,
)
from console.keys import main
from tests.bus.conftest import PATIENCE, bound, eventually
from tests.bus.samples import frame
from tests.ports import free_address

ROOT = Path(__file__).resolve().parents[2]

PAIR = (b"event/m1/", frame(Event, module="m1"))


def heard(send: Callable[[Multipart], object], subscriber: Subscriber, pair: Multipart = PAIR) -> Multipart:
    """Send until something is received: a subscription takes its time to reach the publisher."""
    received: list[Multipart] = []

    def arrived() -> bool:
        send(pair)
        frames = subscriber.receive(0.005)
        if frames is not None:
            received.append(frames)
        return bool(received)

    eventually(arrived, "a subscriber hears the publisher")
    return received[0]


def drained(subscriber: Subscriber) -> None:
    """Take what is still under way."""
    while subscriber.receive(0.05) is not None:
        pass


class Foreign:
    """A program that does not use our sockets."""

    def __init__(self, kind: int, address: str, bind: bool = False) -> None:
        self.socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, round(PATIENCE * 1000))
        self.socket.setsockopt(zmq.SNDTIMEO, round(PATIENCE * 1000))
        if bind:
            self.socket.bind(address)
        else:
            self.socket.connect(address)

    def __enter__(self) -> "zmq.Socket[bytes]":
        return self.socket

    def __exit__(self, *_: object) -> None:
        self.socket.close()


# Publisher and subscriber


def test_publisher_first(address: str) -> None:
    with Publisher(address) as publisher, Subscriber([address], ["event/"]) as subscriber:
        assert heard(publisher.send, subscriber) == PAIR


def test_subscriber_first(address: str) -> None:
    with Subscriber([address], ["event/"]) as subscriber:
        assert subscriber.receive(0.02) is None
        with Publisher(address) as publisher:
            assert heard(publisher.send, subscriber) == PAIR


def test_a_subscriber_hears_a_publisher_that_was_restarted(address: str) -> None:
    with Subscriber([address], ["event/"]) as subscriber:
        for _start in range(3):
            with bound(Publisher, address) as publisher:
                assert heard(publisher.send, subscriber) == PAIR
            drained(subscriber)


def test_one_subscriber_many_publishers() -> None:
    addresses = [free_address(), free_address()]
    with (
        Subscriber(addresses, ["event/"]) as subscriber,
        Publisher(addresses[0]) as one,
        Publisher(addresses[1]) as two,
    ):
        heard(one.send, subscriber)
        heard(two.send, subscriber, (b"event/m2/", b"two"))
        drained(subscriber)
        two.send((b"event/m2/", b"again"))
        assert subscriber.receive(PATIENCE) == (b"event/m2/", b"again")


def test_other_topics_are_not_delivered(address: str) -> None:
    with Publisher(address) as publisher, Subscriber([address], ["state/m1/", "result/"]) as subscriber:
        heard(publisher.send, subscriber, (b"result/", b"1"))
        drained(subscriber)
        for topic in (b"state/m2/", b"tick", b"state/"):
            publisher.send((topic, b"2"))
        publisher.send((b"state/m1/", b"3"))
        assert subscriber.receive(PATIENCE) == (b"state/m1/", b"3")


def test_frames_in_other_numbers_are_counted_and_dropped(address: str) -> None:
    with Foreign(zmq.PUB, address, bind=True) as publisher, Subscriber([address], ["t"]) as subscriber:
        heard(publisher.send_multipart, subscriber, (b"t", b"hello"))
        drained(subscriber)
        for frames in ([b"t"], [b"t", b"header", b"payload"], [b"t", b"", b"", b""]):
            publisher.send_multipart(frames)
        publisher.send_multipart([b"t", b"good"])
        received = [subscriber.receive(PATIENCE) for _ in range(4)]
        assert received == [None, None, None, (b"t", b"good")]
        assert subscriber.malformed == 3


def test_an_oversize_frame_ends_the_session_until_it_is_renewed(address: str) -> None:
    """Not even our own decision: libzmq drops the connection, and the connecting side never tries again."""
    with Foreign(zmq.PUB, address, bind=True) as publisher, Subscriber([address], ["t"]) as subscriber:
        heard(publisher.send_multipart, subscriber, (b"t", b"hello"))
        drained(subscriber)
        publisher.send_multipart([b"t", bytes(codec.MAX_TELEMETRY + 1)])
        publisher.send_multipart([b"t", b"behind it"])
        assert subscriber.receive(0.1) is None
        subscriber.renew()
        heard(publisher.send_multipart, subscriber, (b"t", b"anew"))


def test_the_largest_frame_allowed_passes(address: str) -> None:
    pair = (b"t", bytes(codec.MAX_TELEMETRY))
    with Publisher(address) as publisher, Subscriber([address], ["t"]) as subscriber:
        assert heard(publisher.send, subscriber, pair) == pair


def test_connections_are_counted_up_and_down(address: str) -> None:
    with Publisher(address) as publisher:
        assert publisher.connections() == 0
        with Subscriber([address], ["t"]), Subscriber([address], ["u"]):
            eventually(lambda: publisher.connections() == 2, "two subscribers are counted")
        eventually(lambda: publisher.connections() == 0, "both are gone")
        host, port = address.removeprefix("tcp://").split(":")
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
        eventually(lambda: publisher.connections() == 0, "a stranger that has hung up does not count")


def test_connections_that_nobody_asks_for_do_not_stop_the_publisher(address: str) -> None:
    """libzmq reports each one; a thousand reports that nobody takes would block its I/O thread for good."""
    host, port = address.removeprefix("tcp://").split(":")
    with Publisher(address) as publisher:
        for _ in range(1100):
            socket.create_connection((host, int(port))).close()
        with Subscriber([address], ["event/"]) as subscriber:
            assert heard(publisher.send, subscriber) == PAIR
            eventually(lambda: publisher.connections() == 1, "only the subscriber is left")


STRANGERS = """
import socket, sys
from bus.transport.sockets import Publisher, Server

kind = {"publisher": Publisher, "server": Server}[sys.argv[1]]
for _ in range(300):
    with kind("tcp://127.0.0.1:*") as node:
        strangers = [socket.create_connection(node.bound_to) for _ in range(20)]
        for each in strangers:
            each.sendall(b"GET / HTTP/1.1" * 10)
    for each in strangers:
        each.close()
print("alive")
"""


@pytest.mark.parametrize("kind", ["publisher", "server"])
def test_a_socket_may_be_closed_while_strangers_speak_to_it(kind: str) -> None:
    """libzmq takes such bytes for ZMTP 1, and would abort the process over those that come during the closing."""
    command = [sys.executable, "-c", STRANGERS, kind]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


@pytest.mark.parametrize("node", [Publisher, Server])
def test_an_address_that_is_taken(node: Callable[[str], Publisher | Server], address: str) -> None:
    with node(address):
        with pytest.raises(AddressInUseError, match=f"^{address} is taken by another program$"):
            node(address)
        gc.collect()  # what the failure left open would warn here, and warnings are errors


@pytest.mark.parametrize("node", [Publisher, Server])
def test_an_address_that_is_not_ours(
    node: Callable[[str], Publisher | Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPP_KEYS", str(tmp_path / "keys"))  # without keys it is refused before it is tried
    assert main(["--folder", str(tmp_path / "keys"), "init"]) == 0
    with pytest.raises(OSError, match=r"^tcp://192\.0\.2\.1:9 cannot be bound: ") as caught:
        node("tcp://192.0.2.1:9")  # an address set aside for documents: no machine has it
    assert not isinstance(caught.value, AddressInUseError)


def test_a_closed_publisher_leaves_no_thread_and_no_port(address: str) -> None:
    before = threading.active_count()
    for _ in range(3):
        publisher = bound(Publisher, address)
        publisher.close()
        publisher.close()
    assert threading.active_count() == before


NO_FILES = """
import os, resource, sys
from bus.transport.sockets import Dealer, Publisher, Server, Subscriber

makers = {
    "dealer": lambda address: Dealer(address), "server": Server, "publisher": Publisher,
    "subscriber": lambda address: Subscriber([address], ["t"]),
}
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
held = []
for free in range(int(sys.argv[3]), 40):
    while True:
        try:
            held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            break
    for _ in range(free):
        os.close(held.pop())
    try:
        makers[sys.argv[1]](sys.argv[2]).close()
    except OSError as error:
        assert error.strerror == "Too many open files", error
        continue
    print("made")
    break
"""


@pytest.mark.parametrize("free", [0, 2, 4])
@pytest.mark.parametrize("kind", ["dealer", "server", "publisher", "subscriber"])
def test_a_process_that_is_short_of_files_is_told_and_not_ended(kind: str, free: int, address: str) -> None:
    command = [sys.executable, "-c", NO_FILES, kind, address, str(free)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "made\n"), done.stderr


def test_a_descriptor_that_is_another_file_by_now_is_no_peer_and_leaves_none_open() -> None:
    reading, writing = os.pipe()
    before = len([*Path("/proc/self/fd").iterdir()])
    assert _peer(reading) == ""
    assert len([*Path("/proc/self/fd").iterdir()]) == before
    os.close(reading)
    os.close(writing)


# Requests


def echo(server: Server) -> bytes:
    """Answer one request with its own payload."""
    received = server.receive(PATIENCE)
    assert received is not None
    peer, payload, _caller = received
    server.reply(peer, payload)
    return payload


def test_req_and_dealer_are_answered_each_in_its_kind(address: str) -> None:
    with Server(address) as server, Foreign(zmq.REQ, address) as req, Foreign(zmq.DEALER, address) as dealer:
        req.send(b"from req")
        assert echo(server) == b"from req"
        assert req.recv_multipart() == [b"from req"]
        dealer.send(b"from dealer")
        assert echo(server) == b"from dealer"
        assert dealer.recv_multipart() == [b"from dealer"]


@pytest.mark.parametrize("frames", [[b"", b""], [b"a", b"b"], [b"a", b"", b"b"], [b""] * 5, [b"x"] * 50], ids=str)
def test_requests_in_other_shapes_are_refused_not_fatal(frames: list[bytes], address: str) -> None:
    with Server(address) as server, Foreign(zmq.DEALER, address) as stranger, Dealer(address) as dealer:
        stranger.send_multipart(frames)
        received = server.receive(PATIENCE)
        assert received is not None
        with pytest.raises(codec.FrameError):
            codec.decode_clock_request(received[1])
        server.reply(received[0], codec.encode(Refused(id="", field="", reason="no request")))
        eventually(lambda: dealer.send(b"next"), "another client is connected")
        assert echo(server) == b"next"


def test_an_oversize_request_costs_its_sender_the_connection_and_no_one_else(address: str) -> None:
    with Server(address) as server, Foreign(zmq.DEALER, address) as stranger, Dealer(address) as dealer:
        eventually(lambda: dealer.send(b"before"), "the client is connected")
        assert echo(server) == b"before"
        assert dealer.receive(PATIENCE) == b"before"
        for _ in range(3):
            stranger.send(bytes(codec.MAX_REQUEST + 1))
        assert dealer.send(b"after")
        assert echo(server) == b"after"
        assert dealer.receive(PATIENCE) == b"after"


def test_a_reply_to_a_client_that_has_gone_is_no_fault(address: str) -> None:
    with Server(address) as server:
        with Foreign(zmq.DEALER, address) as stranger:
            stranger.send(b"and away")
            received = server.receive(PATIENCE)
            assert received is not None
        server.reply(received[0], b"too late")
        server.reply([b"no such peer"], b"never here")


def test_strangers_on_the_socket_are_no_fault(address: str) -> None:
    host, port = address.removeprefix("tcp://").split(":")
    with Server(address) as server, Dealer(address) as dealer:
        for noise in (
            b"GET / HTTP/1.1\r\n\r\n",
            bytes(200),
            b"\xff" * 200,
            b"\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL" + bytes(99),
        ):
            with socket.create_connection((host, int(port))) as stranger:
                stranger.sendall(noise)
        eventually(lambda: dealer.send(b"still there"), "the client is connected")
        assert echo(server) == b"still there"


def test_a_dealer_never_queues_to_an_absent_peer(address: str) -> None:
    with Dealer(address) as dealer:
        assert not any(dealer.send(b"stale") for _ in range(100))
        with Server(address) as server:
            eventually(lambda: dealer.send(b"fresh"), "the server is there")
            assert echo(server) == b"fresh", "nothing stale came first"
            assert dealer.receive(PATIENCE) == b"fresh"


def test_a_renewed_dealer_has_forgotten_what_it_asked(address: str) -> None:
    with Server(address) as server, Dealer(address) as dealer:
        eventually(lambda: dealer.send(b"first"), "the server is there")
        received = server.receive(PATIENCE)
        assert received is not None
        dealer.renew()
        server.reply(received[0], b"late answer")
        eventually(lambda: dealer.send(b"second"), "the server is there again")
        assert echo(server) == b"second"
        assert dealer.receive(PATIENCE) == b"second"


def test_receive_without_a_timeout_does_not_wait(address: str) -> None:
    with Server(address) as server, Dealer(address) as dealer, Subscriber([address], ["t"]) as subscriber:
        assert server.receive() is None
        assert dealer.receive() is None
        assert subscriber.receive() is None


def test_wait_returns_when_any_socket_has_something() -> None:
    requests, ticks = free_address(), free_address()
    with Server(requests) as server, Subscriber([ticks], ["t"]) as subscriber, Dealer(requests) as dealer:
        wait([server, subscriber], 0.01)
        eventually(lambda: dealer.send(codec.encode(codec.build(Beat, BEAT))), "the server is there")
        wait([subscriber, server], PATIENCE)
        assert server.receive() is not None


BEAT = {"type": "beat", "node": "ui", "instance": "a", "pid": 1, "seq": 0, "status": "ok"}


# The same for asyncio


def test_asyncio_subscriber_and_dealer(address: str) -> None:
    async def talk() -> tuple[Multipart, int, bytes | None]:
        published = free_address()
        with (
            Foreign(zmq.PUB, published, bind=True) as publisher,
            AsyncSubscriber([published], ["t"]) as subscriber,
            Server(address) as server,
            AsyncDealer(address) as dealer,
        ):
            async with asyncio.timeout(PATIENCE):
                first = asyncio.ensure_future(subscriber.receive())
                while not first.done():
                    publisher.send_multipart([b"t", b"hello"])
                    await asyncio.wait([first], timeout=0.005)
                subscriber.renew()
                second = asyncio.ensure_future(subscriber.receive())
                while not second.done():
                    publisher.send_multipart([b"t"])
                    publisher.send_multipart([b"t", b"one", b"two"])
                    publisher.send_multipart([b"t", b"anew"])
                    await asyncio.wait([second], timeout=0.005)
                assert await dealer.send(b"question", PATIENCE)
                await asyncio.to_thread(echo, server)
                return second.result(), subscriber.malformed, await dealer.receive(PATIENCE)

    frames, malformed, reply = asyncio.run(talk())
    assert frames == (b"t", b"anew")
    assert malformed >= 0
    assert reply == b"question"
