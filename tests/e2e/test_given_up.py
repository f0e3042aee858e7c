"""What supervisord gives up, what outlives it and what it outlives. Each test has a supervisor of its own."""

import os
import signal
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psutil
import pytest

from system.folder_lock import claim
from tests.chaos.processes import Ballast, NoDiskError, small_disk
from tests.e2e.conftest import (
    START_TIMEOUT,
    STOP_TIMEOUT,
    Plant,
    configuration,
    environment,
    launch,
    launched,
    started,
    stop,
)
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

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
        stop(process)


def more_than(folder: Path, count: int) -> bool:
    """True when more than so many of them live."""
    return len(members(folder)) > count


def test_a_supervisor_killed_at_any_moment_leaves_nobody_and_the_next_starts_one_set(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    env, output = environment(folder), folder / "output.txt"
    for spawned in (1, 3, 5, 6):
        with launched(folder, env) as process:
            eventually(partial(more_than, folder, spawned), START_TIMEOUT, f"{spawned} processes are there")
            process.kill()
            process.wait()
            eventually(lambda: not members(folder), 1.0, "nobody outlives the supervisor")
    with launched(folder, env) as process:
        eventually(lambda: output.read_text().count("is up") == 1, START_TIMEOUT, "the plant is up")
        names = [each.environ()["SUPERVISOR_PROCESS_NAME"] for each in members(folder) if each.pid != process.pid]
        assert len(names) == len(set(names)) >= len(NODES), "one process of each program"


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


def test_a_second_supervisor_over_the_same_data_is_refused(tmp_path: Path) -> None:
    env = environment(tmp_path)
    claimed = claim(Path(env["KPP_DATA"]), "supervisor")  # as the first one does
    with launched(tmp_path, env) as process:
        assert process.wait(timeout=STOP_TIMEOUT) == 2
    os.close(claimed)
    said = (tmp_path / "output.txt").read_text()
    assert f"{env['KPP_DATA']} is in use by another supervisor, process {os.getpid()}" in said
