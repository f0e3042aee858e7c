"""Where a recorder that starts continues: after what is on disk, knowing which events and results are there.

States are numbered, so their end is easily found. Events and results have no numbers, but the states count them: a
state up to whose count all of them are on disk is looked for from the newest one backwards.
"""

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

RUNS_LOOKED_AT = 100
"""Most runs before the newest one in which a module may still have something to record.

A module that is killed again and again on a busy machine can be several runs behind, and what is not looked at is never
asked for. Mostly one run is looked at, or two: the bound is for a module of which nothing was ever recorded.
"""


@dataclass(frozen=True)
class _Past:
    """What is recorded of one run."""

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

    The clock's stream may have reached a new run while a module had not yet delivered the end of an earlier one, or any
    of it. So each module continues in the run in which it was.

    Args:
        streams: fresh streams.
        folders: the recorded runs.
        connect: gives a connection to a run's hot store, repaired.
    """
    pasts: list[_Past] = []
    for folder in sorted(folders, key=_order, reverse=True):
        past = _Past.read(folder, connect(folder.run))
        if not past.spans:
            continue  # the folder was made, and the recorder killed before anything was on disk
        pasts.insert(0, past)
        # Back to the newest run that is complete: what lies before it was complete too, or is not to be had any more.
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
    """A key by which runs sort in the order in which they began: the clock's epoch and the number of the run in it.

    The times of the folders do not tell: an event of the newest run may be recorded while a module is still catching up
    on runs before it.
    """
    return tuple(map(int, folder.run.split("-"))) if re.fullmatch(r"[0-9]+-[0-9]+", folder.run) else ()


def _owed(module: str, pasts: list[_Past]) -> int:
    """The place in `pasts` of the run in which a module continues; a module that is new continues in the newest one."""
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
    # The clock's stream has passed these beginnings and will not report them again.
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
    """The newest tick before which all notes of a kind are there, by the count in the state of that tick."""
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
    # Nothing is proven to be complete: everything from the first tick on is counted against the states again.
    return Known(0, 0, [_message(note) for note in mine])


def _backwards(last: int) -> Iterator[int]:
    """The newest tick, then ticks ever farther back, each four times as far as the one before.

    Mostly the newest one will do; if it does not, the steps find one early in a long run without reading all of it.
    """
    step = 0
    while last - step > 0:
        yield last - step
        step = max(1, 4 * step)


def _message(note: Note) -> Event | Result:
    message: Event | Result = build(Event if note.kind == "event" else Result, {**note.body, "wall": note.wall})
    return message
