"""Which nodes there are: the health of each instance, and how often a node was started again, as the clock reports.

What a worker of the gateway says of itself in its beat is read here too, so that every worker knows of the others.
"""

import re
from dataclasses import dataclass, field

from bus.messages import Peer, Status
from bus.process import instance_name

SILENT = 2.0
"""Seconds without a beat after which an instance counts as silent."""


@dataclass
class _Seen:
    pids: set[int] = field(default_factory=set)
    instances: int = 0


class Roster:
    """The clock's table of peers, and the process ids that were seen before."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self._seen: dict[str, _Seen] = {}

    def on_status(self, status: Status) -> None:
        """Take in a report of the clock."""
        self.peers = status.peers
        for peer in status.peers:
            seen = self._seen.setdefault(peer.node, _Seen())
            seen.pids.add(peer.pid)
            alive = sum(each.node == peer.node and each.age <= SILENT for each in status.peers)
            seen.instances = max(seen.instances, alive)

    def restarts(self) -> dict[str, int]:
        """Starts beyond the most instances that were alive at a time, by node, since this listener began."""
        return {node: max(0, len(seen.pids) - seen.instances) for node, seen in self._seen.items()}

    def other_clients(self) -> int:
        """WebSocket clients of the other workers of the gateway, as these last said."""
        own = instance_name()
        return sum(
            clients_told(peer.status)
            for peer in self.peers
            if peer.node == "gateway" and peer.instance != own and peer.age <= SILENT
        )


def tell(clients: int, missing: list[str]) -> str:
    """What a worker says of itself in its beat."""
    return f"{clients} clients" + (f", missing {', '.join(missing)}" if missing else "")


def clients_told(status: str) -> int:
    """The number of clients in what a worker says of itself; 0 if it says nothing of the kind."""
    match = re.match(r"(\d{1,6}) clients", status)
    return int(match[1]) if match else 0
