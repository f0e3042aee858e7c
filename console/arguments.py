"""The command line of the `kpp` commands on recordings.

No command may be abbreviated (`allow_abbrev=False`): an option that is added later would change what a script means.
"""

import argparse
from pathlib import Path
from typing import Final

from system.environment_variables import data_folder

FORMATS: Final = ("csv", "parquet", "mcap")

COMMANDS: Final = {
    "runs": "recordings",
    "export": "recordings",
    "scrub": "recordings",
    "verify": "proofs",
    "bundle": "proofs",
    "replay": "replay",
    "fork": "fork",
}
"""Each command, named like the function that carries it out -> the module of this package that has the function."""

RUN_HELP: Final = "run id, see `kpp runs`"

EXPORT_EPILOG: Final = """\
CHANNELS are names such as grid.net_power, or groups such as grid or floaters.fill, separated by commas.
Exit codes: 0 exported, 2 wrong argument, 3 exported, but parts of the recording are missing (and are named)."""

VERIFY_EPILOG: Final = """\
The plant is computed again from the recorded ticks and commands, and every state is compared with the recording, value
by value. Exit codes: 0 every tick is the same, 2 wrong argument, 5 something differs or is missing (and is named)."""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands on recordings to the command line, in the order in which `kpp --help` lists them."""
    for add in (_add_runs, _add_export, _add_scrub, _add_verify, _add_replay, _add_fork, _add_bundle):
        _folder(add(commands))


def _add_runs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    return commands.add_parser("runs", help="list the recorded runs", allow_abbrev=False)


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    export = commands.add_parser(
        "export",
        help="write a recorded run as CSV, Parquet or MCAP",
        epilog=EXPORT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    export.add_argument("run", metavar="RUN", help=RUN_HELP)
    export.add_argument("--format", choices=FORMATS, default="csv", help="default: csv")
    export.add_argument("--module", default="m1", help="plant module (default: m1)")
    export.add_argument("--channels", type=_names, metavar="CHANNELS", help="default: all")
    export.add_argument(
        "--from", dest="start", type=_seconds, default=0.0, metavar="S", help="simulated time in s (default: 0)"
    )
    export.add_argument(
        "--to", dest="end", type=_seconds, metavar="S", help="simulated time in s, not included (default: the end)"
    )
    export.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="file, device or pipe; - is standard output (default: -)"
    )
    return export


def _add_scrub(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    scrub = commands.add_parser(
        "scrub",
        help="compare every file of a recorded run with its checksums, and repair what is damaged",
        description="A recorder may go on writing meanwhile. Exit codes: 0 no damage, 4 damage found and set aside.",
        allow_abbrev=False,
    )
    scrub.add_argument("run", metavar="RUN", help=RUN_HELP)
    return scrub


def _add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    verify = commands.add_parser(
        "verify",
        help="compute a recorded run again and compare every tick",
        epilog=VERIFY_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verify.add_argument("run", metavar="RUN|FILE", help="run id, see `kpp runs`, or the file of a bundle")
    return verify


def _add_replay(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    replay = commands.add_parser(
        "replay",
        help="play a recorded run back on a dashboard and gateway of its own",
        description="Plays a recorded run back through the same topics, gateway and dashboard, on ports 200 above the "
        "plant's (KPP_REPLAY_... instead of KPP_... changes them). It takes the clock's commands, and seek.",
        allow_abbrev=False,
    )
    replay.add_argument("run", metavar="RUN", help=RUN_HELP)
    replay.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="0.1 to 100 (default: 1)")
    return replay


def _add_fork(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    fork = commands.add_parser(
        "fork",
        help="begin a new run of the running plant from a recorded moment, with changes",
        description="The new run begins stopped, at time zero, in the state that the plant had at that moment.",
        allow_abbrev=False,
    )
    fork.add_argument("run", metavar="RUN", help=RUN_HELP)
    fork.add_argument("--at", type=_seconds, required=True, metavar="S", help="simulated time of the moment in s")
    fork.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="changes",
        help="change a parameter; may be repeated",
    )
    fork.add_argument("--start", action="store_true", help="start the new run")
    return fork


def _add_bundle(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    bundle = commands.add_parser(
        "bundle",
        help="write everything about a run into one file, which `kpp verify` reproduces on another machine",
        allow_abbrev=False,
    )
    bundle.add_argument("run", metavar="RUN", help=RUN_HELP)
    bundle.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="file, device or pipe; - is standard output"
    )
    return bundle


def _folder(parser: argparse.ArgumentParser) -> None:
    # argparse puts the default into the text itself: a percent sign of a folder's name would be its own syntax.
    parser.add_argument(
        "--data",
        type=_folder_name,
        default=data_folder(),
        metavar="FOLDER",
        help="the plant's data (default: %(default)s)",
    )


def _folder_name(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the name is empty: name a folder")
    return Path(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed from 0.1 to 100")
    return speed


def _seconds(text: str) -> float:
    # The comparison refuses "nan", too, which `float` takes.
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < 1e10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time of 0 s or more")
    return seconds
