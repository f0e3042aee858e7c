"""When a client is to get a frame: at its rate with the newest winning, or every so many ticks with none left out."""

import math
from collections.abc import Iterator
from typing import Protocol

from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_ring import FrameRing

EARLY = 0.005
"""Seconds by which a frame may come before its turn, so that a rate equal to the tick rate misses none by jitter."""

LATE = 0.05
"""Seconds of lateness that are made up for before the schedule starts anew."""


class Keyed(Protocol):
    """Anything of a tick: equal keys mean the same."""

    @property
    def key(self) -> tuple[str, int]:
        """Run and tick."""


class SessionPace:
    """Turns at a rate; a pace holds no frame, it only remembers which one was sent last.

    Args:
        rate: turns a second (Hz).
        now: time (s).
    """

    def __init__(self, rate: float, now: float) -> None:
        self._sent: tuple[str, int] | None = None
        self._rate = rate
        self._early = min(EARLY, 0.5 / rate)
        self._due = self._last_turn(now)

    @property
    def turn(self) -> float:
        """From when on the next frame may be sent (s)."""
        return self._due - self._early

    def has(self, frame: Keyed) -> None:
        """The client has this one already."""
        self._sent = frame.key

    def lacks(self, frame: Keyed) -> bool:
        """Has the client not got this one yet?"""
        return frame.key != self._sent

    def change(self, rate: float, now: float) -> None:
        """Another rate from now on."""
        self._rate = rate
        self._early = min(EARLY, 0.5 / rate)
        self._due = self._last_turn(now)

    def _last_turn(self, now: float) -> float:
        # Turns lie on multiples of the period for everybody, so that clients of one rate share the same frames and
        # each of those is turned into JSON once.
        return math.floor(now * self._rate) / self._rate

    def takes(self, frame: Keyed, now: float) -> bool:
        """Is this frame to be sent now? If so, the turn is taken."""
        if now < self._due - self._early or frame.key == self._sent:
            return False
        self._sent = frame.key
        self._due += 1.0 / self._rate
        if now - self._due > max(LATE, 1.0 / self._rate):
            self._due = self._last_turn(now) + 1.0 / self._rate
        return True


class Decimation:
    """Every tick that is a multiple of `every`, in order, from a position of the ring on.

    Args:
        every: 1 for all.
        position: position in the ring of the first frame to look at.
        known: run and tick of the last frame that the client has; a worker that is a little behind may still get it.
    """

    turn = 0.0

    def __init__(self, every: int, position: int, known: tuple[str, int] = ("", 0)) -> None:
        self._every = every
        self._position = position
        self._known = known

    def due(self, ring: FrameRing, most: int) -> Iterator[Frame]:
        """The frames to be sent now, at most so many; each is taken as it is given out."""
        for _ in range(most):
            frame = self._next(ring)
            if frame is None:
                return
            yield frame

    def lost(self, ring: FrameRing) -> int:
        """Frames that fell out of the ring before they were sent; the pace goes on after them."""
        missed = max(0, ring.first - self._position)
        self._position += missed
        return missed

    def _next(self, ring: FrameRing) -> Frame | None:
        while self._position < ring.end:
            frame = ring[self._position]
            self._position += 1
            head = frame.head
            has = head.run == self._known[0] and head.seq <= self._known[1]
            if not has and head.seq % self._every == 0:
                return frame
        return None
