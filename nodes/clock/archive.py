"""Runs that have ended, read back from disk for programs that still miss a part of them."""

from collections import OrderedDict

import msgspec

from bus.ordered.tick_log import TickLogError
from bus.protocol.messages import Frames, FramesRequest, Refused, Replay, ReplayRequest
from nodes.clock.clock_run import ClockRun
from nodes.clock.core import ClockSettings
from nodes.clock.journal import JournalError, JournalLockedError
from nodes.clock.run_reducer import ended_run
from nodes.clock.runs import RunLogs

RUNS_KEPT = 4
"""Ended runs that stay in memory after somebody has asked for them."""

LOCKED_RETRY = 1.0
"""Seconds after which something that a locked journal holds may be asked for again."""


class Archive:
    """Answers questions about ended runs, as the clock does for the present one."""

    def __init__(self, runs: RunLogs, settings: ClockSettings) -> None:
        self._runs = runs
        self._settings = settings
        self._kept: OrderedDict[str, ClockRun] = OrderedDict()

    def replay(self, request: ReplayRequest, wall: float) -> Replay | Refused:
        """Ticks of an ended run."""
        run = self._find(request.run, wall)
        if isinstance(run, Refused):
            return run
        # With the present epoch: a listener that repairs an old run follows the present clock, and would drop the
        # answer of an outdated one.
        replay = run.replay(request, self._settings.epoch, self._settings.rate, wall)
        return msgspec.structs.replace(replay, ended=True, following=self._runs.following(run.name))

    def frames(self, request: FramesRequest, wall: float) -> Frames | Refused:
        """The clock's results in an ended run."""
        run = self._find(request.run, wall)
        return run if isinstance(run, Refused) else run.frames(request)

    def _find(self, name: str, wall: float) -> ClockRun | Refused:
        run = self._kept.get(name)
        if run is None:
            try:
                recovered = self._runs.read(name)
            # A lock is no damage: the answer says when to ask again, so nobody counts what is there as lost.
            except JournalLockedError as error:
                return Refused(id=name, field="run", reason=str(error), retry_after=LOCKED_RETRY)
            except (JournalError, TickLogError) as error:
                return Refused(id=name, field="run", reason=str(error))
            if recovered is None:
                return Refused(id=name, field="run", reason=f"no run {name!r} is on record here")
            run = ended_run(recovered, self._settings.rate, wall)
            # An ended run does not change, so it can be kept. Questions about one run come many in a row.
            self._kept[name] = run
            if len(self._kept) > RUNS_KEPT:
                self._kept.popitem(last=False)
        return run
