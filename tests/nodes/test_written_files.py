"""Every file that is written whole or not at all, whoever writes it."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bus.security import keys
from catalog.presets import Presets
from catalog.scenarios import Scenarios
from console.keys import main as kpp_keys
from nodes.physics.replica.forks import ForkFolder
from nodes.physics.replica.initial_parameters import InitialParameters
from nodes.physics.replica.snapshots import SnapshotFolder
from recording.files import whole_file
from system.whole import write_whole


def _segment(path: Path) -> None:
    with whole_file(path) as temporary:
        temporary.write_bytes(b"new")


WRITERS: dict[str, Callable[[Path], object]] = {
    "snapshot": lambda path: write_whole(path, b"new"),
    "segment": _segment,
    "key": lambda path: keys.write(path, {"new": 1}),
    "preset": lambda path: Presets(path.parent).write(path.stem, {}),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_f01_a_link_is_followed(writer: str, tmp_path: Path) -> None:
    far, near = tmp_path / "far" / "there.toml", tmp_path / "near" / "here.toml"
    far.parent.mkdir()
    near.parent.mkdir()
    far.write_bytes(b"old")
    near.symlink_to(far)
    WRITERS[writer](near)
    assert near.is_symlink()
    assert far.read_bytes() != b"old"
    assert [each.name for folder in (far.parent, near.parent) for each in folder.iterdir()] == [far.name, near.name]


ROOT = Path(__file__).resolve().parents[2]

KILLED = """
import os, signal, sys
from pathlib import Path

def fsync(descriptor):
    if sys.argv[2] == "waits":
        print("writing", flush=True)
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)

os.fsync = fsync
path = Path(sys.argv[1])
"""

SCRIPTS = {
    "snapshot": "from system.whole import write_whole; write_whole(path, b'new')",
    "key": "from bus.security.keys import write; write(path, {'new': 1})",
    "preset": "from catalog.presets import Presets; Presets(path.parent).write(path.stem, {})",
}
"""Those that share one way of writing; a recording is mended when it is opened (tests/recording/test_damage.py)."""


def beside(path: Path) -> set[str]:
    """What stands beside a file in its folder."""
    return {each.name for each in path.parent.iterdir()} - {path.name}


def killed(writer: str, path: Path, then: str) -> subprocess.Popen[bytes]:
    """A process that writes a file and is killed before it is whole, at once or once its standard input ends."""
    command = [sys.executable, "-c", KILLED + SCRIPTS[writer], str(path), then]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("writer", SCRIPTS)
def test_f01_what_a_killed_writer_left_goes_with_the_next_file_and_what_is_being_written_stays(
    writer: str, tmp_path: Path
) -> None:
    place = tmp_path / "there.toml"
    with killed(writer, place, "now") as dead:
        dead.communicate()
    assert dead.returncode == -signal.SIGKILL
    left = beside(place)
    assert len(left) == 1
    with killed(writer, place, "waits") as living:
        assert living.stdout is not None
        assert living.stdout.readline() == b"writing\n"
        making = beside(place)
        assert len(making) == 1
        assert not making & left, "it has removed what the first one left"
        write_whole(place, b"by another")  # not by the same writer, which may wait for its turn
        assert beside(place) == making, "another process is writing this"
        living.communicate()
    WRITERS[writer](place)
    assert beside(place) == set()


STARTS: dict[str, Callable[[Path], object]] = {
    "snapshots": lambda folder: SnapshotFolder(folder.parent, *folder.name.split(".")),
    "openings": lambda folder: InitialParameters(
        folder.parent, folder.name, Scenarios(folder), ForkFolder(folder.parent / "forks", "m1")
    ),
    "forks": lambda folder: ForkFolder(folder.parent, folder.name),
    "presets": Presets,
    "keys": lambda folder: kpp_keys(["--folder", str(folder), "list"]),
    "keys of clients": lambda folder: kpp_keys(["--folder", str(folder.parent), "list"]),
}


@pytest.mark.parametrize("start", STARTS)
def test_f01_what_a_killed_writer_left_goes_with_the_next_start(start: str, tmp_path: Path) -> None:
    folder = tmp_path / ("clients" if start == "keys of clients" else "m1.a")
    folder.mkdir()
    with killed("snapshot", folder / "there", "now") as dead:
        dead.communicate()
    assert len([*folder.iterdir()]) == 1
    STARTS[start](folder)
    assert [*folder.iterdir()] == []
