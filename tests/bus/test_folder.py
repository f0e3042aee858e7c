"""A data folder that one program at a time may use."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from system.folder_lock import FolderTakenError, claim, keep_private

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from system.folder_lock import claim
claim(Path(sys.argv[1]), "plant")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_program_is_refused_until_the_first_has_died(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(FolderTakenError, match=f"in use by another plant, process {first.pid}"):
            claim(tmp_path / "data", "plant")
        os.close(claim(tmp_path / "data", "other"))
        first.kill()
        first.wait()
    os.close(claim(tmp_path / "data", "plant"))


MAKE = """
import sys
from system.environment_variables import data_folder
from system.folder_lock import claim
from bus.protocol.messages import Tick
from runtime.process import begin
from system.whole import write_whole
from nodes.clock.journal import Journal
from nodes.clock.runs import RunHeader, RunLogs
from catalog.presets import Presets
from nodes.physics.replica.snapshots import SnapshotFolder
from recording.folder import make_folder
from recording.hot import HotStore
from recording.seal import Sealer
from tests.recording.conftest import record

begin("test")
data = data_folder()
claim(data, "supervisor")
journal = Journal(data / "journal.sqlite")
journal.next_epoch(0.0)
header = RunHeader("0001-001", 1, 1, "reference", {}, "stopped", 1000, False, "hold")
RunLogs(data / "runs", lambda run: []).begin(header)
SnapshotFolder(data / "snapshots", "m1", "a")
write_whole(data / "snapshots" / "m1.a" / "x.snap", b"x")
Presets(data / "presets").write("mine", {})
folder = make_folder(data / "recordings", "0001-001")
store = HotStore(folder.hot)
record(store, 1, 200)
Sealer(folder).seal("m1", 1, 100)
(data / "log").mkdir()
(data / "log" / "node.log").write_text("x")
for path in [data, *data.rglob("*")]:
    print(oct(path.stat().st_mode & 0o777), path.is_dir(), path.name)
"""


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_s16_what_the_plant_keeps_is_for_its_user_alone(tmp_path: Path, umask: int, there: bool) -> None:
    data = tmp_path / "data"
    if there:
        data.mkdir()
        data.chmod(0o755)
        (data / "journal.sqlite").touch()
        (data / "journal.sqlite").chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-c", MAKE],
        cwd=ROOT,
        env={**os.environ, "KPP_DATA": str(data)},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert len(lines) > 20
    assert [line for line in lines if line[0] != ("0o700" if line[1] == "True" else "0o600")] == []


def test_s16_a_folder_that_is_not_ours_alone_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own"
    for folder, mode in ((shared, 0o1777), (own, 0o755)):
        folder.mkdir()
        folder.chmod(mode)
    monkeypatch.setenv("HOME", str(own))
    for folder in (shared, own, tmp_path / "missing"):
        keep_private(folder)
    assert (shared.stat().st_mode & 0o7777, own.stat().st_mode & 0o7777) == (0o1777, 0o755)
    monkeypatch.setenv("HOME", "/")
    keep_private(own)
    assert own.stat().st_mode & 0o7777 == 0o700


def test_f05_a_process_of_a_user_without_a_home_has_one(tmp_path: Path) -> None:
    program = (
        "import pathlib, pwd, os\n"
        "def unknown(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = unknown\n"
        "from runtime.process import begin\n"
        "begin('test')\n"
        "print(pathlib.Path.home())\n"
    )
    environ = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**environ, "KPP_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == f"{tmp_path}\n", done.stderr


def test_f06_s16_a_folder_on_read_only_media_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)

    def refused(_path: Path, _mode: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "chmod", refused)
    keep_private(tmp_path)
    monkeypatch.undo()
    keep_private(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
