"""States become rows and rows become the same states; notes and ticks keep what the bus said."""

import math
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.ordered.tick_span import TickSpan
from bus.protocol import codec
from bus.protocol.messages import Event, Result, State, Tick
from nodes.recorder.core import Intake
from recording.message_rows import Rows, States, event_note, result_note
from recording.record import pack_row, unpack_row
from tests.bus.samples import sample

COUNT = 7


def make_state(**changed: Any) -> State:
    """A state of a plant with COUNT floaters."""
    fields = sample(State) | {"module": "m1", "digest": "0123456789abcdef"} | changed
    fields["floaters"] = {name: [place + 0.25 for place in range(COUNT)] for name in fields["floaters"]}
    state: State = codec.build(State, fields)
    return state


def test_a_state_comes_back_from_its_row_to_the_last_bit() -> None:
    state = make_state(seq=5)
    row, schema = States().row(state)
    again = Rows(schema).state(unpack_row(pack_row(row)), state.run)
    assert again == state
    assert codec.encode_published(again) == codec.encode_published(state)


@settings(deadline=None)  # a busy machine is no fault
@given(st.floats(allow_nan=False, allow_infinity=False), st.one_of(st.none(), st.floats(0, 1e9)), st.integers(0, 2**40))
def test_numbers_nulls_and_whole_numbers_stay_what_they_are(power: float, cop: float | None, laps: int) -> None:
    state = make_state()
    state = msgspec.structs.replace(
        state,
        grid=msgspec.structs.replace(state.grid, net_power=power),
        meters=msgspec.structs.replace(state.meters, cop=cop, laps=laps),
        floaters=msgspec.structs.replace(state.floaters, temperature=[None, cop, 1.0, None, 2.0, 3.0, 4.0]),
    )
    row, schema = States().row(state)
    again = Rows(schema).state(row, state.run)
    assert codec.encode_published(again) == codec.encode_published(state)
    assert math.copysign(1.0, again.grid.net_power) == math.copysign(1.0, power)


def test_every_number_of_a_state_is_a_channel_with_its_unit_and_meaning() -> None:
    _row, schema = States().row(make_state())
    power = schema.by_name["grid.net_power"]
    assert (power.kind, power.unit, power.meaning) == ("float", "W", "export minus import")
    assert schema.by_name["meters.cop"].nullable
    assert schema.by_name["floaters.temperature[3]"].nullable
    assert schema.by_name["floaters.fill[0]"].unit == "1"
    assert {channel.kind for channel in schema.texts} == {"text", "texts"}
    assert all(channel.meaning for channel in schema.channels)


def test_who_sent_a_state_and_when_is_not_its_content() -> None:
    states = States()
    row, _schema = states.row(make_state(wall=1.0, instance="a"))
    other, _schema = states.row(make_state(wall=2.0, instance="b"))
    assert row.content == other.content
    assert row.content != states.row(make_state(digest="0123456789abcdee"))[0].content


def test_another_number_of_floaters_makes_another_channel_table() -> None:
    states = States()
    short = make_state()
    longer = msgspec.structs.replace(short, floaters=msgspec.structs.replace(short.floaters, fill=[0.5] * 9))
    assert states.row(short)[1] != states.row(longer)[1]


def test_events_and_results_are_told_apart_by_what_they_say() -> None:
    event: Event = codec.build(Event, sample(Event) | {"module": "m1"})
    same = msgspec.structs.replace(event, wall=event.wall + 5)
    assert event_note(event).identity == event_note(same).identity
    assert event_note(event).body == event_note(same).body
    assert event_note(event).identity != event_note(msgspec.structs.replace(event, text="other")).identity
    result: Result = codec.build(Result, sample(Result))
    assert result_note(result).identity == result.id
    assert "wall" not in result_note(result).body
    assert codec.build(Result, {**result_note(result).body, "wall": result.wall}) == result


def test_a_batch_holds_what_came_by_run() -> None:
    tick: Tick = codec.build(Tick, sample(Tick) | {"t": 5.0, "dt": 0.01, "seq": 9, "run": "r1", "mode": "running"})
    intake = Intake()
    for message in (
        tick,
        make_state(run="r1"),
        make_state(run="r2"),
        codec.build(Event, sample(Event) | {"run": "r1"}),
    ):
        intake.take(message)
    assert len(intake) == 4
    batches = intake.batches()
    assert {run: len(batch) for run, batch in batches.items()} == {"r1": 3, "r2": 1}
    span = batches["r1"].ticks[0]
    assert span == TickSpan.of(tick)
    assert (span.first, span.count, span.t_us, span.dt_us) == (9, 1, 4_990_000, 10_000)
    assert [each.id for each in span.commands] == [command.id for command in tick.commands]
    assert isinstance(span, TickSpan)
    assert len(intake) == 0
