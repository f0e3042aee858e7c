"""Which nodes there are: the health of each instance, and how often a node was started again, as the clock reports.

What a worker of the gateway says of itself in its beat is read here too, so that every worker knows of the others.
"""

import re
from typing import Final, Literal

from bus.protocol.health import ALARM, BEHIND, DEGRADED, STARTING
from bus.protocol.messages import Peer, Status

SILENT = 2.0
"""Seconds without a beat after which an instance counts as silent."""

NodeHealth = Literal["ok", "starting", "degraded", "fault", "silent"]
"""How a process is."""

BEGINS: Final[dict[str, NodeHealth]] = {
    "fault: ": "fault",
    ALARM: "fault",
    DEGRADED: "degraded",
    BEHIND: "degraded",
    "catching up: ": "degraded",
    STARTING: "starting",
}
"""How the line begins that a node says of itself when it is not well."""


class Roster:
    """The clock's table of peers."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []

    def on_status(self, status: Status) -> None:
        """Take in a report of the clock."""
        self.peers = status.peers

    def other_clients(self, own: str) -> int:
        """WebSocket clients of the other workers of the gateway than the instance `own`, as these last said."""
        return sum(
            clients_told(peer.status)
            for peer in self.peers
            if peer.node == "gateway" and peer.instance != own and peer.age <= SILENT
        )


def health_of(peer: Peer) -> NodeHealth:
    """How a process is, by its beats and by what it says of itself."""
    if peer.age > SILENT:
        return "silent"
    return next((health for begin, health in BEGINS.items() if peer.status.startswith(begin)), "ok")


def tell(clients: int, missing: list[str]) -> str:
    """What a worker says of itself in its beat."""
    return f"{clients} clients" + (f", missing {', '.join(missing)}" if missing else "")


def clients_told(status: str) -> int:
    """The number of clients in what a worker says of itself; 0 if it says nothing of the kind."""
    match = re.match(r"(\d{1,6}) clients", status)
    return int(match[1]) if match else 0
