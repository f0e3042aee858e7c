"""The tick span: whoever cuts it, joins it or sends it away counts the same ticks, and no byte of it ever changes."""

import struct
import zlib
from itertools import pairwise
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bus.ordered.tick_history import TickHistory
from bus.ordered.tick_log import RunHeader, TickLog, TickRecord, read
from bus.ordered.tick_span import MOST_DT_US, TickSpan, spans_of, tick_holes, to_wire
from bus.protocol.codec import decode, encode
from bus.protocol.messages import Command, Mode, Replay, ReplaySpan, Tick
from recording.record import pack_json
from recording.ticks import pack_span, unpack_span
from tests.bus.strategies import wire

COMMANDS = st.lists(wire(Command), max_size=3).map(
    lambda plain: tuple(msgspec.convert(each, Command) for each in plain)
)
SPANS = st.builds(
    TickSpan,
    first=st.integers(1, 1 << 39),
    count=st.integers(1, 1 << 20),
    t_us=st.integers(0, 1 << 50),
    dt_us=st.integers(0, MOST_DT_US),
    mode=st.sampled_from(["stopped", "running", "paused"]),
    commands=COMMANDS,
    speed_milli=st.integers(100, 100_000),
    flat_out=st.booleans(),
)


class OldSpan(msgspec.Struct):
    """The span of a replay as it was declared before there was one integer span."""

    first: int
    count: int
    t: float
    dt: float
    mode: Mode
    speed: float
    flat_out: bool
    commands: Annotated[list[Command], msgspec.Meta(max_length=256)]


def old_wire(span: TickSpan) -> OldSpan:
    times = (span.t_us / 1e6, span.dt_us / 1e6)
    return OldSpan(
        span.first, span.count, *times, span.mode, span.speed_milli / 1000, span.flat_out, list(span.commands)
    )


def old_fields(span: TickSpan) -> dict[str, Any]:
    """What was packed into a recording before."""
    return {
        "first": span.first,
        "length": span.count,
        "t_us": span.t_us,
        "dt_us": span.dt_us,
        "mode": span.mode,
        "commands": [msgspec.to_builtins(command) for command in span.commands],
        "speed_milli": span.speed_milli,
        "flat_out": span.flat_out,
    }


@settings(deadline=None)  # a busy machine is no fault
@given(SPANS)
def test_the_bytes_on_the_bus_are_the_old_ones(span: TickSpan) -> None:
    packed = msgspec.msgpack.encode(old_wire(span))
    assert encode(to_wire(span), 1 << 20) == packed
    told: ReplaySpan = decode(packed, ReplaySpan, 1 << 20)
    reply = Replay(run="r", spans=[told], last=span.last, epoch=1, rate=100, wall=0.0)
    assert list(spans_of(reply)) == [span]


@settings(deadline=None)  # a busy machine is no fault
@given(SPANS)
def test_the_bytes_in_a_recording_are_the_old_ones(span: TickSpan) -> None:
    packed = pack_json(b"T", old_fields(span))
    assert pack_span(span) == packed
    assert unpack_span(packed) == span
    older = {name: value for name, value in old_fields(span).items() if name not in {"speed_milli", "flat_out"}}
    assert unpack_span(pack_json(b"T", older)) == replace(span, speed_milli=1000, flat_out=False)


@settings(max_examples=50, deadline=None)
@given(
    parts=st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from([0, 1000, 10_000]), st.booleans(), st.integers(0, 2)), max_size=12
    )
)
def test_the_bytes_in_a_tick_log_are_the_old_ones(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int, bool, int]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "run.ticks"
    header = RunHeader("0001-001", 1, 1, "reference", {}, "stopped", 1000, False, "hold")
    log = TickLog.create(path, header)
    start = len(path.read_bytes().rstrip(b"\0")) + 31 & ~31
    command = Command("c", "m1", "inject", {}, "test")
    records: list[list[int]] = []
    seq = t_us = 0
    for count, dt_us, held, commands in parts:
        for place in range(count):
            seq, t_us, acting = seq + 1, t_us + dt_us, 0 if place else commands
            log.append(
                Tick(
                    t=t_us / 1e6,
                    seq=seq,
                    run="0001-001",
                    wall=0.0,
                    epoch=1,
                    dt=dt_us / 1e6,
                    mode="running",
                    speed=2.5,
                    flat_out=False,
                    rate=100,
                    held=["m1"] * held,
                    mono_ns=0,
                    leaders={},
                    published={},
                    commands=[command] * acting,
                )
            )
            if records and not acting and records[-1][2:5:2] == [dt_us, int(held)]:
                records[-1][1] += 1
            else:
                records.append([seq, 1, dt_us, 1, int(held), acting, 2500])
    written = path.read_bytes()[start:]
    bodies = [struct.pack("<QQIBBHI", *record) for record in records]
    old = b"".join(body + struct.pack("<I", zlib.crc32(body)) for body in bodies)
    assert written[: len(old)] == old
    assert not any(written[len(old) :])
    found = read(path).records
    assert [(each.span.first, each.span.count, each.commands) for each in found] == [
        (r[0], r[1], r[5]) for r in records
    ]
    assert all(before.span.end_us == after.span.t_us for before, after in pairwise(found))
    assert not found or found[-1].span.end_us == t_us


@settings(deadline=None)  # a busy machine is no fault
@given(SPANS, st.integers(-3, 12), st.integers(-3, 12))
def test_a_span_that_is_cut_and_joined_is_the_same(span: TickSpan, cut: int, beyond: int) -> None:
    span = replace(span, count=10)
    at = span.first + cut
    before, after = span.upto(at), span.after(at)
    assert (before is None) == (at < span.first)
    assert (after is None) == (at >= span.last)
    if before is None or after is None:
        assert span in (before, after)
        return
    assert (before.first, before.last, after.first, after.last) == (span.first, at, at + 1, span.last)
    assert before.commands == span.commands
    assert after.commands == (), "a command acts once"
    assert before.joins(after)
    assert before.longer(after.count) == span
    assert span.agrees(before)
    assert span.agrees(after)
    assert after.agrees(replace(span, first=span.first + 100 + beyond)), "nothing in common is no contradiction"
    assert not after.agrees(replace(after, t_us=after.t_us + 1))


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(SPANS, min_size=1, max_size=8))
def test_a_history_goes_on_with_the_next_tick_alone(spans: list[TickSpan]) -> None:
    history = TickHistory()
    t_us = 0
    for span in spans:
        history.append(replace(span, first=history.last + 1, t_us=t_us))
        t_us = history.time_after(history.last)
        with pytest.raises(ValueError, match="cannot follow"):
            history.append(replace(span, first=history.last + 2))
    assert tick_holes(history.after(0)) == []
    assert history.last == sum(span.count for span in spans)


def test_a_record_of_the_log_is_a_span_without_its_commands() -> None:
    record = TickRecord(TickSpan(1, 3, 0, 10_000, "running", ()), held=False, commands=2)
    assert len(record.pack()) == 32
    assert record.joins(TickRecord(TickSpan(4, 1, 30_000, 10_000, "running", ()), held=False, commands=0))
    assert not record.joins(TickRecord(TickSpan(4, 1, 30_000, 10_000, "running", ()), held=True, commands=0))
