"""A fault waits for its target for as long as that takes to run, and hits each process once to kill it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.chaos.injector import STUCK, Injector
from tests.chaos.plan import Fault

pytestmark = pytest.mark.timeout(120)


@contextmanager
def program(name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process as supervisord starts one, which ends when it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        env=os.environ | {"SUPERVISOR_PROCESS_NAME": name},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_target_that_comes_late_is_hit_and_no_process_is_killed_twice(tmp_path: Path) -> None:
    looks = count()
    plan = [Fault(0.0, "node", "kill"), Fault(0.0, "node", "kill")]
    injector = Injector(plan, os.getpid(), tmp_path, clock=lambda: next(looks) * STUCK / 1000)
    injector.start()
    while next(looks) < 200:  # for the plan it has waited for minutes
        pass
    hit = []
    for _ in plan:
        with program("node") as process:
            process.wait()
            hit.append(process.pid)
    injector.join()
    assert [each.pid for each in injector.delivered] == hit
    assert injector.missed == []


def test_a_target_that_never_runs_is_given_up(tmp_path: Path) -> None:
    looks = count()
    injector = Injector([Fault(0.0, "node", "kill")], os.getpid(), tmp_path, clock=lambda: next(looks) * STUCK / 4)
    injector.run()
    assert [each.target for each in injector.missed] == ["node"]


def test_the_plan_stands_still_while_a_target_is_waited_for(tmp_path: Path) -> None:
    looks = count()
    plan = [Fault(0.0, "node", "stop"), Fault(3.0, "other", "stop")]
    injector = Injector(plan, os.getpid(), tmp_path, clock=lambda: float(next(looks)))
    with program("other"):
        injector.start()
        while next(looks) < 30:
            pass
        with program("node"):
            injector.join()
    assert [each.fault.target for each in injector.delivered] == ["node", "other"]
