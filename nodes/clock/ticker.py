"""The thread that sends ticks on their deadlines and does nothing else."""

import ctypes
import os
import sys
import threading
import time
from collections import deque

from bus.protocol.codec import encode_published
from bus.protocol.messages import Published, Tick
from bus.transport.sockets import Multipart, Publisher
from nodes.clock.core import ClockCore
from nodes.clock.pace import Schedule
from nodes.clock.runs import RunLogs
from runtime import log

PREPARE_NS = 500_000
"""How long before its deadline a tick is composed and packed, so that only the sending is left."""

SPIN_NS = 150_000
"""How long before a deadline the thread spins instead of sleeping: a sleep may end up to 100 us late."""

FLAT_OUT_WAIT = 0.1
"""Longest wait (s) for acknowledgements in flat-out mode; after it, a tick that advances nothing shows that the clock
is alive."""

FIFO_PRIORITY = 10
"""Priority under SCHED_FIFO, whose threads run before all ordinary ones."""

_PR_SET_TIMERSLACK = 29
"""From <linux/prctl.h>."""


class Ticker(threading.Thread):
    """Sends ticks, and whatever the control thread hands over, from one PUB socket.

    Args:
        core: makes the ticks.
        runs: records them.
        publisher: the socket, which belongs to this thread from its start on.
        changed: the lock of the core; notified when something changes for which this thread may be waiting.
    """

    def __init__(self, core: ClockCore, runs: RunLogs, publisher: Publisher, changed: threading.Condition) -> None:
        super().__init__(name="ticker", daemon=True)
        self._core = core
        self._runs = runs
        self._publisher = publisher
        self._changed = changed
        self._outbox: deque[Multipart] = deque()
        self._stopping = False
        self.realtime_priority = False
        self.failure: BaseException | None = None

    def post(self, frames: Multipart) -> None:
        """Have frames sent with the next tick; callable from any thread."""
        self._outbox.append(frames)

    @property
    def waiting(self) -> int:
        """Messages that were handed over and have not left yet."""
        return len(self._outbox)

    def stop(self) -> None:
        """End the thread after the tick under way."""
        self._stopping = True
        self.join(timeout=2.0)

    def run(self) -> None:
        """Tick until stopped; an error is kept in `failure` for the main thread."""
        self.realtime_priority = _prefer_punctuality()
        try:
            self._tick_on()
        except BaseException as error:
            # Whatever it is: an error ends its thread alone, and a plant would go without ticks. The main thread ends
            # the process with it.
            self.failure = error
            raise

    def _tick_on(self) -> None:
        # Deadlines are counted from here in integers; a sleep that is too long shifts none of the later ones.
        schedule = Schedule(self._core.settings.rate, time.monotonic_ns())
        followed_acks = False
        while not self._stopping:
            if self._core.flat_out:
                with self._changed:
                    # After the timeout a tick is sent all the same, which advances nothing: silence would make modules
                    # subscribe again, and the watchdog restart the clock.
                    self._changed.wait_for(lambda: self._core.caught_up or not self._core.flat_out, FLAT_OUT_WAIT)
                self._send(self._compose(time.monotonic_ns()), None)
                followed_acks = True
                continue
            if followed_acks:  # the schedule stood still meanwhile, and no burst must make up for that
                schedule.anchor(time.monotonic_ns())
                followed_acks = False
            deadline = schedule.deadline_ns
            # Composed as late as possible: commands and acknowledgements that arrive until then count in this tick.
            _sleep_until(deadline - PREPARE_NS)
            frames = self._compose(deadline)
            _sleep_until(deadline - SPIN_NS)
            # Spinning for 150 us of 10 ms costs 1.5 % of a core and takes the wake-up latency out of the lateness.
            while time.monotonic_ns() < deadline:
                pass
            self._send(frames, deadline)
            # Deadlines that have passed meanwhile are left out and not made up for in a burst, which would make every
            # module late.
            missed = schedule.step(time.monotonic_ns())
            if missed:
                with self._changed:
                    self._core.timing.deadlines_missed += missed
                    self._core.missed(missed)

    def _compose(self, due_ns: int) -> list[Multipart]:
        with self._changed:
            while self._core.waits_for_journal:
                # Waiting releases the lock, which the control thread needs to report that the command is on disk.
                self._changed.wait(0.1)
            # The tick names the time at which it leaves, which is still to come.
            wall = time.time() + (due_ns - time.monotonic_ns()) / 1e9
            # Read before the tick, which may be the last of its run and begin the next: the record belongs to the run
            # of the tick.
            header = self._core.header
            messages: list[Published] = self._core.tick(due_ns, wall)
            tick = messages[0]
            if isinstance(tick, Tick):  # always; every tick must be on record before it is published
                # Still inside the lock: the control thread also begins files of runs, before it accepts a command for
                # them.
                self._runs.record(header, tick)
        self._seq = tick.seq
        log.at(tick.run, tick.seq)
        return [encode_published(message) for message in messages]

    def _send(self, frames: list[Multipart], deadline: int | None) -> None:
        now = time.monotonic_ns()
        for pair in frames:
            self._publisher.send(pair)
        # Measured when the first byte was handed over and not the last: the lateness is that of the tick.
        with self._changed:  # the control thread reads the samples when it closes an interval
            self._core.timing.sent(self._seq, now, None if deadline is None else now - deadline)
        # Reports and other messages follow the tick on the same socket: two threads must not send on one socket, and
        # the tick must not wait.
        while self._outbox:
            self._publisher.send(self._outbox.popleft())


def _sleep_until(deadline_ns: int) -> None:
    left = deadline_ns - time.monotonic_ns()
    if left > 0:
        time.sleep(left / 1e9)


def _prefer_punctuality() -> bool:
    """Ask for exact timers and real-time scheduling of this thread; returns whether the latter was granted."""
    if not sys.platform.startswith("linux"):
        return False
    # The kernel rounds sleeps to 50 us by default, to wake up less often.
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(FIFO_PRIORITY))
    except PermissionError:  # an unprivileged clock is as exact in the median, but later in the worst case
        return False
    return True
