"""Computes again what a module published long ago: the same fold over the same ticks, from a snapshot. Pure."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bus.ordered.tick_span import TickSpan
from bus.protocol.codec import MAX_TELEMETRY
from bus.protocol.messages import FramesRequest, Refused, Replay, ReplayRequest
from kpp_physics.plant import SnapshotError
from nodes.physics.replica.advance import Budget, advance, spans_after
from nodes.physics.replica.beginning import ReadScenario
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.ring import BLOCK_BYTES, Kept, PackedFrames, block
from nodes.physics.replica.saved import Saved

RECOMPUTE = Budget(steps=1000, ticks=200, shown=20)
"""What is computed again at a time, about 4 ms: the module's live ticks come in between."""

ASKERS = 64
"""Most questions that wait; beyond it the oldest is dropped, and asked again by whoever still has it."""

FOLDS_KEPT = 8
"""Plants kept where answers ended, so that askers at different ticks do not make each other's be computed again."""

SNAPSHOT_WORTH = 100
"""Ticks that are computed rather than a snapshot looked for."""

Asker = tuple[bytes, ...]
"""Where a reply goes."""

FindSaved = Callable[[str, int], Iterator[Saved]]
"""(run, tick) -> snapshots of the run at or before the tick, newest first."""


def nearest(identity: Identity, run: str, seq: int, read: ReadScenario, find: FindSaved, refused: list[str]) -> Fold:
    """The fold of a run at the newest usable snapshot at or before tick `seq`, else at its beginning.

    Args:
        identity: who computes.
        run: run id.
        seq: where it is to begin at the latest.
        read: where a run's parameters come from.
        find: gives the snapshots there are.
        refused: takes the reasons for each that cannot be used.
    """
    # The newest that can be used: one of another kernel is refused by the plant itself, and an older one may be of this
    # kernel.
    for saved in find(run, seq):
        try:
            return Fold(identity, run, read, saved)
        except SnapshotError as error:
            refused.append(f"snapshot of run {run} at tick {saved.seq} is not used: {error}")
    return Fold(identity, run, read)


@dataclass(frozen=True)
class RecomputedAnswer:
    """A reply, and who asked for it."""

    askers: list[Asker]
    reply: PackedFrames | Refused


class Recomputation:
    """Answers one question after the other, each to everyone who asked it; of each asker only the newest counts."""

    def __init__(self, identity: Identity, read: ReadScenario, find: FindSaved) -> None:
        self._identity = identity
        self._read = read
        self._find = find
        self._waiting: dict[Asker, FramesRequest] = {}
        self._asked: FramesRequest | None = None
        self._folds: list[Fold] = []  # the one that was used last is the last
        self._fold: Fold | None = None
        self._spans: deque[TickSpan] = deque()
        self._wall = 0.0
        self._last = 0
        self._ended = False
        self._made: list[Kept] = []
        self.refused: list[str] = []

    def ask(self, asker: Asker, asked: FramesRequest) -> None:
        """Have what followed a tick computed; the same question again changes nothing."""
        # In its old place if it asked before: whoever asks again and again does not lose its turn by it.
        self._waiting[asker] = asked
        if len(self._waiting) > ASKERS:
            del self._waiting[next(iter(self._waiting))]
        # While somebody still waits for it, what is under way goes on: many askers with different questions would
        # otherwise stop each other for ever.
        if self._asked not in self._waiting.values():  # nobody waits for that any more
            self._begin()

    def _begin(self) -> None:
        """Take up the question that has waited longest."""
        self._asked = asked = next(iter(self._waiting.values()), None)
        self._made = []
        if asked is None:
            return
        fold = self._nearest(asked)
        if fold is not self._fold:
            self._fold = fold
            self._spans.clear()

    def _nearest(self, asked: FramesRequest) -> Fold:
        """The fold that has the least to compute: after an answer, for the next question, the one that made it."""
        # Only forwards: a fold cannot be taken back to an earlier tick.
        usable = [fold for fold in self._folds if fold.run == asked.run and fold.seq <= asked.after]
        found = max(usable, key=lambda fold: fold.seq, default=None)
        # Looking for a snapshot means reading files; for a second of ticks that takes longer than to compute them.
        if found is None or asked.after - found.seq > SNAPSHOT_WORTH:
            other = nearest(self._identity, asked.run, asked.after, self._read, self._find, self.refused)
            found = other if found is None or other.seq > found.seq else found
        # The one that was used longest ago goes.
        self._folds = [*(fold for fold in self._folds if fold is not found), found][-FOLDS_KEPT:]
        return found

    @property
    def busy(self) -> bool:
        """True while there is something to compute."""
        return self._asked is not None and bool(self._spans)

    @property
    def request(self) -> ReplayRequest | None:
        """The ticks that are needed, None when none are."""
        if self._asked is None or self._fold is None or self._spans:
            return None
        return ReplayRequest(run=self._asked.run, after=self._fold.seq)

    def _answer(self, reply: PackedFrames | Refused) -> RecomputedAnswer:
        # Everyone with this very question: after a loss on the bus all subscribers ask for the same ticks.
        askers = [asker for asker, asked in self._waiting.items() if asked == self._asked]
        for asker in askers:
            del self._waiting[asker]
        self._begin()
        return RecomputedAnswer(askers, reply)

    def on_replay(self, reply: Replay | Refused) -> RecomputedAnswer | None:
        """Take ticks; returns the answer if there are none to be had."""
        asked, fold = self._asked, self._fold
        if asked is None or fold is None:
            return None
        if isinstance(reply, Refused):
            return self._answer(reply) if reply.id == asked.run else None
        if reply.run == fold.run:
            # There is nothing behind the tick. An empty block says so; whether more may come is in `ended`.
            if reply.last <= asked.after:
                return self._answer(block(asked.run, asked.after, reply.last, [], ended=reply.ended))
            self._spans = spans_after(reply, fold.seq)
            self._wall, self._last, self._ended = reply.wall, reply.last, reply.ended
        return None

    def work(self) -> RecomputedAnswer | None:
        """Compute a part; returns the answer when it is complete."""
        asked, fold = self._asked, self._fold
        if asked is None or fold is None:
            return None
        for folded in advance(fold, self._spans, RECOMPUTE, self._wall, lambda seq: seq > asked.after):
            if fold.fault:
                break
            if folded.shown:
                self._made.append(Kept.of(fold.run, fold.seq, folded.messages))
            # A full block, or the end of what the clock knew of. Otherwise the loop ends with the budget and goes on
            # later.
            if sum(kept.size for kept in self._made) > BLOCK_BYTES or fold.seq >= self._last:
                made = block(asked.run, asked.after, self._last, self._made, MAX_TELEMETRY, ended=self._ended)
                return self._answer(made)
        if fold.fault:  # perhaps since an earlier question: such a fold goes on for nobody
            reason = f"run {fold.run} cannot be computed further: {fold.fault}"
            return self._answer(Refused(id=asked.run, field="run", reason=reason))
        return None
