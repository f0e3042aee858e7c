"""An interrupt while a command loads."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ended_at_once() -> Iterator[None]:
    """While modules load, end the process at an interrupt, whatever it is doing.

    KeyboardInterrupt could be raised where Python can only ignore it, in a callback of the compiler, of the import
    system or of the garbage collector, and the interrupt would be lost. Nothing is half made while modules load.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        sys.stderr.write("\nkpp: interrupted\n")
        sys.stderr.flush()
        os._exit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])
