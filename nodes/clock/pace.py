"""How far simulated time goes with each tick, and when each tick is due, in integers only."""

from dataclasses import dataclass

from bus.protocol.messages import STEP_US

SPEED_MIN = 0.1
SPEED_MAX = 100.0
"""Limits of the requested speed, in simulated seconds per second."""

FLAT_OUT_DT_US = 500_000
"""Simulated time of a tick when running as fast as possible: few enough frames that the plant is the limit."""


BACKLOG_TICKS_MAX = 60_000
"""Most ticks that are made up for at a time: a minute at the highest tick rate."""


@dataclass(frozen=True)
class Speed:
    """Requested speed in thousandths, so that no float is ever summed."""

    milli: int = 1000

    @classmethod
    def of(cls, factor: float) -> "Speed":
        """Speed from simulated seconds per second.

        Raises:
            ValueError: outside SPEED_MIN to SPEED_MAX.
        """
        if not SPEED_MIN <= factor <= SPEED_MAX:
            raise ValueError(f"speed {factor:g} is outside {SPEED_MIN:g} to {SPEED_MAX:g}")
        return cls(round(factor * 1000))

    @property
    def factor(self) -> float:
        """Simulated seconds per second."""
        return self.milli / 1000


class Pace:
    """Distributes simulated time over ticks in whole physics steps; the rest of a step is carried over exactly."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._carry = 0  # in microseconds times the tick rate

    def advance(self, speed: Speed) -> int:
        """Simulated microseconds of the next tick: a multiple of STEP_US, possibly 0 at low speed and high rate."""
        # Multiplied by the rate on both sides to stay whole: at speed 0.1 and 1000 ticks a second most ticks advance
        # nothing, and after a second it is exactly 100 ms.
        self._carry += speed.milli * 1000
        # Never a part of a step: the plant cannot compute it, and two modules would round it differently.
        steps, self._carry = divmod(self._carry, self._rate * STEP_US)
        return steps * STEP_US

    def restart(self) -> None:
        """Forget the carry, after a change of speed or a new run."""
        self._carry = 0


class CatchUpBacklog:
    """Simulated time that no tick has advanced because a module or the clock was late, in whole physics steps."""

    CATCH_UP_FACTOR = 3
    """While it is worked off, a tick advances at most this many times as much in addition."""

    def __init__(self, rate: int) -> None:
        self._pace = Pace(rate)
        self.amount_us = 0

    def add(self, speed: Speed, ticks: int) -> None:
        """Take note of ticks that advanced nothing."""
        # By a pace of its own: the backlog is in whole steps, too, and the remainder of the live pace is not touched.
        self.amount_us += sum(self._pace.advance(speed) for _ in range(min(ticks, BACKLOG_TICKS_MAX)))

    def take(self, dt_us: int) -> int:
        """What a tick that advances `dt_us` advances in addition, in microseconds."""
        # A multiple of whole steps is whole steps. The factor bounds what a module has to work off at once: otherwise
        # catching up would make it late again.
        part = min(self.amount_us, self.CATCH_UP_FACTOR * dt_us)
        self.amount_us -= part
        return part

    def clear(self) -> None:
        """Forget the backlog: nothing is left to make up for."""
        self.amount_us = 0
        self._pace.restart()


class Schedule:
    """Absolute deadlines anchor + k * period, without drift and without bursts after a delay."""

    def __init__(self, rate: int, now_ns: int) -> None:
        self._rate = rate
        self.anchor(now_ns)

    def anchor(self, now_ns: int) -> None:
        """Start counting again: the next tick is due one period after now."""
        self._origin = now_ns
        self._count = 1

    @property
    def deadline_ns(self) -> int:
        """Monotonic time at which the next tick is due."""
        # Each from the origin and never from the deadline before, so rounding does not add up: the period of 300 ticks
        # a second is no whole number of nanoseconds.
        return self._origin + self._count * 1_000_000_000 // self._rate

    def step(self, now_ns: int) -> int:
        """Go on to the next deadline that has not passed; returns how many were left out."""
        elapsed = (now_ns - self._origin) * self._rate // 1_000_000_000
        # The first deadline that is still to come: those in between are left out, or a clock that was stopped for a
        # minute would send its ticks in one burst.
        following = max(self._count + 1, elapsed + 1)
        left_out = following - self._count - 1
        self._count = following
        return left_out
