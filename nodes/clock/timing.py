"""What the clock measures of itself: lateness of ticks, time from tick to acknowledgement, achieved speed."""

from collections import deque
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from bus import metrics
from bus.messages import Lateness

RING = 4096


class Timing:
    """Samples of the present status interval and totals since the start. All inputs in nanoseconds."""

    def __init__(self) -> None:
        self._lateness: deque[int] = deque(maxlen=RING)
        self._round_trips: deque[int] = deque(maxlen=RING)
        self._sent: list[tuple[int, int]] = [(0, 0)] * RING
        self.frames_sent = 0
        self.deadlines_missed = 0
        self.held_ns = 0
        self.holds = 0
        self._held_since: int | None = None
        self._lateness_now: Lateness | None = None
        self._round_trip_now: float | None = None
        self._all_late = metrics.histogram(
            "kpp_tick_lateness_seconds", "ticks sent after their deadline", (), metrics.PUNCTUALITY
        )
        self._all_acknowledged = metrics.histogram(
            "kpp_tick_acknowledged_seconds", "from sending a tick to its acknowledgement by a module", (), metrics.WAYS
        )

    def sent(self, seq: int, at_ns: int, late_ns: int | None) -> None:
        """A tick has left; `late_ns` after its deadline, None when it had none."""
        self.frames_sent += 1
        self._sent[seq % RING] = (seq, at_ns)
        if late_ns is not None:
            self._lateness.append(late_ns)
            self._all_late.observe(max(0, late_ns) / 1e9)

    def acknowledged(self, seq: int, now_ns: int) -> None:
        """A module has worked off the tick."""
        sent_seq, sent_ns = self._sent[seq % RING]
        if sent_seq == seq and now_ns >= sent_ns:
            self._round_trips.append(now_ns - sent_ns)
            self._all_acknowledged.observe((now_ns - sent_ns) / 1e9)

    def holding(self, held: bool, now_ns: int) -> None:
        """Note for one tick whether simulated time waits for a module; the time until the next tick is held."""
        if self._held_since is not None:
            self.held_ns += now_ns - self._held_since
        self.holds += held and self._held_since is None
        self._held_since = now_ns if held else None

    def close_interval(self) -> None:
        """Turn the samples of the interval into figures and start the next."""
        self._lateness_now = None
        if self._lateness:
            ordered = sorted(self._lateness)
            self._lateness_now = Lateness(
                p50=ordered[len(ordered) // 2] / 1e9,
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
        """Of the last interval; None if no tick had a deadline in it."""
        return self._lateness_now

    @property
    def round_trip(self) -> float | None:
        """Mean time from sending a tick to its acknowledgement in the last interval, in seconds."""
        return self._round_trip_now

    def distributions(self) -> Iterator[Metric]:
        """Lateness and round trips of all ticks since the start, for Prometheus."""
        yield from self._all_late.collect()
        yield from self._all_acknowledged.collect()
