"""The whole plant as users meet it: supervisord, four pages, the bus, commands, kills, and nothing left at the end."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import httpx
import msgpack
import pytest
import websockets.sync.client

from bus.protocol.messages import Published, Result, State, Tick
from bus.transport.client import command, sequence
from bus.transport.listener import Listener
from bus.transport.sockets import Dealer
from tests.e2e.conftest import ROOT, START_TIMEOUT, Plant
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

NODES = ("clock", "physics", "gateway", "ui")
BACK_WITHIN = 5.0


def listen(plant: Plant, topics: tuple[str, ...]) -> Listener:
    return Listener(plant.endpoints, topics)


def collect(listener: Listener, count: int, timeout: float = 240.0) -> list[Published]:
    deadline = time.monotonic() + timeout
    messages: list[Published] = []
    while len(messages) < count and time.monotonic() < deadline:
        message = listener.receive(1.0)
        if message is not None:
            messages.append(message)
    return messages


@pytest.fixture
def running(plant: Plant) -> Plant:
    """The plant in a new run, at real time."""
    eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
    assert plant.post("/reset", {"scenario": "reference"}).status_code == 200
    assert plant.post("/speed", {"speed": 1.0}).status_code == 200
    assert plant.post("/start").status_code == 200
    return plant


def test_the_terminal_shows_the_four_addresses(plant: Plant) -> None:
    said = eventually(lambda: plant.said() if "is up" in plant.said() else "", 30, "the addresses are printed")
    for address in (
        plant.endpoints.ui_http,
        plant.endpoints.gateway_http,
        plant.endpoints.gateway_websocket,
        plant.endpoints.clock_http,
    ):
        assert str(address) in said


def test_the_pages_keep_the_field_names_that_users_know(running: Plant) -> None:
    clock = httpx.get(f"{running.endpoints.clock_http}/health").json()
    assert clock["status"] == "ok"
    assert clock["running"] is True
    for name in ("frames_sent", "clients_connected", "average_latency", "frame_drops", "sync_errors"):
        assert name in clock["metrics"]
    assert clock["metrics"]["clients_connected"] >= 3, "physics, gateway and dashboard listen"
    assert 0 < clock["metrics"]["average_latency"] < 1
    status = eventually(
        lambda: (
            page
            if (page := httpx.get(f"{running.endpoints.gateway_http}/status").json())["engine_running"]
            and page["simulation_running"]
            else None
        ),
        5,
        "the gateway sees the plant running",
    )
    assert status["backend_status"] == "ok"
    assert status["engine_initialized"] is True
    assert status["has_data"] is True
    page = httpx.get(f"{running.endpoints.gateway_websocket}/").json()
    assert {"message", "version", "status", "clients_connected", "current_tick"} <= set(page)


def test_three_hundred_ticks_in_a_row_and_a_state_for_each(running: Plant) -> None:
    listener = listen(running, ("tick", "state/"))
    messages = collect(listener, 700)
    listener.close()
    ticks = [message for message in messages if isinstance(message, Tick)]
    states = [message for message in messages if isinstance(message, State)]
    assert len(ticks) >= 300
    assert [tick.seq for tick in ticks] == list(range(ticks[0].seq, ticks[0].seq + len(ticks)))
    assert len(states) >= 300
    assert [state.seq for state in states] == list(range(states[0].seq, states[0].seq + len(states)))
    times = {tick.seq: tick.t for tick in ticks}
    assert all(state.t == times[state.seq] for state in states if state.seq in times)
    assert all(abs(state.ledger.r_a) <= 1e-9 for state in states)
    assert states[-1].grid.import_energy > states[0].grid.import_energy > 0


def test_the_same_state_comes_over_the_websocket(running: Plant) -> None:
    address = running.endpoints.gateway_websocket
    url = f"ws://{address.host}:{address.port}/ws?rate=100"
    listener = listen(running, ("state/m1/",))
    with (
        websockets.sync.client.connect(url) as text,
        websockets.sync.client.connect(url, subprotocols=[websockets.Subprotocol("kpp.msgpack.v1")]) as binary,
    ):
        over_bus = {message.seq: message for message in collect(listener, 150) if isinstance(message, State)}
        as_text = [json.loads(text.recv(timeout=60)) for _ in range(50)]
        as_bytes = [msgpack.unpackb(binary.recv(timeout=60, decode=False)) for _ in range(50)]
    listener.close()
    for frames in (as_text, as_bytes):
        common = [frame for frame in frames if frame.get("seq") in over_bus]
        assert len(common) >= 20
        for frame in common:
            state = over_bus[frame["seq"]]
            assert frame["digest"] == state.digest
            assert frame["chain"]["speed"] == state.chain.speed
            assert frame["floaters"]["air_mass"] == state.floaters.air_mass


def test_a_command_over_the_bus_acts_once_at_the_promised_tick(running: Plant) -> None:
    listener = listen(running, ("tick", "result/"))
    assert collect(listener, 1)
    request = command("m1", "set_parameters", {"drag_area": 0.4}, "e2e")
    first = sequence(running.endpoints, request)
    again = sequence(running.endpoints, request)
    assert again == first
    messages = collect(listener, 100)
    listener.close()
    carrying = [
        tick.seq for tick in messages if isinstance(tick, Tick) for each in tick.commands if each.id == first.id
    ]
    assert carrying == [first.seq]
    answers = [message for message in messages if isinstance(message, Result) and message.id == first.id]
    assert [(answer.outcome, answer.seq, answer.applied) for answer in answers] == [
        ("applied", first.seq, {"drag_area": 0.4})
    ]


def test_a_wrong_parameter_gets_field_limit_and_reason(running: Plant) -> None:
    answer = httpx.patch(
        f"{running.endpoints.gateway_http}/parameters", json={"drag_area": 99.0, "gravity": 9.8}, timeout=15
    )
    assert answer.status_code == 422
    violation = answer.json()["violations"][0]
    assert violation["field"] == "drag_area"
    assert "3" in violation["limit"]
    assert "m2" in violation["reason"]
    values = httpx.get(f"{running.endpoints.gateway_http}/parameters", timeout=60).json()["parameters"]
    assert {each["name"]: each["value"] for each in values}["gravity"] == 9.80665, "nothing of it was applied"


def test_pause_holds_time_and_ticks_go_on(running: Plant) -> None:
    assert running.post("/pause").status_code == 200
    listener = listen(running, ("tick",))
    ticks = [message for message in collect(listener, 50) if isinstance(message, Tick)]
    listener.close()
    settled = [tick for tick in ticks if tick.mode == "paused"]
    assert len(settled) >= 40
    assert len({tick.t for tick in settled}) == 1
    assert running.post("/pause").status_code == 409
    assert running.post("/step", {"ticks": 5}).status_code == 200
    assert running.post("/resume").status_code == 200


def test_the_examples_print_live_power(running: Plant, subscriber: list[str]) -> None:
    command = [*subscriber, "--endpoint", running.endpoints.modules[0].publish, "--count", "250"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    lines = [line for line in done.stdout.splitlines() if "kW" in line]
    assert lines, done
    assert all("export" in line and "import" in line and "net" in line for line in lines)


def test_a_second_start_says_that_one_runs(plant: Plant) -> None:
    second = subprocess.run(
        [str(sys.executable).replace("/python", "/supervisord"), "-n", "-c", str(plant.config)],
        cwd=ROOT, env=plant.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode != 0
    assert "already" in second.stdout + second.stderr
    assert plant.healthy()


@pytest.mark.parametrize("node", NODES)
def test_a_killed_node_is_back(running: Plant, node: str) -> None:
    before = running.pid(node)
    assert before
    os.kill(before, signal.SIGKILL)
    eventually(lambda: running.pid(node) not in {0, before}, BACK_WITHIN, f"{node} has a new process")
    eventually(running.healthy, BACK_WITHIN, f"{node} is healthy again")


def test_a_killed_plant_module_takes_up_the_run_where_it_was(running: Plant) -> None:
    listener = listen(running, ("state/m1/",))
    states = [message for message in collect(listener, 100) if isinstance(message, State)]
    pid = running.pid("physics")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: running.pid("physics") not in {0, pid}, BACK_WITHIN, "the module has a new process")
    states += [message for message in collect(listener, 300) if isinstance(message, State)]
    listener.close()
    assert len({state.run for state in states}) == 1
    assert [state.seq for state in states] == list(range(states[0].seq, states[0].seq + len(states)))
    assert states[-1].ledger.compressor > states[0].ledger.compressor > 0


def test_a_key_acts_once_although_clock_and_gateway_were_killed_since(running: Plant) -> None:
    assert running.post("/v1/time/pause").status_code == 200
    url, key = f"{running.endpoints.gateway_http}/v1/time/step", {"Idempotency-Key": "e2e:once-for-all"}
    first = httpx.post(url, json={"ticks": 7}, headers=key, timeout=60)
    assert first.status_code == 200

    def still() -> float | None:
        told = httpx.get(f"{running.endpoints.gateway_http}/v1/time", timeout=60).json()
        done = told["mode"] == "paused" and told["tick"] > first.json()["seq"] + 20
        return told["simulated_time"] if done else None

    before = eventually(still, 5, "the steps are done")
    for node in ("clock", "gateway", "gateway"):
        pid = running.pid(node)
        os.kill(pid, signal.SIGKILL)
        eventually(partial(running.replaced, node, pid), BACK_WITHIN, f"{node} is back")
    eventually(running.healthy, START_TIMEOUT, "the plant is healthy again")
    again = httpx.post(url, json={"ticks": 7}, headers=key, timeout=60)
    assert again.json() == first.json()
    other = httpx.post(url, json={"ticks": 8}, headers=key, timeout=60)
    assert other.status_code == 409
    assert other.json()["violations"][0]["field"] == "Idempotency-Key"
    assert eventually(still, 5, "it is still paused") == before


def test_a_node_that_dies_again_and_again_is_started_again_and_again(running: Plant) -> None:
    """Supervisord by itself gives up after four quick failures."""
    for _ in range(6):
        os.kill(eventually(lambda: running.pid("clock"), BACK_WITHIN, "the clock runs"), signal.SIGKILL)
    eventually(running.healthy, START_TIMEOUT, "the plant is healthy again")
    assert "FATAL" not in running.said()


GARBAGE = [
    b"",
    b"\xc1",
    b"\x81\xa4type",
    bytes(range(256)),
    b"\x91" * 50_000,
    msgpack.packb({"type": "command", "id": 7}),
]


@pytest.mark.parametrize("door", ["clock_control", "snapshot"])
def test_garbage_at_a_request_socket_is_answered_and_survived(running: Plant, door: str) -> None:
    node, endpoints = ("clock", running.endpoints) if door == "clock_control" else ("physics", running.endpoints)
    address = endpoints.clock_control if door == "clock_control" else endpoints.modules[0].snapshot
    before = running.pid(node)
    with Dealer(address) as dealer:
        for garbage in GARBAGE:
            eventually(partial(dealer.send, garbage), 5, "the socket is connected")
            answer = dealer.receive(120.0)
            assert answer is not None
            refused = msgpack.unpackb(answer)
            assert refused["type"] == "refused"
            assert refused["reason"]
        dealer.send(bytes(1_000_000))  # over the limit: libzmq drops the connection
    assert running.healthy()
    assert running.pid(node) == before
