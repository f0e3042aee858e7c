"""What hangs is ended and starts again, what lives is left alone, and nothing is given up: the real watchdog."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.chaos.processes import Ballast, NoDiskError, small_disk
from tests.e2e.conftest import ROOT, START_TIMEOUT, Plant, configuration, environment, launch, started
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

INJECT = ROOT / "tests" / "chaos" / "inject"
HANGS = {"stop": signal.SIGSTOP, "deadlock": signal.SIGUSR1, "busy loop": signal.SIGUSR2}
NODES = ("clock", "physics", "gateway", "ui", "watchdog")
BACK_WITHIN = 15.0

UNHEALTHY = """
[program:missing]
command={folder}/missing
startretries=0
stdout_logfile=NONE
stderr_logfile=NONE

[program:failing]
command={folder}/failing
autorestart=true
startsecs=1
startretries=0
stdout_logfile=NONE
stderr_logfile=NONE
"""


def script(path: Path, command: str) -> None:
    """Put an executable there, at once."""
    part = path.with_suffix(".part")
    part.write_text(f"#!/bin/sh\n{command}\n")
    part.chmod(0o755)
    part.rename(path)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant whose nodes hang on a signal."""
    with started(tmp_path_factory.mktemp("hanging"), {"PYTHONPATH": str(INJECT)}) as plant:
        yield plant


def beating(plant: Plant) -> bool:
    """True when the clock hears every other node, past its start."""
    page = plant.get(plant.endpoints.clock_http, "/health")
    peers = [] if page is None else page.json()["peers"]
    beating = {peer["pid"] for peer in peers if peer["age"] < 1 and not peer["status"].startswith("starting")}
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


def members(folder: Path) -> list[psutil.Process]:
    """Every process whose data are in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("KPP_DATA") == str(folder / "var") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def command_lines(folder: Path) -> dict[int, str]:
    """Their command lines by process id."""
    lines = {}
    for process in members(folder):
        try:
            lines[process.pid] = " ".join(process.cmdline())
        except psutil.Error:
            continue
    return lines


def test_what_supervisord_gives_up_is_started_again_until_it_is_repaired(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("unhealthy")
    script(folder / "failing", "exit 1")
    config = configuration(folder)
    text = config.read_text().replace("--unwatched addresses", "--unwatched addresses --unwatched missing")
    config.write_text(text.replace("--unwatched missing", "--unwatched missing --unwatched failing"))
    config.write_text(config.read_text() + UNHEALTHY.format(folder=folder))
    process = launch(config, environment(folder), folder / "output.txt")
    log = folder / "var" / "log" / "watchdog.log"

    def tried_again(name: str, times: int) -> bool:
        told = log.read_text() if log.exists() else ""
        return told.count(f'"program": "{name}", "event": "given up') >= times

    def lives(name: str) -> bool:
        return any(str(folder / name) in line for line in command_lines(folder).values())

    try:
        for name in ("missing", "failing"):
            eventually(partial(tried_again, name, 2), 30, f"{name} was tried again")
        for name in ("missing", "failing"):
            script(folder / name, "while :; do sleep 1; done")
        for name in ("missing", "failing"):
            eventually(partial(lives, name), 15, f"{name} runs once it is repaired")
        repaired = {pid for pid, line in command_lines(folder).items() if str(folder) in line}
        time.sleep(3)  # longer than startsecs: what was repaired stays
        assert repaired <= command_lines(folder).keys()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def more_than(folder: Path, count: int) -> bool:
    """True when more than so many of them live."""
    return len(members(folder)) > count


def test_a_supervisor_killed_at_any_moment_leaves_nobody_and_the_next_starts_one_set(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    config, env, output = configuration(folder), environment(folder), folder / "output.txt"
    for spawned in (1, 3, 5, 6):
        process = launch(config, env, output)
        eventually(partial(more_than, folder, spawned), START_TIMEOUT, f"{spawned} processes are there")
        process.kill()
        process.wait()
        eventually(lambda: not members(folder), 1.0, "nobody outlives the supervisor")
    process = launch(config, env, output)
    try:
        eventually(lambda: output.read_text().count("is up") == 1, START_TIMEOUT, "the plant is up")
        names = [each.environ()["SUPERVISOR_PROCESS_NAME"] for each in members(folder) if each.pid != process.pid]
        assert len(names) == len(set(names)) >= len(NODES), "one process of each program"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def test_supervisord_and_the_plant_outlive_a_full_disk(tmp_path: Path) -> None:
    """With all logs on it, supervisord's own and what it says to its terminal included."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        disk = small_disk(folder, 16)
        disk.__enter__()
    except NoDiskError as error:
        pytest.skip(f"no disk of its own can be mounted to be filled: {error}")
    with ExitStack() as stack:
        stack.push(disk)
        with started(folder) as plant:
            ballast = Ballast(folder)
            ballast.fill()
            for node in ("ui", "gateway", "physics"):
                before = plant.pid(node)
                os.kill(before, signal.SIGKILL)
                eventually(partial(_another, plant, node, before), BACK_WITHIN, f"{node} has a new process")
                ballast.fill()
            ballast.free()
            eventually(plant.healthy, BACK_WITHIN, "the plant is healthy once there is room again")


def _another(plant: Plant, node: str, before: int) -> bool:
    return plant.process.poll() is None and plant.pid(node) not in {0, before}


def test_a_second_supervisor_over_the_same_data_is_refused(
    plant: Plant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("second")
    data = plant.environment["KPP_DATA"]
    process = launch(configuration(folder), {**environment(folder), "KPP_DATA": data}, folder / "output.txt")
    assert process.wait(timeout=30) == 2
    said = (folder / "output.txt").read_text()
    assert f"{data} is in use by another supervisor, process {plant.process.pid}" in said
    assert plant.healthy()


def test_the_plant_lives_on_when_supervisord_reads_its_configuration_anew(plant: Plant) -> None:
    before = plant.pid("clock")
    plant.process.send_signal(signal.SIGHUP)
    eventually(lambda: plant.pid("clock") not in {0, before}, START_TIMEOUT, "every node was started again")
    eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
    hang(plant, {"physics": "stop"})
