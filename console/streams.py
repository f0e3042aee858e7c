"""The standard streams as a command is given them: some closed, some full, some whose readers have seen enough."""

import os
import sys


def stand_in() -> None:
    """Open closed standard streams again, so no file that a command opens gets one of their numbers.

    Otherwise a message to standard error could be written into a recording. Writing to a closed standard output is an
    error, as it is for other commands.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # Takes the lowest number that is free, which is this one. Standard output is opened for reading: what is
            # written to it then fails, instead of vanishing.
            os.open(os.devnull, flags)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # the same


def abandon() -> None:
    """Forget what standard output cannot take: Python would try to write it again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
