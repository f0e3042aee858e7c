"""What the kernel tells of processes and of this machine's processors; on Linux only."""

import os
from pathlib import Path

from bus.process import WAITING
from nodes.account import Usage

_NS = 1e-9


class Meter:
    """Reads the usage of one process, as often as one likes.

    A process is held up by the thread that waits longest: the others wait at the same time, or for that one.
    """

    def __init__(self, pid: int) -> None:
        self._process = Path(f"/proc/{pid}")
        self._before: dict[str, int] = {}
        self._queued = 0

    def read(self) -> Usage | None:
        """Its usage since its start; None if it has gone, or where the kernel does not tell."""
        ran, queued = 0, {}
        try:
            stat = (self._process / "stat").read_text()
            tasks = list((self._process / "task").iterdir())
        except OSError:
            return None
        for task in tasks:
            try:
                on_processor, in_queue, _slices = (task / "schedstat").read_text().split()
            except (OSError, ValueError):  # a thread that ended just now, or a kernel that keeps no such figures
                continue
            ran += int(on_processor)
            queued[task.name] = int(in_queue)
        if not ran:
            return None
        self._queued += max(total - self._before.get(thread, 0) for thread, total in queued.items())
        self._before = queued
        name, _, rest = stat[stat.index("(") + 1 :].rpartition(")")
        state = rest.split()[0]
        return Usage(
            ran * _NS, self._queued * _NS, blocked=state == "D", waits=name == WAITING and state not in {"T", "t"}
        )


class Meters:
    """A meter for each process that is asked for."""

    def __init__(self) -> None:
        self._meters: dict[int, Meter] = {}

    def read(self, pid: int) -> Usage | None:
        """The usage of a process; None if there is none, or where the kernel does not tell."""
        if not pid:
            return None
        return self._meters.setdefault(pid, Meter(pid)).read()

    def keep(self, pids: set[int]) -> None:
        """Forget the others."""
        self._meters = {pid: meter for pid, meter in self._meters.items() if pid in pids}


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
