"""`kpp runs`, `kpp export` and `kpp scrub` as a user calls them."""

import importlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mcap.reader import make_reader

from console import arguments, replay
from console.main import main
from recording.export import FORMATS, Export
from recording.folder import WRITER, RunFolder, make_folder
from recording.hot import HotStore
from recording.seal import Sealer
from system.folder_lock import claim
from tests.recording.conftest import record

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recorded(tmp_path: Path) -> RunFolder:
    """A recording where `kpp` looks for it."""
    folder = make_folder(tmp_path / "recordings", "0001-001")
    with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
        record(store, 1, 500)
        sealer.seal("m1", 1, 300)
    return folder


def kpp(data: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command on the recordings in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        cwd=data,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KPP_DATA": str(data)},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_run_is_listed_and_exported_in_each_format(recorded: RunFolder, tmp_path: Path) -> None:
    listed = kpp(tmp_path, "runs")
    assert listed.stdout.decode().split() == ["0001-001", "m1", "500", "rows", "0.01", "to", "5.00", "s"]
    out = tmp_path / "out"
    done = kpp(tmp_path, "export", "0001-001", "--format", "parquet", "--channels", "grid,plc.state", "-o", str(out))
    assert (done.returncode, done.stdout) == (0, b"")
    assert pq.read_table(out).column_names == ["t", "seq", "grid.power", "grid.cop", "grid.on", "plc.state"]
    done = kpp(tmp_path, "export", "0001-001", "--format", "mcap", "--from", "1", "--to", "2", "-o", str(out))
    assert done.returncode == 0
    with out.open("rb") as file:
        seqs = [m.sequence for _s, channel, m in make_reader(file).iter_messages() if channel.topic == "state/m1/"]
    assert seqs == list(range(100, 200))
    text = kpp(tmp_path, "export", "0001-001", "--channels", "grid.power")
    assert text.stdout.splitlines()[:2] == [b'"t [s]","seq [1]","grid.power [W]"', b"0.01,1,1.5"]
    assert len(text.stdout.splitlines()) == 501


def test_an_export_shows_a_bar_on_a_terminal(recorded: RunFolder, tmp_path: Path) -> None:
    screen, terminal = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "console", "export", "0001-001", "-o", "out.csv"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KPP_DATA": str(tmp_path)},
        stderr=terminal,
        timeout=60,
        check=False,
    )
    os.close(terminal)
    shown = os.read(screen, 65536).decode()
    os.close(screen)
    assert done.returncode == 0
    assert re.search(r"\r\[#*\.*\] \d+ of 500 rows, \d+ a second", shown)
    assert shown.endswith(" \r"), "the line is left clean"


def test_what_is_wrong_is_named_with_its_remedy(recorded: RunFolder, tmp_path: Path) -> None:
    for given, text in (
        (("export", "0009-001"), "no recording of run '0009-001'"),
        (("export", "0009-001"), "there are 0001-001"),
        (("export", "../x"), "no recording of run"),
        (("export", "0001-001", "--channels", "grid.pover"), "grid has grid.power"),
        (("export", "0001-001", "--module", "m7"), "there are m1"),
        (("export", "0001-001", "--from", "3", "--to", "2"), "--from 3 is not before --to 2"),
        (("export", "0001-001", "--from", "x"), "is not a time of 0 s or more"),
        (("export", "0001-001", "-o", str(tmp_path)), "Is a directory"),
    ):
        done = kpp(tmp_path, *given)
        assert done.returncode == 2
        assert text in done.stderr.decode()
        assert b"Traceback" not in done.stderr
    assert kpp(tmp_path, "scenarios").returncode == 0
    assert b"export" in kpp(tmp_path, "--help").stdout


def test_damage_is_told_by_export_and_mended_by_scrub(recorded: RunFolder, tmp_path: Path) -> None:
    assert kpp(tmp_path, "scrub", "0001-001").returncode == 0
    (path,) = recorded.segments()
    path.write_bytes(path.read_bytes()[:-3])
    export = kpp(tmp_path, "export", "0001-001")
    assert export.returncode == 3
    assert b"missing: ticks 1 to 300 of m1" in export.stderr
    assert len(export.stdout.splitlines()) == 201
    scrub = kpp(tmp_path, "scrub", "0001-001")
    assert scrub.returncode == 4
    assert b"segments/m1-000000000001.parquet: has" in scrub.stdout
    assert kpp(tmp_path, "scrub", "0001-001").returncode == 0


def test_scrub_leaves_a_living_recorder_what_it_is_writing(recorded: RunFolder, tmp_path: Path) -> None:
    making = recorded.segment("m1-000000000301.parquet.tmp")
    making.touch()
    claimed = claim(tmp_path / "recordings", WRITER)
    assert kpp(tmp_path, "scrub", "0001-001").returncode == 0
    assert making.exists(), "another process is sealing this"
    (path,) = recorded.segments()
    path.write_bytes(path.read_bytes()[:-3])
    assert b"parquet: has" in kpp(tmp_path, "scrub", "0001-001").stdout, "what is damaged is found all the same"
    os.close(claimed)
    assert kpp(tmp_path, "scrub", "0001-001").returncode == 0
    assert not making.exists(), "nobody is"


def test_the_command_line_offers_every_format_and_every_command_is_there() -> None:
    assert arguments.FORMATS == FORMATS
    for command, module in arguments.COMMANDS.items():
        assert callable(getattr(importlib.import_module(f"console.{module}"), command))


def test_f01_an_export_goes_where_it_is_told(recorded: RunFolder, tmp_path: Path) -> None:
    plain = kpp(tmp_path, "export", "0001-001", "--channels", "grid.power").stdout
    assert len(plain.splitlines()) == 501
    for name in ("-", "/dev/stdout"):
        assert kpp(tmp_path, "export", "0001-001", "--channels", "grid.power", "-o", name).stdout == plain
    assert kpp(tmp_path, "export", "0001-001", "-o", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()
    refused = kpp(tmp_path, "export", "0001-001", "-o", "missing/deep/run.csv")
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert refused.stderr.decode() == f"kpp: [Errno 2] No such folder: '{tmp_path / 'missing' / 'deep'}'\n"
    assert {each.name for each in tmp_path.iterdir()} == {"recordings"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_f01_an_export_that_is_ended_leaves_nothing(
    recorded: RunFolder, tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended_midway(_export: Export) -> Iterator[bytes]:
        yield b"half"
        os.kill(os.getpid(), number)
        yield b"never"

    monkeypatch.setattr(Export, "__iter__", ended_midway)
    signal.signal(number, signal.SIG_DFL)  # whoever runs the tests may have it ignored, as nohup does
    with pytest.raises(SystemExit) as ended:
        main(["export", "0001-001", "--data", str(tmp_path), "-o", str(tmp_path / "x.csv")])
    assert ended.value.code == 128 + number
    assert {each.name for each in tmp_path.iterdir()} == {"recordings"}
    assert signal.getsignal(number) == signal.SIG_DFL


def test_f16_a_folder_that_is_not_there_is_no_empty_one(recorded: RunFolder, tmp_path: Path) -> None:
    missing = kpp(tmp_path, "runs", "--data", str(tmp_path / "nothing"))
    assert missing.returncode == 2
    assert f"there is no folder {tmp_path / 'nothing'}" in missing.stderr.decode()
    (tmp_path / "empty").mkdir()
    empty = kpp(tmp_path, "runs", "--data", str(tmp_path / "empty"))
    assert (empty.returncode, empty.stdout) == (0, b"")
    assert b"nothing is recorded in" in empty.stderr


def test_f17_a_replay_says_which_part_of_it_has_ended_by_itself(
    recorded: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(module: str, *_arguments: str) -> list[str]:
        return [sys.executable, "-c", "pass" if module == "ui" else "import time; time.sleep(600)"]

    monkeypatch.setattr(replay, "isolated", command)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert main(["replay", "0001-001", "--data", str(tmp_path)]) == replay.ENDED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert capsys.readouterr().err == "kpp: the dashboard has ended by itself, exit code 0\n"
