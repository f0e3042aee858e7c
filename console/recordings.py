"""Commands on recordings: list them, export them, look for damage. They do not need a running plant."""

import argparse
import os
import sys
from contextlib import closing
from typing import IO, Final

from catalog.data_folder import DataFolder
from catalog.recorded_runs import recorded
from console.progress import Progress
from recording.cursor import FOREVER_US
from recording.export import Export
from recording.folder import WRITER, run_folders
from recording.output import opened_output
from recording.reading import Selection
from recording.recovery import recover
from recording.recovery import scrub as recover_beside_writer
from recording.summary import summary
from system.folder_lock import FolderTakenError, claim, private_umask

INCOMPLETE: Final = 3
"""Exit code of an export that lacks parts of the recording."""

DAMAGED: Final = 4
"""Exit code of a scrub that found damage."""


def runs(given: argparse.Namespace) -> int:
    """List the recorded runs; returns the exit code.

    Args:
        given: `data` of the command line.

    Raises:
        LookupError: if there is no such folder.
    """
    root = DataFolder(given.data).recordings
    if not given.data.is_dir():
        raise LookupError(f"there is no folder {given.data}: name the plant's data with --data or KPP_DATA")
    found = run_folders(root)
    if not found:
        sys.stderr.write(f"kpp: nothing is recorded in {root}\n")
    for folder in found:
        for line in summary(folder):
            extent = f"{line.t_first_us / 1e6:.2f} to {line.t_last_us / 1e6:.2f} s"
            sys.stdout.write(f"{folder.run:<20}{line.module:<10}{line.rows:>10} rows  {extent}\n")
    sys.stdout.flush()
    return 0


def export(given: argparse.Namespace) -> int:
    """Write a recorded run in a format that other programs open; returns the exit code.

    Args:
        given: `run`, `module`, `channels`, `start`, `end` (s), `format`, `output` and `data` of the command line.

    Raises:
        NoRecordingError: if the run is not recorded.
        ValueError: if the times are wrong, or bytes would be written to a terminal.
    """
    folder = recorded(DataFolder(given.data).recordings, given.run)
    # Recordings count in whole microseconds, in which a time like 0.1 s is exact.
    end_us = FOREVER_US if given.end is None else round(given.end * 1e6)
    if round(given.start * 1e6) >= end_us:
        raise ValueError(f"--from {given.start:g} is not before --to {given.end:g}")
    selection = Selection(given.module, given.channels, round(given.start * 1e6), end_us)
    exported = Export(folder, selection, given.format)
    with opened_output(given.output, sys.stdout.buffer) as file:
        if file.isatty() and given.format != "csv":
            raise ValueError(f"{given.format} is not text, so it is not written to a terminal: name a file with -o")
        _write(exported, file)
    for missing in exported.missing:
        sys.stderr.write(f"kpp: missing: {missing}\n")
    return INCOMPLETE if exported.missing else 0


def _write(export: Export, file: IO[bytes]) -> None:
    with closing(Progress(sys.stderr, "rows")) as progress:
        for data in export:
            file.write(data)
            progress.show(export.done, export.rows)
        file.flush()  # a disk that is full shows while the export can still fail


def scrub(given: argparse.Namespace) -> int:
    """Look for damage and repair it; returns the exit code.

    Args:
        given: `run` and `data` of the command line.

    Raises:
        NoRecordingError: if the run is not recorded.
    """
    folder = recorded(DataFolder(given.data).recordings, given.run)
    with private_umask():
        # With a recorder at work its open store is left in place; without one even that can be rebuilt.
        try:
            claimed = claim(DataFolder(given.data).recordings, WRITER)
        except FolderTakenError:
            findings = recover_beside_writer(folder)
        else:
            findings = recover(folder, deep=True)
            os.close(claimed)
    for finding in findings:
        sys.stdout.write(f"{finding.where}: {finding.what}\n")
    sys.stdout.flush()
    return DAMAGED if findings else 0
