"""What hangs is ended and starts again, what lives is left alone, and nothing is given up: the real watchdog."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

import psutil
import pytest

from tests.e2e.conftest import ROOT, START_TIMEOUT, Plant, started
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

INJECT = ROOT / "tests" / "chaos" / "inject"
HANGS = {"stop": signal.SIGSTOP, "deadlock": signal.SIGUSR1, "busy loop": signal.SIGUSR2}
NODES = ("clock", "physics", "gateway", "ui", "watchdog")
BACK_WITHIN = 15.0


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant whose nodes hang on a signal."""
    with started(tmp_path_factory.mktemp("hanging"), {"PYTHONPATH": str(INJECT)}) as plant:
        yield plant


def beating(plant: Plant) -> bool:
    """True when the clock hears every other node, past its start."""
    page = plant.get(plant.endpoints.clock_http, "/health")
    peers = [] if page is None else page.json()["peers"]
    beating = {peer["pid"] for peer in peers if peer["age"] < 1 and peer["health"] != "starting"}
    return all(plant.pid(node) in beating for node in NODES if node != "clock") and plant.healthy()


def hang(plant: Plant, faults: dict[str, str]) -> None:
    """Make nodes hang, all at once, and wait until each has a new process and the plant is healthy."""
    eventually(partial(beating, plant), START_TIMEOUT, "every node beats")
    before = {node: plant.pid(node) for node in faults}
    for node, kind in faults.items():
        os.kill(before[node], HANGS[kind])

    def back(node: str) -> bool:
        return not psutil.pid_exists(before[node]) and plant.pid(node) != 0

    for node, kind in faults.items():
        eventually(partial(back, node), BACK_WITHIN, f"{node} is back after a {kind}")
    eventually(plant.healthy, BACK_WITHIN, "the plant is healthy")


@pytest.mark.parametrize("turn", range(3))
def test_three_nodes_that_hang_at_once_in_three_ways_are_back(plant: Plant, turn: int) -> None:
    kinds = [*HANGS][turn:] + [*HANGS][:turn]
    hang(plant, dict(zip(("physics", "gateway", "ui"), kinds, strict=True)))


@pytest.mark.parametrize("kind", HANGS)
@pytest.mark.parametrize("node", ["clock", "watchdog"])
def test_a_clock_and_a_watchdog_that_hang_are_back(plant: Plant, node: str, kind: str) -> None:
    hang(plant, {node: kind})


def test_nobody_is_killed_when_the_machine_is_busy(plant: Plant) -> None:
    eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
    before = {node: plant.pid(node) for node in NODES}
    killed = plant.log("watchdog").count("hung")
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        time.sleep(6)  # the load itself: nothing is waited for
    finally:
        for each in load:
            each.kill()
            each.wait()
    assert {node: plant.pid(node) for node in NODES} == before
    assert plant.log("watchdog").count("hung") == killed


def test_supervisord_itself_answers_on_no_port(plant: Plant) -> None:
    """It holds the sockets of the gateway's workers, and accepts no connection on them."""
    doors = {(each.host, each.port) for each in (plant.endpoints.gateway_http, plant.endpoints.gateway_websocket)}
    sockets = psutil.Process(plant.process.pid).net_connections("inet")
    assert {tuple(each.laddr) for each in sockets if each.status == psutil.CONN_LISTEN} == doors
    assert [each for each in sockets if each.status != psutil.CONN_LISTEN] == []


def test_the_plant_lives_on_when_supervisord_reads_its_configuration_anew(plant: Plant) -> None:
    before = plant.pid("clock")
    plant.process.send_signal(signal.SIGHUP)
    eventually(lambda: plant.pid("clock") not in {0, before}, START_TIMEOUT, "every node was started again")
    eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
    hang(plant, {"physics": "stop"})
