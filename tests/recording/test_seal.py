"""Sealing: rows leave the hot store only for a segment that holds every one of them."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from recording import files
from recording import seal as sealing
from recording.columns import matrix_of, rows_of, table_of
from recording.folder import RunFolder, make_folder, run_folder, run_folders
from recording.hot import Batch, HotStore, hot_ranges
from recording.manifest import read_manifest
from recording.seal import MERGED, Sealer
from recording.segment import about, segment_rows, write_segment
from recording.tier import bins_of
from tests.recording.conftest import SCHEMA, make_row, numbers, record

Open = Callable[[], HotStore]


def test_rows_become_columns_and_rows_again() -> None:
    rows = [make_row(seq, wall=seq / 3, instance=f"p{seq // 4}") for seq in range(1, 130)]
    table = table_of(rows, SCHEMA)
    assert rows_of(table, SCHEMA, "m1") == rows
    assert table["grid.cop"].null_count == 43
    assert table["plc.trip"].null_count == len(rows)
    assert table.schema.field("grid.power").metadata == {b"unit": b"W", b"meaning": b"power to the grid"}


def test_a_sealed_segment_holds_every_row_and_the_hot_store_none(open_store: Open, folder: RunFolder) -> None:
    store = open_store()
    record(store, 1, 4500)
    with closing(Sealer(folder)) as sealer:
        (line,) = sealer.seal("m1", 1, 4200)
        assert sealer.damaged == []
    assert hot_ranges(store.connection, 1) == [(4201, 4500)]
    assert list(segment_rows(folder.segment(line.file))) == [make_row(seq) for seq in range(1, 4201)]
    assert (line.first, line.last, line.t_first_us, line.t_last_us) == (1, 4200, 10_000, 42_000_000)
    assert read_manifest(store.connection) == [line]
    assert about(folder.segment(line.file)) == ("0001-001", "m1", SCHEMA)
    assert not list(folder.path.rglob("*.tmp"))


def test_any_tool_reads_a_segment(open_store: Open, folder: RunFolder) -> None:
    record(open_store(), 1, 300)
    with closing(Sealer(folder)) as sealer:
        (line,) = sealer.seal("m1", 1, 300)
    path = str(folder.segment(line.file))
    ask = 'SELECT max("grid.power"), count("grid.cop"), min(t_us) FROM read_parquet($path)'
    found = duckdb.execute(ask, {"path": path}).fetchall()
    assert found == [(450.0, 200, 10_000)]
    assert pq.read_table(path, columns=["plc.state"])["plc.state"].to_pylist()[4:6] == ["starting", "running"]


def test_a_hole_or_another_channel_table_begins_a_new_segment(open_store: Open, folder: RunFolder) -> None:
    store = open_store()
    record(store, 1, 100)
    record(store, 120, 200)
    with closing(Sealer(folder)) as sealer:
        assert [(line.first, line.last) for line in sealer.seal("m1", 1, 200)] == [(1, 100), (120, 200)]


def test_a_damaged_hot_row_is_told_and_leaves_a_hole(open_store: Open, folder: RunFolder) -> None:
    store = open_store()
    record(store, 1, 100)
    store.connection.execute("UPDATE rows SET record = substr(record, 1, 80) WHERE key & 255 = 50")
    with closing(Sealer(folder)) as sealer:
        assert [(line.first, line.last) for line in sealer.seal("m1", 1, 100)] == [(1, 49), (51, 100)]
        assert len(sealer.damaged) == 1
        assert "row 50" in sealer.damaged[0]


def test_a_segment_gets_its_name_when_it_is_on_disk(
    open_store: Open, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written under another name, synced, renamed, the folder synced: never half a file under a segment's name."""
    store = open_store()
    record(store, 1, 100)
    done: list[tuple[str, str]] = []
    replace = Path.replace

    def renamed(path: Path, target: Path) -> Path:
        done.append(("rename", path.name))
        return replace(path, target)

    monkeypatch.setattr(files, "sync", lambda path: done.append(("sync", path.name)))
    monkeypatch.setattr(Path, "replace", renamed)
    with closing(Sealer(folder)) as sealer:
        (line,) = sealer.seal("m1", 1, 100)
    temporary = f"{line.file}.tmp"
    one = [("sync", temporary), ("rename", temporary)]
    assert done == [*one, ("sync", "tiers"), *one, ("sync", "segments")]


def test_a_disk_that_does_not_give_back_what_it_took_keeps_the_rows_hot(
    open_store: Open, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    record(store, 1, 100)
    write = write_segment

    def lying(path: Path, *rest: object) -> object:
        written = write(path, *rest)  # type: ignore[arg-type]
        data = bytearray(path.read_bytes())
        data[1000:1200] = bytes(200)
        path.write_bytes(data)
        return written

    monkeypatch.setattr(sealing, "write_segment", lying)
    with closing(Sealer(folder)) as sealer, pytest.raises(OSError, match="did not give back"):
        sealer.seal("m1", 1, 100)
    assert hot_ranges(store.connection, 1) == [(1, 100)]
    assert read_manifest(store.connection) == []
    assert not [path for path in folder.path.rglob("*") if path.suffix in {".parquet", ".tmp"}]


def test_the_tier_has_minimum_mean_and_maximum_of_each_second(open_store: Open, folder: RunFolder) -> None:
    record(open_store(), 1, 250)
    with closing(Sealer(folder)) as sealer:
        (line,) = sealer.seal("m1", 1, 250)
    path = str(folder.tier(line.tier_file))
    lines = duckdb.execute("SELECT * FROM read_parquet($path) WHERE channel = 'grid.cop'", {"path": path}).fetchall()
    assert len(lines) == 3
    for _channel, segment, second, samples, low, mean, high in lines:
        values = [numbers(seq)[1] for seq in range(1, 251) if seq * 10_000 // 1_000_000 == second]
        there = [value for value in values if value == value]  # noqa: PLR0124 - NaN is unlike itself
        assert (segment, samples, low, high) == (line.segment, len(there), min(there), max(there))
        assert mean == pytest.approx(sum(there) / len(there))


def test_statistics_over_bins_leave_out_what_does_not_exist() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [5.0, 2.0]])
    bins = bins_of(np.array([100, 199, 200]), values, 100, 100)
    assert bins.number.tolist() == [0, 1]
    assert bins.samples.tolist() == [[2, 0], [1, 1]]
    np.testing.assert_array_equal(bins.mean, [[2.0, np.nan], [5.0, 2.0]])
    np.testing.assert_array_equal(bins.minimum, [[1.0, np.nan], [5.0, 2.0]])


def test_tiers_of_neighbours_are_joined_into_one_file(open_store: Open, folder: RunFolder) -> None:
    store = open_store()
    with closing(Sealer(folder)) as sealer:
        for part in range(MERGED + 1):
            record(store, part * 30 + 1, part * 30 + 30)
            sealer.seal("m1", 1, part * 30 + 30)
            merged = sealer.merge("m1")
            assert merged == (1 if part == MERGED - 1 else 0)
    lines = read_manifest(store.connection)
    assert len({line.tier_file for line in lines[:MERGED]}) == 1
    assert sorted(path.name for path in folder.tier("x").parent.iterdir()) == sorted({line.tier_file for line in lines})


def test_no_run_id_leads_out_of_the_folder(tmp_path: Path) -> None:
    for run in ("..", ".", "a:b", "0001-001", "...x"):
        folder = make_folder(tmp_path / "root", run)
        assert folder.path.parent == tmp_path / "root"
        assert run_folder(tmp_path / "root", run) == folder
    found = {folder.run for folder in run_folders(tmp_path / "root")}
    assert found == {"..", ".", "a:b", "0001-001", "...x"}
    assert run_folders(tmp_path / "nothing") == []


def test_matrix_and_batch_count() -> None:
    assert matrix_of([make_row(4), make_row(5)]).shape == (2, 6)
    assert len(Batch(rows=[make_row(1)])) == 1
