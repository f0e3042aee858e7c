"""Who the clock hears of, how far each module has come, and who publishes for it."""

from dataclasses import dataclass

from bus.messages import Ack, Beat, Peer

ALIVE_NS = 2_000_000_000
"""A peer that has been silent this long no longer counts as alive."""

FORGET_NS = 60_000_000_000

PEERS_MAX = 256
"""Most peers remembered; beyond it the one that has been silent longest is forgotten."""


@dataclass
class _Known:
    node: str
    instance: str
    pid: int
    status: str
    run: str
    seq: int
    heard_ns: int


class Peers:
    """The newest beat of every node."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules
        self._known: dict[tuple[str, str], _Known] = {}
        self._leaders: dict[str, str] = {}

    def heard(self, message: Ack | Beat, now_ns: int) -> None:
        """Take note of a beat or an acknowledgement."""
        if isinstance(message, Ack):
            node, run = message.module, message.run
        else:
            node, run = message.node, ""
        key = (node, message.instance)
        self._known[key] = _Known(node, message.instance, message.pid, message.status, run, message.seq, now_ns)
        if len(self._known) > PEERS_MAX:
            del self._known[min(self._known, key=lambda each: self._known[each].heard_ns)]
        if isinstance(message, Ack) and message.module in self._modules:
            leader = self._known.get((node, self._leaders.get(node, "")))
            if leader is None or now_ns - leader.heard_ns > ALIVE_NS:
                self._leaders[node] = message.instance

    def progress(self, module: str, run: str) -> int:
        """Last tick of `run` that the module's leader has worked off, 0 when it has none."""
        leader = self._known.get((module, self._leaders.get(module, "")))
        return leader.seq if leader is not None and leader.run == run else 0

    def leaders(self) -> dict[str, str]:
        """Module -> instance that publishes for it."""
        return dict(self._leaders)

    def silent(self, now_ns: int) -> list[str]:
        """Modules that nobody has been heard of lately."""
        alive = {known.node for known in self._known.values() if now_ns - known.heard_ns <= ALIVE_NS}
        return [module for module in self._modules if module not in alive]

    def table(self, now_ns: int) -> list[Peer]:
        """All peers with their ages; those silent for a minute are forgotten."""
        for key, known in list(self._known.items()):
            if now_ns - known.heard_ns > FORGET_NS:
                del self._known[key]
        return [
            Peer(
                node=known.node,
                instance=known.instance,
                pid=known.pid,
                status=known.status,
                seq=known.seq,
                age=(now_ns - known.heard_ns) / 1e9,
            )
            for known in self._known.values()
        ]
