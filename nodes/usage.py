"""What the kernel tells of processes and of this machine's processors; on Linux only."""

import os
from pathlib import Path

from bus.process import WAITING
from nodes.account import Usage

_NS = 1e-9


def usage(pid: int) -> Usage | None:
    """The usage of a process; None if it has gone, or where the kernel does not tell."""
    process = Path(f"/proc/{pid}")
    ran = queued = 0
    try:
        stat = (process / "stat").read_text()
        tasks = list((process / "task").iterdir())
    except OSError:
        return None
    for task in tasks:
        try:
            on_processor, in_queue, _slices = (task / "schedstat").read_text().split()
        except (OSError, ValueError):  # a thread that ended just now, or a kernel that keeps no such figures
            continue
        ran += int(on_processor)
        queued += int(in_queue)
    if not ran:
        return None
    name, _, rest = stat[stat.index("(") + 1 :].rpartition(")")
    state = rest.split()[0]
    return Usage(ran * _NS, queued * _NS, blocked=state == "D", waits=name == WAITING and state not in "Tt")


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
