"""Room on the disk: the oldest goes first, full rate before tiers, and what was dropped is known to be."""

from contextlib import closing
from pathlib import Path

from recording.cursor import Placement
from recording.database import open_reader
from recording.folder import make_folder, run_folder, run_folders
from recording.history import History, Query
from recording.hot import HotStore
from recording.manifest import read_manifest
from recording.reading import Reader, Selection
from recording.recovery import recover
from recording.retention import Limits, make_room
from recording.seal import Sealer
from tests.recording.conftest import record

RUNS = ("0001-001", "0001-002")


def recordings(root: Path) -> None:
    """Two runs of five segments each."""
    for run in RUNS:
        folder = make_folder(root, run)
        with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
            for part in range(5):
                record(store, part * 300 + 1, part * 300 + 300)
                sealer.seal("m1", 1, part * 300 + 300)


def test_nothing_is_dropped_while_there_is_room(tmp_path: Path) -> None:
    recordings(tmp_path)
    assert make_room(tmp_path, Limits(quota=1 << 40, reserve=0), RUNS[1]) == []


def test_the_full_rate_of_the_oldest_goes_first_and_its_seconds_stay(tmp_path: Path) -> None:
    recordings(tmp_path)
    used = sum(folder.size() for folder in run_folders(tmp_path))
    one = run_folder(tmp_path, RUNS[0]).segments()[0].stat().st_size
    dropped = make_room(tmp_path, Limits(quota=used - one - 1, reserve=0), RUNS[1])
    assert [(each.run, each.what) for each in dropped] == [
        (RUNS[0], "segments/m1-000000000001.parquet"),
        (RUNS[0], "segments/m1-000000000301.parquet"),
    ]
    folder = run_folder(tmp_path, RUNS[0])
    assert recover(folder, deep=True) == [], "what was dropped on purpose is no damage"
    with closing(open_reader(folder.hot)) as hot:
        assert Placement.of(hot, "m1").covered == [(1, 1500)], "and no hole to repair"
    with closing(History(folder)) as history:
        coarse = history.query(Query("m1", ("grid.power",), 0, 15_000_000, 15))
        assert (coarse.bins.samples.sum(), coarse.lost) == (1499, 0)
        fine = history.query(Query("m1", ("grid.power",), 0, 15_000_000, 1500))
        assert (fine.bins.samples.sum(), fine.lost) == (899, 2)
    reader = Reader(folder, Selection("m1"))
    assert sum(table.num_rows for table in reader.tables()) == 900
    assert reader.missing == ["ticks 1 to 300 of m1: dropped", "ticks 301 to 600 of m1: dropped"]


def test_whole_runs_go_next_and_the_present_one_keeps_its_seconds_longest(tmp_path: Path) -> None:
    recordings(tmp_path)
    tiers = sum(path.stat().st_size for path in (run_folder(tmp_path, RUNS[1]).path / "tiers").iterdir())
    hot = sum(path.stat().st_size for path in run_folder(tmp_path, RUNS[1]).path.iterdir() if path.is_file())
    make_room(tmp_path, Limits(quota=tiers + hot + 100, reserve=0), RUNS[1])
    assert [folder.run for folder in run_folders(tmp_path)] == [RUNS[1]]
    folder = run_folder(tmp_path, RUNS[1])
    assert folder.segments() == []
    with closing(open_reader(folder.hot)) as reader:
        assert {line.tier_fate for line in read_manifest(reader)} == {"kept"}
    make_room(tmp_path, Limits(quota=hot, reserve=0), RUNS[1])
    with closing(open_reader(folder.hot)) as reader:
        assert {line.tier_fate for line in read_manifest(reader)} == {"dropped"}
        assert Placement.of(reader, "m1").covered == [(1, 1500)]


def test_a_full_disk_counts_like_a_full_quota(tmp_path: Path) -> None:
    recordings(tmp_path)
    assert len(make_room(tmp_path, Limits(quota=1 << 50, reserve=1 << 60), RUNS[1])) == 10 + 1 + 5
