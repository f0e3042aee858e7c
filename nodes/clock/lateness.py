"""Policy `stop`: which modules a run is to be stopped for."""

from nodes.clock.peers import ALIVE_NS, Peers


class Verdict:
    """Decided once and kept until it is carried out: simulated time stands still meanwhile, whoever catches up.

    The clock carries it out by a command of its own, which is in the journal and in a tick like all that changes a run.
    """

    def __init__(self) -> None:
        self.late: tuple[str, ...] = ()
        """The modules, empty while there is nothing to stop for."""
        self._since_ns: int | None = None

    def keep(self, *, applies: bool) -> None:
        """Before a tick: drop the verdict if the run does not run any more, or not under this policy."""
        if not applies:
            self.late = ()

    def find(self, held: list[str], peers: Peers, now_ns: int, *, applies: bool) -> None:
        """After a tick in which simulated time had to wait for some modules.

        A clock that has just started has heard of nobody: late is who was heard of or had the time to be.
        """
        self._since_ns = now_ns if self._since_ns is None else self._since_ns
        if not applies or self.late:
            return
        started = now_ns - self._since_ns <= ALIVE_NS
        self.late = tuple(module for module in held if not started or peers.status(module) is not None)
