"""Where a recorder that starts goes on: behind what is on disk, with the events and results that it knows of."""

import sqlite3
from collections.abc import Iterator
from typing import Literal

from bus.codec import build
from bus.messages import CLOCK_MODULE, Event, Result
from bus.stream import Known, Streams
from nodes.recorder.rows import Rows
from recording.folder import RunFolder
from recording.hot import read_schemas
from recording.mend import covered
from recording.notes import Note, read_notes
from recording.record import Row
from recording.rows import run_rows
from recording.ticks import read_ticks

FOREVER_US = 1 << 60


def resume(streams: Streams, folder: RunFolder, connection: sqlite3.Connection) -> None:
    """Have streams go on behind what a run has recorded.

    Args:
        streams: fresh streams.
        folder: the newest recorded run.
        connection: to its hot store.
    """
    notes = list(read_notes(connection, 0, FOREVER_US))
    spans = list(read_ticks(connection))
    if spans and streams.clock is not None:
        answered = {note.identity for note in notes if note.module == CLOCK_MODULE}
        unanswered = [
            (command["id"], span.first)
            for span in spans
            for command in span.commands
            if command["module"] == CLOCK_MODULE and command["id"] not in answered
        ]
        streams.clock.resume(folder.run, spans[-1].last, unanswered)
        streams.resume(folder.run, spans[-1].last)
    for name, stream in streams.modules.items():
        ranges = covered(connection, name)
        if spans or ranges:
            last = ranges[-1][1] if ranges else 0
            mine = [note for note in notes if note.module == name]
            events = _known(folder, connection, name, last, mine, "event")
            results = _known(folder, connection, name, last, mine, "result")
            stream.resume(folder.run, last, events, results)


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
    """The newest tick, then ever farther back."""
    step = 0
    while last - step > 0:
        yield last - step
        step = max(1, 4 * step)


def _message(note: Note) -> Event | Result:
    message: Event | Result = build(Event if note.kind == "event" else Result, {**note.body, "wall": note.wall})
    return message
