"""How many requests may be under way at a time, in all and of one caller. Pure and of bounded size."""

from collections import Counter

from bus.security.hosts import Refusal

SHARE = 0.75
"""What one caller may have of all; the rest is there for others."""

RETRY_AFTER = 1
"""Seconds after which somebody for whom there was no room should ask again."""


class Room:
    """The requests that are under way at a door.

    Args:
        most: at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = max(1, int(most * SHARE))
        self._taken: Counter[str] = Counter()

    def enter(self, who: str, *, urgent: bool = False) -> bool:
        """A request begins; false if there is no room for it. One that was let in leaves at its end.

        Args:
            who: name of the caller, or its address.
            urgent: true for what is let in however many there are.
        """
        if not urgent and (self._taken.total() >= self._most or self._taken[who] >= self._share):
            return False
        self._taken[who] += 1
        return True

    def leave(self, who: str) -> None:
        """A request that was let in has ended."""
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]

    def full(self) -> Refusal:
        """Why somebody was not let in."""
        reason = f"{self._most} requests are under way, or {self._share} of yours: ask again in {RETRY_AFTER} s"
        return Refusal(503, "too-many", reason, retry_after=RETRY_AFTER)
