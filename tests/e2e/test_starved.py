"""A machine that is far too small or too busy: the plant comes up all the same, and nobody who is healthy is killed."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Status
from bus.transport.listener import Listener
from tests.e2e.conftest import START_TIMEOUT, environment, healthy, launched
from tests.starving import hogs, share
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

COMPILED_WITHIN = 120.0

WATCHED = 10.0
"""Seconds for which a plant that is up is looked at."""


def killed(folder: Path) -> list[str]:
    """What supervisord says of kills."""
    log = (folder / "var" / "log" / "supervisord.log").read_text()
    return [line for line in log.splitlines() if "kills" in line or "killed" in line]


def test_f04_a_plant_whose_kernel_is_not_compiled_yet_says_so_and_comes_up(tmp_path: Path) -> None:
    env = {**environment(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    endpoints = Endpoints.from_environment(env)
    said: set[str] = set()
    # Every report of the clock is kept until it is read: on a busy machine a look at all pages takes long.
    with launched(tmp_path, env), closing(Listener(endpoints, (Status.TOPIC,), repair=False)) as reports:

        def up() -> bool:
            while isinstance(report := reports.receive(0.0), Status):
                said.update(peer.status for peer in report.peers if peer.node == "physics")
            return healthy(endpoints)

        eventually(up, COMPILED_WITHIN, "the plant is healthy")
        assert killed(tmp_path) == []
    assert "starting: compiling the kernel" in said


@pytest.mark.parametrize("processors", [0.5, 0.6])
def test_f03_a_plant_with_half_a_processor_comes_up_and_nobody_is_killed(processors: float, tmp_path: Path) -> None:
    env = environment(tmp_path)
    endpoints = Endpoints.from_environment(env)
    with launched(tmp_path, env) as process, share(process.pid, processors) as how:
        eventually(lambda: healthy(endpoints), START_TIMEOUT, f"the plant is healthy at {processors} processors, {how}")
        time.sleep(WATCHED)  # what is to be seen is that nothing happens
        assert killed(tmp_path) == []


def test_f03_a_plant_beside_sixteen_programs_that_use_every_processor_comes_up_and_nobody_is_killed(
    tmp_path: Path,
) -> None:
    env = environment(tmp_path)
    endpoints = Endpoints.from_environment(env)
    with hogs(16), launched(tmp_path, env):
        eventually(lambda: healthy(endpoints), START_TIMEOUT, "the plant is healthy")
        time.sleep(WATCHED)  # as above
        assert killed(tmp_path) == []
