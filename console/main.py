"""The console command `kpp`: every command, each done by the package that it belongs to."""

import argparse
import importlib
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from console import arguments as console_arguments
from console import scenario_arguments as studies_arguments
from console import simulate as studies_cli
from console import streams
from console.loading import ended_at_once

OK: Final = 0
WRONG: Final = 2
INTERRUPTED: Final = 130

KEYS: Final = "keys"

DESCRIPTION: Final = "The KPP simulator: runs without processes, and recordings of runs with them."


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    streams.stand_in()
    code = OK
    try:
        try:
            code = _perform(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        streams.abandon()
    except OSError as error:
        streams.abandon()
        if code != WRONG:  # it has not been told yet
            sys.stderr.write(f"kpp: standard output: {error.strerror}\n")
        return WRONG
    return code


def _perform(words: Sequence[str]) -> int:
    if words[:1] == [KEYS]:  # it has commands of its own
        keys: Callable[[Sequence[str]], int] = importlib.import_module("console.keys").main
        return keys(words[1:])
    given = _parser().parse_args(words)
    if given.command not in console_arguments.COMMANDS:
        return studies_cli.perform(given)
    try:
        with ended_by_signal():
            return _performer(given.command)(given)
    except KeyboardInterrupt:
        sys.stderr.write("\nkpp: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except (OSError, LookupError, ValueError, RecursionError, sqlite3.Error) as error:
        sys.stderr.write(f"kpp: {error.args[0] if isinstance(error, LookupError) else error}\n")
        return WRONG


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Let what asks a command to end do so as Ctrl-C does, so that nothing half made is left behind."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    heard = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    for number in heard:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


def _performer(command: str) -> Callable[[argparse.Namespace], int]:
    """What does a command; imported only now, for file formats and the compiled plant take their time."""
    with ended_at_once():
        module = importlib.import_module(f"console.{console_arguments.COMMANDS[command]}")
    perform: Callable[[argparse.Namespace], int] = getattr(module, command)
    return perform


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="kpp", description=DESCRIPTION, allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    studies_arguments.add_commands(commands)
    console_arguments.add_commands(commands)
    commands.add_parser(KEYS, help="keys of the bus and tokens of the web doors", add_help=False)
    return top
