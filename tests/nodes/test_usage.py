"""What the kernel tells of a process, read from the real one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus.process import WAITING, Waiting
from nodes.account import LEAST, Account, Usage
from nodes.usage import Meter, Meters
from tests.starving import hogs
from tests.watching import eventually

pytestmark = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the kernel keeps no such figures")


ON_ONE_PROCESSOR = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(flush=True)
while True:
    pass
"""


def test_a_process_that_runs_is_told_from_one_that_waits_for_a_processor() -> None:
    alone = [
        sys.executable,
        "-c",
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(flush=True)\nwhile True: pass",
    ]
    with hogs(2 * (os.cpu_count() or 1)), subprocess.Popen(alone, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        meter = Meter(process.pid)

        def waited() -> bool:
            told = meter.read()
            assert told is not None
            return told.queued > 0.1 and told.ran > 0.1

        eventually(waited, 10, "it ran, and it waited for others that ran")
        process.kill()


def test_a_process_says_by_its_name_that_it_waits() -> None:
    meter = Meter(os.getpid())
    with Waiting():
        told = meter.read()
        assert told is not None
        assert told.waits
        assert Path("/proc/self/comm").read_text().strip() == WAITING
    told = meter.read()
    assert told is not None
    assert not told.waits


def test_of_a_process_that_has_gone_nothing_is_told() -> None:
    meters = Meters()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert meters.read(process.pid) is None
    assert meters.read(0) is None


def test_a_part_of_the_time_counts_in_any_case() -> None:
    account = Account(0.0)
    account.look(Usage(0.0, 100.0), 100.0)
    assert account.usable(0.0) == pytest.approx(100.0 * LEAST)
