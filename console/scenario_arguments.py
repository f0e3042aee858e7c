"""The command line of the commands that need no processes, and the scenario with its changes that it means."""

import argparse
from pathlib import Path
from typing import Final

from catalog.scenarios import NoScenarioError, Scenarios
from kpp_physics.parameters import ParameterError, Parameters

DESCRIPTION: Final = "The KPP simulator without processes: runs a plant headless and prints what it really delivers."

RUN: Final = """\
Runs a scenario from standstill through the controller's start, discards the warm-up, and prints lap-averaged meters,
the path of the energy from compressor to grid, and the residuals of the ledger.

Without --laps, at least 10 laps and at least 10 whole load cycles of the compressor are measured; with it, exactly
that many laps (the compressor's power still comes from whole load cycles, for which the run goes on if necessary).
Without --warmup-laps, at least 4 laps after the controller reaches running are discarded, and more if the receiver is
slow. A plant that moves less than one pitch in 1800 s, or in twenty times what its set speed needs for one, is given
up."""

EPILOG: Final = """\
exit codes: 0 measured, 2 wrong argument or scenario, 3 the laps could not be measured, 130 interrupted.
KPP_SCENARIOS names a folder of scenarios; otherwise ./scenarios and the simulator's own are searched."""


class ArgumentError(ValueError):
    """Part of the command line cannot be used; the text says which, why, and what would be right."""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(prog="kpp", description=DESCRIPTION, allow_abbrev=False)
    add_commands(top.add_subparsers(dest="command", required=True, metavar="COMMAND"))
    return top


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that need no processes."""
    run = commands.add_parser(
        "run",
        help="run a scenario and print its meters",
        description=RUN,
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("scenario", metavar="SCENARIO", help="name of a scenario, or path of a scenario file")
    run.add_argument("--laps", type=_laps, metavar="N", help="laps in the averages (default: 10 or more)")
    run.add_argument("--warmup-laps", type=_warmup, metavar="M", help="laps discarded first (default: 4 or more)")
    run.add_argument(
        "--duration",
        type=_duration,
        metavar="S",
        help="end after S seconds of simulated time; without --laps every complete lap until then counts",
    )
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="changes",
        help="change a parameter of the scenario; may be repeated",
    )
    run.add_argument("--json", action="store_true", help="print one JSON object in SI units instead of tables")
    commands.add_parser("scenarios", help="list the named scenarios", allow_abbrev=False)
    table = commands.add_parser(
        "parameters", help="list every parameter with unit, default and limits", allow_abbrev=False
    )
    table.add_argument("--json", action="store_true", help="print JSON instead of a table")


def scenario(name: str, changes: list[str]) -> Parameters:
    """The parameters that SCENARIO and --set mean.

    Args:
        name: name of a scenario, or path of a scenario file.
        changes: texts of the form `name=value`.

    Raises:
        ArgumentError: when there is no such scenario, or a change cannot be made.
        ScenarioError: when the scenario cannot be used.
    """
    try:
        parameters = _start(name)
    except OSError as error:
        raise ArgumentError(f"{name}: {error.strerror or error}") from error
    values = dict(change(text) for text in changes)
    try:
        return parameters.with_changes(values)
    except ParameterError as error:
        raise ArgumentError("\n".join(f"--set {found.reason}" for found in error.violations)) from error


def _start(name: str) -> Parameters:
    path, at_hand = Path(name), Scenarios.at_hand()
    # What looks like a path is one. A bare word is a scenario first, so a file that happens to lie here under the same
    # name does not change what a command means.
    if path.suffix == ".toml" or len(path.parts) > 1 or (path.is_file() and name not in at_hand.names()):
        return at_hand.load(path)
    try:
        return at_hand.read(name)
    except NoScenarioError as error:
        raise ArgumentError(f"{error}; or give the path of a scenario file") from error


def change(text: str) -> tuple[str, float | int | str]:
    """Name and value of a change; the value as a number where it is one.

    Args:
        text: `name=value`.

    Raises:
        ArgumentError: if the text has another form.
    """
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not name or not value:
        raise ArgumentError(f"--set {text}: write name=value, such as water_depth=12.5")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def _whole(text: str, least: int) -> int:
    if not text.strip().isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} or more")
    return int(text)


def _laps(text: str) -> int:
    return _whole(text, 1)


def _warmup(text: str) -> int:
    return _whole(text, 0)


def _duration(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < 1e10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time of more than 0 s")
    return seconds
