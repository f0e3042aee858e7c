"""A plant module in the stream of ticks: ticks in; frames to publish, and requests for missed ticks, out. Pure."""

from collections import deque
from dataclasses import dataclass

from bus.ordered.tick_span import TickSpan
from bus.protocol.codec import Pair
from bus.protocol.health import OK, STANDING_BY, HealthReport
from bus.protocol.messages import (
    FramesRequest,
    Published,
    Refused,
    Replay,
    ReplayRequest,
    Snapshot,
    State,
    Tick,
)
from nodes.physics.replica.advance import Budget, advance, spans_after
from nodes.physics.replica.beginning import ReadScenario
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.recomputation import FindSaved, nearest
from nodes.physics.replica.ring import Kept, PackedFrames, Ring, block
from nodes.physics.replica.saved import Saved

CATCH_UP = Budget(steps=4000, ticks=100, shown=100)
"""How much is folded at a time, about 20 ms of work: a leader that is silent for 120 ms is replaced."""

SHOWN_TICKS = 1000
"""Newest ticks for which frames are made and published while catching up; older ones are made on request."""


@dataclass
class _Stream:
    """Where the module stands in the clock's stream."""

    epoch: int = 0
    newest: int = 0
    missing: bool = False
    leading: bool = False
    published: int = 0
    """Newest tick of the run whose state was published, by this instance or by the leader."""


class PhysicsCore:
    """One plant module.

    Args:
        module: name under which it publishes.
        instance: name of the process among those of the module.
        read_scenario: (run, scenario name) -> parameters, or a checkpoint of another run; raises ScenarioError or
            ParameterError.
        find_saved: (run, tick) -> snapshots of the run at or before the tick, newest first.
    """

    def __init__(
        self,
        module: str,
        instance: str,
        read_scenario: ReadScenario,
        find_saved: FindSaved = lambda _run, _seq: iter(()),
    ) -> None:
        self._identity = Identity(module, instance)
        self._read = read_scenario
        self._find = find_saved
        self._fold = Fold(self._identity, "", read_scenario)
        self._fold.fault = "no run yet"
        self._stream = _Stream()
        self._backlog: deque[TickSpan] = deque()
        self._backlog_wall = 0.0
        self._ring = Ring()
        self._loose: list[Kept] = []  # results and events of ticks whose states are not made
        self._epoch_of_run = 0
        self.gaps = 0
        """Ticks that were missed and came when asked for, since the start."""
        self.refused: list[str] = []
        """Snapshots that were not used, and why; emptied by whoever reports them."""

    # The stream

    def on_ticks(self, ticks: list[Tick]) -> list[Pair]:
        """Take all ticks that have come, in order: fold those that follow, and note what is missing.

        The newest of them says who leads, and is read before anything is published: an instance that was suspended must
        not publish the ticks that it has missed, because another instance has done so.

        Returns:
            The frames to publish now.
        """
        current: list[Tick] = []
        for tick in ticks:
            if tick.epoch >= self._stream.epoch:  # a lower one is of a clock that has been replaced
                self._stream.epoch = tick.epoch
                current.append(tick)
        if not current:
            return []
        # From the newest tick, before any of the others is folded.
        self._follow_leader(current[-1])
        due: list[Pair] = []
        for tick in current:
            if tick.run != self.run or (tick.epoch > self._epoch_of_run and tick.seq <= self.seq):
                due += self._due()
                # What is due of the old run goes out first: entering another one forgets it.
                self._enter(tick)
            self._epoch_of_run = tick.epoch
            self._stream.newest = max(self._stream.newest, tick.seq)
            # While missed ticks wait, live ones only say how far the run is: they are asked for again with the rest.
            if tick.seq == self.seq + 1 and not self._backlog:
                self._keep(self._fold.tick(tick.commands, round(tick.dt * 1e6), tick.wall, shown=True), shown=True)
        self._stream.missing = self._stream.newest > self.seq and not self._fold.fault
        return due + self._due()

    def _follow_leader(self, newest: Tick) -> None:
        stream, module = self._stream, self._identity.module
        # A standby learns from the tick how far the leader has published, so that it goes on exactly there if it comes
        # to lead.
        if not stream.leading and newest.run == self.run:
            stream.published = max(stream.published, newest.published.get(module, 0))
        stream.leading = newest.leaders.get(module) == self._identity.instance

    def _enter(self, tick: Tick) -> None:
        """Enter a run, or enter again one that the clock has set back; from its newest snapshot if there is one."""
        # The clock knows what was published, unless it is new too. From a snapshot before that the rest is made up for.
        published = tick.published.get(self._identity.module)
        before = tick.seq - 1 if published is None else min(tick.seq - 1, published)
        self._fold = nearest(self._identity, tick.run, before, self._read, self._find, self.refused)
        self._backlog.clear()
        self._loose.clear()
        self._stream.newest = 0
        self._stream.published = self.seq if published is None else published

    def on_replay(self, reply: Replay | Refused) -> None:
        """Take a block of missed ticks, which `work` folds; a block of another run is ignored."""
        if isinstance(reply, Refused) or reply.run != self.run:
            return
        self._stream.newest = max(self._stream.newest, reply.last)
        self._backlog = spans_after(reply, self.seq)
        self._backlog_wall = reply.wall
        self._stream.missing = False

    @property
    def request(self) -> ReplayRequest | None:
        """The request for missed ticks that are not at hand yet; None if there are none."""
        if self._stream.missing and not self._backlog:
            return ReplayRequest(run=self.run, after=self.seq)
        return None

    @property
    def busy(self) -> bool:
        """True while missed ticks wait to be folded."""
        return bool(self._backlog)

    @property
    def queue(self) -> int:
        """Missed ticks that wait to be folded."""
        return sum(span.count for span in self._backlog)

    def work(self) -> list[Pair]:
        """Fold a part of the missed ticks.

        Returns:
            The frames to publish now.
        """
        # Making and sending a state takes as long as folding its tick. Nobody watches what is ten seconds old; the
        # recorder asks for it.
        oldest_shown = self._stream.newest - SHOWN_TICKS + 1
        for messages, shown in advance(
            self._fold, self._backlog, CATCH_UP, self._backlog_wall, lambda seq: seq >= oldest_shown
        ):
            self._keep(messages, shown=shown)
            self.gaps += 1
        if self._fold.fault:
            self._backlog.clear()
        if not self._backlog:
            self._stream.missing = self._stream.newest > self.seq and not self._fold.fault
        return self._due()

    def _keep(self, messages: list[Published], *, shown: bool) -> None:
        """Keep the messages of a tick until they are published; with a state also for subscribers that miss them."""
        if not messages:
            return
        kept = Kept.of(self.run, messages[0].seq, messages)
        if shown:
            self._ring.add(kept, next((each for each in messages if isinstance(each, State)), None))
        else:
            # Results and events of hidden ticks are published all the same: a client waits for them, and states count
            # them.
            self._loose.append(kept)

    def _due(self) -> list[Pair]:
        """The frames to publish now: all that no leader of the module has published yet; none if another one leads."""
        stream = self._stream
        if not stream.leading:
            return []
        # Loose ones are older than all in the ring that are not published, so the order is right.
        waiting = [*self._loose, *self._ring.after(self.run, stream.published)]
        due = [pair for kept in waiting if kept.seq > stream.published for pair in kept.frames]
        self._loose.clear()
        # The tick of a fault is published although it was not folded: beyond `seq`.
        stream.published = max(stream.published, self.seq, *(kept.seq for kept in waiting))
        return due

    # Ahead of time

    @property
    def may_prepare(self) -> bool:
        """True while the next tick could be folded ahead and is not yet."""
        return not self._backlog and not self._stream.missing and self._fold.may_prepare

    def prepare(self) -> None:
        """Fold the next tick before it comes; see `Fold.prepare`."""
        if self.may_prepare:
            self._fold.prepare()

    def save(self) -> Saved | None:
        """All that is needed to continue from here; None while there is nothing to save."""
        return self._fold.save()

    # What it reports of itself

    @property
    def run(self) -> str:
        """Run id, empty before the first tick."""
        return self._fold.run

    @property
    def seq(self) -> int:
        """Last tick that was folded."""
        return self._fold.seq

    @property
    def published(self) -> int:
        """Newest tick of the run whose state was published, by this instance or by the leader."""
        return self._stream.published

    @property
    def health(self) -> HealthReport:
        """What it reports to the clock."""
        if self._fold.fault:
            return HealthReport("fault", self._fold.fault)
        if self._backlog or self._stream.missing:
            return HealthReport("catching_up", f"tick {self.seq} of {self._stream.newest}")
        return OK if self._stream.leading else HealthReport("ok", "ok: standing by", STANDING_BY)

    def frames(self, asked: FramesRequest) -> PackedFrames | None:
        """All that followed a tick; None if it has to be computed again."""
        if asked.run != self.run:
            return None  # only the clock knows how far a run has gone that is over
        # Nothing follows yet. An empty block, and not None: there is nothing to compute either.
        if asked.after >= self.seq:
            return block(asked.run, asked.after, self.seq, [])
        if self._ring.covers(asked.run, asked.after):
            return block(asked.run, asked.after, self.seq, self._ring.after(asked.run, asked.after))
        return None

    def snapshot(self) -> Snapshot | Refused:
        """The newest state and all parameters in force, or why there are none."""
        fold = self._fold
        if fold.plant is None:
            reason = f"module {self._identity.module} has no plant: {fold.fault}"
            return Refused(id="", field="", reason=reason)
        return Snapshot(
            module=self._identity.module,
            run=self.run,
            seq=self.seq,
            t=fold.t_us / 1e6,
            scenario=fold.scenario,
            parameters=dict(fold.plant.parameters.as_dict()),
            state=self._ring.newest_state(self.run),
            events=fold.events,
        )
