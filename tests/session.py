"""The processes of one test session: at most one plant among them at a time, and none of them outlives it.

Every process that a test starts inherits a mark in its environment. A warden, which nothing that ends the tests
reaches, ends what still carries the mark when the session has gone: interrupted, terminated or killed.
"""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeAlias

import psutil

ROOT = Path(__file__).resolve().parents[1]
ALONE = "alone"
"""Marker of a test that needs the machine for itself, such as for a plant of processes."""

WORKER = "PYTEST_XDIST_WORKER"
"""Environment variable of a process that runs tests beside others."""

MARK = "KPP_TEST_SESSION"
"""Environment variable that names the session to which a process belongs."""

WARDEN_INTERVAL = 0.2
"""Seconds between two looks of the warden at the session."""

GONE_WITHIN = 5.0
"""Seconds from the end of the session within which the last process that it left is ended."""


Process: TypeAlias = "subprocess.Popen[bytes]"


class TwoPlantsError(AssertionError):
    """A second plant is started while one lives: together they are too much for a small machine."""


class Plants:
    """The plants that live now. A plant is whatever makes ticks: a clock, or one that stands for it.

    Args:
        beside_others: True in a process that runs tests beside others. There may be what stands for a plant, and costs
            little; processes of a real one are started by nobody there, since another test may have one too.
    """

    def __init__(self, *, beside_others: bool = False) -> None:
        self._beside_others = beside_others
        self._living: dict[str, list[Callable[[], bool]]] = {}

    def add(self, name: str, alive: Callable[[], bool]) -> None:
        """Note a process or thread of a plant.

        Args:
            name: of the plant, the same for all its parts: the address of its ticks.
            alive: whether it still lives.

        Raises:
            TwoPlantsError: if another plant lives.
        """
        self.expect(name)
        self._living.setdefault(name, []).append(alive)

    def expect(self, name: str) -> None:
        """Raise TwoPlantsError if another plant than this lives."""
        others = [other for other in self.living() if other != name]
        if others:
            raise TwoPlantsError(f"{name} is to start while {', '.join(others)} still lives")

    def start(self, env: Mapping[str, str], command: Sequence[str], output: IO[bytes] | None) -> Process:
        """Start a process of the plant whose addresses the environment has.

        Args:
            env: whole environment of the process.
            command: what to run, in the project's folder.
            output: where it writes; where the tests write if not given.

        Raises:
            TwoPlantsError: if another plant lives, or may live in another process that runs tests.
        """
        name = env["KPP_CLOCK_PUBLISH"]
        if self._beside_others:
            raise TwoPlantsError(f"{name} is to start beside other tests: mark this one with `{ALONE}`")
        self.expect(name)
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        self.add(name, lambda: process.poll() is None)
        return process

    def living(self) -> list[str]:
        """Names of those of which a part lives."""
        self._living = {name: parts for name, parts in self._living.items() if any(alive() for alive in parts)}
        return [*self._living]


PLANTS = Plants(beside_others=WORKER in os.environ)


def begin() -> Process:
    """Mark this process's children to come, and set a warden over them; returns it."""
    os.environ[MARK] = uuid.uuid4().hex
    command = [sys.executable, "-m", "tests.session", str(os.getpid()), os.environ[MARK]]
    env = {name: value for name, value in os.environ.items() if name != MARK}
    # In a session of its own, Ctrl-C and a closed terminal do not reach it.
    return subprocess.Popen(
        command, cwd=ROOT, env=env, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def marked(mark: str) -> Iterator[psutil.Process]:
    """Processes that carry a mark and still run."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


def left_behind() -> list[psutil.Process]:
    """What the tests have started and not ended."""
    return [each for each in marked(os.environ[MARK]) if each.pid != os.getpid()]


def clocks() -> list[psutil.Process]:
    """The clocks among them: as many as there are whole plants, however they were started."""
    found = []
    for process in left_behind():
        try:
            if "nodes.clock" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def end(mark: str) -> None:
    """Kill whatever carries a mark, again until nothing does: who is killed may be starting another."""
    deadline = time.monotonic() + GONE_WITHIN
    while (found := [each for each in marked(mark) if each.pid != os.getpid()]) and time.monotonic() < deadline:
        for process in found:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(found, timeout=WARDEN_INTERVAL)


def main() -> None:
    """The warden: wait until the session has gone, then end what it has left."""
    parent, mark = int(sys.argv[1]), sys.argv[2]
    while os.getppid() == parent:
        time.sleep(WARDEN_INTERVAL)
    end(mark)


if __name__ == "__main__":
    main()
