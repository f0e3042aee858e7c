"""Commands on recordings, as `kpp` hands them over: the command line, and the exit code."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from console import arguments as console_arguments

OK: Final = 0
WRONG: Final = 2
INTERRUPTED: Final = 130

DESCRIPTION: Final = "Recordings of runs: list, export, check, compute again, play back, fork."


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return _performer(given.command)(given)
    except KeyboardInterrupt:
        sys.stderr.write("\nkpp: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (OSError, LookupError, ValueError) as error:
        sys.stderr.write(f"kpp: {error.args[0] if isinstance(error, LookupError) else error}\n")
        return WRONG


def _performer(command: str) -> Callable[[argparse.Namespace], int]:
    """What does a command; imported only now, for file formats and the compiled plant take their time."""
    module = importlib.import_module(f"console.{console_arguments.COMMANDS[command]}")
    perform: Callable[[argparse.Namespace], int] = getattr(module, command)
    return perform


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="kpp", description=DESCRIPTION, allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    console_arguments.add_commands(commands)
    return top
