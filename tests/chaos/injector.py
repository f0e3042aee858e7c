"""Carries out a plan on the processes of a plant."""

import os
import signal
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.plan import DISK, Fault
from tests.chaos.processes import Ballast, programs

SIGNALS = {
    "kill": signal.SIGKILL,
    "stop": signal.SIGSTOP,
    "deadlock": signal.SIGUSR1,
    "busy": signal.SIGUSR2,
}
FULL_FOR = 1.5
"""Seconds that the disk stays full."""

PATIENCE = 5.0
"""Seconds that a fault waits for its target to run."""

POLL = 0.02


@dataclass(frozen=True)
class Delivered:
    """A fault that has hit."""

    fault: Fault
    at: float
    pid: int


class Injector(threading.Thread):
    """Hits what the plan says when it says; a target that does not run is waited for.

    Args:
        plan: in order of time.
        supervisor: process id of supervisord.
        folder: on the disk that may be filled.
    """

    def __init__(self, plan: list[Fault], supervisor: int, folder: Path) -> None:
        super().__init__(name="injector", daemon=True)
        self._waiting = deque(plan)
        self._supervisor = supervisor
        self._ballast = Ballast(folder)
        self._full_until: float | None = None
        self.begin = time.monotonic()
        """Moment from which the plan's times count."""
        self.delivered: list[Delivered] = []
        self.missed: list[Fault] = []

    def run(self) -> None:
        """Until everything has been delivered."""
        self.begin = time.monotonic()
        late: list[Fault] = []
        while self._waiting or late or self._full_until is not None:
            now = time.monotonic() - self.begin
            while self._waiting and self._waiting[0].at <= now:
                late.append(self._waiting.popleft())
            late = [fault for fault in late if not self._deliver(fault, now)]
            self._look_after_disk(now)
            time.sleep(POLL)

    def _deliver(self, fault: Fault, now: float) -> bool:
        if fault.target == DISK:
            self._ballast.fill()
            self._full_until = now + FULL_FOR
            self.delivered.append(Delivered(fault, now, 0))
            return True
        pid = programs(self._supervisor).get(fault.target)
        if pid is None:
            if now - fault.at > PATIENCE:
                self.missed.append(fault)
                return True
            return False
        try:
            os.kill(pid, SIGNALS[fault.kind])
        except ProcessLookupError:
            return False
        self.delivered.append(Delivered(fault, now, pid))
        return True

    def _look_after_disk(self, now: float) -> None:
        if self._full_until is None:
            return
        if now < self._full_until:
            self._ballast.fill()
            return
        self._ballast.free()
        self._full_until = None
