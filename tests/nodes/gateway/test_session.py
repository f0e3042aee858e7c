"""One WebSocket client, in virtual time: turns, newest wins, every frame, resuming, mistakes."""

import msgspec
import pytest

from bus.protocol import codec
from bus.security.tokens import Caller, Role
from nodes.gateway.core import GatewayPlant
from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_pacing import Decimation, SessionPace
from nodes.gateway.frame_ring import FrameRing
from nodes.gateway.problems import Problem
from nodes.gateway.session import JSON, MSGPACK, Session, subprotocol, token_offered
from nodes.gateway.subscription import Subscription, of_query
from nodes.gateway.wire import After, ErrorMessage, RateMessage, pack

from . import messages

MODULES = ["m1", "m2"]


def frames(count: int) -> list[Frame]:
    """Frames of consecutive ticks."""
    plant = GatewayPlant(("m1",), 0.0)
    found = []
    for seq in range(1, count + 1):
        plant.on(*codec.encode_published(messages.state(seq, floaters=4)), 0.0)
        frame = plant.newest("m1")
        assert frame is not None
        found.append(frame)
    return found


def session(rate: float, *, now: float = 0.0) -> SessionPace:
    return SessionPace(rate, now)


def client_of(*, binary: bool = False) -> Session:
    return Session(Subscription(("state/m1/",)), binary=binary, now=0.0, caller=Caller("", Role.ADMIN))


def taken(client: SessionPace, arrivals: list[float]) -> list[int]:
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
    client = client_of()
    assert client.to_be_told("m1")
    assert not client.to_be_told("m1")
    client.fresh("m1")
    assert client.to_be_told("m1")


def test_a_client_is_stuck_when_it_takes_nothing_for_two_seconds() -> None:
    client = client_of()
    assert not client.stuck(100, 1.0)
    assert not client.stuck(100, 2.9)
    assert client.stuck(100, 3.0)
    assert not client.stuck(0, 3.1)
    assert not client.stuck(100, 3.2)


def test_f07_a_client_that_takes_slowly_is_not_stuck() -> None:
    client = client_of()
    pending = 100_000
    for step in range(100):
        assert not client.stuck(pending, step / 10)
        client.gave(1000)  # more comes than it takes
        pending += 100
    assert not client.stuck(pending + 900, 11.0)  # as much as before: it takes nothing any more
    assert client.stuck(pending + 900, 13.0)


def test_a_rate_message_is_obeyed() -> None:
    client = client_of(binary=True)
    client.subscribe(client.wanted, {"m1": FrameRing()}, 0.0)
    assert client.hear('{"type":"rate","rate":20}') == RateMessage(20.0)
    assert client.hear(msgspec.msgpack.encode({"type": "rate", "rate": 50})) == RateMessage(50.0)
    assert client.mistakes == 0
    client.change_rate(50, 0.0)
    pace = client.paces["m1"]
    assert isinstance(pace, SessionPace)
    assert len(taken(pace, [k / 100 for k in range(100)])) == pytest.approx(50, abs=1)


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
    client = client_of(binary=True)
    answer = client.hear(message)
    assert isinstance(answer, ErrorMessage)
    assert answer.reason
    assert client.mistakes == 1
    assert isinstance(pack(answer, binary=False), str)
    assert isinstance(pack(answer, binary=True), bytes)


def test_binary_from_a_json_client_is_a_mistake() -> None:
    assert isinstance(client_of().hear(msgspec.msgpack.encode({"type": "rate", "rate": 20})), ErrorMessage)


@pytest.mark.parametrize(
    ("query", "topics", "rate", "plain"),
    [
        ("", ("state/m1/",), 10.0, True),
        ("rate=30", ("state/m1/",), 30.0, True),
        ("module=m2&rate=0.1", ("state/m2/",), 0.1, True),
        ("topics=tick,state/m2/,result/,status", ("tick", "state/m2/", "result/", "status"), 10.0, False),
        ("every=5", ("state/m1/",), None, False),
        ("run=r&after=7", ("state/m1/",), None, False),
        ("fields=chain.speed,generator", ("state/m1/",), 10.0, False),
    ],
)  # fmt: skip
def test_the_url_says_what_is_wanted(query: str, topics: tuple[str, ...], rate: float | None, plain: bool) -> None:
    wanted = of_query(query, MODULES)
    assert isinstance(wanted, Subscription)
    assert (wanted.topics, wanted.rate, wanted.plain) == (topics, rate, plain)


def test_fields_are_groups_or_parts_of_them() -> None:
    wanted = of_query("fields=chain.speed,generator,chain.position,plc.state,plc", MODULES)
    assert isinstance(wanted, Subscription)
    assert wanted.selection == (("chain", ("speed", "position")), ("generator", None), ("plc", None))


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
        "topics=",
        "topics=ticks",
        "topics=state/m9/",
        "topics=" + "tick," * 20 + "tick",
        "fields=nothing",
        "fields=chain.nothing",
        "every=0",
        "every=1.5",
        "every=2&rate=3",
        "after=5",
        "run=r",
        "run=a b&after=5",
        "run=r&after=-1",
        "run=r&after=5&rate=10",
        "rate=1&fields=" + "x" * 9000,
    ],
)
def test_a_url_that_makes_no_sense_is_refused(query: str) -> None:
    assert isinstance(of_query(query, MODULES), Problem)


def test_the_first_known_subprotocol_is_chosen() -> None:
    assert subprotocol([]) is None
    assert subprotocol([MSGPACK, JSON]) == MSGPACK
    assert subprotocol(["chat", JSON, MSGPACK]) == JSON
    assert isinstance(subprotocol(["chat"]), Problem)
    assert subprotocol(["kpp.token.abc", MSGPACK]) == MSGPACK
    assert token_offered([JSON, "kpp.token.abc"]) == "abc"
    assert token_offered([JSON]) is None


def ring_of(count: int, kept: int = 100) -> FrameRing:
    ring = FrameRing(kept)
    for frame in frames(count):
        ring.append(frame)
    return ring


def seqs(found: object) -> list[int]:
    return [frame.head.seq for frame in found]  # type: ignore[attr-defined]  # an iterator of frames


def test_who_wants_every_frame_gets_each_once_and_in_order() -> None:
    ring = ring_of(10)
    every = Decimation(1, 0)
    assert seqs(every.due(ring, 4)) == [1, 2, 3, 4]
    assert seqs(every.due(ring, 100)) == [5, 6, 7, 8, 9, 10]
    assert seqs(every.due(ring, 100)) == []
    assert seqs(Decimation(3, 0).due(ring, 100)) == [3, 6, 9]


def test_who_lags_beyond_the_ring_is_told_how_much_is_lost() -> None:
    ring = ring_of(10, kept=4)
    every = Decimation(1, 2)
    assert every.lost(ring) == 4
    assert seqs(every.due(ring, 100)) == [7, 8, 9, 10]
    assert every.lost(ring) == 0


def resume(seq: int, run: str = messages.RUN) -> tuple[list[int], list[int]]:
    """What a client that has a frame gets, of frames 7 to 10, and after what it has a gap."""
    ring = ring_of(10, kept=4)
    client = client_of()
    wanted = Subscription(("state/m1/",), rate=None, every=1, after=After(run, seq))
    gaps = client.subscribe(wanted, {"m1": ring}, 0.0)
    pace = client.paces["m1"]
    assert isinstance(pace, Decimation)
    return seqs(pace.due(ring, 100)), [gap.after for gap in gaps]


def test_a_client_goes_on_where_it_left_off() -> None:
    assert resume(8) == ([9, 10], [])
    assert resume(6) == ([7, 8, 9, 10], [])
    assert resume(10) == ([], [])
    assert resume(12) == ([], [])  # another worker was ahead of this one: what comes up to there is known
    assert resume(5) == ([7, 8, 9, 10], [5])
    assert resume(8, "other") == ([7, 8, 9, 10], [8])
