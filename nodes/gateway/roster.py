"""Which nodes there are: the health of each instance, and how often a node was started again, as the clock reports.

What a worker of the gateway reports of itself is read here too, so that every worker knows of the others.
"""

from typing import Final, Literal

from bus.protocol.health import PARTS_MISSING, Health, HealthReport
from bus.protocol.messages import Peer, Status

SILENT = 2.0
"""Seconds without a beat after which an instance counts as silent."""

NodeHealth = Literal["ok", "starting", "degraded", "fault", "silent", "unknown"]
"""How a process is."""

SHOWN: Final[dict[Health, NodeHealth]] = {
    "unknown": "unknown",
    "ok": "ok",
    "starting": "starting",
    "catching_up": "degraded",
    "behind": "degraded",
    "degraded": "degraded",
    "fault": "fault",
    "alarm": "fault",
}
"""How the API names what a node reports of itself."""


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
            peer.clients or 0
            for peer in self.peers
            if peer.node == "gateway" and peer.instance != own and peer.age <= SILENT
        )


def health_of(peer: Peer) -> NodeHealth:
    """How a process is, by its beats and by what it reports of itself."""
    return "silent" if peer.age > SILENT else SHOWN[peer.health]


def report(clients: int, missing: list[str]) -> HealthReport:
    """What a worker reports of itself."""
    said = f"{clients} clients" + (f", missing {', '.join(missing)}" if missing else "")
    return HealthReport("ok", said, PARTS_MISSING if missing else "")
