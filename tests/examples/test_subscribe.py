"""Both subscribers against a real publisher: they print the same, report what is missing, and survive anything."""

from collections.abc import Callable, Iterable
from itertools import count, repeat

import msgpack
import pytest

from bus.protocol.messages import State
from bus.transport.sockets import Publisher
from tests.bus.samples import sample
from tests.examples.conftest import Program, shown, state

Run = Callable[..., Program]


def feed(publisher: Publisher, program: Program, frames: Iterable[tuple[bytes, bytes]]) -> None:
    """Publish at a steady pace until the program has ended or there is no more."""
    for frame in frames:
        publisher.send(frame)
        if program.ended():
            return


def connected(publisher: Publisher, program: Program) -> None:
    """Publish one frame again and again until the program prints it."""
    while not program.lines:
        feed(publisher, program, [state(1, run="before")])
        assert not program.ended(), program.lines


def test_live_power_with_units(subscriber: list[str], run: Run, address: str) -> None:
    with Publisher(address) as publisher:
        program = run(subscriber, "--endpoint", address, "--every", "10", "--count", "30")
        feed(publisher, program, map(state, count(1)))
    assert program.wait_for("30 frames, 0 missed, 0 unreadable")
    lines = program.lines[:-1]
    ticks = [int(line.split("tick ")[1].split(" ")[0]) for line in lines]
    assert lines == [shown(tick) for tick in ticks]
    assert [tick - ticks[0] for tick in ticks] == [0, 10, 20]
    assert program.process.returncode == 0


def test_a_line_per_second_if_nothing_else_is_asked(subscriber: list[str], run: Run, address: str) -> None:
    with Publisher(address) as publisher:
        program = run(subscriber, "--endpoint", address, "--count", "50")
        feed(publisher, program, map(state, count(1)))
    program.wait_for("50 frames")
    assert 2 <= len(program.lines) < 20, "fifty frames take a fraction of a second, and the first is shown at once"


def test_gaps_are_reported_but_not_across_runs(subscriber: list[str], run: Run, address: str) -> None:
    with Publisher(address) as publisher:
        program = run(subscriber, "--endpoint", address, "--every", "1")
        connected(publisher, program)
        for seq in (5, 6, 10, 11, 13):
            publisher.send(state(seq, run="one"))
        for seq in (900, 901):
            publisher.send(state(seq, run="two"))
        program.wait_for("tick 901")
    assert [line for line in program.lines if line.startswith("missed")] == [
        "missed 3 frames: ticks 7 to 9",
        "missed 1 frames: ticks 12 to 12",
    ]


def test_silence_is_said_and_waited_out(subscriber: list[str], run: Run, address: str) -> None:
    program = run(subscriber, "--endpoint", address, "--every", "1", "--count", "5")
    assert program.wait_for("no frames") == f"no frames from {address}: is the plant running?"
    with Publisher(address) as publisher:  # the plant comes late
        feed(publisher, program, map(state, count(1)))
    program.wait_for("5 frames, 0 missed, 0 unreadable")


def test_another_module(subscriber: list[str], run: Run, address: str) -> None:
    with Publisher(address) as publisher:
        program = run(subscriber, "--endpoint", address, "--module", "m2", "--count", "3", "--every", "1")
        feed(publisher, program, (state(seq, module=name) for seq in count(1) for name in ("m1", "m2", "m22")))
    program.wait_for("3 frames, 0 missed, 0 unreadable")


GOOD = sample(State)
GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "no MessagePack": b"\xc1",
    "cut off": state(1)[1][:1000],
    "more behind": state(1)[1] + b"\x00",
    "no map": b"\x93\x01\x02\x03",
    "number": b"\x01",
    "text": b"\xa5hello",
    "other keys": b"\x81\x01\x02",
    "huge list": b"\xdd\xff\xff\xff\xff",
    "huge map": b"\xdf\xff\xff\xff\xff",
    "huge text": b"\xdb\xff\xff\xff\xffabc",
    "huge bytes": b"\xc6\xff\xff\xff\xffabc",
    "deep lists": b"\x91" * 200_000,
    "deep maps": b"\x81\xa1a" * 60_000,
    "bad text": b"\x81\xa3\xff\xfe\xfd\x01",
    "grid missing": msgpack.packb({name: value for name, value in GOOD.items() if name != "grid"}),
    "grid a list": msgpack.packb(GOOD | {"grid": [1, 2]}),
    "grid empty": msgpack.packb(GOOD | {"grid": {}}),
    "power a text": msgpack.packb(GOOD | {"grid": GOOD["grid"] | {"export_power": "12"}}),
    "power null": msgpack.packb(GOOD | {"compressor": {"power": None}}),
    "time a list": msgpack.packb(GOOD | {"t": []}),
    "tick a text": msgpack.packb(GOOD | {"seq": "5"}),
    "tick infinite": msgpack.packb(GOOD | {"seq": float("inf")}),
    "extension": msgpack.packb(GOOD | {"chain": msgpack.ExtType(5, b"abc")}),
    "time stamp": msgpack.packb(GOOD | {"t": msgpack.Timestamp(5, 6)}),
}


def test_garbage_is_counted_and_survived(subscriber: list[str], run: Run, address: str) -> None:
    topic = b"state/m1/"
    with Publisher(address) as publisher:
        program = run(subscriber, "--endpoint", address, "--every", "1")
        connected(publisher, program)
        for number, payload in enumerate(GARBAGE.values()):
            publisher.send((topic, payload))
            publisher.send(state(1000 + number))
        for frames in ([topic], [topic, b"", b""], [topic, state(1)[1], b"third"]):
            publisher._socket.send_multipart(frames)
        for seq in range(2000, 2003):
            publisher.send(state(seq, run="end"))
        program.wait_for("tick 2002")
        assert not program.ended()
    for number, name in enumerate(GARBAGE):
        assert shown(1000 + number) in program.lines, f"after {name}"
    assert not [line for line in program.lines if not line.startswith("t ")], "garbage is no reason for words"


def test_garbage_is_in_the_count_at_the_end(subscriber: list[str], run: Run, address: str) -> None:
    with Publisher(address) as publisher:
        program = run(subscriber, "--endpoint", address, "--every", "1", "--count", "10")
        connected(publisher, program)
        for payload in GARBAGE.values():
            publisher.send((b"state/m1/", payload))
        feed(publisher, program, map(state, count(1)))
    program.wait_for(f"10 frames, 0 missed, {len(GARBAGE)} unreadable")


@pytest.mark.parametrize("seq", [2**63, 2**64 - 2])
def test_the_largest_numbers(subscriber: list[str], run: Run, address: str, seq: int) -> None:
    payload = msgpack.packb(GOOD | {"seq": seq, "t": 1e300})
    with Publisher(address) as publisher:
        program = run(subscriber, "--endpoint", address, "--count", "2", "--every", "1")
        feed(publisher, program, repeat((b"state/m1/", payload)))
    assert f"| tick {seq} |" in program.wait_for("tick ")
    program.wait_for("2 frames, 0 missed")
