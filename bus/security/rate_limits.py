"""How often somebody may ask: a token bucket per caller, pure and of bounded size."""

from collections import OrderedDict
from dataclasses import dataclass

CALLERS = 4096
"""Callers that are remembered; beyond it those who have asked least lately are forgotten."""


@dataclass(frozen=True)
class Rate:
    """So many a second, and so many at once."""

    per_second: float
    burst: float


@dataclass
class _Bucket:
    level: float
    at: float


class Limiter:
    """One bucket for each caller."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, caller: str, now: float) -> float:
        """Take one from the caller's bucket.

        Args:
            caller: who asks.
            now: time on a clock that never goes back (s).

        Returns:
            0 if there was one, else seconds until there will be.
        """
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(self.rate.burst, now)
            while len(self._buckets) > CALLERS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(caller)
        bucket.level = min(self.rate.burst, bucket.level + (now - bucket.at) * self.rate.per_second)
        bucket.at = now
        if bucket.level >= 1.0:
            bucket.level -= 1.0
            return 0.0
        return (1.0 - bucket.level) / self.rate.per_second

    def empty(self, caller: str, now: float) -> bool:
        """Is the caller's bucket empty? Takes nothing."""
        bucket = self._buckets.get(caller)
        return bucket is not None and bucket.level + (now - bucket.at) * self.rate.per_second < 1.0
