"""`kpp COMMAND` or `python -m kpp`: which package has a command. What is not here belongs to the headless studies."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

COMMANDS: Final = {"keys": ("bus.security.command", "keys of the bus and tokens of the web doors")}
"""Command, the module whose `main(arguments)` carries it out, and what it is about."""

RECORDINGS: Final = {
    "runs": "list the recorded runs",
    "export": "write a recorded run as CSV, Parquet or MCAP",
    "scrub": "compare a recording with its checksums, and mend it",
    "verify": "compute a recorded run again and compare every tick",
    "bundle": "write one file with all of a run, to verify elsewhere",
    "replay": "play a recorded run back on a dashboard of its own",
    "fork": "begin a new run from a recorded moment",
}
"""Commands on recordings, and what each does; `console` carries them out."""

CONSOLE: Final = "console.main"
STUDIES: Final = "studies.cli"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else ""
    if name in COMMANDS:
        return _of(COMMANDS[name][0])(given[1:])
    if name in RECORDINGS:
        return _of(CONSOLE)(given)
    if name in {"-h", "--help"}:
        for each, about in RECORDINGS.items():
            sys.stdout.write(f"kpp {each} ...: {about}; see `kpp {each} --help`\n")
        for each, (_, about) in COMMANDS.items():
            sys.stdout.write(f"kpp {each} ...: {about}; see `kpp {each} --help`\n")
        sys.stdout.write("\n")
    return _of(STUDIES)(given)


def _of(module: str) -> Callable[[Sequence[str]], int]:
    """A module's entry, imported only when it is asked for: the plant's packages take their time."""
    found: Callable[[Sequence[str]], int] = import_module(module).main
    return found


if __name__ == "__main__":
    sys.exit(main())
