"""What the dashboard makes of bus messages: runs, missing nodes, commands. No socket, no thread."""

from typing import Any

import pytest
from msgspec.structs import replace

from bus.protocol.messages import Command, Event, Published, Result, Tick
from bus.view.alarms import Condition, compared
from tests.ui.synthetic_plant import SyntheticPlant, end_old_run, free_endpoints
from ui.shown_plant import EVENTS_SHOWN, ShownPlant
from ui.status_payload import status_payload, vitals


@pytest.fixture
def source() -> SyntheticPlant:
    """Makes messages; its thread and sockets are never started."""
    made_up = SyntheticPlant(free_endpoints())
    made_up.renew()
    return made_up


@pytest.fixture
def plant() -> ShownPlant:
    return ShownPlant(("m1",), ("gateway",))


def tick(source: SyntheticPlant, commands: list[Command] | None = None, **changes: Any) -> Tick:
    source.seq += 1
    made = source.tick_message(0.01, commands or [])
    return Tick(**{**{name: getattr(made, name) for name in made.__struct_fields__}, **changes})


def hear_all(plant: ShownPlant, source: SyntheticPlant, now: float) -> None:
    messages: list[Published] = [tick(source), source.status(), source.state()]
    for message in messages:
        plant.hear(message, now)


def states(plant: ShownPlant, now: float) -> dict[str, str]:
    return {node["node"]: node["state"] for node in plant.nodes(now)}


def test_at_first_everything_is_missing_or_unknown(plant: ShownPlant) -> None:
    assert states(plant, 0.0) == {"clock": "missing", "m1": "unknown", "gateway": "unknown"}
    told = status_payload(plant, "m1", 0.0, vitals(plant, "m1", 0.0))
    assert told["clock"] is None
    assert told["module"] is None


def test_a_silent_node_is_named_and_a_silent_clock_excuses_the_others(
    plant: ShownPlant, source: SyntheticPlant
) -> None:
    for now in (0.0, 1.5):
        hear_all(plant, source, now)
    assert states(plant, 1.5) == {"clock": "live", "m1": "live", "gateway": "live"}
    source.wishes.gateway = False
    plant.hear(tick(source), 4.0)
    plant.hear(source.status(), 4.0)
    plant.hear(tick(source), 4.9)
    plant.hear(tick(source), 5.5)
    plant.hear(source.status(), 5.5)
    assert states(plant, 5.5) == {"clock": "live", "m1": "stale", "gateway": "missing"}
    assert states(plant, 9.0)["m1"] == "unknown", "without ticks a healthy module says nothing"
    assert states(plant, 99.0)["clock"] == "missing"


def test_a_clock_that_has_just_come_back_is_given_time_to_hear_its_peers(
    plant: ShownPlant, source: SyntheticPlant
) -> None:
    source.wishes.gateway = False
    hear_all(plant, source, 0.0)
    assert states(plant, 0.5)["gateway"] == "unknown"


def test_ticks_of_a_replaced_clock_are_ignored(plant: ShownPlant, source: SyntheticPlant) -> None:
    plant.hear(tick(source, epoch=2, run="0002-001"), 0.0)
    plant.hear(tick(source, epoch=1), 0.1)
    assert plant.tick is not None
    assert plant.tick.run == "0002-001"


def test_another_run_begins_new_histories(plant: ShownPlant, source: SyntheticPlant) -> None:
    hear_all(plant, source, 0.0)
    module = plant.plots["m1"]
    first, run = module.history, module.run
    source.new_run()
    hear_all(plant, source, 0.1)
    end_old_run(plant, 0.1)
    assert module.history is not first
    assert module.run == run + 1
    assert plant.streams.lost == 0


def test_a_module_that_works_off_old_ticks_is_catching_up(plant: ShownPlant, source: SyntheticPlant) -> None:
    hear_all(plant, source, 0.0)
    assert not plant.catching_up("m1", 0.0)
    for _ in range(150):
        plant.hear(tick(source), 0.1)
    assert plant.catching_up("m1", 0.1)
    assert not plant.catching_up("m1", 3.0), "it is silent, which is worse"


def command(name: str, origin: str = "dashboard-0001") -> Command:
    return Command(id=f"id-{name}", module="clock", name=name, args={}, origin=origin)


def result(source: SyntheticPlant, name: str) -> Result:
    return source.apply(command(name))


def test_a_command_is_sequenced_then_answered(plant: ShownPlant, source: SyntheticPlant) -> None:
    plant.hear(tick(source, [command("pause"), command("begin", "clock")]), 0.0)
    plant.hear(result(source, "pause"), 0.1)
    told = plant.log.since(0)
    assert [(entry["name"], entry["phase"], entry["origin"]) for entry in told] == [
        ("pause", "sequenced", "dashboard-0001"),
        ("pause", "applied", "dashboard-0001"),
    ]
    assert plant.log.since(1) == told[1:]
    assert plant.log.since(2) == []


def test_a_result_that_overtakes_its_tick_is_not_undone_by_it(plant: ShownPlant, source: SyntheticPlant) -> None:
    source.wishes.reject = "no"
    plant.hear(result(source, "pause"), 0.0)
    plant.hear(tick(source, [command("pause")]), 0.1)
    last = plant.log.since(0)[-1]
    assert (last["phase"], last["reason"], last["origin"]) == ("rejected", "no", "dashboard-0001")


def test_a_mode_is_known_from_the_tick_before_the_next_status(plant: ShownPlant, source: SyntheticPlant) -> None:
    hear_all(plant, source, 0.0)
    plant.hear(tick(source, mode="paused"), 0.1)
    assert status_payload(plant, "m1", 0.1, {})["clock"]["mode"] == "paused"


def test_h03_a_dashboard_that_was_killed_lists_the_same_alarms_and_events(
    plant: ShownPlant, source: SyntheticPlant
) -> None:
    source.wishes.overrides = {"plc": {"state": "running", "warnings": ["icing: cold"]}}
    node = compared((), {"recorder.alarm": Condition("recorder", "high", "alarm: 1 conflicts")}, 1, 0.01)
    happened = [happening(source, k) for k in range(1, EVENTS_SHOWN + 9)]
    states = []
    for _ in range(3):
        source.seq += 1
        states.append(source.state())
    for message in (tick(source), replace(source.status(), alarms=list(node)), *states, *happened):
        plant.hear(message, 0.0)
    later = ShownPlant(("m1",), ("gateway",))
    for message in (tick(source), replace(source.status(), alarms=list(node)), states[-1], happened[-1]):
        later.hear(message, 0.0)
    assert later.alarm_list()["events"] != plant.alarm_list()["events"]
    later.events.add_past(happened)  # as the module's snapshot tells them
    assert later.alarm_list() == plant.alarm_list()
    listed = {alarm["id"]: alarm["raised_seq"] for alarm in later.alarm_list()["alarms"]}
    assert listed == {"m1.icing": states[0].seq, "recorder.alarm": 1}


def happening(source: SyntheticPlant, seq: int) -> Event:
    head: dict[str, Any] = {"t": seq / 100, "seq": seq, "run": source.run, "wall": 0.0, "module": "m1"}
    return Event(**head, severity="info", kind="test", text="again")
