"""One WebSocket client, in virtual time: turns, newest wins, mistakes."""

import msgspec
import pytest

from bus import codec
from nodes.gateway.core import Plant
from nodes.gateway.frame import Frame
from nodes.gateway.problems import Problem
from nodes.gateway.session import (
    JSON,
    MSGPACK,
    ErrorMessage,
    RateMessage,
    Session,
    Wish,
    pack,
    subprotocol,
    wish,
)

from . import messages

MODULES = ["m1", "m2"]


def frames(count: int) -> list[Frame]:
    """Frames of consecutive ticks."""
    plant = Plant(("m1",), 0.0)
    found = []
    for seq in range(1, count + 1):
        plant.on(*codec.encode_published(messages.state(seq, floaters=4)), 0.0)
        frame = plant.newest("m1")
        assert frame is not None
        found.append(frame)
    return found


def session(rate: float, *, binary: bool = False, now: float = 0.0) -> Session:
    return Session(Wish("m1", rate), binary=binary, now=now)


def taken(client: Session, arrivals: list[float]) -> list[int]:
    """Which of the frames arriving at these times does the client take?"""
    return [
        frame.head.seq for frame, now in zip(frames(len(arrivals)), arrivals, strict=True) if client.takes(frame, now)
    ]


@pytest.mark.parametrize(("rate", "share"), [(10, 0.1), (20, 0.2), (50, 0.5), (100, 1.0), (1000, 1.0)])
def test_a_client_gets_frames_at_its_rate_and_no_more_than_there_are(rate: float, share: float) -> None:
    arrivals = [50.0 + k / 100 for k in range(200)]
    count = len(taken(session(rate, now=50.0), arrivals))
    assert count == pytest.approx(200 * share, abs=2)


def test_a_rate_equal_to_the_tick_rate_misses_nothing_by_jitter() -> None:
    jitter = [0.0, 0.004, -0.004, 0.003, -0.002, 0.008, -0.004, 0.001]
    for phase in (0.0, 0.0049, 0.0051, 0.0099):
        arrivals = [9.0 + phase + k / 100 + jitter[k % 8] for k in range(100)]
        assert len(taken(session(100, now=9.0), arrivals)) == 100


def test_the_first_frame_is_sent_at_once_and_none_twice() -> None:
    (frame,) = frames(1)
    client = session(1.0, now=100.7)
    assert client.takes(frame, 100.7)
    assert not client.takes(frame, 105.0)


def test_a_late_client_gets_the_newest_and_no_burst() -> None:
    client = session(10, now=0.0)
    script = frames(300)
    assert client.takes(script[0], 0.0)
    # Three seconds nothing could be sent; then the turns of those are gone.
    sent = [frame.head.seq for k, frame in enumerate(script[200:]) if client.takes(frame, 3.0 + k / 100)]
    assert sent[0] == 201
    assert len(sent) == pytest.approx(10, abs=1)


def test_clients_of_one_rate_share_the_same_frames() -> None:
    script = frames(100)
    early, late = session(10, now=0.0), session(10, now=0.037)
    both = [(early.takes(frame, 0.04 + k / 100), late.takes(frame, 0.04 + k / 100)) for k, frame in enumerate(script)]
    assert both[5:] == [(one, one) for one, _ in both[5:]]


def test_stale_is_told_once_until_frames_come_again() -> None:
    client = session(10)
    one, two = frames(2)
    assert client.to_be_told()
    assert not client.to_be_told()
    assert client.takes(one, 0.0)
    assert client.to_be_told()
    assert client.takes(two, 1.0)


def test_a_client_is_stuck_when_it_takes_nothing_for_two_seconds() -> None:
    client = session(10)
    assert not client.stuck(100, 1.0)
    assert not client.stuck(100, 2.9)
    assert client.stuck(100, 3.0)
    assert not client.stuck(0, 3.1)
    assert not client.stuck(100, 3.2)


def test_a_rate_message_is_obeyed_and_answered() -> None:
    client = session(1, binary=True)
    assert client.hear('{"type":"rate","rate":20}', 0.0) == RateMessage(20.0)
    assert client.hear(msgspec.msgpack.encode({"type": "rate", "rate": 50}), 0.0) == RateMessage(50.0)
    assert client.mistakes == 0
    assert len(taken(client, [k / 100 for k in range(100)])) == pytest.approx(50, abs=1)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "{}",
        "null",
        "[" * 100_000,
        '{"type":"rate"}',
        '{"type":"rate","rate":"20"}',
        '{"type":"rate","rate":true}',
        '{"type":"rate","rate":NaN}',
        '{"type":"rate","rate":1e999}',
        '{"type":"rate","rate":0.05}',
        '{"type":"rate","rate":1001}',
        '{"type":"rate","rate":-5}',
        '{"type":"rate","rate":20,"more":1}',
        '{"type":"start"}',
        '{"type":"rate","rate":"\ud800"}',
        b"",
        b"\xc1",
        b"\x91" * 60_000,
        b'{"type":"rate","rate":20}',
        msgspec.msgpack.encode({"type": "rate", "rate": float("nan")}),
        msgspec.msgpack.encode({"type": "rate", "rate": float("inf")}),
    ],
)
def test_a_message_that_makes_no_sense_is_answered_and_counted(message: str | bytes) -> None:
    client = session(10, binary=True)
    answer = client.hear(message, 0.0)
    assert isinstance(answer, ErrorMessage)
    assert answer.reason
    assert client.mistakes == 1
    assert isinstance(pack(answer, binary=False), str)
    assert isinstance(pack(answer, binary=True), bytes)


def test_binary_from_a_json_client_is_a_mistake() -> None:
    client = session(10)
    assert isinstance(client.hear(msgspec.msgpack.encode({"type": "rate", "rate": 20}), 0.0), ErrorMessage)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", Wish("m1", 10.0)),
        ("rate=30", Wish("m1", 30.0)),
        ("module=m2", Wish("m2", 10.0)),
        ("rate=0.1&module=m2", Wish("m2", 0.1)),
    ],
)
def test_the_url_says_rate_and_module(query: str, wanted: Wish) -> None:
    assert wish(query, MODULES) == wanted


@pytest.mark.parametrize(
    "query",
    [
        "rate=0",
        "rate=1001",
        "rate=nan",
        "rate=inf",
        "rate=",
        "rate=ten",
        "rate=1&rate=2",
        "module=m9",
        "module=",
        "speed=2",
        "&&&",
        "=" * 20,
        "a=1&" * 20 + "a=1",
    ],
)
def test_a_url_that_makes_no_sense_is_refused(query: str) -> None:
    assert isinstance(wish(query, MODULES), Problem)


def test_the_first_known_subprotocol_is_chosen() -> None:
    assert subprotocol([]) is None
    assert subprotocol([MSGPACK, JSON]) == MSGPACK
    assert subprotocol(["chat", JSON, MSGPACK]) == JSON
    assert isinstance(subprotocol(["chat"]), Problem)
