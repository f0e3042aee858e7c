"""What the kernel reports of processes and of this machine's processors; elsewhere than on Linux, nothing.

Format of the files: proc(5), and Documentation/scheduler/sched-stats.rst of the kernel for `schedstat`.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from nodes.supervision.account import Usage
from runtime.process import WAITING

_NS = 1e-9

_STAT, _SCHEDSTAT = 256, 96
"""Bytes that are read of a file: its first words are enough."""

_STOPPED = frozenset("Tt")
"""States of a thread that SIGSTOP or a debugger has stopped."""


@dataclass(frozen=True)
class _Thread:
    """What was last read of a thread: its times since its start in ns, and how often it was given a processor."""

    ran: int
    queued: int
    given: int
    ready_since: float | None
    """When it was first seen ready to run, without having run since; None if it is not ready."""
    waited: int
    """Time in the queue, including the wait that still lasts, which the kernel books only when it is over."""

    def next(self, ran: int, queued: int, given: int, ready: bool, now: float) -> "_Thread":
        """The thread as it is at `now`."""
        # The kernel adds a wait to its sum when the thread is given a processor. On a starved machine that may be
        # seconds later, and meanwhile the thread would look idle. So a thread that is ready to run and has not run
        # since the last look counts as waiting from the first look at which that was so.
        since = None
        if ready:
            still = self.ready_since is not None and (ran, given) == (self.ran, self.given)
            since = self.ready_since if still else now
        waits = 0 if since is None else round((now - since) / _NS)
        # Never less than before: when the kernel books the wait, its figure and our estimate differ a little, and a sum
        # that falls would be taken for a negative wait.
        return _Thread(ran, queued, given, since, max(self.waited, queued + waits))


_UNKNOWN = _Thread(-1, 0, -1, None, 0)
"""A thread before the first look. -1 equals no figure of the kernel, so the first look never extends a wait."""


class Meter:
    """Reads the usage of one process, at any pace.

    A process is held up by the thread that waits longest: the others wait at the same time, or for that one.

    Args:
        pid: the process.
        proc: where the kernel's files about processes are.
    """

    def __init__(self, pid: int, proc: Path = Path("/proc")) -> None:
        self._process = f"{proc}/{pid}"
        self._threads: dict[str, _Thread] = {}
        self._queued = 0

    def read(self, now: float) -> Usage | None:
        """Its usage since its start; None if it has gone, or if the kernel reports nothing.

        Args:
            now: present moment, of one monotonic clock (s).
        """
        threads: dict[str, _Thread] = {}
        try:
            name, state = _name_and_state(f"{self._process}/stat")
            with os.scandir(f"{self._process}/task") as found:
                tasks = [each.name for each in found]
        except (OSError, ValueError):
            return None
        for task in tasks:
            try:
                _, does = _name_and_state(f"{self._process}/task/{task}/stat")
                told = _head(f"{self._process}/task/{task}/schedstat", _SCHEDSTAT)
                ran, queued, given = map(int, told.split())
            except (OSError, ValueError):  # a thread that ended just now, or a kernel that keeps no such figures
                continue
            before = self._threads.get(task, _UNKNOWN)
            threads[task] = before.next(ran, queued, given, does == "R", now)
        ran = sum(thread.ran for thread in threads.values())
        if not ran:
            # A kernel without CONFIG_SCHEDSTATS. Zeros would mean that the process has done nothing since its start;
            # None lets all time count.
            return None
        # The longest wait of any thread since the last look, and not the sum: sixteen threads that wait together wait
        # once.
        self._queued += max(each.waited - self._threads.get(key, _UNKNOWN).waited for key, each in threads.items())
        self._threads = threads
        # A process that was stopped while it waited no longer waits: it hangs, whatever its name says.
        waits = name == WAITING and state not in _STOPPED
        return Usage(ran * _NS, self._queued * _NS, blocked=state == "D", waits=waits)


def _head(path: str, size: int) -> str:
    """The beginning of a file of the kernel."""
    # Without Python's file objects: the plug-in reads a file or two of each thread of every node, four times a second.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, size).decode(errors="replace")
    finally:
        os.close(descriptor)


def _name_and_state(path: str) -> tuple[str, str]:
    """Name of a process or thread, and the letter of its state."""
    text = _head(path, _STAT)
    # A name may have spaces and parentheses of its own: it ends at the last one.
    name, _, rest = text[text.index("(") + 1 :].rpartition(")")
    return name, rest.split()[0]


class UsageMeters:
    """A meter for each process that is asked for."""

    def __init__(self) -> None:
        self._meters: dict[int, Meter] = {}

    def read(self, pid: int, now: float) -> Usage | None:
        """The usage of a process at `now`; None if there is no process (pid 0), or if the kernel reports nothing."""
        if not pid:
            return None
        return self._meters.setdefault(pid, Meter(pid)).read(now)

    def keep(self, pids: set[int]) -> None:
        """Forget all processes but these: the kernel may give the number of one that has gone to another."""
        self._meters = {pid: meter for pid, meter in self._meters.items() if pid in pids}


def processors() -> int:
    """Processors that this process may use; a quota, as a container may have, does not show in it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
