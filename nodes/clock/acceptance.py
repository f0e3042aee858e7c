"""Which commands are accepted: those for known modules that are caught up, while nothing holds simulated time."""

from bus.protocol.messages import (
    CLOCK_MODULE,
    EMERGENCY_STOP,
    EVERY_MODULE,
    NODE_ALARMS,
    STOP_LATE,
    Command,
    CommandRequest,
    Refused,
    Sequenced,
)
from nodes.clock.clock_run import ClockRun
from nodes.clock.peers import Peers

CAUGHT_UP_SECONDS = 0.5
"""A module that is further behind than this, in ticks at the tick rate, takes no commands."""

RETRY_AFTER = 0.2
"""Seconds after which a command that was refused because a module is late may be tried again."""

NEEDS_EVERY_MODULE = frozenset({"start", "resume", "step", "run_until"})
"""Commands of the clock that are refused while a module is late; with the others a stuck run can be left."""

OWN = {
    STOP_LATE: "only the clock itself finds modules late: use stop",
    NODE_ALARMS: "only the clock itself notes what nodes report",
}
"""Commands that the clock gives itself, and why nobody else may."""


class Acceptance:
    """Refuses commands, with the reason, the field at fault, and the time after which another attempt makes sense.

    Args:
        modules: the plant modules.
        rate: ticks per second.
        peers: what is known of the nodes.
    """

    def __init__(self, modules: tuple[str, ...], rate: int, peers: Peers) -> None:
        self._modules = modules
        self._ticks_behind = max(2, round(CAUGHT_UP_SECONDS * rate))
        self._peers = peers

    def refuse(self, request: CommandRequest, run: ClockRun, suspended: str) -> Refused | None:
        """Why a command is not accepted now; None if it is.

        Args:
            request: the command.
            run: the present run.
            suspended: why simulated time has to wait for something other than a module; empty if it does not.
        """
        known = (CLOCK_MODULE, EVERY_MODULE, *self._modules)
        # Cheap and final refusals first. What may change by itself, such as a late module, comes last and names a time
        # to try again.
        if request.module not in known:
            return Refused(id=request.id, field="module", reason=f"no module {request.module!r}: use one of {known}")
        # A `begin` of its own would make one module forget its run while the others go on with theirs.
        if request.name == "begin" or (request.module == EVERY_MODULE and request.name != EMERGENCY_STOP):
            reason = f"only the clock itself may address every module at once; others may send {EMERGENCY_STOP} to all"
            return Refused(id=request.id, field="module", reason=reason)
        if request.module == CLOCK_MODULE and request.name in OWN:
            return Refused(id=request.id, field="name", reason=OWN[request.name])
        # Before the modules are looked at: with a full disk no command can be kept, even if all are caught up.
        if suspended:
            return Refused(id=request.id, field="", reason=suspended, retry_after=RETRY_AFTER)
        for module in self._needed(request):
            reason = self._late(module, run)
            if reason:
                after = 0.0 if self._peers.faulty(module) else RETRY_AFTER
                return Refused(id=request.id, field="", reason=reason, retry_after=after)
        return None

    def _needed(self, request: CommandRequest) -> tuple[str, ...]:
        """Modules that have to be caught up for a command.

        An emergency stop of all modules needs none: it acts in its tick wherever a module is, and a late module must
        not keep the others running.
        """
        if request.module == EVERY_MODULE:
            return ()
        if request.module != CLOCK_MODULE:
            return (request.module,)
        # Pause, stop and reset need nobody: they are the way out when a module hangs.
        return self._modules if request.name in NEEDS_EVERY_MODULE else ()

    def _late(self, module: str, run: ClockRun) -> str:
        """Why a module takes no commands now, empty when it does."""
        status = self._peers.status(module)
        if status is None:
            return f"module {module} has not been heard from yet: try again when it is there"
        # Progress in the present run: a module that is still in the run before has 0 here, and is late until it has
        # begun this one.
        behind = run.seq - self._peers.progress(module, run.name)
        if behind <= self._ticks_behind:
            return ""
        if self._peers.faulty(module):
            return f"module {module} cannot go on in run {run.name} ({status}): reset to begin another run"
        return f"module {module} is not caught up, {behind} ticks behind (it says: {status}): try again in a moment"


def again(request: CommandRequest, answer: Sequenced, command: Command) -> Sequenced | Refused:
    """The answer to a request whose id is known: the first one, if it asks for the same."""
    return another(request, command) or answer


def another(request: CommandRequest, known: Command | CommandRequest) -> Refused | None:
    """Why a request may not use the id of a command that is known; None if it is the same one."""
    # The origin is not compared: the same person may repeat a command through another client, for example after a lost
    # connection.
    if (request.module, request.name, request.args) == (known.module, known.name, known.args):
        return None
    return Refused(id=request.id, field="id", reason=f"this id belongs to another command ({known.name!r})")
