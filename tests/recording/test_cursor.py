"""The cursor: every row once and in order, whatever is sealed, damaged or repaired between two parts."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recording.cursor import AT_ONCE, HotPart, Placement, SealedPart, walk
from recording.database import open_reader, transaction
from recording.folder import RunFolder, make_folder
from recording.hot import Batch, HotStore
from recording.manifest import read_manifest, write_line
from recording.record import Row
from recording.rows import MissingRows, run_rows
from recording.seal import Sealer
from tests.recording.conftest import DT_US, make_row, record

Open = Callable[[], HotStore]
LAST = 2 * AT_ONCE + 500


def seqs(part: SealedPart | HotPart) -> range:
    """The ticks that a part stands for."""
    if isinstance(part, SealedPart):
        return range(part.first, part.line.last + 1)
    return range(part.rows[0].seq, part.rows[-1].seq + 1)


def seal(folder: RunFolder, first: int, last: int) -> None:
    with closing(Sealer(folder)) as sealer:
        sealer.seal("m1", first, last)


@pytest.mark.parametrize("first", [0, 1, 700, AT_ONCE + 1, LAST, LAST + 1])
def test_a_walk_begins_at_any_tick(open_store: Open, folder: RunFolder, first: int) -> None:
    record(open_store(), 1, LAST)
    seal(folder, 1, 1000)
    found = [seq for part in walk(folder, "m1", first) for seq in seqs(part)]
    assert found == list(range(max(first, 1), LAST + 1))
    assert not list(walk(folder, "unknown"))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(sealings=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 700)), min_size=1, max_size=5))
def test_rows_that_are_sealed_between_two_parts_come_once(
    tmp_path_factory: pytest.TempPathFactory, sealings: list[tuple[int, int]]
) -> None:
    """The sealer goes on beside the walk, from the oldest row on as it always does."""
    folder = make_folder(tmp_path_factory.mktemp("recordings"), "0001-001")
    with closing(HotStore(folder.hot)) as store:
        record(store, 1, LAST)
    found: list[int] = []
    sealed = 0
    due = iter(sealings)
    for part in walk(folder, "m1"):
        found += seqs(part)
        rounds, rows = next(due, (0, 1))
        for _ in range(rounds):
            seal(folder, sealed + 1, sealed := sealed + rows)
    assert found == list(range(1, LAST + 1))


def test_what_is_hot_and_sealed_at_once_comes_from_the_segment(open_store: Open, folder: RunFolder) -> None:
    """A sealer that died before it deleted leaves rows in both."""
    store = open_store()
    record(store, 1, 900)
    seal(folder, 1, 300)
    store.write(Batch(rows=[make_row(seq) for seq in range(1, 301)]))
    parts = list(walk(folder, "m1"))
    assert [(type(part), seqs(part)) for part in parts] == [
        (SealedPart, range(1, 301)),
        (HotPart, range(301, 901)),
    ]
    assert list(run_rows(folder, "m1")) == [make_row(seq) for seq in range(1, 901)]


def test_a_damaged_segment_is_told_of_once_and_its_repaired_rows_follow(open_store: Open, folder: RunFolder) -> None:
    store = open_store()
    record(store, 1, 900)
    seal(folder, 1, 300)
    seal(folder, 301, 600)
    (line, _other) = read_manifest(store.connection)
    with transaction(store.connection):
        write_line(store.connection, line.changed(fate="damaged"))
    store.write(Batch(rows=[make_row(seq) for seq in range(101, 201)]))
    parts = list(walk(folder, "m1"))
    assert [(type(part), seqs(part)) for part in parts] == [
        (SealedPart, range(1, 301)),
        (HotPart, range(101, 201)),
        (SealedPart, range(301, 601)),
        (HotPart, range(601, 901)),
    ]
    assert [part.repaired for part in parts if isinstance(part, SealedPart)] == [100, 0]
    rows = list(run_rows(folder, "m1"))
    assert rows[0] == MissingRows(1, 100, "damaged, or never recorded")
    assert [row.seq for row in rows if isinstance(row, Row)] == [*range(101, 201), *range(301, 901)]
    with closing(open_reader(folder.hot)) as hot:
        found = Placement.of(hot, "m1")
    assert found.covered == [(101, 200), (301, 900)]
    assert [found.repaired(line) for line in found.lines] == [100, 0]


def test_a_part_of_simulated_time_leaves_segments_out_whole_and_hot_rows_one_by_one(
    open_store: Open, folder: RunFolder
) -> None:
    record(open_store(), 1, 900)
    seal(folder, 1, 300)
    seal(folder, 301, 600)
    first = make_row(450).t_us
    assert [seqs(part) for part in walk(folder, "m1", 0, first, first + DT_US)] == [range(301, 601)]
    first = make_row(700).t_us
    assert [seqs(part) for part in walk(folder, "m1", 0, first, first + 10 * DT_US)] == [range(700, 710)]


def test_a_walk_ends_with_what_was_there_when_it_came_to_the_end(open_store: Open, folder: RunFolder) -> None:
    """Else it would follow a recorder for as long as that writes faster than somebody reads."""
    store = open_store()
    record(store, 1, 10)
    after: Iterator[int] = iter(range(11, 100))
    found: list[int] = []
    for part in walk(folder, "m1"):
        found += seqs(part)
        seq = next(after)
        record(store, seq, seq)
    assert found == list(range(1, 11))
