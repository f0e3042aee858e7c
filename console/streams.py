"""The standard streams, as a command was given them: closed ones, full ones, and readers that have seen enough."""

import os
import sys


def stand_in() -> None:
    """Give closed standard streams their numbers back, so that no file which a command opens takes them.

    What is written to a closed standard output is an error, as it is for other commands.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # the same


def abandon() -> None:
    """Forget what standard output cannot take; Python would try again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
