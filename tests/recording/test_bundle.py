"""Bundles: one file that holds a run, opens anywhere, and says so when a bit of it is not what was written."""

import json
import random
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from recording.bundle import pack_bundle
from recording.database import open_reader
from recording.folder import RunFolder
from recording.hot import HotStore
from recording.notes import read_notes
from recording.rows import MissingRows, run_rows
from recording.seal import Sealer
from recording.ticks import read_ticks
from recording.unbundle import BundleError, opened_bundle
from tests.recording.conftest import make_row, record

Open = Callable[[], HotStore]


@pytest.fixture
def recorded(open_store: Open, folder: RunFolder) -> RunFolder:
    """Sealed and hot rows."""
    with closing(Sealer(folder)) as sealer:
        record(open_store(), 1, 900)
        sealer.seal("m1", 1, 400)
    return folder


def test_a_bundle_holds_all_of_a_run_that_is_still_recorded(recorded: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "run.kpp"
    with path.open("wb") as file:
        about = pack_bundle(recorded, file, {"kernel": "abc"}, {"openings/m1.json": b"{}"}, tmp_path)
    assert about.digests["m1"].ticks == [(1, 900)]
    assert about.digests["m1"].last == f"{make_row(900).digest:016x}"
    with opened_bundle(path) as bundle:
        assert bundle.about.versions == {"kernel": "abc"}
        assert (bundle.path / "openings" / "m1.json").read_bytes() == b"{}"
        assert list(run_rows(bundle.folder, "m1")) == [make_row(seq) for seq in range(1, 901)]
        with closing(open_reader(bundle.folder.hot)) as hot:
            assert sum(span.count for span in read_ticks(hot)) == 900
            assert len(list(read_notes(hot, 0, 1 << 60))) == 22
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    assert list(run_rows(recorded, "m1", 895)) == [make_row(seq) for seq in range(895, 901)]


def test_any_flipped_bit_and_any_cut_of_a_bundle_is_found(recorded: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "run.kpp"
    with path.open("wb") as file:
        pack_bundle(recorded, file, {}, {}, None)
    whole = path.read_bytes()
    with opened_bundle(path) as bundle:
        rows = list(run_rows(bundle.folder, "m1"))
    rng = random.Random(5)  # noqa: S311 - the same flips each time
    harmless = 0
    for _trial in range(40):
        data = bytearray(whole)
        bit = rng.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        try:
            with opened_bundle(path) as bundle:
                assert list(run_rows(bundle.folder, "m1")) == rows
            harmless += 1
        except BundleError:
            continue
    assert harmless <= 2, "only a bit that ZIP itself does not use, such as a file's date"
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(BundleError), opened_bundle(path):
            pass


def test_a_bundle_cannot_write_outside(tmp_path: Path) -> None:
    path = tmp_path / "evil.kpp"
    with zipfile.ZipFile(path, "w") as archive:
        about = {"format": 1, "run": "r", "versions": {}, "digests": {}, "files": {"../../evil": "0" * 64}}
        archive.writestr("bundle.json", json.dumps(about))
        archive.writestr("../../evil", "x")
    with pytest.raises(BundleError, match="leads out"), opened_bundle(path):
        pass


def test_rows_that_are_not_there_are_named_in_their_place(recorded: RunFolder) -> None:
    path = recorded.segments()[0]
    path.write_bytes(path.read_bytes()[:-9])
    first, *rest = run_rows(recorded, "m1")
    assert isinstance(first, MissingRows)
    assert (first.first, first.last) == (1, 400)
    assert rest == [make_row(seq) for seq in range(401, 901)]
