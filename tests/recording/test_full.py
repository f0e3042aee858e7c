"""A full disk: nothing that was committed is lost, nothing half is written, and writing goes on once there is room."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from recording.database import DamagedStoreError, StoreError, open_database, transaction
from recording.folder import RunFolder, make_folder
from recording.hot import Batch, HotStore, hot_ranges
from recording.record import Row
from recording.recovery import recover
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
    assert recover(folder, deep=True) == []


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


def fill_up(disk: Path) -> Path:
    """Leave no room on a disk; returns what fills it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return ballast


def numbers_on(folder: RunFolder) -> list[int]:
    """Sequence numbers that a recording gives."""
    return [row.seq for row in run_rows(folder, "m1") if isinstance(row, Row)]


def killed(disk: Path, place: Path) -> RunFolder:
    """A recording of 200 rows of which the newest are in the write-ahead log, as a killed recorder leaves it."""
    made = make_folder(disk, "0001-001")
    with closing(HotStore(made.hot)) as store:
        rows = [make_row(seq) for seq in range(1, 201)]
        store.write(Batch(rows=rows[:100], schemas=[SCHEMA]))
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.write(Batch(rows=rows[100:]))
        shutil.copytree(made.path, place)
    return RunFolder(made.run, place)


def test_a_whole_recording_that_cannot_be_opened_for_want_of_room_is_not_taken_for_damaged(small_disk: Path) -> None:
    folder = killed(small_disk, small_disk / "killed")
    folder.hot.with_name("hot.sqlite-shm").unlink()  # what is made when a database is opened, and needs room
    ballast = fill_up(small_disk)
    for _attempt in range(3):
        with pytest.raises(StoreError, match="cannot be opened") as told:
            recover(folder)
        assert not isinstance(told.value, DamagedStoreError)
    ballast.unlink()
    assert recover(folder, deep=True) == []
    assert numbers_on(folder) == [*range(1, 201)]
    assert not folder.damaged.exists()


def test_a_recording_that_another_process_writes_to_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recording.database.BUSY", 0.01)
    folder = killed(tmp_path, tmp_path / "killed")
    with closing(HotStore(folder.hot)) as store:
        store.connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        with transaction(store.connection):
            store.connection.execute("DELETE FROM facts")
        with pytest.raises(StoreError, match="locked"):
            recover(folder)
    assert recover(folder, deep=True) == []
    assert numbers_on(folder) == [*range(1, 201)]


def damage(folder: RunFolder) -> None:
    """Make the file no database; its records stay whole."""
    with closing(open_database(folder.hot)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log would bring the first page again
    with folder.hot.open("r+b") as file:
        file.write(b"no database here")


def test_a_damaged_recording_on_a_full_disk_is_mended_when_there_is_room(small_disk: Path) -> None:
    folder = killed(small_disk, small_disk / "killed")
    damage(folder)
    ballast = fill_up(small_disk)
    for _attempt in range(3):
        with pytest.raises(OSError, match=r"full|space"):
            recover(folder)
    ballast.unlink()
    assert [finding.where for finding in recover(folder)] == ["hot.sqlite"]
    assert numbers_on(folder) == [*range(1, 201)]
    assert recover(folder, deep=True) == []


@pytest.mark.parametrize("moves", range(6))
def test_one_who_is_killed_while_mending_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    folder = killed(tmp_path, tmp_path / "killed")
    damage(folder)
    left = [moves]
    replace = Path.replace

    class KilledError(BaseException):
        pass

    def replace_until_killed(self: Path, target: Path) -> Path:
        if not left[0]:
            raise KilledError
        left[0] -= 1
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_until_killed)
        with suppress(KilledError):
            recover(folder)
    recover(folder)
    assert numbers_on(folder) == [*range(1, 201)]
    assert recover(folder, deep=True) == []
    assert sorted(path.name for path in folder.path.iterdir() if path.name.startswith("hot")) == ["hot.sqlite"]
