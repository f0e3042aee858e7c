"""What an operator sees of the plant at work: metrics on every HTTP door, and logs that a machine can read."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bus.transport.sockets import Dealer
from tests.e2e.conftest import ROOT, START_TIMEOUT, Plant, started
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

NODES = {"clock", "physics", "gateway", "recorder", "ui", "watchdog"}

EVERYWHERE = {
    "kpp_ticks_total",
    "kpp_tick_lateness_recent_seconds",
    "kpp_held_seconds_total",
    "kpp_node_ticks_behind",
    "kpp_node_gaps_repaired_total",
    "kpp_node_restarts_total",
    "kpp_queue_depth",
}
"""On every door; the states' own figures are on those whose node hears states."""

OF_DOORS = {
    "clock_http": {"kpp_tick_lateness_seconds_bucket", "kpp_tick_acknowledged_seconds_bucket"},
    "gateway_http": {
        "kpp_message_latency_seconds_bucket",
        "kpp_rest_request_seconds_bucket",
        "kpp_ledger_residual",
        "kpp_gateway_messages_repaired_total",
        "kpp_websocket_clients",
    },
    "gateway_websocket": {"kpp_message_latency_seconds_bucket", "kpp_ledger_residual", "kpp_websocket_clients"},
    "ui_http": {"kpp_message_latency_seconds_bucket", "kpp_ledger_residual", "kpp_dashboard_messages_repaired_total"},
}


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The plant in a run, after a module and a worker of the gateway were killed once."""
    with started(tmp_path_factory.mktemp("observed")) as plant:
        assert plant.post("/v1/runs", {"scenario": "reference", "start": True}).status_code == 200
        for node in ("physics", "gateway"):
            pid = plant.pid(node)
            os.kill(pid, signal.SIGKILL)
            eventually(partial(plant.replaced, node, pid), 10, f"{node} is back")
        eventually(plant.healthy, START_TIMEOUT, "the plant is healthy again")
        yield plant


def told(plant: Plant, door: str) -> dict[str, float]:
    """Every sample of a door by its name, the sum over its labels."""
    text = httpx.get(f"{getattr(plant.endpoints, door)}/metrics").text
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def empty(plant: Plant, door: str) -> set[str]:
    """What a door would tell of if there were any, such as alarms."""
    families = text_string_to_metric_families(httpx.get(f"{getattr(plant.endpoints, door)}/metrics").text)
    return {family.name for family in families if not family.samples}


@pytest.mark.parametrize("door", OF_DOORS)
def test_every_door_tells_prometheus(plant: Plant, door: str) -> None:
    wanted = EVERYWHERE | OF_DOORS[door]
    eventually(lambda: wanted <= set(told(plant, door)), 10, f"{door} tells all of {sorted(wanted)}")


def test_a_restart_is_counted_on_every_door(plant: Plant) -> None:
    def module() -> dict[str, Any]:
        (found,) = [node for node in asked()["nodes"] if node["node"] == "m1"]
        return dict(found)

    def asked() -> dict[str, Any]:
        return dict(httpx.get(f"{plant.endpoints.gateway_http}/v1/nodes").json())

    eventually(lambda: module()["restarts"] == 1, 5, "each worker of the gateway knows of the killed module")
    # On a busy machine a healthy module falls behind for a moment and says so; it has to come back from that.
    eventually(lambda: module()["health"] == "ok", START_TIMEOUT, "the killed module works off what it missed")
    assert asked()["lateness"]["p50"] < 1
    before = workers(plant)
    for pid in before.values():  # every listener began after the module was killed, and counts the same
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len({*workers(plant).values()} - {*before.values()}) == len(before), 10, "there are new workers")
    eventually(plant.healthy, START_TIMEOUT, "they serve")
    counts = {("m1", "physics_m1"): 1.0, ("recorder", "recorder"): 0.0, ("ui", "ui"): 0.0}
    killed = len(before) + 1  # one of them before
    for door in OF_DOORS:
        eventually(partial(_counts, plant, door, counts, killed), 10, f"{door} counts the same")


def test_the_grafana_dashboard_shows_nothing_that_no_door_tells(plant: Plant) -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text())
    shown = {
        name for panel in board["panels"] for each in panel["targets"] for name in re.findall(r"kpp_\w+", each["expr"])
    }
    assert len(shown) > 25
    known = {name for door in OF_DOORS for name in (*told(plant, door), *empty(plant, door))}
    assert sorted(shown - known) == []


def lines(plant: Plant) -> dict[str, list[dict[str, Any]]]:
    """Every line of every node's log, each of which has to be one JSON object."""
    found: dict[str, list[dict[str, Any]]] = {}
    folder = plant.config.parent / "var" / "log"
    for path in sorted(Path(folder).glob("*.log*")):
        if path.name.startswith(("supervisord.", "addresses.")):  # no nodes: these speak to the terminal
            continue
        for text in path.read_text().splitlines():
            line = json.loads(text)
            assert isinstance(line, dict), text
            found.setdefault(str(line["node"]), []).append(line)
    return found


def workers(plant: Plant) -> dict[str, int]:
    """The processes of the gateway by the names that its supervisor gives them."""
    found = {}
    for child in psutil.Process(plant.process.pid).children():
        with suppress(psutil.Error):  # one that has just been killed
            name = child.environ().get("SUPERVISOR_PROCESS_NAME", "")
            if name.startswith(("gateway_", "stream_")):
                found[name] = child.pid
    return found


def restarts(plant: Plant, door: str) -> dict[tuple[str, str], float]:
    """How often each program of each node was started again, as a door tells."""
    text = httpx.get(f"{getattr(plant.endpoints, door)}/metrics").text
    return {
        (sample.labels["node"], sample.labels["program"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "kpp_node_restarts_total"
    }


def _counts(plant: Plant, door: str, expected: dict[tuple[str, str], float], workers: int) -> bool:
    found = restarts(plant, door)
    return expected.items() <= found.items() and workers == sum(found[key] for key in found if key[0] == "gateway")


def tick(plant: Plant) -> int:
    return int(httpx.get(f"{plant.endpoints.gateway_http}/v1/status").json()["tick"])


def test_logs_are_json_with_node_run_and_tick_and_have_no_line_per_tick(plant: Plant) -> None:
    def disturb() -> None:
        for address in (plant.endpoints.clock_control, plant.endpoints.modules[0].snapshot, plant.endpoints.recorder):
            with Dealer(address) as dealer:
                for _ in range(20):
                    eventually(partial(dealer.send, b"\xc1"), 5, "it is connected")
                    assert dealer.receive(120.0) is not None
        for door in OF_DOORS:
            for path in ("/nothing", "/metrics"):
                httpx.get(f"{getattr(plant.endpoints, door)}{path}")

    disturb()  # what is logged seldom is logged now
    before, begun = lines(plant), tick(plant)
    disturb()
    eventually(lambda: tick(plant) > begun + 500, 30, "five hundred ticks have gone by")
    after = lines(plant)
    assert set(after) == NODES
    for node, said in after.items():
        assert len(said) < 40, (node, [line["event"] for line in said])
        for line in said:
            assert {"node", "pid", "level", "timestamp", "event"} <= set(line), line
            assert ("run" in line) >= ("tick" in line), line
        # Some nodes say nothing once they have started.
        placed = any(line.get("run") and isinstance(line.get("tick"), int) for line in said)
        assert placed or node in {"recorder", "ui", "watchdog"}, node
    # Five hundred ticks and sixty pieces of garbage: whatever a busy machine makes wait or go missing may be told.
    new = {node: [line["event"] for line in said[len(before[node]) :]] for node, said in after.items()}
    assert all(len(said) < 20 for said in new.values()), new
    assert not any("bad" in event for said in new.values() for event in said), new


def dial(plant: Plant, door: str) -> socket.socket:
    address = getattr(plant.endpoints, door)
    client = socket.create_connection((address.host, address.port))
    client.settimeout(30)
    return client


def rest_of(client: socket.socket) -> bytes:
    """What still comes until the other side ends it."""
    found = b""
    try:
        while part := client.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


def test_slow_headers_are_cut_off_at_every_door_and_others_are_served_meanwhile(plant: Plant) -> None:
    clients = {door: [dial(plant, door) for _ in range(30)] for door in OF_DOORS}
    for each in clients.values():
        for client in each:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    for door in OF_DOORS:
        assert told(plant, door)
    for each in clients.values():
        for client in each:
            assert b"HTTP/1.1 200" not in rest_of(client)
            client.close()


@pytest.mark.parametrize("door", OF_DOORS)
@pytest.mark.parametrize(
    "header",
    [
        b"Host: evil.example\r\n",
        b"Host: localhost\r\nOrigin: http://evil.example\r\n",
        b"Host: localhost\r\nX-Large: " + b"x" * 100_000 + b"\r\n",
        b"Host: localhost\r\nContent-Length: 100000000\r\n",
    ],
    ids=["host", "origin", "large header", "large body"],
)
def test_what_is_not_in_order_is_refused_at_every_door(plant: Plant, door: str, header: bytes) -> None:
    method = b"POST" if b"Length" in header else b"GET"
    with dial(plant, door) as client:
        client.sendall(method + b" /metrics HTTP/1.1\r\n" + header + b"Connection: close\r\n\r\n")
        answer = rest_of(client)
    assert not answer or re.match(rb"HTTP/1.1 4\d\d", answer), answer[:100]
    assert told(plant, door)
