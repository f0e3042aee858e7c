"""What the kernel tells of a process, read from the real one."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from nodes.supervision.account import Account
from nodes.supervision.usage import Meter, UsageMeters
from runtime.process import WAITING, ExternalWait
from tests.starving import hogs
from tests.watching import eventually

pytestmark = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the kernel keeps no such figures")


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
            told = meter.read(time.monotonic())
            assert told is not None
            return told.queued > 0.1 and told.ran > 0.1

        eventually(waited, 10, "it ran, and it waited for others that ran")
        process.kill()


def test_a_process_says_by_its_name_that_it_waits() -> None:
    meter = Meter(os.getpid())
    with ExternalWait():
        told = meter.read(time.monotonic())
        assert told is not None
        assert told.waits
        assert Path("/proc/self/comm").read_text().strip() == WAITING
    told = meter.read(time.monotonic())
    assert told is not None
    assert not told.waits


def test_of_a_process_that_has_gone_nothing_is_told() -> None:
    meters = UsageMeters()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert meters.read(process.pid, 0.0) is None
    assert meters.read(0, 0.0) is None


Threads = dict[str, tuple[str, float, float, int]]
"""Each thread's state, seconds that it ran, seconds that it waited, and how often it was given a processor."""


class Proc:
    """What the kernel tells of one process, as a test makes it up."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tell("S", {})

    def tell(self, state: str, threads: Threads) -> None:
        """The process's state and its threads."""
        process = self.root / "7"
        process.mkdir(exist_ok=True)
        (process / "stat").write_text(f"7 (a (b) c) {state} 1 7 7")
        for name, (does, ran, queued, given) in threads.items():
            (process / "task" / name).mkdir(parents=True, exist_ok=True)
            (process / "task" / name / "stat").write_text(f"{name} (a) {does} 1 7 7")
            told = f"{round(ran * 1e9)} {round(queued * 1e9)} {given}\n"
            (process / "task" / name / "schedstat").write_text(told)


def usable(proc: Proc, tellings: Iterator[tuple[float, Threads]]) -> list[float]:
    """Seconds that count, from the start at 0 to each telling."""
    meter, account, found = Meter(7, proc.root), Account(0.0), []
    for now, threads in tellings:
        proc.tell("R", threads)
        account.look(meter.read(now), now)
        found.append(account.usable(0.0))
    return found


def test_f03_a_wait_that_the_kernel_books_at_its_end_does_not_count_while_it_lasts(tmp_path: Path) -> None:
    def starved() -> Iterator[tuple[float, Threads]]:
        for step in range(1, 121):  # it runs for 30 ms, then waits for 3 s
            now = 0.25 * step
            turns = int(now / 3)
            yield now, {"7": ("R", 0.03 * (turns + 1), 2.97 * turns, turns + 1), "8": ("S", 0.01, 0.0, 1)}

    found = usable(Proc(tmp_path), starved())
    assert found[-1] < 1.0, "of thirty seconds"
    assert max(later - sooner for sooner, later in pairwise(found)) <= 0.25


def test_f03_what_sleeps_or_runs_or_was_stopped_counts_though_another_thread_waits(tmp_path: Path) -> None:
    def hung(does: str, share: float) -> Iterator[tuple[float, Threads]]:
        for step in range(1, 41):
            now = 0.25 * step
            yield now, {"7": (does, 0.1 + share * now, 0.0, 1), "8": ("S", 0.01, 0.0, 1)}

    for does, share in (("S", 0.0), ("T", 0.0), ("R", 1.0)):
        assert usable(Proc(tmp_path), hung(does, share))[-1] == pytest.approx(10.0)

    def spins() -> Iterator[tuple[float, Threads]]:
        for step in range(1, 41):  # at half a processor, and a thread beside it waits for the other half and more
            now = 0.25 * step
            yield now, {"7": ("R", 0.5 * now, 0.5 * now, step), "8": ("S", 0.01, 0.9 * now, step)}

    assert usable(Proc(tmp_path), spins())[-1] == pytest.approx(5.0, abs=0.05), "it ran for so long"


def test_f03_a_process_that_gets_a_hundredth_of_a_processor_has_done_nothing_less(tmp_path: Path) -> None:
    one = min(os.sched_getaffinity(0))
    pinned = f"import os; os.sched_setaffinity(0, {{{one}}}); "
    program = "os.nice(19); print(flush=True)\nwhile True: pass"
    with ExitStack() as stack:
        victim = stack.enter_context(subprocess.Popen([sys.executable, "-c", pinned + program], stdout=subprocess.PIPE))
        stack.callback(victim.kill)
        assert victim.stdout is not None
        victim.stdout.readline()
        meter, account = Meter(victim.pid), Account(time.monotonic())
        account.look(meter.read(account.begun), account.begun)
        for _ in range(4):
            hog = stack.enter_context(subprocess.Popen([sys.executable, "-c", pinned + "\nwhile True: pass"]))
            stack.callback(hog.kill)
        begun = time.monotonic()

        def starved() -> bool:
            now = time.monotonic()
            account.look(meter.read(now), now)
            return account.excused(begun) > 3.0

        eventually(starved, 60, "it has waited for three seconds")
        assert account.idle(begun) < 0.25 * account.excused(begun)
