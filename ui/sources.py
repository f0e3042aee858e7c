"""How fresh a source is and how fast it speaks. Pure: the caller says what time it is."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

STALE_AFTER = 1.0
"""Seconds of silence after which what a source said last is shown as stale."""

LOST_AFTER = 5.0
"""Seconds of silence after which it is shown as missing."""

Freshness = Literal["live", "stale", "missing"]


def freshness(age: float | None) -> Freshness:
    """What an age in seconds means to the reader of the page; None is a source never heard of."""
    if age is None or age >= LOST_AFTER:
        return "missing"
    return "stale" if age >= STALE_AFTER else "live"


@dataclass
class Source:
    """When something was heard last, and how often of late."""

    heard: float | None = None
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=20_000))

    def hear(self, now: float) -> None:
        """Note one message."""
        self.heard = now
        self._times.append(now)

    def age(self, now: float) -> float | None:
        """Seconds since the last message, None before the first."""
        return None if self.heard is None else max(0.0, now - self.heard)

    def rate(self, now: float) -> int:
        """Messages in the last second."""
        while self._times and self._times[0] <= now - 1.0:
            self._times.popleft()
        return len(self._times)
