"""The ticks of the present run, run-length coded: small enough to keep all, so that any module can fold them again."""

from bisect import bisect_right
from dataclasses import dataclass

from bus.codec import encode
from bus.messages import Command, Mode, Span

BLOCK_SPANS = 500
BLOCK_BYTES = 128 * 1024
"""Most bytes of commands in one replay block, unless a single tick has more: the block fits a frame."""


@dataclass
class _Stretch:
    first: int
    count: int
    t_us: int
    dt_us: int
    mode: Mode
    commands: tuple[Command, ...]
    size: int


class History:
    """Every tick since the start of the run."""

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []
        self._firsts: list[int] = []

    def append(self, t_us: int, dt_us: int, mode: Mode, commands: tuple[Command, ...]) -> None:
        """Add the next tick.

        Args:
            t_us: simulated time before the tick, in microseconds.
            dt_us: what the tick advances, in microseconds.
            mode: run mode of the tick.
            commands: commands that act at its start.
        """
        newest = self._stretches[-1] if self._stretches else None
        if newest is not None and not commands and newest.dt_us == dt_us and newest.mode == mode:
            newest.count += 1
            return
        first = self.last + 1
        self._stretches.append(
            _Stretch(first, 1, t_us, dt_us, mode, commands, sum(len(encode(each)) for each in commands))
        )
        self._firsts.append(first)

    @property
    def last(self) -> int:
        """Number of the newest tick, 0 before the first."""
        if not self._stretches:
            return 0
        newest = self._stretches[-1]
        return newest.first + newest.count - 1

    def time_after(self, seq: int) -> int:
        """Simulated time in microseconds after tick `seq`; 0 for tick 0, the newest time for one yet to come."""
        index = bisect_right(self._firsts, seq) - 1
        if index < 0:
            return 0
        stretch = self._stretches[index]
        return stretch.t_us + min(seq - stretch.first + 1, stretch.count) * stretch.dt_us

    def after(self, seq: int) -> list[Span]:
        """A block of the ticks that follow `seq`, in order; empty when there are none."""
        spans: list[Span] = []
        size = 0
        for index in range(max(0, bisect_right(self._firsts, seq) - 1), len(self._stretches)):
            stretch = self._stretches[index]
            skipped = max(0, seq + 1 - stretch.first)
            if skipped >= stretch.count:
                continue
            size += stretch.size
            if spans and (len(spans) == BLOCK_SPANS or size > BLOCK_BYTES):
                break
            spans.append(
                Span(
                    first=stretch.first + skipped,
                    count=stretch.count - skipped,
                    t=(stretch.t_us + skipped * stretch.dt_us) / 1e6,
                    dt=stretch.dt_us / 1e6,
                    mode=stretch.mode,
                    commands=[] if skipped else list(stretch.commands),
                )
            )
        return spans
