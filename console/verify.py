"""Computes a recorded run again from its ticks and commands, and compares every tick with the recording."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from bus.ordered.tick_span import TickSpan, tick_holes
from bus.protocol.messages import CLOCK_MODULE, State
from kpp_physics.parameters import Parameters
from nodes.physics.replica.advance import UNLIMITED, advance
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.saved import Saved
from recording.bundle import Digest, Total
from recording.cursor import Placement
from recording.database import module_names, open_reader
from recording.folder import RunFolder
from recording.message_rows import States
from recording.record import Row
from recording.rows import MissingRows, run_rows
from recording.ticks import read_ticks

ReadParameters = Callable[[str], Parameters | Saved]
"""Scenario name -> the parameters with which a run began, or the checkpoint of another run from which it was forked."""

FEW = 20
"""Differences that are listed; the others are counted."""


class Difference(NamedTuple):
    """A tick at which the recording differs from what is computed.

    Attributes:
        seq: number of the tick.
        what: the difference, in words for people.
    """

    seq: int
    what: str


@dataclass
class ModuleComparison:
    """What the comparison of one module found.

    Attributes:
        module: the module.
        compared: ticks that are the same in both.
        differences: the first FEW differences.
        different: number of all differences.
        missing: rows that are not in the recording, and could not be compared.
        digest: digest of the newest tick that was computed.
        total: digest over all ticks that were computed and are recorded.
    """

    module: str
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    different: int = 0
    missing: list[MissingRows] = field(default_factory=list)
    digest: str = ""
    total: Total = field(default_factory=Total)

    def compare_claim(self, claimed: Digest | None) -> None:
        """Compare the digest of what was computed with the one that a bundle states; None if it states none."""
        computed = self.total.digest()
        if claimed == computed:
            return
        self.different += 1
        seq = computed.ticks[-1][1] if computed.ticks else 0
        self.differences.append(Difference(seq, f"the bundle says {_told(claimed)}, {_told(computed)} is computed"))

    @property
    def verified(self) -> bool:
        """True if every recorded tick was computed again with the same content."""
        return self.compared > 0 and not self.different and not self.missing


class VerifyError(ValueError):
    """A run that cannot be computed again; the text says what is missing."""


def recorded_modules(folder: RunFolder) -> list[str]:
    """Modules of which at least one state is recorded."""
    with closing(open_reader(folder.hot)) as hot:
        names = module_names(hot).values()
        return [name for name in names if (found := Placement.of(hot, name)).lines or found.hot]


def recorded_spans(folder: RunFolder) -> list[TickSpan]:
    """The ticks of a run from its first one on.

    Raises:
        VerifyError: if some are missing.
    """
    with closing(open_reader(folder.hot)) as hot:
        spans = list(read_ticks(hot))
    holes = tick_holes(spans)
    if holes or not spans:
        where = ", ".join(f"{first} to {last}" for first, last in holes) or "all of them"
        # Each state follows from all ticks before it: over a gap nothing can be computed.
        raise VerifyError(f"run {folder.run} cannot be computed again: ticks {where} are not recorded")
    return spans


def computed(run: str, module: str, spans: list[TickSpan], read: ReadParameters) -> Iterator[State]:
    """The states that follow from the ticks of a run.

    Args:
        run: run id.
        module: plant module.
        spans: the ticks from the first one on.
        read: gives what the run began with.

    Raises:
        VerifyError: if the plant cannot be computed further.
    """
    fold = Fold(Identity(module, "verify"), run, lambda _run, scenario: read(scenario))
    for messages, _shown in advance(fold, deque(spans), UNLIMITED, 0.0, lambda _seq: True):
        if fold.fault:
            raise VerifyError(f"run {run} cannot be computed beyond tick {fold.seq}: {fold.fault}")
        yield from (message for message in messages if isinstance(message, State))


def verify_module(
    folder: RunFolder, module: str, read: ReadParameters, progress: Callable[[int, int], None]
) -> ModuleComparison:
    """Compute a module again and compare every tick.

    Args:
        folder: the recording.
        module: plant module.
        read: gives what the run began with.
        progress: called with (number of the tick, number of the last tick).

    Raises:
        VerifyError: if ticks are missing, or the plant cannot be computed.
    """
    spans = recorded_spans(folder)
    verdict, states = ModuleComparison(module), States()
    rows = run_rows(folder, module)
    row = next(rows, None)
    # Both sequences ascend, and neither is held in memory: a run may have millions of ticks.
    for state in computed(folder.run, module, spans, read):
        while isinstance(row, MissingRows) or (row is not None and row.seq < state.seq):
            if isinstance(row, MissingRows):
                verdict.missing.append(row)
            row = next(rows, None)
        if row is None:
            break
        if row.seq > state.seq:
            continue  # a hole in the recording, which stands in `missing`
        _compare(verdict, row, state, states)
        verdict.digest = state.digest
        verdict.total.add(state.seq, int(state.digest, 16))
        progress(state.seq, spans[-1].last)
        row = next(rows, None)
    return verdict


def _compare(verdict: ModuleComparison, row: Row, state: State, states: States) -> None:
    again, schema = states.row(state)
    if _content(again) == _content(row):
        verdict.compared += 1
        return
    verdict.different += 1
    if len(verdict.differences) < FEW:
        if again.digest != row.digest:
            what = f"digest {row.digest:016x} is recorded, {again.digest:016x} is computed"
        else:
            what = _first_difference(row, again, [channel.name for channel in schema.numbers])
        verdict.differences.append(Difference(row.seq, what))


def _content(row: Row) -> tuple[object, ...]:
    """Everything of a row that must be the same, whoever computed it: the content, not its checksum."""
    # A checksum can be forged, and a digest alone would not show a value that was changed beside it.
    return row.module, row.seq, row.t_us, row.schema, row.digest, row.numbers, row.texts


def _told(digest: Digest | None) -> str:
    if digest is None:
        return "nothing"
    ticks = ", ".join(f"{first} to {last}" for first, last in digest.ticks[:FEW])
    return f"digest {digest.last}, {digest.sha256[:16]} of ticks {ticks or 'none'}"


def _first_difference(row: Row, again: Row, names: list[str]) -> str:
    # Bytes are compared and not values: NaN differs from itself, and -0.0 equals 0.0.
    for place, name in enumerate(names):
        if row.numbers[8 * place : 8 * place + 8] != again.numbers[8 * place : 8 * place + 8]:
            return f"{name} differs"
    if row.t_us != again.t_us or row.schema != again.schema:
        return f"time {row.t_us} us and channel table {row.schema} are recorded, {again.t_us}, {again.schema} computed"
    return f"texts {row.texts.decode(errors='replace')} are recorded, {again.texts.decode()} are computed"


def journal_differences(spans: list[TickSpan], journal: list[tuple[int, str]]) -> list[Difference]:
    """Commands of the clock's journal that are not in the recorded ticks, and the other way round.

    Args:
        spans: recorded ticks.
        journal: (tick, id) of every journaled command of the run.
    """
    # Not counted: commands after the last recorded tick, since the recorder may have ended before the run, and the
    # command that begins the run, which the clock itself makes and does not journal.
    last = spans[-1].last
    began = {command.id for command in spans[0].commands if command.origin == CLOCK_MODULE}
    commands = {(span.first, command.id) for span in spans for command in span.commands}
    recorded = {(seq, command_id) for seq, command_id in commands if command_id not in began}
    wanted = {(seq, command_id) for seq, command_id in journal if seq <= last}
    missing = [Difference(seq, f"command {name} is in the journal only") for seq, name in sorted(wanted - recorded)]
    extra = [Difference(seq, f"command {name} is not in the journal") for seq, name in sorted(recorded - wanted)]
    return missing + extra
