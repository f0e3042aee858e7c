"""What is done beside the recording: sealing in time, making room, finding damage; in virtual time."""

import os
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import Command
from nodes.recorder.checkpoints import Checkpoints
from nodes.recorder.holes import SPELL, HoleRepairer
from nodes.recorder.maintenance import SCRUB_SECONDS, SEAL_SECONDS, MaintenanceThread
from recording.cursor import Placement
from recording.database import open_reader
from recording.folder import RunFolder, make_folder, run_folders
from recording.hot import Batch, HotStore, hot_ranges
from recording.manifest import read_manifest
from recording.retention import Limits
from tests.recording.conftest import record


class Nobody(HoleRepairer):
    """No producer answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def repair(self, folder: RunFolder, seconds: float = SPELL) -> bool:  # noqa: ARG002  # as it is called
        self.asked.append(folder.run)
        return True


class Bench:
    """A maintenance thread and the runs that are being recorded."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.present = frozenset({"0001-002"})
        self.nobody = Nobody()
        checkpoints = Checkpoints(root / "forks", root)
        self.maintenance = MaintenanceThread(
            root, limits, lambda: self.present, self.nobody, checkpoints, structlog.get_logger()
        )


@pytest.fixture
def folders(tmp_path: Path) -> tuple[RunFolder, RunFolder]:
    """A run that has ended and the present one, each with hot rows."""
    made = make_folder(tmp_path, "0001-001"), make_folder(tmp_path, "0001-002")
    for folder in made:
        with closing(HotStore(folder.hot)) as store:
            record(store, 1, 300)
    return made


def hot(folder: RunFolder) -> list[tuple[int, int]]:
    """Ranges of rows that are not sealed."""
    with closing(open_reader(folder.hot)) as reader:
        return hot_ranges(reader, 1)


def test_an_ended_run_is_sealed_at_once_and_the_present_one_after_a_minute(
    folders: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    ended, present = folders
    bench = Bench(tmp_path, Limits(1 << 50, 0))
    bench.maintenance.work(100.0)
    assert (hot(ended), hot(present)) == ([], [(1, 300)])
    bench.maintenance.work(100.0 + SEAL_SECONDS - 1)
    assert hot(present) == [(1, 300)]
    bench.maintenance.work(100.0 + SEAL_SECONDS)
    assert hot(present) == []
    with closing(HotStore(present.hot)) as store:
        record(store, 301, 330)
    bench.maintenance.work(100.0 + 2 * SEAL_SECONDS - 1)
    assert hot(present) == [(301, 330)]
    with closing(open_reader(present.hot)) as reader:
        assert Placement.of(reader, "m1").covered == [(1, 330)]


def test_a_quota_that_is_passed_drops_the_oldest(folders: tuple[RunFolder, RunFolder], tmp_path: Path) -> None:
    _ended, present = folders
    bench = Bench(tmp_path, Limits(present.size() + 1000, 0))
    bench.maintenance.work(0.0)
    assert [folder.run for folder in run_folders(tmp_path)] == [present.run]


def test_checkpoints_of_forks_are_looked_at_in_turn_but_not_right_after_the_start(tmp_path: Path) -> None:
    checkpoint = tmp_path / "forks" / "m1" / "0001-001@7.snap"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    os.utime(checkpoint, (0, 0))
    begin = Command("b", "*", "begin", {"scenario": "reference", "parameters": {}}, "clock")
    with closing(HotStore(make_folder(tmp_path, "0001-002").hot)) as store:
        store.write(Batch(ticks=[TickSpan(1, 1, 0, 0, "stopped", (begin,))]))
    bench = Bench(tmp_path, Limits(1 << 50, 0))
    for now, there in ((0.0, True), (SCRUB_SECONDS - 1, True), (SCRUB_SECONDS, False)):
        bench.maintenance.work(now)
        assert checkpoint.exists() == there


def test_damage_is_found_in_turn_and_its_holes_are_asked_for(
    folders: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    ended, present = folders
    bench = Bench(tmp_path, Limits(1 << 50, 0))
    bench.maintenance.work(0.0)
    (path,) = ended.segments()
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)
    for turn in (1, 2):
        bench.maintenance.work(turn * SCRUB_SECONDS)
    assert bench.maintenance.damage == 1
    assert set(bench.nobody.asked) == {ended.run, present.run}
    with closing(open_reader(ended.hot)) as reader:
        assert {line.fate for line in read_manifest(reader)} == {"damaged"}
