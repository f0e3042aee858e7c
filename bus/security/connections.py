"""Connections of a door that nobody has asked anything on yet: how many there may be, and which one goes for a new one.

Whoever opens connections and says nothing takes places away from others before any token is looked at. So there is
always room for one more: the connection that has waited longest goes, first of those of the address that has most of
them. A client that asks at once is never among them, for its request comes with the connection.
"""

from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

ConnectionId = TypeVar("ConnectionId", bound=Hashable)


class Connections(Generic[ConnectionId]):
    """The connections of one server.

    Args:
        most: at a time, those included on which a request is under way.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._addresses: dict[ConnectionId, str] = {}
        self._silent: OrderedDict[ConnectionId, None] = OrderedDict()
        """On which nothing was asked yet, the oldest first."""
        self._kept: OrderedDict[ConnectionId, None] = OrderedDict()
        """Which are kept open after an answer, the longest idle first."""

    def __len__(self) -> int:
        return len(self._addresses)

    def opened(self, connection: ConnectionId, address: str) -> ConnectionId | None:
        """Take in a new connection. Returns the one that has to go, which is no longer counted; None if none has."""
        self._addresses[connection] = address
        self._silent[connection] = None
        if len(self._addresses) <= self._most:
            return None
        gone = self._longest_silent()
        self.closed(gone)
        return gone

    def asks(self, connection: ConnectionId) -> None:
        """A request is under way: the connection stays until that is answered."""
        self._silent.pop(connection, None)
        self._kept.pop(connection, None)

    def answered(self, connection: ConnectionId) -> None:
        """It has been answered."""
        if connection in self._addresses:
            self._kept[connection] = None

    def closed(self, connection: ConnectionId) -> None:
        """A connection has gone."""
        self._addresses.pop(connection, None)
        self._silent.pop(connection, None)
        self._kept.pop(connection, None)

    def _longest_silent(self) -> ConnectionId:
        counts = Counter(self._addresses[each] for each in self._silent)
        if len(self._silent) > 1 or not self._kept:  # the new one is silent itself
            crowd = max(counts, key=counts.__getitem__)
            return next(each for each in self._silent if self._addresses[each] == crowd)
        return next(iter(self._kept))
