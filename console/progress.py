"""How far a long command has come, on standard error: a bar on a terminal, otherwise a line every few seconds."""

import math
import time
from typing import Final, TextIO

BAR: Final = 24
"""Characters of a full bar."""

BAR_INTERVAL: Final = 0.1
LINE_INTERVAL: Final = 5.0
"""Seconds between two looks of a bar, and between two lines."""


class Progress:
    """Shows how much of something is done.

    Args:
        stream: where it is shown.
        what: what is counted, such as "rows".
    """

    def __init__(self, stream: TextIO, what: str) -> None:
        self._stream = stream
        self._what = what
        self._bar = stream.isatty()
        self._begin = time.perf_counter()
        # A bar shows at once; a line only after a while, so a short command writes none into a log.
        self._shown = self._begin if not self._bar else -math.inf
        self._width = 0

    def show(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done, if it is time to; cheap enough to be called for each."""
        now = time.perf_counter()
        if now - self._shown < (BAR_INTERVAL if self._bar else LINE_INTERVAL):
            return
        self._shown = now
        full = round(BAR * min(done / total, 1.0)) if total else BAR
        bar = f"[{'#' * full}{'.' * (BAR - full)}] " if self._bar else ""
        text = f"{bar}{done} of {total} {self._what}, {done / max(now - self._begin, 1e-9):.0f} a second"
        # Padded to the width of the text before, of which the end would otherwise stay on the line.
        self._stream.write("\r" + text.ljust(self._width) if self._bar else text + "\n")
        self._width = len(text) if self._bar else 0
        self._stream.flush()

    def close(self) -> None:
        """Remove the bar, so what follows begins on a clean line."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
