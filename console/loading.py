"""What an interrupt does while a command loads."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ended_at_once() -> Iterator[None]:
    """While the block loads modules, end the process at an interrupt, whatever it is doing.

    KeyboardInterrupt could be raised where Python can only ignore it, in a callback of the compiler, of the import
    system or of the garbage collector, and the interrupt would be lost. Nothing is left half made while modules load.
    """

    # `_exit`, since an orderly end would run code of modules that are only half loaded.
    def end(number: int, _frame: FrameType | None) -> None:
        sys.stderr.write("\nkpp: interrupted\n")
        sys.stderr.flush()
        os._exit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    # A signal that is ignored stays so: `nohup`, or a shell that runs this in the background, wants it like that.
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])
