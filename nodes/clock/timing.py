"""What the clock measures of itself: lateness of ticks, time from tick to acknowledgement, achieved speed."""

from bisect import bisect_left
from collections import deque

from bus.protocol.messages import Lateness

RING = 4096
"""Ticks whose sending times are remembered, and most samples of an interval."""

LATE = (0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
"""Upper edges of the classes of lateness [s]; on a quiet machine ticks are late by microseconds."""

ROUND_TRIP = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper edges of the classes of round trips [s]."""


class Distribution:
    """How many values fell into each class, over all time; the last class has no upper edge.

    Args:
        edges: upper edges of the other classes, ascending; a value on an edge belongs to the class below it.
    """

    def __init__(self, edges: tuple[float, ...]) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.edges, value)] += 1
        self.sum += value


class Timing:
    """Samples of the present status interval and totals since the start. All inputs in nanoseconds."""

    def __init__(self) -> None:
        self._lateness: deque[int] = deque(maxlen=RING)
        self._round_trips: deque[int] = deque(maxlen=RING)
        # A ring with the number beside the time: an acknowledgement of a tick that has left the ring finds another
        # number, and is not counted.
        self._sent: list[tuple[int, int]] = [(0, 0)] * RING
        self.frames_sent = 0
        self.deadlines_missed = 0
        self.held_ns = 0
        self.holds = 0
        self._held_since: int | None = None
        self._lateness_now: Lateness | None = None
        self._round_trip_now: float | None = None
        self.all_late = Distribution(LATE)
        """Of all ticks since the start, s."""
        self.all_round_trips = Distribution(ROUND_TRIP)
        """From sending a tick to its acknowledgement by a module, since the start, s."""

    def sent(self, seq: int, at_ns: int, late_ns: int | None) -> None:
        """Note that a tick has left, `late_ns` after its deadline; None if it had none."""
        self.frames_sent += 1
        self._sent[seq % RING] = (seq, at_ns)
        if late_ns is not None:
            self._lateness.append(late_ns)
            # A tick that leaves a microsecond early counts as punctual: lateness is never negative here.
            self.all_late.add(max(0, late_ns) / 1e9)

    def acknowledged(self, seq: int, now_ns: int) -> None:
        """Note that a module has worked off a tick."""
        sent_seq, sent_ns = self._sent[seq % RING]
        # A fast module may acknowledge before the ticker, on another thread, has noted the sending.
        if sent_seq == seq and now_ns >= sent_ns:
            self._round_trips.append(now_ns - sent_ns)
            self.all_round_trips.add((now_ns - sent_ns) / 1e9)

    def holding(self, held: bool, now_ns: int) -> None:
        """Note for one tick whether simulated time waits for a module; the time until the next tick is held."""
        if self._held_since is not None:
            self.held_ns += now_ns - self._held_since
        # Periods of waiting are counted, not ticks: a module that hangs for a second is one event.
        self.holds += held and self._held_since is None
        self._held_since = now_ns if held else None

    def close_interval(self) -> None:
        """Turn the samples of the interval into figures, and start the next interval."""
        self._lateness_now = None
        if self._lateness:
            # Sorted at the end of the interval, on the control thread: the ticker only appends.
            ordered = sorted(self._lateness)
            self._lateness_now = Lateness(
                p50=ordered[len(ordered) // 2] / 1e9,
                # At 100 ticks a second an interval has twenty: the 99th percentile is then its maximum.
                p99=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] / 1e9,
                max=ordered[-1] / 1e9,
            )
            self._lateness.clear()
        self._round_trip_now = None
        if self._round_trips:
            self._round_trip_now = sum(self._round_trips) / len(self._round_trips) / 1e9
            self._round_trips.clear()

    @property
    def lateness(self) -> Lateness | None:
        """Lateness of the last interval; None if no tick had a deadline in it."""
        return self._lateness_now

    @property
    def round_trip(self) -> float | None:
        """Mean time from sending a tick to its acknowledgement in the last interval, in seconds."""
        return self._round_trip_now
