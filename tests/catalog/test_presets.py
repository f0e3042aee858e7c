"""Presets: on disk when they are saved, and nobody's are lost though gateway and dashboard change them at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalog import presets
from catalog.presets import NoPresetError, Presets, PresetsFullError
from system.folder_lock import FolderTakenError, alone
from tests.watching import eventually

ROOT = Path(__file__).resolve().parents[2]

GATEWAY = """
import sys
from pathlib import Path
from catalog.presets import Presets

def require(tag):
    print("there is", tag, flush=True)
    sys.stdin.readline()
    if tag is not None:
        raise SystemExit("it is there already")

Presets(Path(sys.argv[1])).write("shared", {"water_depth": 30.0}, require)
"""

DASHBOARD = """
import sys
from pathlib import Path
from catalog.presets import Presets

Presets(Path(sys.argv[1])).write("shared", {"water_depth": 40.0})
"""


def process(program: str, folder: Path) -> subprocess.Popen[str]:
    """A process that changes presets in a folder."""
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def knocks(waiting: subprocess.Popen[str], folder: Path) -> bool:
    """True once a process has the folder open, to lock it, or has ended."""
    if waiting.poll() is not None:
        return True
    opened = Path(f"/proc/{waiting.pid}/fd")
    return any(each.exists() and each.resolve() == folder.resolve() for each in opened.iterdir())


def test_what_the_dashboard_saves_while_the_gateway_looks_is_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "presets"
    with process(GATEWAY, folder) as gateway:
        assert gateway.stdin is not None
        assert gateway.stdout is not None
        assert gateway.stdout.readline() == "there is None\n"
        with process(DASHBOARD, folder) as dashboard:
            eventually(lambda: knocks(dashboard, folder), 60, "the dashboard comes to save")
            gateway.communicate("go on\n")
            dashboard.communicate()
    assert (gateway.returncode, dashboard.returncode) == (0, 0)
    assert Presets(folder).read("shared").parameters.water_depth == 40.0, "it came later"


def test_what_the_dashboard_is_saving_is_seen_by_the_gateway_that_would_make_it_anew(tmp_path: Path) -> None:
    Presets(tmp_path).write("other", {})
    with process(GATEWAY, tmp_path) as gateway:
        with alone(tmp_path):  # as the dashboard does
            eventually(lambda: knocks(gateway, tmp_path), 60, "the gateway comes to save")
            (tmp_path / "shared.toml").write_bytes((tmp_path / "other.toml").read_bytes())
        said, _ = gateway.communicate("go on\n")
    assert said.startswith('there is "'), said
    assert gateway.returncode == 1


def test_of_the_last_place_one_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "MOST", 1)
    Presets(tmp_path).write("mine", {})
    with pytest.raises(PresetsFullError, match="there are 1 presets: delete one first"):
        Presets(tmp_path).write("yours", {})
    Presets(tmp_path).write("mine", {"water_depth": 30.0})
    assert Presets(tmp_path).names() == ["mine"]


def test_a_folder_that_another_one_keeps_is_told_and_not_waited_for_without_end(tmp_path: Path) -> None:
    with (
        alone(tmp_path),
        pytest.raises(FolderTakenError, match="another process has been changing"),
        alone(tmp_path, 0),
    ):
        pass


@pytest.mark.parametrize("data", [bytes(presets.LARGEST + 1), b""])
def test_what_is_no_preset_is_replaced_and_deleted_like_one(tmp_path: Path, data: bytes) -> None:
    for _ in range(2):
        (tmp_path / "odd.toml").write_bytes(data)
        Presets(tmp_path).write("odd", {"water_depth": 30.0})
        assert Presets(tmp_path).read("odd").parameters.water_depth == 30.0
    (tmp_path / "odd.toml").write_bytes(data)
    Presets(tmp_path).delete("odd")
    with pytest.raises(NoPresetError, match="there is no preset 'odd'"):
        Presets(tmp_path).delete("odd")


def test_what_is_deleted_has_gone_from_the_disk_as_what_is_saved_is_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    folder = tmp_path / "presets"
    Presets(folder).write("mine", {})
    assert synced[-1] == "presets", "the folder, after the file"
    synced.clear()
    Presets(folder).delete("mine")
    assert synced == ["presets"]
