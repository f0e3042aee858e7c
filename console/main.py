"""The console command `kpp`: all commands, each of which is carried out by the module that knows it."""

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
    """Do what the command line says; returns the exit code.

    Args:
        arguments: the words after `kpp`; those of the process when not given.
    """
    streams.stand_in()
    code = OK
    try:
        try:
            code = _perform(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            # Here and not by Python at its end, where a full disk would be an ugly message and exit code 120.
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        streams.abandon()
    except OSError as error:
        streams.abandon()
        if code != WRONG:  # otherwise the command itself has failed, and said so
            sys.stderr.write(f"kpp: standard output: {error.strerror}\n")
        return WRONG
    return code


def _perform(words: Sequence[str]) -> int:
    if words[:1] == [KEYS]:  # it has actions of its own
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
    except BrokenPipeError:  # an OSError as well, which `main` treats as success
        raise
    # A KeyError, which is a LookupError, would show its text in quotes.
    except (OSError, LookupError, ValueError, RecursionError, sqlite3.Error) as error:
        sys.stderr.write(f"kpp: {error.args[0] if isinstance(error, LookupError) else error}\n")
        return WRONG


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """While the block runs, SIGTERM and SIGHUP end the command as Ctrl-C does, so nothing half made is left behind."""

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
    """The function that carries out a command."""
    # Imported only now: file formats and the compiled plant take their time, and help must not wait for them.
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
