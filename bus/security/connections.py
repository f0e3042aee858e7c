"""How many connections a door may have, and which one makes room for a new one. Pure.

A client that opens connections and says nothing takes places from others before any token is looked at. So there is
always room for one more: of the connections on which nothing was asked yet, the oldest one goes, first of the address
that has most of them. A client that asks at once is never among those, since its request arrives with the connection.
"""

from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

ConnectionId = TypeVar("ConnectionId", bound=Hashable)


class Connections(Generic[ConnectionId]):
    """The connections of one server.

    Args:
        most: connections at a time, including those on which a request is under way.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._addresses: dict[ConnectionId, str] = {}
        self._silent: OrderedDict[ConnectionId, None] = OrderedDict()
        """Those on which nothing was asked yet, the oldest first."""
        self._kept: OrderedDict[ConnectionId, None] = OrderedDict()
        """Those that are kept open after an answer, the longest idle first."""

    def __len__(self) -> int:
        return len(self._addresses)

    def opened(self, connection: ConnectionId, address: str) -> ConnectionId | None:
        """Count a new connection. Returns the one that has to go, which no longer counts; None if there is room.

        Args:
            connection: the new one.
            address: IP address of its client.
        """
        self._addresses[connection] = address
        self._silent[connection] = None
        if len(self._addresses) <= self._most:
            return None
        gone = self._longest_silent()
        self.closed(gone)
        return gone

    def asks(self, connection: ConnectionId) -> None:
        """Note that a request is under way: the connection stays until that is answered."""
        self._silent.pop(connection, None)
        self._kept.pop(connection, None)

    def answered(self, connection: ConnectionId) -> None:
        """Note that its request has been answered, and that it is kept open."""
        if connection in self._addresses:  # it may have been closed during the answer
            self._kept[connection] = None

    def closed(self, connection: ConnectionId) -> None:
        """Forget a connection that has gone; calling it again does nothing."""
        self._addresses.pop(connection, None)
        self._silent.pop(connection, None)
        self._kept.pop(connection, None)

    def _longest_silent(self) -> ConnectionId:
        counts = Counter(self._addresses[each] for each in self._silent)
        # The new connection is silent, too. If it is the only one, an idle connection goes in its place; if there is
        # none of those either, every other connection has a request under way, and the new one goes.
        if len(self._silent) > 1 or not self._kept:
            crowd = max(counts, key=counts.__getitem__)
            return next(each for each in self._silent if self._addresses[each] == crowd)
        return next(iter(self._kept))
