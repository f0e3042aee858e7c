"""When a client gets a frame: at its rate, always the newest one, or every n-th tick in order, with none left out."""

import math
from collections.abc import Iterator
from typing import Protocol

from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_ring import FrameRing

EARLY = 0.005
"""Seconds by which a frame may come before its turn, so that a rate equal to the tick rate misses none by jitter."""

LATE = 0.05
"""Seconds of lateness that are made up for; a schedule that is later than that starts again from now."""


class Keyed(Protocol):
    """Anything that belongs to a tick; equal keys mean the same tick."""

    @property
    def key(self) -> tuple[str, int]:
        """Run and tick."""


class SessionPace:
    """Turns at a rate. It holds no frame and only remembers which one was sent last.

    A client for which nothing is kept cannot fall behind: at each of its turns it gets what is newest then.

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
        """The time from which the next frame may be sent (s)."""
        return self._due - self._early

    def has(self, frame: Keyed) -> None:
        """Take note that the client has this frame already."""
        self._sent = frame.key

    def lacks(self, frame: Keyed) -> bool:
        """Is this another frame than the last one that the client got?"""
        return frame.key != self._sent

    def change(self, rate: float, now: float) -> None:
        """Take turns at another rate (Hz) from now on."""
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
        # From the turn that was due and not from now: small delays would add up and lower the rate.
        self._due += 1.0 / self._rate
        if now - self._due > max(LATE, 1.0 / self._rate):
            # After a long pause the turns that were missed are dropped; made up for, they would come as a burst.
            self._due = self._last_turn(now) + 1.0 / self._rate
        return True


class Decimation:
    """Every tick whose number is a multiple of `every`, in order, from a position of the ring on.

    Multiples of the tick's number and not every n-th frame: whichever worker a client resumes at, it gets the same.

    Args:
        every: 1 for all ticks.
        position: position in the ring of the first frame to look at.
        known: run and tick of the last frame that the client has. A worker that is a little behind the one that sent it
            has yet to receive that frame, and must not send it again.
    """

    turn = 0.0
    """Always due."""

    def __init__(self, every: int, position: int, known: tuple[str, int] = ("", 0)) -> None:
        self._every = every
        self._position = position
        self._known = known

    def due(self, ring: FrameRing, most: int) -> Iterator[Frame]:
        """The frames to be sent now, at most `most`; each counts as sent as soon as it is given out."""
        for _ in range(most):
            frame = self._next(ring)
            if frame is None:
                return
            yield frame

    def lost(self, ring: FrameRing) -> int:
        """How many frames fell out of the ring before they were sent; the pace goes on after them."""
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
