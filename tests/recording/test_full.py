"""A full disk: nothing that was committed is lost, nothing half is written, and writing goes on once there is room."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from recording.database import StoreError
from recording.folder import make_folder
from recording.hot import Batch, HotStore, hot_ranges
from recording.mend import mend
from recording.rows import run_rows
from recording.seal import Sealer
from tests.recording.conftest import SCHEMA, make_row


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small disk needs the rights to mount one")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(store: HotStore) -> int:
    """Write until the disk takes no more; returns how many rows it took."""
    for seq in range(1, 100_000):
        try:
            store.write(Batch(rows=[make_row(seq)._replace(numbers=bytes(4096))], schemas=[SCHEMA]))
        except StoreError as error:
            assert "full" in str(error)  # noqa: PT017 - the first of many writes that fails
            return seq - 1
    raise AssertionError("the disk takes everything")


def test_what_was_committed_stays_and_the_same_store_goes_on(small_disk: Path) -> None:
    folder = make_folder(small_disk, "0001-001")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    with closing(HotStore(folder.hot)) as store:
        last = fill(store)
        assert last > 100
        assert hot_ranges(store.connection, 1) == [(1, last)]
        ballast.unlink()
        store.write(Batch(rows=[make_row(last + 1)]))
        assert hot_ranges(store.connection, 1) == [(1, last + 1)]
    assert mend(folder, deep=True) == []


def test_a_segment_that_finds_no_room_leaves_its_rows_hot(small_disk: Path) -> None:
    folder = make_folder(small_disk, "0001-001")
    with closing(HotStore(folder.hot)) as store:
        rows = [make_row(seq)._replace(wall=os.urandom(1)[0] / 7) for seq in range(1, 3001)]
        store.write(Batch(rows=rows, schemas=[SCHEMA]))
        with (small_disk / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(bytes(4096)) == 4096 and os.statvfs(small_disk).f_bavail > 4:
                pass
        with closing(Sealer(folder)) as sealer, pytest.raises(OSError, match=r"full|space|disk"):
            sealer.seal("m1", 1, 3000)
        assert hot_ranges(store.connection, 1) == [(1, 3000)]
        (small_disk / "ballast").unlink()
        with closing(Sealer(folder)) as sealer:
            assert len(sealer.seal("m1", 1, 3000)) == 1
        assert list(run_rows(folder, "m1")) == rows
    assert not list(folder.path.rglob("*.tmp"))
