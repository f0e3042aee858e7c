"""Policy `stop`: which modules a run is to be stopped for."""

from nodes.clock.peers import ALIVE_NS, Peers


class Verdict:
    """Decided once and kept until it is carried out. Simulated time stands still until then, whoever catches up.

    The clock carries it out with a command of its own, journaled and sent in a tick like everything that changes a run.
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

        A clock that has just started has not heard from anybody yet. A module then counts as late only once it has been
        heard from, or has had the time to report.
        """
        # From the first tick, not from the start of the process: until then nobody could have acknowledged anything.
        self._since_ns = now_ns if self._since_ns is None else self._since_ns
        if not applies or self.late:
            return
        # In its first two seconds the clock cannot tell a module that is late from one that it has not heard yet.
        started = now_ns - self._since_ns <= ALIVE_NS
        self.late = tuple(module for module in held if not started or peers.status(module) is not None)
