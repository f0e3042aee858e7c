"""The REST API of the real process, over real HTTP and real ZeroMQ sockets."""

import threading
import time
from typing import Any

import httpx
import msgspec
import pytest

from bus.protocol import codec
from bus.protocol.messages import Event, Refused, State, Violation
from bus.protocol.schema import PROTOCOL_VERSION
from kpp_physics.parameters import DECLARATIONS
from nodes.gateway.version import version
from tests.watching import eventually

from . import messages
from .conftest import Running


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem details of an answer, which has to be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["detail"]
    return found


def fields(found: dict[str, Any]) -> list[str]:
    """Which fields the violations name."""
    assert all(item["reason"] for item in found["violations"])
    return [item["field"] for item in found["violations"]]


def test_status_tells_how_the_plant_is(gateway: Running) -> None:
    status = gateway.until(scenario="reference")
    assert status["version"] == version()
    assert status["protocol_version"] == PROTOCOL_VERSION
    assert status["missing"] == []
    assert status["engine_initialized"]
    assert status["engine_running"]
    assert status["has_data"]
    assert status["simulation_running"]
    assert (status["run"], status["mode"], status["speed"]) == ("run-1", "running", 1.0)
    assert isinstance(status["tick"], int)
    assert status["simulated_time"] == status["tick"] / 100
    gateway.peer.switches.mode = "paused"
    assert not gateway.until(mode="paused")["simulation_running"]


def test_what_falls_silent_is_missing_and_comes_back(gateway: Running) -> None:
    assert gateway.rest.get("/health").json() == {"status": "ok"}
    gateway.peer.switches.states = False
    silent = time.time()
    status = gateway.until(backend_status="degraded", engine_running=False)
    assert status["missing"] == ["physics m1"]
    for path in ("/health", "/data/live"):
        found = problem(gateway.rest.get(path), 503)
        (missing,) = found["missing"]
        assert missing["name"] == "physics m1"
        assert missing["since"] == pytest.approx(silent, abs=0.5)
    gateway.peer.switches.clock = False
    assert gateway.until(backend_status="down")["simulation_running"] is False
    gateway.peer.switches.clock = gateway.peer.switches.states = True
    gateway.until(backend_status="ok")
    assert gateway.rest.get("/health").status_code == 200


def test_live_data_is_the_newest_state(gateway: Running) -> None:
    live = gateway.rest.get("/data/live", params={"module": "m1"}).json()
    assert 0 <= live.pop("age") < 1
    state = msgspec.convert(live, State)
    assert state == messages.state(state.seq)
    assert gateway.rest.get("/data/live").json()["seq"] >= state.seq
    found = problem(gateway.rest.get("/data/live", params={"module": "m9"}), 404)
    assert found["known"] == ["m1"]


@pytest.mark.parametrize("name", ["start", "pause", "resume", "stop", "reset", "step"])
def test_a_command_answers_what_was_applied(gateway: Running, name: str) -> None:
    answer = gateway.rest.post(f"/{name}")
    assert answer.status_code == 200
    applied = answer.json()
    (command,) = gateway.peer.commands
    assert (command.module, command.name, command.origin) == ("clock", name, "gateway")
    assert applied["outcome"] == "applied"
    assert applied["command"] == name
    assert applied["id"] == command.id == answer.headers["Idempotency-Key"]
    assert applied["run"] == "run-1"
    assert applied["seq"] > 0
    assert applied["t"] == applied["seq"] / 100
    assert applied["applied"] == command.args == ({"ticks": 1} if name == "step" else {})


@pytest.mark.parametrize(
    ("path", "body", "name", "args"),
    [
        ("/step", {"ticks": 10}, "step", {"ticks": 10}),
        ("/speed", {"speed": 2.5}, "set_speed", {"speed": 2.5}),
        ("/speed", {"flat_out": True}, "set_speed", {"flat_out": True}),
        ("/reset", {}, "reset", {}),
        (
            "/reset",
            {"scenario": "small", "parameters": {"water_depth": 20, "coflow": "off"}},
            "reset",
            {"scenario": "small", "parameters": {"water_depth": 20, "coflow": "off"}},
        ),
    ],
)
def test_arguments_reach_the_clock(
    gateway: Running, path: str, body: dict[str, object], name: str, args: dict[str, object]
) -> None:
    assert gateway.rest.post(path, json=body).status_code == 200
    (command,) = gateway.peer.commands
    assert (command.name, command.args) == (name, args)


def test_a_rejected_command_is_409_and_says_why(gateway: Running) -> None:
    gateway.peer.switches.reason = "the run has not ended"
    found = problem(gateway.rest.post("/start"), 409)
    assert found["detail"] == "the run has not ended"
    assert found["command"] == "start"
    assert found["run"] == "run-1"
    assert isinstance(found["t"], float)


def test_rejected_values_are_422_and_name_field_limit_and_reason(gateway: Running) -> None:
    gateway.peer.switches.reason = "one value is out of range"
    gateway.peer.switches.violations = [Violation("water_depth", "100 m", "the highest value allowed is 100 m")]
    found = problem(gateway.rest.patch("/parameters", json={"water_depth": 1e6}), 422)
    expected = {"field": "water_depth", "limit": "100 m", "reason": "the highest value allowed is 100 m"}
    assert found["violations"] == [expected]
    (command,) = gateway.peer.commands
    assert (command.module, command.name, command.args) == ("m1", "set_parameters", {"water_depth": 1e6})


def test_a_request_that_the_clock_refuses_is_a_problem(gateway: Running) -> None:
    gateway.peer.switches.refuse = Refused(id="x", field="args.ticks", reason="at least 1")
    assert fields(problem(gateway.rest.post("/step"), 422)) == ["args.ticks"]
    gateway.peer.switches.refuse = Refused(id="x", field="", reason="too many commands")
    assert problem(gateway.rest.post("/step"), 409)["detail"] == "too many commands"


def test_the_same_key_acts_once_and_another_request_may_not_use_it(gateway: Running) -> None:
    key = {"Idempotency-Key": "test:once-1"}
    first = gateway.rest.post("/step", json={"ticks": 2}, headers=key)
    again = gateway.rest.post("/step", json={"ticks": 2}, headers={"Idempotency-Key": '"test:once-1"'})
    assert first.status_code == 200
    assert first.json() == again.json()
    assert first.json()["id"] == again.headers["Idempotency-Key"] == "test:once-1"
    assert len(gateway.peer.commands) == 1
    found = problem(gateway.rest.post("/step", json={"ticks": 3}, headers=key), 409)
    assert fields(found) == ["Idempotency-Key"]
    assert len(gateway.peer.commands) == 1


@pytest.mark.parametrize("key", ["", "with space", "ü", "x" * 65, '""', "a\tb"])
def test_a_key_that_is_no_id_is_refused(gateway: Running, key: str) -> None:
    answer = gateway.rest.post("/start", headers=[(b"Idempotency-Key", key.encode())])
    assert fields(problem(answer, 422)) == ["Idempotency-Key"]
    assert gateway.peer.commands == []


def test_no_answer_is_503_and_asking_again_with_the_same_key_helps(gateway: Running) -> None:
    key = {"Idempotency-Key": "test:again-1"}
    gateway.peer.switches.control = False
    answer = gateway.rest.post("/pause", headers=key)
    found = problem(answer, 503)
    assert "Idempotency-Key" in str(found["detail"])
    assert found["id"] == answer.headers["Idempotency-Key"] == "test:again-1"
    assert answer.headers["Retry-After"] == "1"
    gateway.peer.switches.control = True
    assert gateway.rest.post("/pause", headers=key).status_code == 200


def test_garbage_from_the_clock_is_a_503(gateway: Running) -> None:
    gateway.peer.switches.reply = b"\xc1garbage"
    problem(gateway.rest.post("/pause"), 503)


def test_commands_wait_side_by_side(gateway: Running) -> None:
    codes: list[int] = []

    def step() -> None:
        codes.append(httpx.post(f"{gateway.endpoints.gateway_http}/step").status_code)

    threads = [threading.Thread(target=step) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 20
    assert len({command.id for command in gateway.peer.commands}) == 20


def test_parameters_are_declared_with_the_value_in_force(gateway: Running) -> None:
    answer = gateway.rest.get("/parameters").json()
    assert (answer["run"], answer["scenario"], answer["module"]) == ("run-1", "reference", "m1")
    found = {item["name"]: item for item in answer["parameters"]}
    assert list(found) == list(DECLARATIONS)
    depth = found["water_depth"]
    assert (depth["symbol"], depth["unit"], depth["value"], depth["default"]) == ("H", "m", 20.0, 25)
    assert (depth["min"], depth["max"], depth["structural"]) == (3, 100, True)
    assert found["coflow"]["choices"] == ["on", "off"]


def test_parameters_of_a_silent_module_are_a_503(gateway: Running) -> None:
    gateway.peer.switches.states = False
    found = problem(gateway.rest.get("/parameters"), 503)
    assert "physics m1" in str(found["detail"])
    problem(gateway.rest.get("/parameters", params={"module": "m9"}), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ([], "body"),
        ("text", "body"),
        (5, "body"),
        ({"water_depth": None}, "water_depth"),
        ({"water_depth": [20]}, "water_depth"),
        ({"water_depth": {"value": 20}}, "water_depth"),
        ({"water_depth": 10**30}, "body"),
    ],
)
def test_parameter_changes_that_are_none_are_422(gateway: Running, body: object, field: str) -> None:
    assert fields(problem(gateway.rest.patch("/parameters", json=body), 422)) == [field]
    assert gateway.peer.commands == []


def test_scenarios_are_listed_and_others_refused(gateway: Running) -> None:
    listed = gateway.rest.get("/scenarios").json()["scenarios"]
    assert listed == [
        {"name": "reference", "text": "The plant as inherited"},
        {"name": "small", "text": "A small plant"},
    ]
    for name in ("unknown", "../reference", "", "reference\n"):
        found = problem(gateway.rest.post("/reset", json={"scenario": name}), 404)
        assert found["known"] == ["reference", "small"]
        assert fields(found) == ["scenario"]
    assert gateway.peer.commands == []


def test_events_are_kept(gateway: Running) -> None:
    event = Event(t=1.5, seq=150, run="run-1", wall=1.7e9, module="m1", severity="alarm", kind="trip", text="too hot")
    gateway.peer.publish("physics", *codec.encode_published(event))
    events = eventually(lambda: gateway.rest.get("/events").json()["events"], 5, "the event is listed")
    assert events[-1] == msgspec.to_builtins(event)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/step", b'{"ticks": 1.5}'),
        ("/step", b'{"ticks": 0}'),
        ("/step", b'{"ticks": "3"}'),
        ("/step", b'{"ticks": true}'),
        ("/step", b'{"tick": 3}'),
        ("/step", b"[1]"),
        ("/start", b'{"now": true}'),
        ("/speed", b""),
        ("/speed", b"{}"),
        ("/speed", b'{"speed": "2"}'),
        ("/speed", b'{"speed": NaN}'),
        ("/speed", b'{"speed": 1e999}'),
        ("/speed", b'{"speed": 2, "flat_out": true}'),
        ("/reset", b'{"scenario": 5}'),
        ("/reset", b'{"parameters": {"a": [1]}}'),
        ("/reset", b'{"parameters": [1]}'),
        ("/start", b"{"),
        ("/start", b"\xff\xfe"),
        ("/start", b"not json"),
        ("/start", b"[" * 60_000),
        ("/start", b'{"a":' * 5000 + b"1" + b"}" * 5000),
    ],
)
def test_a_wrong_body_is_422(gateway: Running, path: str, content: bytes) -> None:
    answer = gateway.rest.post(path, content=content, headers={"Content-Type": "application/json"})
    assert fields(problem(answer, 422))
    assert gateway.peer.commands == []


def test_garbage_to_patch_is_422(gateway: Running) -> None:
    for content in (b"", b"garbage", b'{"water_depth": NaN}', b'{"water_depth": -Infinity}'):
        answer = gateway.rest.patch("/parameters", content=content, headers={"Content-Type": "application/json"})
        assert fields(problem(answer, 422)) == ["body"]


def test_a_body_that_is_not_declared_as_json_is_415(gateway: Running) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        problem(gateway.rest.post("/start", content=b"{}", headers={"Content-Type": content_type}), 415)


def test_a_large_body_is_413_however_it_comes(gateway: Running) -> None:
    headers = {"Content-Type": "application/json"}
    large = b'{"a":"' + b"x" * 70_000 + b'"}'
    problem(gateway.rest.post("/start", content=large, headers=headers), 413)
    problem(gateway.rest.post("/start", content=iter([large[:40_000], large[40_000:]]), headers=headers), 413)
    assert gateway.peer.commands == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/status/", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", "/start", 405),
        ("DELETE", "/parameters", 405),
        ("BREW", "/status", 405),
    ],
)
def test_what_is_not_there_is_a_problem(gateway: Running, method: str, path: str, status: int) -> None:
    answer = gateway.rest.request(method, path)
    problem(answer, status)
    assert ("allow" in answer.headers) is (status == 405)


def test_other_hosts_and_pages_are_refused(gateway: Running) -> None:
    problem(gateway.rest.get("/status", headers={"Host": "evil.example"}), 400)
    problem(gateway.rest.post("/start", headers={"Origin": "http://evil.example"}), 403)
    problem(gateway.rest.post("/start", headers={"Origin": "null"}), 403)
    assert gateway.peer.commands == []
    assert gateway.rest.get("/status", headers={"Host": "localhost:1"}).status_code == 200
    own = str(gateway.endpoints.gateway_http)
    assert gateway.rest.get("/status", headers={"Origin": own}).status_code == 200


def test_every_answer_is_marked_as_live_data(gateway: Running) -> None:
    for path in ("/status", "/nothing"):
        headers = gateway.rest.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_description_knows_every_route_and_form(gateway: Running) -> None:
    description = gateway.rest.get("/openapi.json").json()
    assert {"/status", "/health", "/data/live", "/parameters", "/start", "/speed"} <= set(description["paths"])
    schemas = description["components"]["schemas"]
    assert {"Problem", "State", "StateLedger", "StatusAnswer", "ViolationAnswer"} <= set(schemas)
    assert "HTTPValidationError" not in schemas
    references = msgspec.json.encode(description).decode().split('"#/components/schemas/')[1:]
    assert {text.split('"')[0] for text in references} <= set(schemas)


def test_garbage_from_the_bus_is_counted_and_dropped(gateway: Running) -> None:
    before = gateway.status()["bad_frames"]
    assert isinstance(before, int)
    state = msgspec.to_builtins(messages.state(10**6))
    garbage = [
        ("clock", b"tick", b""),
        ("clock", b"tick", b"\xc1"),
        ("clock", b"tick", b"\x91" * 100_000),
        ("clock", b"status", msgspec.msgpack.encode(msgspec.to_builtins(messages.status(1)) | {"speed": "fast"})),
        ("clock", b"result/", b"\xd9"),
        ("physics", b"state/m1/", b"\x00" * 1000),
        ("physics", b"state/m2/", msgspec.msgpack.encode(state)),
        ("physics", b"state/m1/", msgspec.msgpack.encode(state | {"t": float("nan")})),
        ("physics", b"event/m1/", b"\xff"),
    ]
    for publisher, topic, payload in garbage:
        gateway.peer.publish(publisher, topic, payload)
    gateway.until(bad_frames=before + len(garbage))
    gateway.until(backend_status="ok")


def test_an_oversized_frame_costs_seconds_not_the_connection(gateway: Running) -> None:
    gateway.peer.publish("physics", b"state/m1/", b"\x00" * 300_000)
    gateway.until(backend_status="degraded")
    assert gateway.until(backend_status="ok")["missing"] == []
