"""`kpp` with standard streams that are closed, full, or read no further."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recording.folder import RunFolder
from tests.console.test_recordings import ROOT, kpp, recorded

__all__ = ["recorded"]

COMMANDS = [
    "runs",
    "scenarios",
    "parameters",
    "parameters --json",
    "export 0001-001",
    "keys token somebody",
    "runs --help",
]


def shell(data: Path, command: str, streams: str) -> subprocess.CompletedProcess[str]:
    """Run a command from a shell that does something with its streams."""
    return subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m console {command} {streams}"],
        cwd=data,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KPP_DATA": str(data), "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("streams", [">&-", "> /dev/full"])
@pytest.mark.parametrize("command", COMMANDS)
def test_f01_an_output_that_takes_nothing_is_an_error_in_one_line(
    recorded: RunFolder, tmp_path: Path, command: str, streams: str
) -> None:
    if "keys" in command:
        assert kpp(tmp_path, "keys", "init").returncode == 0
    done = shell(tmp_path, command, streams)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("kpp")


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", "<&- 2>&-"])
def test_f01_no_file_takes_the_place_of_a_closed_stream(recorded: RunFolder, tmp_path: Path, streams: str) -> None:
    assert shell(tmp_path, "export 0001-001 -o whole.csv", "").returncode == 0
    done = shell(tmp_path, "export 0001-001 -o out.csv", streams)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("command", ["parameters", "export 0001-001"])
def test_a_reader_that_has_seen_enough_is_no_error(recorded: RunFolder, tmp_path: Path, command: str) -> None:
    done = shell(tmp_path, command, "| head -c 1")
    assert (len(done.stdout), done.stderr) == (1, "")
