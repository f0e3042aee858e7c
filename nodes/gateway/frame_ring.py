"""The newest frames of one topic in order, each at a position that never changes, for clients that resume or lag."""

from nodes.gateway.frame_encoding import Frame

KEPT = 2000
"""Frames that are kept: 20 s at 100 ticks a second."""


class FrameRing:
    """Frames by position; the oldest go first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._frames: dict[int, Frame] = {}
        self.first = 0
        self.end = 0

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
        """The newest frame; None if there is none."""
        return self._frames.get(self.end - 1)

    def after(self, run: str, seq: int) -> int | None:
        """Position after the frame of a run and tick, or of the last one before it; None if that is not known here."""
        for position in range(self.end - 1, self.first - 1, -1):
            head = self._frames[position].head
            if head.run == run and head.seq <= seq:
                return position + 1
        return None

    def beginning(self, run: str, seq: int) -> bool:
        """Is the oldest frame the one that follows this tick of this run?"""
        oldest = self._frames.get(self.first)
        return oldest is not None and oldest.head.run == run and oldest.head.seq == seq + 1
