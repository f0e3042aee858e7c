"""Runs that have ended, read back from disk for whoever still misses a part of them."""

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
"""Ended runs that stay in memory once someone asked for them."""

LOCKED_RETRY = 1.0
"""When what a locked journal keeps may be asked for again, in seconds."""


class Archive:
    """Answers for ended runs what the clock answers for the present one."""

    def __init__(self, runs: RunLogs, settings: ClockSettings) -> None:
        self._runs = runs
        self._settings = settings
        self._kept: OrderedDict[str, ClockRun] = OrderedDict()

    def replay(self, request: ReplayRequest, wall: float) -> Replay | Refused:
        """Ticks of an ended run."""
        run = self._find(request.run, wall)
        if isinstance(run, Refused):
            return run
        # With today's epoch: whoever repairs an old run follows the present clock, and would drop an answer of an
        # outdated one.
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
            # A lock is no damage: the asker is told when to come back, and does not count what it asks for as lost.
            except JournalLockedError as error:  # what is asked for is there, and can be had later
                return Refused(id=name, field="run", reason=str(error), retry_after=LOCKED_RETRY)
            except (JournalError, TickLogError) as error:
                return Refused(id=name, field="run", reason=str(error))
            if recovered is None:
                return Refused(id=name, field="run", reason=f"no run {name!r} is on record here")
            run = ended_run(recovered, self._settings.rate, wall)
            # An ended run does not change, so it is kept as it is; repairs of one run come many in a row.
            self._kept[name] = run
            if len(self._kept) > RUNS_KEPT:
                self._kept.popitem(last=False)
        return run
