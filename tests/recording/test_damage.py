"""Damage: whatever is flipped or cut off, it is found, what is whole is kept, and the recording opens again."""

import os
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from recording.cursor import Placement
from recording.database import PAGE, module_number, open_reader
from recording.folder import RunFolder, make_folder
from recording.history import History, Query
from recording.hot import Batch, HotStore, read_rows
from recording.manifest import read_manifest
from recording.notes import read_notes
from recording.reading import Reader, Selection
from recording.record import Row
from recording.recovery import Finding, recover
from recording.rows import MissingRows, run_rows
from recording.seal import Sealer
from recording.segment import segment_rows
from recording.ticks import read_ticks
from tests.recording.conftest import make_note, make_row, record

Open = Callable[[], HotStore]
LAST = 1300
FLIPS = int(os.environ.get("KPP_FLIPS", "60"))
"""Damaged recordings of each kind; `make fuzz` makes a thousand of them."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A recording with two segments, hot rows, notes, and what its writer had not checkpointed when it was killed."""
    folder = make_folder(tmp_path_factory.mktemp("whole"), "0001-001")
    store = HotStore(folder.hot)
    record(store, 1, 900)
    with closing(Sealer(folder)) as sealer:
        sealer.seal("m1", 1, 400)
        sealer.seal("m1", 401, 900)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    record(store, 901, LAST)
    copy = RunFolder(folder.run, folder.path.with_name("copy"))
    shutil.copytree(folder.path, copy.path)  # as a killed process leaves it, with its write-ahead log
    store.close()
    return copy


def copied(whole: RunFolder, place: Path) -> RunFolder:
    """A recording to do damage to."""
    shutil.copytree(whole.path, place / "run")
    return RunFolder(whole.run, place / "run")


def readable(folder: RunFolder) -> dict[int, Row]:
    """Every row that the recording still gives."""
    with closing(open_reader(folder.hot)) as hot:
        rows: dict[int, Row] = {}
        number = module_number(hot, "m1")
        if number is not None:
            rows |= {row.seq: row for row in read_rows(hot, number, "m1") if isinstance(row, Row)}
        for line in read_manifest(hot):
            if line.fate == "kept":
                found = list(segment_rows(folder.segment(line.file)))
                assert not rows.keys() & {row.seq for row in found}, "a row is both hot and sealed"
                rows |= {row.seq: row for row in found}
        for note in read_notes(hot, 0, 1 << 60):
            assert note == make_note(note.seq)
        for span in read_ticks(hot):
            assert (span.dt_us, span.t_us) == (10_000, (span.first - 1) * 10_000)
            assert span.last <= LAST
        return rows


def check(folder: RunFolder, findings: list[Finding]) -> int:
    """What is readable is what was written, and what is missing shows as a hole; returns how many rows are lost."""
    rows = readable(folder)
    for seq, row in rows.items():
        assert row == make_row(seq)
    with closing(open_reader(folder.hot)) as hot:
        holes = set(range(1, LAST + 1)) - {
            seq for first, last in Placement.of(hot, "m1").covered for seq in range(first, last + 1)
        }
    assert holes == set(range(1, LAST + 1)) - rows.keys()
    if holes - set(range(901, LAST + 1)):
        assert findings, "sealed rows are missing and nothing was said"
    return len(holes)


def test_a_recording_without_damage_has_no_findings(whole: RunFolder, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path)
    assert recover(folder, deep=True) == []
    assert check(folder, []) == 0


def test_any_flipped_bit_is_found_or_harmless(whole: RunFolder, tmp_path: Path) -> None:
    """Real bit flips anywhere in any file of the recording; afterwards it opens, and it can be recorded on."""
    rng = random.Random(20261124)  # noqa: S311 - the same flips each time
    names = ["hot.sqlite", "hot.sqlite-wal", "segments/m1-000000000001.parquet", "tiers/m1-000000000401.parquet"]
    found: dict[str, int] = dict.fromkeys(names, 0)
    for trial in range(FLIPS):
        folder = copied(whole, tmp_path / str(trial))
        name = names[trial % len(names)]
        path = folder.path / name
        data = bytearray(path.read_bytes())
        bit = rng.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        before = recover(folder, deep=True)
        found[name] += bool(before)
        lost = check(folder, before)
        assert lost <= 500, "one flipped bit costs at most one segment"
        assert recover(folder, deep=True) == [], "what was mended stays mended"
        with closing(HotStore(folder.hot)) as store:
            store.write(Batch(rows=[make_row(LAST + 1)]))
        shutil.rmtree(folder.path)
    assert found["segments/m1-000000000001.parquet"] == FLIPS // 4
    assert found["tiers/m1-000000000401.parquet"] == FLIPS // 4


@pytest.mark.parametrize(
    "name", ["hot.sqlite", "hot.sqlite-wal", "segments/m1-000000000001.parquet", "tiers/m1-000000000401.parquet"]
)
def test_a_file_that_is_cut_off_anywhere_costs_only_what_was_behind(
    whole: RunFolder, tmp_path: Path, name: str
) -> None:
    size = (whole.path / name).stat().st_size
    cuts = FLIPS // 12
    for trial in range(cuts):
        share = trial / (cuts - 1)
        folder = copied(whole, tmp_path / str(trial))
        with (folder.path / name).open("r+b") as file:
            file.truncate(max(0, int(size * share) - 1))
        findings = recover(folder, deep=True)
        lost = check(folder, findings)
        assert lost <= 400, "a segment, or what was not sealed yet"
        # A write-ahead log that ends early is what a crash leaves; and it may hold all that the other file lost.
        assert findings or not lost or name.endswith("-wal")
        if not name.endswith("-wal"):
            assert not set(range(401, 901)) - readable(folder).keys(), "another segment is as it was"


def test_a_log_that_is_cut_off_between_two_commits_is_found_though_it_looks_whole(
    whole: RunFolder, tmp_path: Path
) -> None:
    frame, head = 24 + PAGE, 32
    log = whole.hot.with_name("hot.sqlite-wal")
    frames = (log.stat().st_size - head) // frame
    for number in range(frames):
        folder = copied(whole, tmp_path / str(number))
        with folder.hot.with_name(log.name).open("r+b") as file:
            file.truncate(head + number * frame)
        before = len(readable(whole))
        assert recover(folder), f"{number} of {frames} frames"
        assert len(readable(folder)) <= before
        assert recover(folder) == [], "it is told once"


def test_a_hot_store_that_is_emptied_is_found(whole: RunFolder, tmp_path: Path) -> None:
    for number, names in enumerate((["hot.sqlite"], ["hot.sqlite", "hot.sqlite-wal"])):
        folder = copied(whole, tmp_path / str(number))
        for name in names:
            os.truncate(folder.path / name, 0)
        assert next(finding.where for finding in recover(folder)) == "hot.sqlite"


def test_a_segment_keeps_its_whole_row_groups(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "0001-001")
    with closing(HotStore(folder.hot)) as store:
        record(store, 1, 6000)
    with closing(Sealer(folder)) as sealer:
        (line,) = sealer.seal("m1", 1, 6000)
    path = folder.segment(line.file)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    findings = recover(folder, deep=True)
    assert [finding.where for finding in findings] == [f"segments/{line.file}"]
    with closing(open_reader(folder.hot)) as hot:
        assert Placement.of(hot, "m1").covered == [(1, 2000), (4001, 6000)]
    assert [row for row in run_rows(folder, "m1") if not isinstance(row, Row)] == [
        MissingRows(2001, 4000, "damaged, or never recorded")
    ]
    with closing(HotStore(folder.hot)) as store:  # the producer repairs what is missing
        record(store, 2001, 4000)
        assert Placement.of(store.connection, "m1").covered == [(1, 6000)]
    everything = [make_row(seq) for seq in range(1, 6001)]
    assert list(run_rows(folder, "m1")) == everything
    assert next(folder.damaged.iterdir()).name.startswith(line.file)


def test_a_segment_of_which_nothing_is_left_is_repaired_and_read_and_sealed_again(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "0001-001")
    with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
        record(store, 1, 900)
        sealer.seal("m1", 1, 300)
        sealer.seal("m1", 301, 600)
        path = folder.segments()[0]
        path.write_bytes(path.read_bytes()[:-1])
        assert len(recover(folder)) == 1
        assert next(run_rows(folder, "m1")) == MissingRows(1, 300, "damaged, or never recorded")
        record(store, 1, 300)
        everything = [make_row(seq) for seq in range(1, 901)]
        assert list(run_rows(folder, "m1")) == everything
        reader = Reader(folder, Selection("m1"))
        assert [seq for table in reader.tables() for seq in table["seq"].to_pylist()] == list(range(1, 901))
        assert reader.missing == []
        with closing(History(folder)) as history:
            answer = history.query(Query("m1", ("grid.power",), 0, 9_010_000, 100))
            assert (answer.bins.samples.sum(), answer.lost) == (900, 0)
            assert history.query(Query("m1", ("grid.power",), 0, 9_010_000, 9)).bins.samples.sum() == 900
            sealer.seal("m1", 1, 300)
            assert history.query(Query("m1", ("grid.power",), 0, 9_010_000, 9)).bins.samples.sum() == 900
        assert recover(folder, deep=True) == []
        assert list(run_rows(folder, "m1")) == everything


def test_a_lost_hot_store_is_rebuilt_from_its_segments(whole: RunFolder, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path)
    for path in folder.path.glob("hot.sqlite*"):
        path.unlink()
    recover(folder, deep=True)
    assert sorted(readable(folder)) == list(range(1, 901))


def test_a_sealer_killed_between_any_two_steps_loses_and_doubles_nothing(whole: RunFolder, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path)
    saved = tmp_path / "before"
    shutil.copytree(folder.path, saved)
    with closing(Sealer(folder)) as sealer:
        sealer.seal("m1", 901, LAST)
    for name in ("segments/m1-000000000901.parquet", "tiers/m1-000000000901.parquet"):
        shutil.copy(folder.path / name, saved / name)  # the file is there, its line in the manifest is not
    (saved / "segments" / "m1-000000000950.parquet.tmp").write_bytes(b"half")
    killed = RunFolder(folder.run, saved)
    recover(killed)
    assert sorted(readable(killed)) == list(range(1, LAST + 1))
    assert not list(saved.rglob("*.tmp"))


def test_history_does_not_count_what_is_damaged(whole: RunFolder, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path)
    path = folder.path / "tiers/m1-000000000001.parquet"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    with closing(History(folder)) as history:
        answer = history.query(Query("m1", ("grid.power",), 0, 13_000_000, 13))
    assert answer.lost == 0  # the full rate of the same seconds answers instead
    assert answer.bins.samples.sum() == 1299
    path = folder.path / "segments/m1-000000000001.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with closing(History(folder)) as history:
        answer = history.query(Query("m1", ("grid.power",), 0, 13_000_000, 13))
    assert answer.lost == 1
    assert answer.bins.samples.sum() == 899
