"""A recording that lies where nothing can be written is read like any other."""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bus.protocol.messages import CLOCK_MODULE, Command
from nodes.clock.journal import Journal, read_commands
from recording.database import open_reader
from recording.export import Export
from recording.folder import RunFolder, run_folders
from recording.hot import HotStore
from recording.reading import Selection
from recording.summary import summary
from tests.recording.conftest import record
from tests.unprivileged import only_read

Open = Callable[[], HotStore]


def read(root: Path) -> list[int]:
    """Rows of every run, listed and exported."""
    found = []
    for folder in run_folders(root):
        lines = b"".join(Export(folder, Selection("m1"), "csv")).splitlines()
        assert [line.rows for line in summary(folder)] == [len(lines) - 1]
        found.append(len(lines) - 1)
    return found


def moved(folder: RunFolder, place: Path, *, without: tuple[str, ...] = ()) -> Path:
    """A copy on another medium, without some of its files; the folder of all recordings there."""
    shutil.copytree(folder.path, place / folder.path.name)
    for name in without:
        (place / folder.path.name / name).unlink()
    return place


def test_f06_a_recording_whose_log_was_folded_in_is_read(open_store: Open, folder: RunFolder, tmp_path: Path) -> None:
    store = open_store()
    record(store, 1, 300)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with only_read(moved(folder, tmp_path / "moved", without=("hot.sqlite-wal", "hot.sqlite-shm"))) as root:
        assert read(root) == [300]


@pytest.mark.parametrize("without", [(), ("hot.sqlite-shm",)])
def test_f06_what_is_in_the_log_alone_is_read_too(
    open_store: Open, folder: RunFolder, tmp_path: Path, without: tuple[str, ...]
) -> None:
    record(open_store(), 1, 300)
    assert (folder.path / "hot.sqlite-wal").stat().st_size > 0
    with only_read(moved(folder, tmp_path / "moved", without=without)) as root:
        assert read(root) == [300]
        with closing(open_reader(root / folder.path.name / "hot.sqlite")) as hot:
            assert hot.execute("SELECT count(*) FROM rows").fetchone() == (300,)


def test_f06_the_journal_is_read_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "data" / "journal.sqlite")
    journal.next_epoch(0.0)
    journal.append(Command(id="a" * 8, module=CLOCK_MODULE, name="start", args={}, origin="test"), "0001-001", 7)
    journal.close()
    with only_read(tmp_path / "data") as data:
        assert [seq for seq, _command in read_commands(data / "journal.sqlite", "0001-001")] == [7]
