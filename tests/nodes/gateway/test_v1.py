"""The versioned REST API of the real process."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from bus.protocol import codec
from bus.protocol.messages import Event
from kpp_physics.parameters import DECLARATIONS, Parameters
from nodes.gateway.views import LINES, VIEWS
from tests.watching import eventually

from . import messages
from .conftest import Running
from .test_rest import fields, problem


@pytest.mark.parametrize(
    ("path", "body", "module", "name", "args"),
    [
        ("/time/start", None, "clock", "start", {}),
        ("/time/pause", {}, "clock", "pause", {}),
        ("/time/resume", None, "clock", "resume", {}),
        ("/time/step", {"ticks": 7}, "clock", "step", {"ticks": 7}),
        ("/time/run-until", {"t": 12.5}, "clock", "run_until", {"t": 12.5}),
        ("/time/speed", {"speed": 3.0}, "clock", "set_speed", {"speed": 3.0}),
        ("/time/policy", {"policy": "catch_up"}, "clock", "set_policy", {"policy": "catch_up"}),
        ("/runs/stop", None, "clock", "stop", {}),
        ("/runs/reset", {"scenario": "small"}, "clock", "reset", {"scenario": "small"}),
        ("/runs", {"scenario": "small", "start": False}, "clock", "reset", {"scenario": "small"}),
        ("/controls/plant/start", None, "m1", "plant_start", {}),
        ("/controls/plant/coast", None, "m1", "plant_coast", {}),
        ("/controls/injection", None, "m1", "inject", {}),
        ("/controls/emergency-stop", None, "m1", "emergency_stop", {}),
        ("/controls/trip-reset", None, "m1", "plant_reset", {}),
        ("/controls/load", {"load_power": 5000.0}, "m1", "set_parameters", {"load_power": 5000.0}),
        ("/controls/generator", {"torque_setpoint": 900}, "m1", "set_parameters", {"torque_setpoint": 900}),
        ("/controls/mode", {"control_mode": "torque"}, "m1", "set_parameters", {"control_mode": "torque"}),
        ("/controls/hypotheses", {"h3_mode": "claimed"}, "m1", "set_parameters", {"h3_mode": "claimed"}),
        ("/controls/water", {"water_temperature": 300}, "m1", "set_parameters", {"water_temperature": 300}),
        ("/controls/grid", {"grid_frequency": 50.5}, "m1", "set_parameters", {"grid_frequency": 50.5}),
    ],
)
def test_a_command_reaches_its_addressee_and_answers_what_was_applied(
    gateway: Running, path: str, body: object, module: str, name: str, args: dict[str, object]
) -> None:
    answer = gateway.rest.post(f"/v1{path}", json=body) if body is not None else gateway.rest.post(f"/v1{path}")
    assert answer.status_code == 200, answer.text
    (command,) = gateway.peer.commands
    assert (command.module, command.name, command.args, command.origin) == (module, name, args, "gateway")
    applied = answer.json()
    assert (applied["outcome"], applied["run"], applied["applied"]) == ("applied", "run-1", args)
    assert applied["t"] == applied["seq"] / 100


@pytest.mark.parametrize("path", ["load", "generator", "mode", "hypotheses", "water", "grid"])
def test_a_control_without_a_setting_is_422(gateway: Running, path: str) -> None:
    assert fields(problem(gateway.rest.post(f"/v1/controls/{path}", json={}), 422)) == ["body"]
    found = problem(gateway.rest.post(f"/v1/controls/{path}", json={"nonsense": 1}), 422)
    assert fields(found) == ["nonsense"]
    assert gateway.peer.commands == []


def test_a_run_that_starts_at_once_is_two_commands_that_are_repeated_together(gateway: Running) -> None:
    key = {"Idempotency-Key": "test:begin-1"}
    body = {"scenario": "small", "parameters": {"water_depth": 20.0}}
    answers = [gateway.rest.post("/v1/runs", json=body, headers=key) for _ in range(2)]
    assert [command.name for command in gateway.peer.commands] == ["reset", "start"]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["id"] == answers[1].headers["Idempotency-Key"] == "test:begin-1"


def test_time_and_runs_are_told(gateway: Running) -> None:
    gateway.until(scenario="reference")
    told = gateway.rest.get("/v1/time").json()
    assert (told["run"], told["mode"], told["tick_rate"]) == ("run-1", "running", 100)
    assert told["simulated_time"] == told["tick"] / 100
    first = gateway.rest.get("/v1/runs").json()["runs"][0]
    assert (first["run"], first["present"], first["scenario"]) == ("run-1", True, "reference")


def test_first_paths_are_aliases(gateway: Running) -> None:
    for path in ("/health", "/scenarios", "/events"):
        assert gateway.rest.get(path).json() == gateway.rest.get(f"/v1{path}").json()


def test_every_view_holds_the_groups_of_the_state(gateway: Running) -> None:
    for name, kind in VIEWS.items():
        answer = gateway.rest.get(f"/v1/data/{name}")
        assert answer.status_code == 200, answer.text
        found = msgspec.json.decode(answer.content, type=kind)
        state = messages.state(found.seq)
        for group in set(msgspec.structs.asdict(state)) & set(msgspec.structs.asdict(found)):
            assert getattr(found, group) == getattr(state, group)
    assert problem(gateway.rest.get("/v1/data/summary", params={"module": "m9"}), 404)["known"] == ["m1"]


def test_the_loss_waterfall_is_the_ledger_in_order(gateway: Running) -> None:
    found = gateway.rest.get("/v1/data/losses").json()
    assert {flow["name"] for flow in found["flows"]} == LINES.keys() - {"grid"}
    kinds = [flow["kind"] for flow in found["flows"]]
    assert kinds == sorted(kinds, key=["in", "out", "stored"].index)
    state = messages.state(found["seq"])
    inputs = [flow["energy"] for flow in found["flows"] if flow["kind"] == "in"]
    assert found["energy_in"] == pytest.approx(sum(inputs))
    assert found["delivered"] == state.ledger.grid
    assert all(flow["share"] == pytest.approx(flow["energy"] / found["energy_in"]) for flow in found["flows"])


def test_a_change_is_validated_without_being_applied(gateway: Running) -> None:
    valid = gateway.rest.post("/v1/parameters/validate", json={"drag_area": 0.3}).json()
    assert (valid["in_run"], valid["parameters"]["drag_area"], valid["parameters"]["water_depth"]) == (True, 0.3, 20.0)
    structural = gateway.rest.post("/v1/parameters/validate", json={"water_depth": 30}).json()
    assert (structural["in_run"], structural["structural"]) == (False, ["water_depth"])
    found = problem(gateway.rest.post("/v1/parameters/validate", json={"drag_area": -1, "gravity": 20}), 422)
    assert fields(found) == ["drag_area", "gravity"] or fields(found) == ["gravity", "drag_area"]
    assert {"0 m2", "9.9 m/s2"} == {item["limit"] for item in found["violations"]}
    assert fields(problem(gateway.rest.post("/v1/parameters/validate", json={"nonsense": 1}), 422)) == ["nonsense"]
    assert gateway.peer.commands == []


def test_declarations_need_no_plant(gateway: Running) -> None:
    gateway.peer.switches.states = False
    declared = {item["name"]: item for item in gateway.rest.get("/v1/parameters/schema").json()["parameters"]}
    assert list(declared) == list(DECLARATIONS)
    assert (declared["water_depth"]["min"], declared["water_depth"]["max"]) == (3, 100)


def test_controls_show_what_is_in_force(gateway: Running) -> None:
    found = gateway.rest.get("/v1/controls").json()
    assert found["settings"]["h1_mode"] == "off"
    assert found["settings"]["water_temperature"] == 293.15


def test_presets_are_saved_loaded_compared_and_deleted(gateway: Running, data: Path) -> None:
    rest = gateway.rest
    before = set(rest.get("/v1/presets").json()["presets"])  # other tests of this gateway leave some
    assert rest.put("/v1/presets/in-force").json()["parameters"]["water_depth"] == 20.0
    assert rest.put("/v1/presets/warm", json={"parameters": {"water_temperature": 310.0}}).status_code == 200
    assert set(rest.get("/v1/presets").json()["presets"]) - before == {"in-force", "warm"}
    assert {path.stem for path in (data / "presets").iterdir()} - before == {"in-force", "warm"}
    assert rest.get("/v1/presets/warm").json()["parameters"] == Parameters(water_temperature=310.0).as_dict()
    differ = rest.get("/v1/presets/warm/compare").json()["differences"]
    assert {item["name"]: (item["left"], item["right"]) for item in differ} == {
        "water_depth": (25.0, 20.0),
        "water_temperature": (310.0, 293.15),
    }
    assert len(rest.get("/v1/presets/warm/compare", params={"with": "warm"}).json()["differences"]) == 0
    assert rest.post("/v1/presets/warm/load").status_code == 200
    assert gateway.peer.commands[-1].args == {"water_depth": 25.0, "water_temperature": 310.0}
    for name in ("in-force", "warm"):
        assert rest.delete(f"/v1/presets/{name}").status_code == 204
    assert "warm" not in problem(rest.get("/v1/presets/warm"), 404)["known"]


@pytest.mark.parametrize("name", ["..%2Fsecret", "%2e%2e", "a b", "x" * 65, ".hidden"])
def test_a_preset_is_no_path(gateway: Running, name: str, data: Path) -> None:
    assert gateway.rest.put(f"/v1/presets/{name}", json={"parameters": {}}).status_code in {404, 422}
    assert not list(data.rglob("*secret*"))


def test_a_wrong_preset_is_refused_and_not_saved(gateway: Running) -> None:
    found = problem(gateway.rest.put("/v1/presets/bad", json={"parameters": {"water_depth": 1e9}}), 422)
    assert fields(found) == ["water_depth"]
    problem(gateway.rest.get("/v1/presets/bad"), 404)


def test_a_damaged_preset_names_the_line(gateway: Running, data: Path) -> None:
    folder = data / "presets"
    folder.mkdir(exist_ok=True)
    path = folder / "damaged.toml"
    path.write_text("[parameters]\nwater_depth = 'deep'\n")
    try:
        assert "line 2" in str(problem(gateway.rest.get("/v1/presets/damaged"), 409)["detail"])
    finally:
        path.unlink()


def alarm_states(gateway: Running) -> dict[str, Any]:
    """State of each alarm by id."""
    return {item["id"]: item["state"] for item in gateway.rest.get("/v1/alarms").json()["alarms"]}


def test_an_alarm_lives_as_isa_18_2_has_it(gateway: Running) -> None:
    slack = {"id": "slack_chain", "priority": "low", "name": "slack chain", "text": "slack chain: -5 N"}
    gateway.peer.switches.plc = {"conditions": [slack]}
    eventually(lambda: alarm_states(gateway) == {"m1.slack_chain": "unacknowledged"}, 5, "the warning is an alarm")
    trip = {"id": "trip", "priority": "high", "name": "slack chain", "text": "tripped", "limit": 0.5, "unit": "N"}
    gateway.peer.switches.plc = {"conditions": [trip, {**slack, "limit": 0.0, "unit": "N"}]}
    eventually(lambda: "m1.trip" in alarm_states(gateway), 5, "the trip is an alarm")
    first = {item["id"]: item["first_out"] for item in gateway.rest.get("/v1/alarms").json()["alarms"]}
    assert first == {"m1.slack_chain": True, "m1.trip": False}
    limits = {item["id"]: (item["limit"], item["unit"]) for item in gateway.rest.get("/v1/alarms").json()["alarms"]}
    assert limits == {"m1.slack_chain": (0.0, "N"), "m1.trip": (0.5, "N")}
    answer = gateway.rest.post("/v1/alarms/m1.trip/acknowledge")
    assert answer.json()["applied"] == {"alarm": "m1.trip"}
    eventually(lambda: alarm_states(gateway)["m1.trip"] == "acknowledged", 5, "it is acknowledged")
    gateway.peer.switches.plc = {}
    left = {"m1.slack_chain": "returned_unacknowledged"}
    eventually(lambda: alarm_states(gateway) == left, 5, "the seen one has gone, the other waits")
    assert gateway.rest.post("/v1/alarms/m1.slack_chain/acknowledge").status_code == 200
    eventually(lambda: alarm_states(gateway) == {}, 5, "nothing is left")
    assert problem(gateway.rest.post("/v1/alarms/m1.trip/acknowledge"), 404)["known"] == []


def test_the_audit_log_names_who_and_what_became_of_it(gateway: Running) -> None:
    key = {"Idempotency-Key": "test:audit-1"}
    assert gateway.rest.post("/v1/time/pause", headers=key).status_code == 200

    def found() -> dict[str, Any] | None:
        listed = gateway.rest.get("/v1/commands").json()["commands"]
        return next((item for item in listed if item["id"] == "test:audit-1" and item["outcome"]), None)

    entry = eventually(found, 5, "the command is in the log with its outcome")
    assert (entry["name"], entry["origin"], entry["module"], entry["outcome"]) == (
        "pause", "gateway", "clock", "applied",
    )  # fmt: skip


def test_events_are_filtered(gateway: Running) -> None:
    for seq, severity in ((900, "info"), (901, "alarm"), (902, "warning")):
        header = {"t": 9.0, "seq": seq, "run": "run-f", "wall": 1.7e9, "module": "m1"}
        event = codec.build(Event, header | {"severity": severity, "kind": "filter", "text": str(seq)})
        gateway.peer.publish("physics", *codec.encode_published(event))

    def seqs(**query: object) -> list[int]:
        answer = gateway.rest.get("/v1/events", params={"run": "run-f", **query})  # type: ignore[dict-item]
        return [item["seq"] for item in answer.json()["events"]]

    eventually(lambda: len(seqs()) == 3, 5, "all have come")
    assert seqs(severity=["alarm", "info"]) == [900, 901]
    assert seqs(after=900, limit=1) == [902]
    assert seqs(module="m2") == []
    problem(gateway.rest.get("/v1/events", params={"severity": "loud"}), 422)


def test_nodes_are_told(gateway: Running) -> None:
    found = gateway.rest.get("/v1/nodes").json()
    assert (found["run"], found["deadlines_missed"]) == ("run-1", 0)
    assert found["unrecorded"] == {"clock": 4, "m1": 250}
    (node,) = found["nodes"]
    told = {name: node[name] for name in ("node", "instance", "pid", "health", "restarts")}
    assert told == {"node": "m1", "instance": "i1", "pid": 17, "health": "ok", "restarts": 2}


def test_metrics_tell_of_the_plant_and_of_the_gateways_own_work(gateway: Running) -> None:
    gateway.until(scenario="reference")
    assert gateway.rest.get("/v1/data/summary").status_code == 200
    answer = gateway.rest.get("/v1/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    for name in (
        "kpp_ticks_total",
        'kpp_ticks_unrecorded{publisher="m1"} 250.0',
        'kpp_ledger_residual{law="first",module="m1"}',
        'kpp_message_latency_seconds_bucket{le="0.01",topic="tick"}',
        'kpp_rest_request_seconds_count{method="GET",status="200"}',
        "kpp_websocket_clients 0.0",
        "kpp_gateway_workers 1.0",
        "kpp_gateway_messages_repaired_total",
        'kpp_queue_depth{queue="commands"} 0.0',
    ):
        assert name in text, name
    assert "kpp_ticks_total" in httpx.get(f"http://{gateway.websocket}/metrics").text
