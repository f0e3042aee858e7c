"""What a user names to be written to is written to as what it is."""

import io
import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from recording.output import opened_output
from recording.unbundle import BundleError, opened_bundle
from system.parts import new_folder


def write(name: Path | str, data: bytes = b"new") -> bytes:
    """Write there; what went to standard output."""
    standard = io.BytesIO()
    with opened_output(str(name), standard) as file:
        file.write(data)
    return standard.getvalue()


def half(name: Path) -> None:
    """Begin to write there, and be ended."""
    with opened_output(str(name), io.BytesIO()) as file:
        file.write(b"half")
        raise SystemExit(143)


def test_f01_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    null = tmp_path / "null"
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        null = Path(os.devnull)
    write(null)
    assert stat.S_ISCHR(null.stat().st_mode)


def test_f01_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()
    assert heard == [b"new"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("there", [True, False])
def test_f01_links_are_followed(tmp_path: Path, there: bool) -> None:
    target, first, second = tmp_path / "far" / "run.csv", tmp_path / "first", tmp_path / "second"
    target.parent.mkdir()
    if there:
        target.write_bytes(b"old")
    second.symlink_to("far/run.csv")
    first.symlink_to(second)
    write(first)
    assert (target.read_bytes(), first.is_symlink(), second.is_symlink()) == (b"new", True, True)
    assert [each.name for each in target.parent.iterdir()] == ["run.csv"]


def test_f01_a_file_keeps_its_mode_and_its_other_names(tmp_path: Path) -> None:
    path, other = tmp_path / "run.csv", tmp_path / "other"
    path.write_bytes(b"older and longer")
    path.chmod(0o640)
    write(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)
    other.hardlink_to(path)
    write(path, b"newer")
    assert other.read_bytes() == b"newer"
    assert (path.stat().st_ino, stat.S_IMODE(path.stat().st_mode)) == (other.stat().st_ino, 0o640)


def test_f01_a_new_file_has_the_mode_that_the_user_chose(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "run.csv")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "run.csv").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_f01_standard_output_has_its_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write(name) == b"new"
    assert list(tmp_path.iterdir()) == []


def test_f01_an_open_stream_is_written_on(tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab+") as file:
        file.write(b"before ")
        file.flush()
        write(f"/dev/fd/{file.fileno()}")
    assert (tmp_path / "log").read_bytes() == b"before new"


@pytest.mark.parametrize("linked", [True, False])
def test_f01_what_is_not_finished_changes_nothing(tmp_path: Path, linked: bool) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(b"old")
    if linked:
        (tmp_path / "other").hardlink_to(path)
    names = {each.name for each in tmp_path.iterdir()}
    with pytest.raises(SystemExit):
        half(path)
    assert path.read_bytes() == b"old"
    assert {each.name for each in tmp_path.iterdir()} == names


def test_f01_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    round_about = tmp_path / "round"
    round_about.symlink_to(round_about)
    for name in (tmp_path, round_about):
        with pytest.raises(OSError, match=name.name), opened_output(str(name), io.BytesIO()):
            pass


@pytest.mark.parametrize("there", ["nothing", "a file", "a link"])
def test_f01_a_folder_that_is_not_there_is_named_and_not_made(tmp_path: Path, there: str) -> None:
    missing = tmp_path / "missing"
    if there == "a file":
        missing.write_bytes(b"")
    elif there == "a link":
        (tmp_path / "link.csv").symlink_to(missing / "deep" / "run.csv")
    name = tmp_path / "link.csv" if there == "a link" else missing / "deep" / "run.csv"
    before = sorted(tmp_path.rglob("*"))
    with (
        pytest.raises(OSError, match=str(missing / "deep")),
        opened_output(str(name), io.BytesIO()),
    ):
        pass
    assert sorted(tmp_path.rglob("*")) == before


def test_f01_what_a_killed_process_left_is_cleared_away_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    script = "import io, sys; from recording.output import opened_output; "
    script += f"context = opened_output({str(tmp_path / 'killed.csv')!r}, io.BytesIO()); context.__enter__(); "
    script += "print('writing', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"writing\n"
        killed.kill()
    (left,) = tmp_path.iterdir()
    write(tmp_path / "foreign.csv.part")
    with opened_output(str(tmp_path / "slow.csv"), io.BytesIO()) as slow:
        assert not left.exists()
        slow.write(b"slow")
        write(tmp_path / "quick.csv")
    assert {each.name for each in tmp_path.iterdir()} == {"foreign.csv.part", "slow.csv", "quick.csv"}
    assert (tmp_path / "slow.csv").read_bytes() == b"slow"


def test_f01_a_folder_in_the_making_is_left_alone_and_one_that_was_left_goes(tmp_path: Path) -> None:
    left = tmp_path / ".kpp-left.part"
    left.mkdir()
    (left / "copy").touch()
    with new_folder(tmp_path) as made:
        write(tmp_path / "x.csv")
        assert {each.name for each in tmp_path.iterdir()} == {"x.csv", made.name}
    assert {each.name for each in tmp_path.iterdir()} == {"x.csv"}


def test_f01_what_a_killed_one_left_in_the_systems_folder_goes_with_the_next_bundle_that_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    script = "from pathlib import Path; from system.parts import new_folder; context = new_folder(None); "
    script += "(context.__enter__() / 'copy').touch(); import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    (left,) = tmp_path.iterdir()
    with pytest.raises(BundleError), opened_bundle(Path(__file__)):
        pass
    assert not left.exists()
    assert [*tmp_path.iterdir()] == []
