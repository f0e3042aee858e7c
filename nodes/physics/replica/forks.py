"""Forks: a checkpoint of a run, computed again and kept, from which another run begins."""

import re
from collections import deque
from pathlib import Path

from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import Forked, ForkRequest, Refused, Replay, ReplayRequest
from kpp_physics.plant import Plant
from kpp_physics.scenario import ScenarioError, ScenarioProblem
from nodes.physics.replica.advance import advance, spans_after
from nodes.physics.replica.beginning import ReadScenario
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.recomputation import RECOMPUTE, FindSaved, nearest
from nodes.physics.replica.saved import LARGEST, DamagedSnapshotError, Saved
from system.parts import clear_away
from system.whole import write_whole

PREFIX = "fork:"
_NAME = re.compile(r"[A-Za-z0-9_.:\-]{1,48}@[0-9]{1,12}")


def is_fork(scenario: str) -> bool:
    """True if a scenario's name stands for a checkpoint of another run."""
    return scenario.startswith(PREFIX)


class ForkFolder:
    """The checkpoints that runs of one module can begin from; they are kept for as long as those runs may be computed.

    Args:
        folder: where they are; made if it is not there.
        module: plant module.
    """

    def __init__(self, folder: Path, module: str) -> None:
        self._folder = folder / module
        self._folder.mkdir(parents=True, exist_ok=True)
        clear_away(self._folder)

    def write(self, saved: Saved) -> Forked:
        """Put a checkpoint on disk.

        Raises:
            OSError: if the disk does not take it.
        """
        name = f"{saved.run}@{saved.seq}"
        # Named by run and tick: a second fork at the same place writes the same bytes again, whoever asks for it.
        write_whole(self._folder / f"{name}.snap", saved.pack())
        return Forked(
            module=saved.module,
            scenario=f"{PREFIX}{name}",
            t=saved.t_us / 1e6,
            # Of a plant that was made from these bytes: so it is certain that a run can begin from the checkpoint.
            digest=Plant.restore(saved.plant).digest(),
        )

    def read(self, scenario: str) -> Saved:
        """The checkpoint that a scenario's name stands for.

        Raises:
            ScenarioError: if there is none, or it is damaged.
        """
        name = scenario.removeprefix(PREFIX)
        path = self._folder / f"{name}.snap"
        # The name comes from a command: it must not lead out of the folder.
        if _NAME.fullmatch(name) is None or not path.exists():
            raise _problem(scenario, "there is no such checkpoint: have the module fork the run at that tick first")
        try:
            with path.open("rb") as file:
                return Saved.unpack(file.read(LARGEST + 1))
        except (OSError, DamagedSnapshotError) as error:
            raise _problem(scenario, f"the checkpoint cannot be read: {error}") from error


def _problem(name: str, reason: str) -> ScenarioError:
    return ScenarioError(name, [ScenarioProblem(None, "scenario", None, reason)])


class Fork:
    """Computes the checkpoint that was last asked for, from the nearest snapshot and the clock's ticks. Pure."""

    def __init__(self, identity: Identity, read: ReadScenario, find: FindSaved) -> None:
        self._identity = identity
        self._read = read
        self._find = find
        self._seq = 0
        self._fold: Fold | None = None
        self._spans: deque[TickSpan] = deque()
        self.refused: list[str] = []

    def ask(self, asked: ForkRequest) -> None:
        """Begin to compute a checkpoint."""
        # An earlier question is forgotten: whoever asked it has gone, or will ask again.
        self._seq = asked.seq
        self._fold = nearest(self._identity, asked.run, asked.seq, self._read, self._find, self.refused)
        self._spans.clear()

    @property
    def busy(self) -> bool:
        """True while there is something to compute."""
        # A checkpoint for which there is a snapshot needs no tick, but still has to be handed out.
        return self._fold is not None and (bool(self._spans) or self._fold.seq == self._seq)

    @property
    def request(self) -> ReplayRequest | None:
        """The request for ticks that are needed; None if none are."""
        fold = self._fold
        if fold is None or self._spans or fold.seq == self._seq:
            return None
        return ReplayRequest(run=fold.run, after=fold.seq)

    def on_replay(self, reply: Replay | Refused) -> Refused | None:
        """Take ticks; returns the answer if the checkpoint cannot be had."""
        fold = self._fold
        if fold is None:
            return None
        if isinstance(reply, Refused):
            # A refusal that is late concerns an earlier question.
            if reply.id != fold.run:
                return None
            self._fold = None
            return reply
        if reply.run == fold.run:
            # The clock knows of no such tick. It is refused now; a tick that is still to come would be waited for
            # without end.
            if reply.last < self._seq:
                self._fold = None
                return Refused(id="", field="seq", reason=f"run {reply.run} has {reply.last} ticks, not {self._seq}")
            # The clock answers with whole spans. They are cut at the checkpoint, which the plant must not go past.
            # The wall time is 0 throughout: nothing of what is folded on the way is published.
            spans = (span.upto(self._seq) for span in spans_after(reply, fold.seq))
            self._spans = deque(span for span in spans if span is not None)
        return None

    def work(self) -> Saved | Refused | None:
        """Compute a part; returns the checkpoint when it is reached."""
        fold = self._fold
        if fold is None:
            return None
        for _folded in advance(fold, self._spans, RECOMPUTE, 0.0, lambda _seq: False):
            pass  # only the fold matters: what is published on the way is of no interest
        if fold.fault:
            self._fold = None
            return Refused(id="", field="", reason=f"run {fold.run} cannot be computed: {fold.fault}")
        if fold.seq < self._seq:
            return None
        self._fold = None
        # Handed over once: the next question begins with a fold of its own.
        return fold.save()
