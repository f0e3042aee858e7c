"""The hot store: durable, idempotent, and never overwritten by another content."""

import sqlite3
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bus.ordered.tick_span import TickSpan, tick_holes
from bus.protocol.messages import Command, Mode
from recording.database import StoreError, module_number, open_reader
from recording.folder import RunFolder
from recording.hot import Batch, Conflict, HotStore, hot_ranges, read_rows, read_schemas
from recording.notes import read_notes
from recording.record import Row
from recording.ticks import HotTicks, read_ticks
from tests.recording.conftest import DT_US, SCHEMA, make_note, make_row

Open = Callable[[], HotStore]


def stored(store: HotStore) -> list[Row]:
    """Every row of m1."""
    number = module_number(store.connection, "m1")
    assert number is not None
    rows = list(read_rows(store.connection, number, "m1"))
    assert all(isinstance(row, Row) for row in rows)
    return [row for row in rows if isinstance(row, Row)]


def test_what_was_written_is_there_for_another_process_while_writing_goes_on(
    open_store: Open, folder: RunFolder
) -> None:
    writer = open_store()
    writer.write(Batch(rows=[make_row(1), make_row(2)], schemas=[SCHEMA]))
    reader = open_reader(folder.hot)
    writer.write(Batch(rows=[make_row(3)]))
    number = module_number(reader, "m1")
    assert number is not None
    assert list(read_rows(reader, number, "m1")) == [make_row(seq) for seq in (1, 2, 3)]
    assert read_schemas(reader) == {SCHEMA.key: SCHEMA}
    reader.close()


def test_a_commit_is_on_disk_when_it_returns(open_store: Open) -> None:
    """What the files of a killed process or machine hold depends on these two."""
    connection = open_store().connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL: the log is synced with each commit"


def test_a_row_that_comes_again_is_counted_and_changes_nothing(open_store: Open) -> None:
    store = open_store()
    store.write(Batch(rows=[make_row(seq) for seq in range(1, 5)]))
    again = store.write(Batch(rows=[make_row(seq, wall=9.0, instance="b") for seq in range(3, 7)]))
    assert (again.written, again.repeated, again.conflicts) == (2, 2, [])
    assert [(row.seq, row.instance) for row in stored(store)] == [
        (1, "a"),
        (2, "a"),
        (3, "a"),
        (4, "a"),
        (5, "b"),
        (6, "b"),
    ]


def test_another_content_under_a_known_key_is_a_conflict_and_never_an_overwrite(open_store: Open) -> None:
    store = open_store()
    store.write(Batch(rows=[make_row(seq) for seq in range(1, 5)], notes=[make_note(2)]))
    changed = make_note(2)._replace(body={**make_note(2).body, "severity": "info"})
    outcome = store.write(Batch(rows=[make_row(3, shift=0.5), make_row(5)], notes=[changed]))
    assert outcome.conflicts == [Conflict("m1", 3, "state"), Conflict("m1", 2, "event")]
    assert outcome.written == 1
    assert stored(store) == [make_row(seq) for seq in range(1, 6)]
    assert list(read_notes(store.connection, 0, 1 << 60)) == [make_note(2)]


def test_a_damaged_row_is_replaced_by_the_repaired_one(open_store: Open) -> None:
    store = open_store()
    store.write(Batch(rows=[make_row(1)]))
    store.connection.execute("UPDATE rows SET record = zeroblob(40)")
    store.write(Batch(rows=[make_row(1)]))
    assert stored(store) == [make_row(1)]


def test_a_batch_is_written_whole_or_not_at_all(open_store: Open) -> None:
    store = open_store()
    store.connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON notes BEGIN SELECT raise(ABORT, 'disk is full'); END"
    )
    with pytest.raises(StoreError, match="disk is full"):
        store.write(Batch(rows=[make_row(1)], notes=[make_note(1)], ticks=[TickSpan(1, 1, 0, DT_US, "running", ())]))
    assert module_number(store.connection, "m1") is None
    assert store.ticks.last == 0
    store.connection.execute("DROP TRIGGER full")
    assert store.write(Batch(rows=[make_row(1)], notes=[make_note(1)])).written == 2


def test_notes_of_one_tick_stay_apart_and_in_order(open_store: Open) -> None:
    store = open_store()
    store.write(Batch(notes=[make_note(7, "first"), make_note(7, "second")]))
    store.write(Batch(notes=[make_note(7, "second"), make_note(7, "third"), make_note(3)]))
    assert [note.identity for note in read_notes(store.connection, 0, 1 << 60)] == [
        "tripped",
        "first",
        "second",
        "third",
    ]


def test_holes_show_as_ranges(open_store: Open) -> None:
    store = open_store()
    store.write(Batch(rows=[make_row(seq) for seq in (1, 2, 3, 7, 8, 20)]))
    number = module_number(store.connection, "m1")
    assert number is not None
    assert hot_ranges(store.connection, number) == [(1, 3), (7, 8), (20, 20)]
    assert hot_ranges(store.connection, number + 1) == []


def order(command_id: str) -> Command:
    return Command(command_id, "m1", "inject", {"air": [1.5, None, {"z": 1, "a": "x"}]}, "test")


stretches = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from([0, DT_US]), st.sampled_from(["running", "paused"]), st.booleans()),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)  # a busy machine is no fault
@given(stretches, st.data())
def test_ticks_are_run_length_coded_and_come_back_one_by_one(
    parts: list[tuple[int, int, Mode, bool]], data: st.DataObject
) -> None:
    """However the stream is cut and repeated, the log says the same of every tick."""
    single: list[TickSpan] = []
    for length, dt_us, mode, command in parts:
        for place in range(length):
            t_us = single[-1].t_us + single[-1].dt_us if single else 0
            commands = (order(f"c{len(single)}"),) if command and place == 0 else ()
            single.append(TickSpan(len(single) + 1, 1, t_us, dt_us, mode, commands))
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE ticks (first INTEGER PRIMARY KEY, record BLOB NOT NULL)")
    log = HotTicks(connection)
    sent = 0
    while sent < len(single):
        start = data.draw(st.integers(0, sent))
        sent = data.draw(st.integers(sent + 1, len(single)))
        assert log.append(single[start:sent]) == []
    spans = list(read_ticks(connection))
    assert [each for span in spans for each in _one_by_one(span)] == single
    assert log.last == len(single)
    assert all(not first.joins(second) for first, second in pairwise(spans))
    for span in spans:
        known = data.draw(st.sampled_from(single))
        assert span.agrees(known)
    other = data.draw(st.sampled_from(single))
    assert log.append([replace(other, dt_us=other.dt_us + 1000)]) == [other.first]
    assert log.append([replace(other, commands=(order("other"),))]) == [other.first]
    assert list(read_ticks(connection)) == spans
    lost = data.draw(st.sampled_from(spans))
    connection.execute("DELETE FROM ticks WHERE first = ?", (lost.first,))
    log.refresh()
    if lost != spans[-1]:
        assert tick_holes(read_ticks(connection)) == [(lost.first, lost.last)]
    start = data.draw(st.integers(0, len(single) - 1))
    log.fill([*single[start:], *single[:start]])
    assert tick_holes(read_ticks(connection)) == []
    assert [each for span in read_ticks(connection) for each in _one_by_one(span)] == single
    connection.close()


def _one_by_one(span: TickSpan) -> list[TickSpan]:
    parts = []
    for seq in range(span.first, span.last + 1):
        rest = span.after(seq - 1)
        assert rest is not None
        parts.append(replace(rest, count=1))
    return parts
