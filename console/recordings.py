"""Commands on recordings: list them, export them, look for damage. They need no running plant."""

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from console.progress import Progress
from recording.export import FORMATS, Export
from recording.files import whole_file
from recording.folder import RunFolder, run_folder, run_folders
from recording.mend import mend
from recording.reading import FOREVER_US, Selection
from recording.summary import summary

FOLDER: Final = "recordings"
"""Where recordings are below KPP_DATA."""

INCOMPLETE: Final = 3
DAMAGED: Final = 4

EXPORT_EPILOG: Final = """\
CHANNELS are names such as grid.net_power, or groups such as grid or floaters.fill, separated by commas.
Exit codes: 0 exported, 2 wrong argument, 3 exported, but parts of the recording are missing (they are named)."""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the command line."""
    runs = commands.add_parser("runs", help="list the recorded runs", allow_abbrev=False)
    _folder(runs)
    runs.set_defaults(perform=_runs)
    export = commands.add_parser(
        "export",
        help="write a recorded run as CSV, Parquet or MCAP",
        epilog=EXPORT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    export.add_argument("run", metavar="RUN", help="run id, see `kpp runs`")
    export.add_argument("--format", choices=FORMATS, default="csv", help="default: csv")
    export.add_argument("--module", default="m1", help="plant module (default: m1)")
    export.add_argument("--channels", type=_names, metavar="CHANNELS", help="default: all")
    export.add_argument("--from", dest="start", type=_seconds, default=0.0, metavar="S", help="simulated time, s")
    export.add_argument("--to", dest="end", type=_seconds, metavar="S", help="simulated time, s, not included")
    export.add_argument("-o", "--output", metavar="FILE", help="default: standard output")
    _folder(export)
    export.set_defaults(perform=_export)
    scrub = commands.add_parser(
        "scrub",
        help="compare every file of a recorded run with its checksums, and mend what is damaged",
        description="Only for a run that no recorder writes to. Exit codes: 0 no damage, 4 damage found and set aside.",
        allow_abbrev=False,
    )
    scrub.add_argument("run", metavar="RUN", help="run id, see `kpp runs`")
    _folder(scrub)
    scrub.set_defaults(perform=_scrub)


def _folder(parser: argparse.ArgumentParser) -> None:
    default = Path(os.environ.get("KPP_DATA", "var")) / FOLDER
    parser.add_argument("--recordings", type=Path, default=default, metavar="FOLDER", help=f"default: {default}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < 1e10:
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds from 0 on")
    return seconds


def require_run(root: Path, run: str) -> RunFolder:
    """The folder of a recorded run.

    Raises:
        LookupError: if there is none, naming those there are.
    """
    folder = run_folder(root, run)
    if not folder.hot.exists():
        known = ", ".join(each.run for each in run_folders(root)[-10:]) or "none"
        raise LookupError(f"no recording of run {run!r} in {root}: there are {known}")
    return folder


def _runs(given: argparse.Namespace) -> int:
    for folder in run_folders(given.recordings):
        for line in summary(folder):
            extent = f"{line.t_first_us / 1e6:.2f} to {line.t_last_us / 1e6:.2f} s"
            sys.stdout.write(f"{folder.run:<20}{line.module:<10}{line.rows:>10} rows  {extent}\n")
    sys.stdout.flush()
    return 0


def _export(given: argparse.Namespace) -> int:
    folder = require_run(given.recordings, given.run)
    end_us = FOREVER_US if given.end is None else round(given.end * 1e6)
    if round(given.start * 1e6) >= end_us:
        raise ValueError(f"--from {given.start:g} is not before --to {given.end:g}")
    selection = Selection(given.module, given.channels, round(given.start * 1e6), end_us)
    export = Export(folder, selection, given.format)
    if given.output is None:
        if sys.stdout.isatty() and given.format != "csv":
            raise ValueError(f"{given.format} is no text for a terminal: give a file with -o")
        _write(export, sys.stdout.buffer)
    else:
        with whole_file(Path(given.output)) as temporary, temporary.open("wb") as file:
            _write(export, file)
    for missing in export.missing:
        sys.stderr.write(f"kpp: missing: {missing}\n")
    return INCOMPLETE if export.missing else 0


def _write(export: Export, file: Any) -> None:
    with closing(Progress(sys.stderr, "rows")) as progress:
        for data in export:
            file.write(data)
            progress.show(export.done, export.rows)
        file.flush()


def _scrub(given: argparse.Namespace) -> int:
    findings = mend(require_run(given.recordings, given.run), deep=True)
    for finding in findings:
        sys.stdout.write(f"{finding.where}: {finding.what}\n")
    sys.stdout.flush()
    return DAMAGED if findings else 0
