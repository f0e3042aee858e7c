"""Carries out a plan on the processes of a plant."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
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

STUCK = 600.0
"""Seconds without a process of the plant that starts or ends after which a target that does not run is given up."""

POLL = 0.02


@dataclass(frozen=True)
class Delivered:
    """A fault that has hit."""

    fault: Fault
    at: float
    pid: int


class Injector(threading.Thread):
    """Hits what the plan says when it says; a target that does not run is waited for.

    The plan's time stands still meanwhile: on a machine that starts processes slowly faults lie as far apart, for the
    plant, as on a fast one.

    Args:
        plan: in order of time.
        supervisor: process id of supervisord.
        folder: on the disk that may be filled.
        clock: seconds of a clock that never goes back.
    """

    def __init__(
        self, plan: list[Fault], supervisor: int, folder: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(name="injector", daemon=True)
        self._waiting = deque(plan)
        self._supervisor = supervisor
        self._ballast = Ballast(folder)
        self._full_until: float | None = None
        self._clock = clock
        self._seen: dict[str, int] = {}
        self._changed = clock()
        self._killed: set[int] = set()
        self.begin = clock()
        """Moment from which the times of what was delivered count."""
        self.delivered: list[Delivered] = []
        self.missed: list[Fault] = []

    def run(self) -> None:
        """Until everything has been delivered."""
        self.begin = self._changed = self._clock()
        late: list[Fault] = []
        waited = before = 0.0
        while self._waiting or late or self._full_until is not None:
            now = self._clock() - self.begin
            if late:
                waited += now - before
            before = now
            while self._waiting and self._waiting[0].at <= now - waited:
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
        pid = self._running().get(fault.target)
        if pid is None or pid in self._killed:
            if self._clock() - self._changed > STUCK:
                self.missed.append(fault)
                return True
            return False
        try:
            os.kill(pid, SIGNALS[fault.kind])
        except ProcessLookupError:
            return False
        if fault.kind == "kill":
            self._killed.add(pid)
        self.delivered.append(Delivered(fault, now, pid))
        return True

    def _running(self) -> dict[str, int]:
        """The plant's processes; notes when one of them started or ended."""
        found = programs(self._supervisor)
        if found != self._seen:
            self._seen, self._changed = found, self._clock()
        return found

    def _look_after_disk(self, now: float) -> None:
        if self._full_until is None:
            return
        if now < self._full_until:
            self._ballast.fill()
            return
        self._ballast.free()
        self._full_until = None
