"""How each node is, as the clock reports its peers."""

from collections.abc import Iterable
from typing import Final, Literal

from bus.protocol.health import Health
from bus.protocol.messages import Peer

SILENT = 2.0
"""Seconds without a beat after which an instance counts as silent."""

NodeHealth = Literal["ok", "starting", "degraded", "fault", "silent", "unknown"]
"""How a process is, in the API's words."""

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
"""What a node reports of itself -> the API's word for it."""


def health_of(peer: Peer) -> NodeHealth:
    """How a process is, by its beats and by what it reports of itself."""
    return "silent" if peer.age > SILENT else SHOWN[peer.health]


def other_clients(peers: Iterable[Peer], node: str, own: str) -> int:
    """Clients that all instances of a node but `own` serve, as each last reported."""
    # An instance knows its own clients better than its last beat does. One that is silent may have died with them.
    return sum(peer.clients or 0 for peer in peers if peer.node == node and peer.instance != own and peer.age <= SILENT)


def age_of(peers: Iterable[Peer], node: str) -> float | None:
    """Seconds from the last beat of any instance of a node to the clock's report; None if none is known."""
    return min((peer.age for peer in peers if peer.node == node), default=None)
