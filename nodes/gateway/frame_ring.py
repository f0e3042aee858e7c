"""The newest frames of one topic in order, for clients that resume or lag.

A frame's position never changes. So each client needs no queue, only a number, and what was dropped before it was sent
follows from comparing that number with the position of the oldest frame.
"""

from nodes.gateway.frame_encoding import Frame

KEPT = 2000
"""Frames that are kept: 20 s of them at 100 ticks a second."""


class FrameRing:
    """Frames by position; the oldest make room for new ones.

    Args:
        kept: most frames.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._frames: dict[int, Frame] = {}
        self.first = 0
        """Position of the oldest frame."""
        self.end = 0
        """Position of the next frame to come."""

    def __getitem__(self, position: int) -> Frame:
        return self._frames[position]

    def append(self, frame: Frame) -> None:
        """Add the newest frame."""
        self._frames[self.end] = frame
        self.end += 1
        if self.end - self.first > self._kept:
            del self._frames[self.first]
            self.first += 1

    def newest(self) -> Frame | None:
        """The newest frame; None if the ring is empty."""
        return self._frames.get(self.end - 1)

    def after(self, run: str, seq: int) -> int | None:
        """The position after the frame of a run and tick, or else after the last one of that run before that tick.

        Returns:
            None if the ring has no such frame.
        """
        # From the newest backwards: a client that resumes has been away for a moment, not for all of the ring.
        for position in range(self.end - 1, self.first - 1, -1):
            head = self._frames[position].head
            if head.run == run and head.seq <= seq:
                return position + 1
        return None

    def beginning(self, run: str, seq: int) -> bool:
        """Is the oldest frame the very next one after this tick of this run?"""
        oldest = self._frames.get(self.first)
        return oldest is not None and oldest.head.run == run and oldest.head.seq == seq + 1
