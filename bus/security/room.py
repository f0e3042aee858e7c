"""How many requests may be under way at a time, in total and for one caller. Pure and of bounded size."""

from collections import Counter

from bus.security.hosts import Refusal

SHARE = 0.75
"""The part of all requests that one caller may have; the rest is kept for others."""

RETRY_AFTER = 1
"""Seconds after which a caller for whom there was no room should ask again."""


class Room:
    """The requests that are under way at a door.

    Args:
        most: requests at a time, of all callers together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = max(1, int(most * SHARE))  # a door with room for one serves everybody in turn
        self._taken: Counter[str] = Counter()

    def enter(self, who: str, *, urgent: bool = False) -> bool:
        """Begin a request; False if there is no room for it. One that was admitted has to `leave` at its end.

        Args:
            who: name of the caller, or its address.
            urgent: True for a request that is admitted however many there are.
        """
        # An urgent one counts like any other, so the others wait until there is room again.
        if not urgent and (self._taken.total() >= self._most or self._taken[who] >= self._share):
            return False
        self._taken[who] += 1
        return True

    def leave(self, who: str) -> None:
        """End a request that was admitted."""
        self._taken[who] -= 1
        # A counter keeps zeros: without this every address that ever asked would be remembered.
        if not self._taken[who]:
            del self._taken[who]

    def full(self) -> Refusal:
        """The refusal of a request for which there was no room."""
        reason = f"{self._most} requests are under way, or {self._share} of yours: ask again in {RETRY_AFTER} s"
        return Refusal(503, "too-many", reason, retry_after=RETRY_AFTER)
