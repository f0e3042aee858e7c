"""Who is on the bus, how far each module has come, and which of its instances publishes."""

from dataclasses import dataclass

from bus.protocol.health import Health
from bus.protocol.messages import CLOCK_MODULE, Ack, Beat, Peer

ALIVE_NS = 2_000_000_000
"""A peer that has been silent this long no longer counts as alive."""

FORGET_NS = 60_000_000_000
"""A peer that has been silent this long is no longer listed."""

LEADER_SILENCE_NS = 120_000_000
"""A leader that has been silent this long is replaced, if another instance is not silent."""

PREFER_AFTER_NS = 5_000_000_000
"""The first instance of a module leads again after keeping up for this long: foreign tools listen to its address."""

KEEPING_UP = 2
"""Ticks that an instance which keeps up may be behind the leader."""

RECORDER = "recorder"
"""Node name of the process that records."""

LOADING = "physics"
"""Node name of a module's process before it computes."""

PEERS_MAX = 256
"""Most peers that are remembered; beyond that number the one that has been silent longest is forgotten."""


@dataclass
class _Known:
    node: str
    instance: str
    pid: int
    status: str
    run: str
    seq: int
    gaps: int
    queue: int
    restarts: int | None
    supervisor: str
    program: str
    unrecorded: dict[str, int]
    health: Health
    reason: str
    clients: int | None
    heard_ns: int
    keeps_up_since_ns: int = 0


class Peers:
    """The newest beat of every node."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules
        self._known: dict[tuple[str, str, str], _Known] = {}
        """By node, instance and, of what is no module, supervisor: two hosts may have processes of one number."""
        self._leaders: dict[str, str] = {}
        self._published: dict[str, tuple[str, int]] = {}

    def heard(self, message: Ack | Beat, now_ns: int) -> None:
        """Take note of a beat or an acknowledgement."""
        if isinstance(message, Ack):
            # An instance of a module is the same wherever it runs: after a move to another host it takes the place of
            # the old one.
            node, run, key = message.module, message.run, (message.module, message.instance, "")
        else:
            node, run, key = message.node, "", (message.node, message.instance, message.supervisor)
        before = self._known.get(key)
        if isinstance(message, Ack):
            # While it loads, a module beats under the name of its program. Without this the table would show the
            # process twice for a minute, once as it was while it loaded.
            self._known.pop((LOADING, f"pid-{message.pid}", message.supervisor), None)
        known = _Known(
            node,
            message.instance,
            message.pid,
            message.status,
            run,
            message.seq,
            message.gaps,
            message.queue,
            message.restarts,
            message.supervisor,
            message.program,
            message.unrecorded if isinstance(message, Beat) else {},
            message.health,
            message.reason,
            message.clients if isinstance(message, Beat) else None,
            now_ns,
            now_ns,
        )
        self._known[key] = known
        if len(self._known) > PEERS_MAX:
            # Anybody on the bus may beat under any name, which must not make the table grow without end.
            del self._known[min(self._known, key=lambda each: self._known[each].heard_ns)]
        if not isinstance(message, Ack) or message.module not in self._modules:
            return
        published_run, published = self._published.get(node, ("", 0))
        # Two instances say how far the module was published; the one that is behind must not set it back.
        newest = max(published, message.published) if published_run == run else message.published
        self._published[node] = (run, newest)
        leader = self._leader(node)
        # The first instance that is heard leads: there is nobody to compare it with. `elect` finds a better one later.
        if leader is None or now_ns - leader.heard_ns > ALIVE_NS:
            self._leaders[node] = message.instance
        # Keeping up is counted from the beat at which it began, and from zero in another process: a process that has
        # just been started has to prove itself first.
        elif before is not None and before.pid == known.pid and self._level(known, leader):
            known.keeps_up_since_ns = before.keeps_up_since_ns

    def _leader(self, module: str) -> _Known | None:
        return self._known.get((module, self._leaders.get(module, ""), ""))

    @staticmethod
    def _level(known: _Known, leader: _Known) -> bool:
        return known.run == leader.run and known.seq + KEEPING_UP >= leader.seq

    def elect(self, now_ns: int) -> None:
        """Replace leaders that have fallen silent, and give the lead back to the first instance of a module."""
        for module in self._modules:
            leader = self._leader(module)
            if leader is None:
                continue
            speaking = [
                known
                for known in self._known.values()
                if known.node == module and known is not leader and now_ns - known.heard_ns <= LEADER_SILENCE_NS
            ]
            # Better a silent leader than none: it may only be slow, and simulated time still waits for it.
            if not speaking:
                continue
            if now_ns - leader.heard_ns > LEADER_SILENCE_NS:
                # The instance that has come furthest in the run has the least to catch up with, and leaves listeners
                # the smallest gap.
                best = max(speaking, key=lambda known: (known.run == leader.run, known.seq))
                self._leaders[module] = best.instance
                continue
            # Instances compute the same bits, so any of them may lead. But foreign tools were given the address of the
            # first one.
            first = min(speaking, key=lambda known: known.instance)
            if first.instance < leader.instance and now_ns - first.keeps_up_since_ns >= PREFER_AFTER_NS:
                self._leaders[module] = first.instance

    def progress(self, module: str, run: str) -> int:
        """Last tick of `run` that the module's leader has worked off, 0 when it has none."""
        leader = self._leader(module)
        # Progress in another run is none in this one: right after a reset every module is at 0.
        return leader.seq if leader is not None and leader.run == run else 0

    def status(self, module: str) -> str | None:
        """What the module's leader reports of itself; None if no instance has been heard."""
        leader = self._leader(module)
        return None if leader is None else leader.status

    def faulty(self, module: str) -> bool:
        """True if the module's leader reports that it cannot go on in its run."""
        leader = self._leader(module)
        return leader is not None and leader.health == "fault"

    def leaders(self) -> dict[str, str]:
        """Module -> instance that publishes for it."""
        return dict(self._leaders)

    def published(self, run: str) -> dict[str, int]:
        """Module -> last tick of the run whose state was published for it."""
        return {module: seq for module, (of_run, seq) in self._published.items() if of_run == run}

    def speaking(self, now_ns: int) -> set[tuple[str, str]]:
        """Every process of a module that was heard from lately, as (module, instance)."""
        return {
            (known.node, known.instance)
            for known in self._known.values()
            if known.node in self._modules and now_ns - known.heard_ns <= ALIVE_NS
        }

    def unrecorded(self, now_ns: int) -> dict[str, int]:
        """Clock or module -> its ticks that are not on disk, as the recorder last reported; empty while it is silent.

        Only names of this plant are taken, so a stranger's beat cannot make the report grow.
        """
        beats = [
            known for known in self._known.values() if known.node == RECORDER and now_ns - known.heard_ns <= ALIVE_NS
        ]
        # The newest: after a restart the old process may still be in the table.
        said = max(beats, key=lambda known: known.heard_ns).unrecorded if beats else {}
        return {name: said[name] for name in (CLOCK_MODULE, *self._modules) if name in said}

    def silent(self, now_ns: int) -> list[str]:
        """Modules from which nothing has been heard lately."""
        alive = {known.node for known in self._known.values() if now_ns - known.heard_ns <= ALIVE_NS}
        return [module for module in self._modules if module not in alive]

    def table(self, now_ns: int) -> list[Peer]:
        """All peers with their ages; those silent for a minute are forgotten."""
        # A copy, since forgetting changes the table during the loop.
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
                gaps=known.gaps,
                age=max(0, now_ns - known.heard_ns) / 1e9,
                queue=known.queue,
                restarts=known.restarts,
                supervisor=known.supervisor,
                program=known.program,
                health=known.health,
                reason=known.reason,
                clients=known.clients,
            )
            for known in self._known.values()
        ]
