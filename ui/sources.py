"""How fresh a source is and how fast it speaks. Pure: the caller says what time it is."""

from collections import deque
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


class MessageRate:
    """How often something was heard of late."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=20_000)

    def hear(self, now: float) -> None:
        """Note one message."""
        self._times.append(now)

    def rate(self, now: float) -> int:
        """Messages in the last second."""
        while self._times and self._times[0] <= now - 1.0:
            self._times.popleft()
        return len(self._times)
