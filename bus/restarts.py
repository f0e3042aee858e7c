"""How often each node was started again, from the process ids in the clock's reports. Pure."""

from collections.abc import Iterable

from bus.messages import Peer

ALIVE = 0.4
"""Age of a beat in seconds up to which a process counts as running: two beats, and less than any start takes."""


class Restarts:
    """Processes that came in the place of another one since this listener began, by node."""

    def __init__(self) -> None:
        self._seen: dict[str, set[tuple[str, int, str]]] = {}
        self._together: dict[str, int] = {}

    def hear(self, peers: Iterable[Peer]) -> None:
        """Take the peers of one report."""
        alive: dict[str, set[tuple[str, int, str]]] = {}
        for peer in peers:
            if peer.age < ALIVE:
                alive.setdefault(peer.node, set()).add((peer.instance, peer.pid, peer.supervisor))
        for node, processes in alive.items():
            self._seen.setdefault(node, set()).update(processes)
            self._together[node] = max(self._together.get(node, 0), len(processes))

    def count(self, node: str) -> int:
        """Restarts of one node."""
        return len(self._seen.get(node, ())) - self._together.get(node, 0)

    def counts(self) -> dict[str, int]:
        """Restarts of every node that was heard of."""
        return {node: self.count(node) for node in sorted(self._seen)}
