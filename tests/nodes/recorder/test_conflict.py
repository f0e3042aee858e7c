"""A different frame for a tick that is recorded: an alarm that a user sees, and a record that stays what it is."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bus.protocol import codec
from bus.protocol.messages import State
from bus.transport.listener import Listener
from bus.transport.sockets import Publisher
from recording.record import Row
from recording.rows import run_rows
from tests.nodes.recorder.conftest import Plant, recorded_rows, several, wait_for_state
from tests.ports import free_ports
from tests.watching import eventually


def test_another_frame_for_a_known_tick_is_an_alarm_and_an_event_and_changes_nothing(
    make_plant: Callable[..., Plant], tmp_path: Path
) -> None:
    """The forged frame comes where the module's standby would publish."""
    ports = free_ports(2)
    web = {"KPP_GATEWAY_HTTP": f"127.0.0.1:{ports[0]}", "KPP_GATEWAY_WEBSOCKET": f"127.0.0.1:{ports[1]}"}
    plant = make_plant(nodes=False, **several("m1", instances=2), **web)
    with Publisher(plant.endpoints.module("m1").instance("b").publish) as forger:
        for node, *arguments in (("clock",), ("physics", "--module", "m1"), ("recorder",), ("gateway",)):
            plant.start(node, *arguments)
        rest = f"http://{plant.endpoints.gateway_http.host}:{plant.endpoints.gateway_http.port}"
        run = wait_for_state(plant).run
        eventually(lambda: _get(rest, "/v1/status"), 30.0, "the gateway answers")
        known = _states(plant, 5)
        eventually(lambda: recorded_rows(plant) >= known[-1].seq, 20.0, "they are recorded")
        before = _row(plant, run, known[0].seq)
        eventually(lambda: forger.connections() >= 2, 20.0, "recorder and gateway listen")
        repeat = codec.encode_published(msgspec.structs.replace(known[1], wall=1.0, instance="b"))
        forged = codec.encode_published(msgspec.structs.replace(known[0], digest="00000000deadbeef"))

        def told() -> bool:
            for frames in (repeat, repeat, forged):
                forger.send(frames)
            return plant.status().startswith("alarm: ")

        eventually(told, 20.0, "the recorder tells of it")
    assert f"conflicts, the first in the state of m1 at tick {known[0].seq}" in plant.status()
    alarm = eventually(lambda: _alarm(rest), 10.0, "the alarm is listed")
    assert (alarm["module"], alarm["priority"], alarm["state"]) == ("recorder", "high", "unacknowledged")
    assert f"at tick {known[0].seq}" in alarm["text"]
    eventually(lambda: _kinds(rest, "/v1/events"), 10.0, "the event is published")
    assert _kinds(rest, "/v1/events") == ["node"]
    assert httpx.post(f"{rest}/v1/alarms/recorder.alarm/acknowledge", timeout=60).status_code == 200
    eventually(lambda: (_alarm(rest) or {}).get("state") == "acknowledged", 10.0, "it was seen")
    assert httpx.post(f"{rest}/v1/replay/seek", json={"t": 0.0}, timeout=60).status_code == 409, "this is no replay"
    assert _row(plant, run, known[0].seq) == before
    eventually(lambda: _kinds(rest, f"/v1/recordings/{run}/events"), 10.0, "the event is in the record")


def _states(plant: Plant, count: int) -> list[State]:
    with closing(Listener(plant.endpoints, ("state/",), repair=False)) as listener:
        heard: list[State] = []
        while len(heard) < count:
            message = listener.receive(120.0)
            assert message is not None
            heard += [message] if isinstance(message, State) else []
    return heard


def _row(plant: Plant, run: str, seq: int) -> Row:
    row = next(run_rows(plant.folder(run), "m1", seq))
    assert isinstance(row, Row)
    assert row.seq == seq
    return row


def _get(rest: str, path: str) -> Any:
    try:
        return httpx.get(f"{rest}{path}", timeout=60).json()
    except httpx.TransportError:
        return None


def _alarm(rest: str) -> dict[str, Any] | None:
    listed: list[dict[str, Any]] = _get(rest, "/v1/alarms")["alarms"]
    return next((alarm for alarm in listed if alarm["id"] == "recorder.alarm"), None)


def _kinds(rest: str, path: str) -> list[str]:
    """Kinds of the alarms among events that tell of conflicts."""
    events = _get(rest, path)["events"]
    return [event["kind"] for event in events if event["severity"] == "alarm" and "conflicts" in event["text"]]
