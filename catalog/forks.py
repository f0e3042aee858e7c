"""Forks: a new run that begins from a moment of another one, the same way for every door.

A fork is answered once every process of every module has the moment on disk and every module has begun the new run; a
fork that stops on the way says where.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import CLOCK_MODULE, Forked, ForkRequest, Result
from bus.transport.client import Commander, command, fork
from catalog.recorded_runs import recorded
from recording.reading import tick_at


class NothingRecordedError(LookupError):
    """Nothing of a module is recorded at or before a time."""


class MomentError(ValueError):
    """The modules were not at the same moment of the run."""


class RejectedError(ValueError):
    """The plant rejected a command of the fork, or a module rejected the beginning of the run.

    Args:
        result: the rejection, with its reason and the values that were wrong.
    """

    def __init__(self, result: Result) -> None:
        super().__init__(result.reason or "; ".join(item.reason for item in result.violations))
        self.result = result


@dataclass(frozen=True)
class ForkPoint:
    """Where a run is left.

    Attributes:
        run: id of the run.
        ticks: module -> the tick after which the new run begins.
    """

    run: str
    ticks: Mapping[str, int]


class Acted(Protocol):
    """What a command did, as a result, or in the form in which a door answers."""

    @property
    def run(self) -> str:
        """Run in which it acted."""

    @property
    def seq(self) -> int:
        """Tick at which it acted."""

    @property
    def t(self) -> float:
        """Simulated time at which it acted (s)."""

    @property
    def applied(self) -> dict[str, Any]:
        """What is in force now."""


Order = Callable[[str, dict[str, Any]], Awaitable[Acted]]
"""Sends a command to the clock, by name and arguments, and waits until it has acted. If it does not, it may raise any
exception: each door has errors of its own."""


@dataclass(frozen=True)
class NewRun:
    """A run that every module has begun.

    Attributes:
        run: its id.
        seq: tick at which it stands, or was started.
        t: simulated time of that tick (s).
        applied: what is in force.
        seq_before: tick of the other run from which it began.
        t_before: simulated time of that tick in the other run (s).
        made: what each process of each module made ready, in the order of the endpoints.
    """

    run: str
    seq: int
    t: float
    applied: dict[str, Any]
    seq_before: int
    t_before: float
    made: Sequence[Forked]


def recorded_moment(root: Path, run: str, modules: Sequence[str], t: float) -> ForkPoint:
    """The newest recorded ticks at or before a simulated time; it may have to read files.

    Args:
        root: folder of all recordings.
        run: id of the run.
        modules: the plant's modules.
        t: simulated time (s).

    Raises:
        NoRecordingError: if the run is not recorded.
        NothingRecordedError: if nothing of a module is recorded by then.
        StoreError: if the recording cannot be read, or has no such module.
    """
    folder = recorded(root, run)
    ticks: dict[str, int] = {}
    for module in modules:
        seq = tick_at(folder, module, round(t * 1e6))
        if seq is None:
            raise NothingRecordedError(f"nothing of module {module} is recorded at or before {t:g} s of run {run}")
        ticks[module] = seq
    return ForkPoint(run, ticks)


def by_commander(commander: Commander, origin: str, first_id: str = "") -> Order:
    """Commands that a commander sends, for `begin_fork`.

    Args:
        commander: sends them.
        origin: who asks, for the audit log.
        first_id: id of the command that ends the present run, so a repeated request forks once; a new one is made if
            empty.
    """

    async def order(name: str, args: dict[str, Any]) -> Result:
        result = await commander.send(command(CLOCK_MODULE, name, args, origin, first_id if name == "reset" else ""))
        if result.outcome == "rejected":
            raise RejectedError(result)
        return result

    return order


async def begin_fork(
    endpoints: Endpoints,
    commander: Commander,
    moment: ForkPoint,
    changes: dict[str, Any],
    order: Order,
    *,
    start: bool = False,
) -> NewRun:
    """Begin a new run from a moment; the present run ends.

    Args:
        endpoints: where the modules are.
        commander: hears the modules' results of beginning the run.
        moment: where the run begins.
        changes: parameters that replace those of the moment.
        order: sends the clock's commands; see `by_commander`.
        start: whether the new run is started at once; otherwise it stands at time zero.

    Returns:
        The new run, once every module has begun it.

    Raises:
        RefusedError: if a module does not make the moment ready, with its reason.
        NotAnsweredError: if a module does not answer, or does not begin the run.
        MomentError: if the modules were not at the same moment.
        RejectedError: if a module rejects the beginning of the run.
    """
    # Everything that can fail without a consequence comes first: until the reset the present run goes on untouched.
    made = await _made_ready(endpoints, moment)
    # One command names one checkpoint for every module, so all of them must have made it of the same tick.
    origins = {(each.scenario, moment.ticks[each.module], each.t) for each in made}
    if len(origins) != 1:
        raise MomentError(f"the modules of run {moment.run} were not at the same tick there")
    scenario, seq, t = origins.pop()
    reset = await order("reset", {"scenario": scenario, "parameters": changes})
    # The reset has acted when the clock says so. Whether the modules can begin the new run is known only from them.
    begun = await commander.begun(reset.run, reset.seq)
    for result in begun:
        if result.outcome == "rejected":
            raise RejectedError(result)
    # What is in force is known in two places: mode and speed by the clock, parameters by the modules.
    last: Acted = begun[0]
    applied = reset.applied | last.applied
    if start:
        last = await order("start", {})
        applied |= last.applied
    return NewRun(begun[0].run, last.seq, last.t, applied, seq, t, made)


async def _made_ready(endpoints: Endpoints, moment: ForkPoint) -> list[Forked]:
    """Have every process of every module make the moment ready: any of them may be the one that publishes later."""
    return await asyncio.gather(
        *(
            fork(module.module, instance.snapshot, ForkRequest(moment.run, moment.ticks[module.module]))
            for module in endpoints.modules
            for instance in module.instances
        )
    )
