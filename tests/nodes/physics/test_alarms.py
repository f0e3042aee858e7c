"""Alarms, onsets, acknowledgements, first-out and events of a module: the same whoever folds, and from where."""

from collections.abc import Callable

import pytest

from bus.protocol.messages import Command, Event, Published, State
from bus.protocol.state import PlantCondition, Plc
from kpp_physics.parameters import Parameters
from nodes.physics.replica.alarms import conditions
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.saved import Saved
from tests.bus.samples import sample

IDENTITY = Identity("m1", "a")
RUN = "0001-001"
TICK_US = 10_000
TICKS = 500


def command(name: str, module: str = "m1", **args: object) -> Command:
    return Command(id=f"{name}-1", module=module, name=name, args=args, origin="alice")


SCRIPT: dict[int, list[Command]] = {
    1: [command("begin", scenario="any", parameters={})],
    150: [command("acknowledge", "clock", alarm="m1.chain_tension")],
    200: [command("emergency_stop"), command("acknowledge", "clock", alarm="m1.nothing")],
    260: [command("acknowledge", "clock", alarm="m1.emergency_stop")],
    300: [command("plant_reset")],
    400: [command("emergency_stop")],
    450: [command("plant_reset")],
}


def read(_run: str, _name: str) -> Parameters:
    """A chain whose tension at rest is above the limit of its warning and below that of its trip."""
    return Parameters.of({"chain_tension_limit": 60_000.0})


def begun(saved: Saved | None = None) -> Fold:
    return Fold(IDENTITY, RUN, read, saved)


def fold(one: Fold, last: int, *, shown: Callable[[int], bool] = lambda _seq: True) -> list[list[Published]]:
    told = []
    while one.seq < last:
        seq = one.seq + 1
        told.append(one.tick(SCRIPT.get(seq, []), TICK_US, 0.0, shown=shown(seq)))
    return told


def states(told: list[list[Published]]) -> list[State]:
    return [each for messages in told for each in messages if isinstance(each, State)]


@pytest.fixture(scope="module")
def whole() -> tuple[list[list[Published]], list[Event]]:
    """The run as one that nothing happened to tells it, and the newest events at its end."""
    one = begun()
    return fold(one, TICKS), one.events


def test_h03_alarms_are_told_with_onset_value_limit_and_who_has_seen_them(
    whole: tuple[list[list[Published]], list[Event]],
) -> None:
    by_seq = {state.seq: state.alarms for state in states(whole[0])}
    (chain,) = by_seq[130]
    assert (chain.id, chain.state, chain.first_out) == ("m1.chain_tension", "unacknowledged", True)
    assert (chain.raised_seq, chain.raised_t, chain.limit, chain.unit) == (1, 0.01, 54_000.0, "N")
    assert chain.value is not None
    assert chain.value > 54_000.0
    assert by_seq[150][0].acknowledged_by == "alice"
    assert by_seq[150][0].acknowledged_t == pytest.approx(1.49)
    seen, stop = by_seq[230]
    assert (seen.state, seen.raised_seq) == ("acknowledged", 1)
    assert (stop.id, stop.raised_seq, stop.first_out) == ("m1.emergency_stop", 200, False)
    assert [alarm.id for alarm in by_seq[300]] == ["m1.chain_tension"]
    again = by_seq[TICKS][1]
    assert (again.id, again.raised_seq, again.state) == ("m1.emergency_stop", 400, "returned_unacknowledged")
    assert again.cleared_t == pytest.approx(4.50)


@pytest.mark.parametrize("killed_at", [1, 149, 150, 199, 200, 201, 260, 299, 301, 449, 450])
def test_h03_a_module_that_was_killed_tells_the_same_alarms_and_events(
    whole: tuple[list[list[Published]], list[Event]], killed_at: int
) -> None:
    first = begun()
    fold(first, killed_at, shown=lambda _seq: False)
    saved = first.save()
    assert saved is not None
    second = begun(Saved.unpack(saved.pack()))
    assert fold(second, TICKS) == whole[0][killed_at:]
    assert second.events == whole[1]


def test_h03_states_that_are_not_made_and_ticks_folded_ahead_change_nothing(
    whole: tuple[list[list[Published]], list[Event]],
) -> None:
    one = begun()
    ahead: list[list[Published]] = []
    while one.seq < TICKS:
        one.prepare()
        ahead.append(one.tick(SCRIPT.get(one.seq + 1, []), TICK_US, 0.0, shown=one.seq % 7 == 0))
    assert states(ahead) == [state for state in states(whole[0]) if (state.seq - 1) % 7 == 0]
    assert one.events == whole[1]


def test_h03_a_fork_begins_with_the_alarms_of_the_moment(whole: tuple[list[list[Published]], list[Event]]) -> None:
    first = begun()
    fold(first, 230)
    saved = first.save()
    assert saved is not None
    fork = Fold(IDENTITY, "0001-002", lambda _run, _name: saved)
    (state,) = (
        each for each in fork.tick([command("begin", scenario="fork:x", parameters={})], 0, 0.0, shown=True)
        if isinstance(each, State)
    )  # fmt: skip
    parent = states(whole[0])[229].alarms
    assert [(alarm.id, alarm.state) for alarm in state.alarms] == [(alarm.id, alarm.state) for alarm in parent]
    assert [alarm.raised_t for alarm in state.alarms] == [alarm.raised_t - 2.30 for alarm in parent]


def test_remarks_on_the_parameters_are_no_alarms() -> None:
    one = Fold(IDENTITY, RUN, lambda _run, _name: Parameters.of({"mouth_area": 0.1}))
    told = one.tick([command("begin", scenario="any", parameters={})], TICK_US, 0.0, shown=True)
    (state,) = states([told])
    assert any(text.startswith("cross-check") for text in state.plc.advisories)
    assert len(state.plc.advisory_limits) == len(state.plc.advisories)
    assert (state.plc.warnings, state.alarms) == ([], [])
    assert [each.text for each in told if isinstance(each, Event)] == ["plant pressurising"]


def test_a_condition_of_the_controller_is_an_alarm_with_its_numbers_whatever_the_words() -> None:
    told = [
        PlantCondition("trip", "high", "slack chain", "tripped: slack chain", None, 0.0, "N"),
        PlantCondition("r_a", "low", "R_A", "R_B: 7 of 9", 3.0, 1e-9),
    ]
    plc = Plc(**sample(State)["plc"] | {"state": "running", "warnings": ["R_B: 4"], "conditions": told})
    found = conditions("m1", plc)
    assert list(found) == ["m1.trip", "m1.r_a"]
    assert [(each.priority, each.value, each.limit, each.unit) for each in found.values()] == [
        ("high", None, 0.0, "N"),
        ("low", 3.0, 1e-9, ""),
    ]
