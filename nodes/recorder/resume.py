"""Where a starting recorder continues: after what is on disk, knowing the events and results that are there."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from bus.ordered.stream import Known, ModuleStream, Streams
from bus.ordered.tick_span import TickSpan
from bus.protocol.codec import build
from bus.protocol.messages import CLOCK_MODULE, Event, Result
from recording.cursor import FOREVER_US, Placement
from recording.folder import RunFolder
from recording.hot import read_schemas
from recording.message_rows import Rows
from recording.notes import Note, read_notes
from recording.record import Row
from recording.rows import run_rows
from recording.ticks import read_ticks

RUNS_LOOKED_AT = 8
"""Most runs before the newest one that are looked through for what a module still owes them."""


@dataclass(frozen=True)
class _Past:
    """One recorded run."""

    folder: RunFolder
    connection: sqlite3.Connection
    spans: list[TickSpan]
    notes: list[Note]

    @classmethod
    def read(cls, folder: RunFolder, connection: sqlite3.Connection) -> "_Past":
        return cls(folder, connection, list(read_ticks(connection)), list(read_notes(connection, 0, FOREVER_US)))

    @property
    def last(self) -> int:
        """Its newest tick."""
        return self.spans[-1].last

    def newest(self, module: str) -> int:
        """Tick of a module's newest state, 0 if there is none."""
        ranges = Placement.of(self.connection, module).covered
        return ranges[-1][1] if ranges else 0

    def unanswered(self) -> list[tuple[str, str, int]]:
        """Commands for the clock without a result, as (id, run, tick)."""
        answered = {note.identity for note in self.notes if note.module == CLOCK_MODULE}
        return [
            (command.id, self.folder.run, span.first)
            for span in self.spans
            for command in span.commands
            if command.module == CLOCK_MODULE and command.id not in answered
        ]


def resume(streams: Streams, folders: list[RunFolder], connect: Callable[[str], sqlite3.Connection]) -> None:
    """Have streams continue after what is recorded.

    The clock's stream may have come to a new run while a module still owed the end of one before, or all of it: each
    module goes on where it was.

    Args:
        streams: fresh streams.
        folders: the recorded runs.
        connect: gives a connection to a run's hot store, repaired.
    """
    pasts: list[_Past] = []
    for folder in sorted(folders, key=_order, reverse=True):
        past = _Past.read(folder, connect(folder.run))
        if not past.spans:
            continue  # begun, and killed before anything of it was on disk
        pasts.insert(0, past)
        whole = all(past.newest(name) >= past.last for name in streams.modules)
        if len(pasts) > RUNS_LOOKED_AT or (len(pasts) > 1 and whole):
            break
    if not pasts:
        return
    newest = pasts[-1]
    if streams.clock is not None:
        streams.clock.resume(newest.folder.run, newest.last, [each for past in pasts for each in past.unanswered()])
        streams.resume(newest.folder.run, newest.last)
    for name, stream in streams.modules.items():
        _resume_module(stream, name, pasts[_owed(name, pasts) :])


def _order(folder: RunFolder) -> tuple[int, ...]:
    """Later runs have greater ones: a run's id is the clock's epoch and the number of the run in it.

    The times of the folders say less: an event of the newest run is recorded while a module still owes runs before it.
    """
    return tuple(map(int, folder.run.split("-"))) if re.fullmatch(r"[0-9]+-[0-9]+", folder.run) else ()


def _owed(module: str, pasts: list[_Past]) -> int:
    """Place of the run in which a module goes on. A module that is new owes nothing to runs before the newest."""
    states = [past.newest(module) for past in pasts]
    whole = [place for place, past in enumerate(pasts) if states[place] >= past.last]
    known = [place for place, newest in enumerate(states) if newest]
    first = whole[-1] + 1 if whole else min(known, default=len(pasts) - 1)
    return min(first, len(pasts) - 1)


def _resume_module(stream: ModuleStream, module: str, pasts: list[_Past]) -> None:
    first = pasts[0]
    last = first.newest(module)
    mine = [note for note in first.notes if note.module == module]
    events = _known(first.folder, first.connection, module, last, mine, "event")
    results = _known(first.folder, first.connection, module, last, mine, "result")
    stream.resume(first.folder.run, last, events, results)
    for before, after in pairwise(pasts):
        stream.announce(after.folder.run, (before.folder.run, before.last))


def _known(
    folder: RunFolder,
    connection: sqlite3.Connection,
    module: str,
    last: int,
    notes: list[Note],
    kind: Literal["event", "result"],
) -> Known:
    """The newest tick before which all notes of a kind are there, by what the state of that tick says."""
    mine = [note for note in notes if note.kind == kind]
    schemas = read_schemas(connection)
    for seq in _backwards(last):
        row = next(run_rows(folder, module, seq), None)
        if not isinstance(row, Row) or row.seq != seq or row.schema not in schemas:
            continue
        state = Rows(schemas[row.schema]).state(row, folder.run)
        # A state counts the events before its tick, but the results up to and including it.
        before, count = (seq, state.events) if kind == "event" else (seq + 1, state.results)
        if sum(note.seq < before for note in mine) == count:
            return Known(before, count, [_message(note) for note in mine if note.seq >= before])
    return Known(0, 0, [_message(note) for note in mine])


def _backwards(last: int) -> Iterator[int]:
    """The newest tick, then ticks ever farther back."""
    step = 0
    while last - step > 0:
        yield last - step
        step = max(1, 4 * step)


def _message(note: Note) -> Event | Result:
    message: Event | Result = build(Event if note.kind == "event" else Result, {**note.body, "wall": note.wall})
    return message
