"""Policy `stop`: for which late modules a run is to be stopped."""

from nodes.clock.peers import ALIVE_NS, Peers


class Verdict:
    """Found once and kept until it is carried out. Simulated time stands still until then, even if modules catch up.

    The clock carries it out with a command of its own, journaled and sent in a tick like everything that changes a run.

    Attributes:
        late: the modules; empty while there is nothing for which to stop.
    """

    def __init__(self) -> None:
        self.late: tuple[str, ...] = ()
        self._since_ns: int | None = None

    def keep(self, *, applies: bool) -> None:
        """Before a tick: drop the verdict if the run no longer runs, or not under this policy."""
        if not applies:
            self.late = ()

    def find(self, held: list[str], peers: Peers, now_ns: int, *, applies: bool) -> None:
        """After a tick: find the modules for which simulated time had to wait.

        A clock that has just started has not heard anybody yet. A module then counts as late only once it has been
        heard, or has had the time to report.

        Args:
            held: modules for which simulated time had to wait in the tick.
            peers: what has been heard of them.
            now_ns: monotonic time of the tick.
            applies: whether the run runs under policy `stop`.
        """
        # From the first tick, not from the start of the process: until then nobody could have acknowledged anything.
        self._since_ns = now_ns if self._since_ns is None else self._since_ns
        if not applies or self.late:
            return
        # In its first two seconds the clock cannot distinguish a late module from one that it has not heard yet.
        started = now_ns - self._since_ns <= ALIVE_NS
        self.late = tuple(module for module in held if not started or peers.status(module) is not None)
