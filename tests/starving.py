"""A machine that is too small: a share of one processor for a whole plant, and programs that use up the others."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PERIOD = 0.1
"""Seconds over which a share is given."""

_US = 1e6
_V1 = Path("/sys/fs/cgroup/cpu")
_V2 = Path("/sys/fs/cgroup")


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """So many programs that do nothing but run."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


@contextmanager
def share(pid: int, processors: float) -> Iterator[str]:
    """Give a process and all that it starts so much of a processor; returns how that is done.

    A control group does it where one may be made. Elsewhere they are stopped and let go on by turns.
    """
    try:
        group = _control_group(processors)
    except OSError:
        with _by_turns(pid, processors):
            yield "stopped and let go on by turns"
        return
    try:
        (group / "cgroup.procs").write_text(str(pid))
        yield "a control group"
    finally:
        for each in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (group.parent / "cgroup.procs").write_text(each)
        group.rmdir()


def _control_group(processors: float) -> Path:
    period = round(PERIOD * _US)
    name = f"kpp-test-{uuid.uuid4().hex[:12]}"
    if (_V1 / "cpu.cfs_quota_us").exists() or (_V1 / "cgroup.procs").exists():
        group = _V1 / name
        group.mkdir()
        settings = {"cpu.cfs_period_us": f"{period}", "cpu.cfs_quota_us": f"{round(processors * period)}"}
    else:
        group = _V2 / name
        group.mkdir()
        settings = {"cpu.max": f"{round(processors * period)} {period}"}
    try:
        for file, value in settings.items():
            (group / file).write_text(value)
    except OSError:
        group.rmdir()
        raise
    return group


@contextmanager
def _by_turns(pid: int, processors: float) -> Iterator[None]:
    over = threading.Event()
    running = min(1.0, processors / (os.cpu_count() or 1)) * PERIOD

    def everyone(number: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            for each in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(number)

    def turn() -> None:
        while not over.wait(running):
            everyone(signal.SIGSTOP)
            over.wait(PERIOD - running)
            everyone(signal.SIGCONT)

    thread = threading.Thread(target=turn, name="by turns")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        everyone(signal.SIGCONT)
