"""Forks: a new run that begins from a moment of another one, for every door alike.

Whoever forks gets an answer once every process of every module has the moment on disk and every module has begun the
new run; a fork that stops on the way says where.
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
    """Nothing of a module is recorded at or before that time."""


class MomentError(ValueError):
    """The modules were not at the same moment."""


class RejectedError(ValueError):
    """The plant rejected a command of the fork, or a module the beginning of the run."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.reason or "; ".join(item.reason for item in result.violations))
        self.result = result


@dataclass(frozen=True)
class ForkPoint:
    """Where a run is left: the newest tick of each module."""

    run: str
    ticks: Mapping[str, int]


class Acted(Protocol):
    """What a command did, as a result or as a door answers it."""

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
"""Has a command of the clock act, by name and arguments; raises what it likes if it does not."""


@dataclass(frozen=True)
class NewRun:
    """A run that every module has begun."""

    run: str
    seq: int
    """Tick at which it stands or was started."""
    t: float
    """Simulated time of that tick (s)."""
    applied: dict[str, Any]
    """What is in force."""
    seq_before: int
    """Tick of the other run that it began from."""
    t_before: float
    """Simulated time of that tick in the other run (s)."""
    made: Sequence[Forked]
    """What each process of each module made ready."""


def recorded_moment(root: Path, run: str, modules: Sequence[str], t: float) -> ForkPoint:
    """The newest recorded ticks at or before a simulated time (s); it may have to read files.

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
    """Commands that a commander sends.

    Args:
        commander: sends them.
        origin: who asks.
        first_id: id of the command that ends the present run; made if empty.
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
        commander: is told of results and knows what the modules say to the beginning of the run.
        moment: where the run begins.
        changes: parameters that are put over those of the moment.
        order: sends the clock's commands.
        start: whether the time of the new run goes on at once.

    Raises:
        RefusedError: if a module does not make the moment ready, with its reason.
        NotAnsweredError: if one does not answer, or does not begin the run.
        MomentError: if the modules were not at the same moment.
        RejectedError: if a module rejects the beginning of the run.
    """
    made = await _made_ready(endpoints, moment)
    origins = {(each.scenario, moment.ticks[each.module], each.t) for each in made}
    if len(origins) != 1:
        raise MomentError(f"the modules of run {moment.run} were not at the same tick there")
    scenario, seq, t = origins.pop()
    reset = await order("reset", {"scenario": scenario, "parameters": changes})
    begun = await commander.begun(reset.run, reset.seq)
    for result in begun:
        if result.outcome == "rejected":
            raise RejectedError(result)
    last: Acted = begun[0]
    applied = reset.applied | last.applied
    if start:
        last = await order("start", {})
        applied |= last.applied
    return NewRun(begun[0].run, last.seq, last.t, applied, seq, t, made)


async def _made_ready(endpoints: Endpoints, moment: ForkPoint) -> list[Forked]:
    """Have every process of every module make the moment ready: any of them may be the one that publishes."""
    return await asyncio.gather(
        *(
            fork(module.module, instance.snapshot, ForkRequest(moment.run, moment.ticks[module.module]))
            for module in endpoints.modules
            for instance in module.instances
        )
    )
