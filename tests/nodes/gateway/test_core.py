"""The gateway's view of the plant, as scripts of messages in virtual time."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bus.protocol import codec
from bus.protocol.health import Health
from bus.protocol.messages import Command, Event, Frames, FramesRequest, Peer, Published, ReplaySpan
from bus.view import alarms
from bus.view.alarms import Condition, compared
from bus.view.events import EVENTS_KEPT
from bus.view.roster import SILENT, NodeHealth, health_of, other_clients
from nodes.gateway import plant_answers
from nodes.gateway.core import GatewayPlant

from . import messages


def hear(plant: GatewayPlant, message: Published, now: float) -> bool:
    """Have the plant hear a message; was it taken?"""
    return plant.on(*codec.encode_published(message), now) is not None


def plant() -> GatewayPlant:
    return GatewayPlant(("m1",), 0.0)


def names(view: GatewayPlant, now: float) -> list[str]:
    return [item.name for item in view.missing(now)]


def test_what_was_never_heard_is_missing_since_listening_began() -> None:
    view = plant()
    clock, physics = view.missing(5.0)
    assert (clock.name, clock.silent) == ("clock", 5.0)
    assert (physics.name, physics.reason) == ("physics m1", "never heard for 5.0 s")
    status = plant_answers.status(view, 0, 5.0)
    assert status.backend_status == "down"
    assert not status.has_data
    assert (status.run, status.mode, status.tick, status.simulated_time, status.data_age) == (None,) * 5


def test_a_whole_plant_is_ok_and_shows_what_it_was_told() -> None:
    view = plant()
    assert hear(view, messages.tick(7), 1.0)
    assert hear(view, messages.status(7), 1.0)
    assert hear(view, messages.state(7), 1.25)
    status = plant_answers.status(view, 3, 1.5)
    assert status.backend_status == "ok"
    assert status.missing == []
    assert status.engine_initialized
    assert status.engine_running
    assert status.simulation_running
    assert (status.tick, status.simulated_time, status.mode) == (7, 0.07, "running")
    assert (status.achieved_speed, status.scenario) == (0.99, "reference")
    assert status.data_age == 0.25
    assert status.clients_connected == 3
    assert status.modules["m1"].tick == 7


@pytest.mark.parametrize(("changes", "running"), [({}, True), ({"mode": "paused"}, False), ({"held": ["m1"]}, False)])
def test_the_simulation_runs_when_it_is_told_to_and_nothing_holds_it(changes: dict[str, Any], running: bool) -> None:
    view = plant()
    hear(view, messages.tick(1, **changes), 0.0)
    assert plant_answers.status(view, 0, 0.5).simulation_running is running
    assert not plant_answers.status(view, 0, 1.5).simulation_running


def test_silence_of_a_second_is_missing_and_one_frame_mends_it() -> None:
    view = plant()
    hear(view, messages.tick(1), 0.0)
    hear(view, messages.state(1), 0.0)
    assert names(view, 1.0) == []
    hear(view, messages.tick(2), 1.0)
    assert names(view, 1.5) == ["physics m1"]
    assert plant_answers.status(view, 0, 1.5).backend_status == "degraded"
    assert plant_answers.status(view, 0, 1.5).has_data
    assert not plant_answers.status(view, 0, 1.5).engine_running
    hear(view, messages.state(2), 1.5)
    assert names(view, 1.6) == []
    assert names(view, 2.1) == ["clock"]
    assert plant_answers.status(view, 0, 2.1).backend_status == "degraded"


def test_what_is_missing_is_asked_for_and_comes_in_order() -> None:
    view = plant()
    stream = view.streams.modules["m1"]
    for seq in (1, 4, 5):
        hear(view, messages.state(seq), 0.0)
    frame = view.newest("m1")
    assert frame is not None
    assert frame.head.seq == 5  # what is newest is shown, whatever is missing before it
    assert stream.request == FramesRequest(run=messages.RUN, after=1)
    states = [messages.state(2), messages.state(3)]
    reply = Frames(run=messages.RUN, after=1, through=3, last=5, states=states, events=[], results=[])
    view.take(stream.on_frames(reply), 0.0)
    ring = view.rings["m1"]
    assert [ring[position].head.seq for position in range(ring.first, ring.end)] == [1, 2, 3, 4, 5]
    assert [ring[position].state() for position in (1, 2)] == states
    status = plant_answers.status(view, 0, 0.0)
    assert (status.repaired, status.gaps) == (2, {"tick": 0, "state/m1/": 0})


def test_what_cannot_be_had_is_counted_by_topic() -> None:
    view = plant()
    for seq in (1, 4):
        hear(view, messages.tick(seq), 0.0)
    for seq in (1, 3):
        hear(view, messages.state(seq), 0.0)
    clock = view.streams.clock
    assert clock is not None
    view.take(clock.skip(), 0.0)
    view.take(view.streams.modules["m1"].skip(), 0.0)
    assert plant_answers.status(view, 0, 0.0).gaps == {"tick": 2, "state/m1/": 1}


def test_a_new_run_makes_states_of_the_old_one_old() -> None:
    view = plant()
    hear(view, messages.tick(9), 0.0)
    hear(view, messages.state(9), 0.0)
    hear(view, messages.tick(1, "run-2"), 0.1)
    assert not view.initialized("m1")
    assert names(view, 0.2) == []  # it gets a second to follow
    for k in range(12):
        hear(view, messages.tick(2 + k, "run-2"), 0.1 * k)
        hear(view, messages.state(10 + k), 0.1 * k)
    assert names(view, 1.15) == ["physics m1"]
    hear(view, messages.state(14, "run-2"), 1.15)
    assert view.initialized("m1")
    assert names(view, 1.15) == []


def test_an_overtaken_frame_does_not_replace_a_newer_one() -> None:
    view = plant()
    assert hear(view, messages.state(5), 0.0)
    assert not hear(view, messages.state(4), 0.1)
    assert not hear(view, messages.state(5), 0.1)
    assert view.old_frames == 2
    frame = view.newest("m1")
    assert frame is not None
    assert frame.head.seq == 5
    # A module that fell silent and starts over is heard all the same.
    assert hear(view, messages.state(4), 1.2)


def test_a_replaced_clock_is_not_believed_while_the_new_one_speaks() -> None:
    view = plant()
    hear(view, messages.tick(5, epoch=3), 0.0)
    assert not hear(view, messages.tick(6, epoch=2), 0.1)
    assert view.tick is not None
    assert view.tick.seq == 5
    assert hear(view, messages.tick(1, "fresh-run", epoch=1), 1.5)
    assert view.run == "fresh-run"


def test_states_are_decoded_on_demand_and_once() -> None:
    view = plant()
    hear(view, messages.state(1), 0.0)
    frame = view.newest("m1")
    assert frame is not None
    assert frame.state() is frame.state()
    assert frame.websocket((), binary=False) is frame.websocket((), binary=False)
    assert frame.json() is frame.json()
    assert msgspec.json.decode(frame.json()) == msgspec.to_builtins(messages.state(1))
    assert msgspec.json.decode(frame.text()) == {"type": "state"} | msgspec.to_builtins(messages.state(1))


def test_a_malformed_state_is_counted_forgotten_and_named() -> None:
    view = plant()
    hear(view, messages.tick(1), 0.0)
    fields = msgspec.to_builtins(messages.state(1))
    fields["chain"]["speed"] = float("nan")
    # Its head is in order, so it is found out when somebody looks.
    assert view.on(b"state/m1/", msgspec.msgpack.encode(fields), 0.0) is not None
    assert view.newest("m1") is None
    assert view.bad_frames == 1
    (missing,) = view.missing(0.0)
    assert "malformed" in missing.reason
    assert "chain.speed" in missing.reason
    hear(view, messages.state(2), 0.1)
    assert names(view, 0.1) == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (b"state/m1/", b""),
        (b"state/m1/", b"\xc1garbage"),
        (b"state/m1/", b"\x91" * 100_000),
        (b"state/m1/", b"\x00" * 300_000),
        (b"state/m2/", codec.encode(messages.state(1, module="m2"))),
        (b"state/m1/", codec.encode(messages.state(1, module="m2"))),
        (b"state/", codec.encode(messages.state(1))),
        (b"tick", codec.encode(messages.status(1))),
        (b"tick", msgspec.msgpack.encode(msgspec.to_builtins(messages.tick(1)) | {"t": float("inf")})),
        (b"tick", msgspec.msgpack.encode(msgspec.to_builtins(messages.tick(1)) | {"seq": "1"})),
        (b"tick/", codec.encode(messages.tick(1))),
        (b"nonsense", b"\x80"),
        (b"\xff\xfe", b"\x80"),
        (b"", b""),
    ],
)
def test_garbage_is_counted_and_changes_nothing(topic: bytes, payload: bytes) -> None:
    view = plant()
    assert view.on(topic, payload, 0.0) is None
    assert view.bad_frames == 1
    assert (view.tick, view.status, view.modules["m1"].frame) == (None, None, None)


def test_the_last_events_are_kept() -> None:
    view = plant()
    for k in range(EVENTS_KEPT + 5):
        event = Event(t=0.0, seq=k, run="r", wall=0.0, module="m1", severity="info", kind="test", text=str(k))
        assert hear(view, event, 0.0)
    kept = plant_answers.events(view, EVENTS_KEPT).model_dump()["events"]
    assert len(kept) == EVENTS_KEPT
    assert (kept[0]["text"], kept[-1]["text"]) == ("5", str(EVENTS_KEPT + 4))


def test_h03_alarms_and_events_are_the_same_for_a_gateway_that_began_to_listen_later() -> None:
    acknowledged = Command(id="c1", module="clock", name="acknowledge", args={"alarm": "m1.trip"}, origin="alice")
    span = ReplaySpan(
        first=3, count=9, t=0.02, dt=0.01, mode="running", speed=1.0, flat_out=False, commands=[acknowledged]
    )
    trip = compared((), {"m1.trip": Condition("m1", "high", "tripped: too hot")}, 2, 0.01)
    happened = [event(k, f"event {k}") for k in range(1, 5)]
    first, second = plant(), plant()
    for each in happened:
        hear(first, each, 0.0)
    second.add_past_commands(messages.RUN, span)
    hear(second, happened[3], 0.0)
    second.events.add_past(happened)
    for view in (first, second):
        hear(view, messages.tick(99), 0.0)
        hear(view, messages.state(99, alarms=alarms.acknowledged(trip, "m1.trip", 0.02, "alice")), 0.0)
    (alarm,) = second.alarms()
    assert (alarm.id, alarm.state, alarm.acknowledged_by) == ("m1.trip", "acknowledged", "alice")
    assert (alarm.raised_seq, alarm.raised_t) == (2, 0.01)
    assert second.alarms() == first.alarms()
    assert list(second.events) == list(first.events) == happened
    assert plant_answers.commands(second, 5).model_dump()["commands"][0]["origin"] == "alice"
    hear(second, messages.tick(1, "run-2"), 0.0)
    assert second.alarms() == [], "those of another run"


def event(seq: int, text: str) -> Event:
    head = {"t": seq / 100, "seq": seq, "run": messages.RUN, "wall": 1.7e9, "module": "m1"}
    made: Event = codec.build(Event, head | {"severity": "info", "kind": "test", "text": text})
    return made


@pytest.mark.parametrize(
    ("said", "age", "shown"),
    [
        ("ok", 0.1, "ok"),
        ("fault", 0.1, "fault"),
        ("alarm", 0.1, "fault"),
        ("degraded", 0.1, "degraded"),
        ("behind", 0.1, "degraded"),
        ("catching_up", 0.1, "degraded"),
        ("starting", 0.1, "starting"),
        ("unknown", 0.1, "unknown"),
        ("fault", SILENT + 0.1, "silent"),
    ],
)
def test_s02_a_nodes_health_is_what_it_reports_of_itself(said: Health, age: float, shown: NodeHealth) -> None:
    peer = Peer(node="physics", instance="a", pid=1, status="fault: alarm: ", seq=1, age=age, gaps=0, health=said)
    assert health_of(peer) == shown


def test_a_worker_counts_the_clients_that_the_others_report() -> None:
    worker = Peer(node="gateway", instance="pid-2", pid=2, status="7 clients", seq=1, age=0.1, gaps=0, clients=3)
    others = [
        worker,
        replace(worker, instance="pid-1", clients=100),
        replace(worker, instance="pid-3", clients=100, age=SILENT + 0.1),
        replace(worker, instance="pid-4", clients=None),
        replace(worker, node="ui", instance="pid-5", clients=100),
    ]
    counted = other_clients(others, "gateway", "pid-1")
    assert counted == 3, "not its own, nor a silent one's, nor those of another node or version"
