"""How often a caller may ask: a token bucket for each, pure and of bounded size."""

from collections import OrderedDict
from dataclasses import dataclass

CALLERS = 4096
"""Callers that are remembered; beyond that number, those that have not asked for longest are forgotten."""


@dataclass(frozen=True)
class Rate:
    """How many a second in the long run, and how many at once after a rest."""

    per_second: float
    burst: float


@dataclass
class _Bucket:
    level: float
    at: float


class Limiter:
    """One bucket for each caller.

    Args:
        rate: what each caller may ask.
    """

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, caller: str, now: float) -> float:
        """Take one from the caller's bucket.

        Args:
            caller: name or address of the caller.
            now: time on a clock that never goes back (s).

        Returns:
            0 if there was one; otherwise nothing was taken, and seconds until there will be one.
        """
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(self.rate.burst, now)
            while len(self._buckets) > CALLERS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(caller)
        # Filled up at each look by what has flowed in since the last one: a bucket that nobody uses costs nothing. One
        # that is forgotten and made again is full, so it is the idle ones that are forgotten.
        bucket.level = min(self.rate.burst, bucket.level + (now - bucket.at) * self.rate.per_second)
        bucket.at = now
        if bucket.level >= 1.0:
            bucket.level -= 1.0
            return 0.0
        return (1.0 - bucket.level) / self.rate.per_second

    def empty(self, caller: str, now: float) -> bool:
        """True if the caller's bucket is empty at `now`; takes nothing."""
        bucket = self._buckets.get(caller)
        return bucket is not None and bucket.level + (now - bucket.at) * self.rate.per_second < 1.0
