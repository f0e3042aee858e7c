"""The wall clock jumps by an hour, forth and back: nothing of the plant takes notice but its time stamps."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bus.protocol.messages import State, Tick
from bus.transport.listener import Listener
from tests.chaos.processes import programs
from tests.chaos.reference import fold
from tests.e2e.conftest import Plant, started
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

HOUR = 3600
SOURCE = Path(__file__).with_name("wall_clock.c")


class WallClock:
    """The wall clock of every process of one plant."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.shift(0)

    def shift(self, seconds: int) -> None:
        """Let it differ from the machine's by so much, at once."""
        with self._path.open("r+b" if self._path.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The shared library that shifts the wall clock; without a compiler the test says so, or fails if it must not."""
    compiler = shutil.which("gcc")
    if compiler is None:
        if os.environ.get("KPP_REQUIRE_C_EXAMPLE") == "1":
            pytest.fail("gcc is not installed")
        pytest.skip("gcc is not installed")
    path = tmp_path / "wall_clock.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(path), str(SOURCE)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
def wall(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "shift")


@pytest.fixture
def plant(wall: WallClock, library: Path, tmp_path: Path) -> Iterator[Plant]:
    extra = {"LD_PRELOAD": str(library), "KPP_WALL_SHIFT": str(tmp_path / "shift")}
    folder = tmp_path / "plant"
    folder.mkdir()
    with started(folder, extra) as plant:
        yield plant


def test_jumps_of_an_hour_change_nothing(plant: Plant, wall: WallClock) -> None:
    listener = Listener(plant.endpoints, ("tick", "state/"))
    ticks: list[Tick] = []
    states: list[State] = []

    def listen(count: int) -> None:
        end = len(ticks) + count
        while len(ticks) < end:
            message = listener.receive(120.0)
            assert message is not None, "the plant has fallen silent"
            if isinstance(message, Tick):
                ticks.append(message)
            elif isinstance(message, State):
                states.append(message)

    listen(1)
    assert plant.post("/reset", {"scenario": "reference"}).status_code == 200
    assert plant.post("/start").status_code == 200
    before = programs(plant.process.pid)
    listen(100)
    for shift in (HOUR, 0, -HOUR, HOUR):
        wall.shift(shift)
        listen(250)
    assert plant.post("/pause").status_code == 200
    listener.close()

    steps = [after.wall - before.wall for before, after in pairwise(ticks)]
    jumps = [round(step / HOUR) for step in steps if abs(step) > HOUR / 2]
    assert jumps == [1, -1, -1, 2], "the wall clock did jump"
    run = ticks[-1].run
    ticks = [tick for tick in ticks if tick.run == run]
    assert [tick.seq for tick in ticks] == list(range(1, len(ticks) + 1))
    assert max(after.mono_ns - before.mono_ns for before, after in pairwise(ticks)) < 1e9, "no tick waited"
    reference = fold(ticks, "m1").digests
    assert {(state.run, state.seq): state.digest for state in states if state.run == run}.items() <= reference.items()
    after = {name: pid for name, pid in programs(plant.process.pid).items() if name in before}
    before.pop("addresses", None)  # it ends by itself
    after.pop("addresses", None)
    assert after == before, "nobody was started again"
    eventually(plant.healthy, 10, "the plant is healthy")
