"""The ticks of the present run, run-length coded: small enough to keep all, so that any module can fold them again."""

from bisect import bisect_right
from dataclasses import dataclass

from bus.protocol.codec import encode
from bus.protocol.messages import Command, Mode, Span

BLOCK_SPANS = 500
BLOCK_BYTES = 128 * 1024
"""Most bytes of commands in one replay block, unless a single tick has more: the block fits a frame."""


@dataclass
class _HistorySpan:
    first: int
    count: int
    t_us: int
    dt_us: int
    mode: Mode
    speed_milli: int
    flat_out: bool
    commands: tuple[Command, ...]
    size: int


class History:
    """Every tick since the start of the run."""

    def __init__(self) -> None:
        self._spans: list[_HistorySpan] = []
        self._firsts: list[int] = []

    def append(
        self,
        t_us: int,
        dt_us: int,
        mode: Mode,
        commands: tuple[Command, ...] = (),
        *,
        speed_milli: int = 1000,
        flat_out: bool = False,
        count: int = 1,
    ) -> None:
        """Add the next ticks.

        Args:
            t_us: simulated time before them, in microseconds.
            dt_us: what each tick advances, in microseconds.
            mode: run mode.
            commands: commands that act at the start of the first.
            speed_milli: requested speed in thousandths.
            flat_out: whether they followed acknowledgements.
            count: how many ticks.
        """
        newest = self._spans[-1] if self._spans else None
        kind = (dt_us, mode, speed_milli, flat_out)
        if (
            newest is not None
            and not commands
            and kind
            == (
                newest.dt_us,
                newest.mode,
                newest.speed_milli,
                newest.flat_out,
            )
        ):
            newest.count += count
            return
        first = self.last + 1
        size = sum(len(encode(each)) for each in commands)
        self._spans.append(_HistorySpan(first, count, t_us, *kind, commands, size))
        self._firsts.append(first)

    @property
    def last(self) -> int:
        """Number of the newest tick, 0 before the first."""
        if not self._spans:
            return 0
        newest = self._spans[-1]
        return newest.first + newest.count - 1

    def time_after(self, seq: int) -> int:
        """Simulated time in microseconds after tick `seq`; 0 for tick 0, the newest time for one yet to come."""
        index = bisect_right(self._firsts, seq) - 1
        if index < 0:
            return 0
        span = self._spans[index]
        return span.t_us + min(seq - span.first + 1, span.count) * span.dt_us

    def after(self, seq: int) -> list[Span]:
        """A block of the ticks that follow `seq`, in order; empty when there are none."""
        spans: list[Span] = []
        size = 0
        for index in range(max(0, bisect_right(self._firsts, seq) - 1), len(self._spans)):
            span = self._spans[index]
            skipped = max(0, seq + 1 - span.first)
            if skipped >= span.count:
                continue
            size += span.size
            if spans and (len(spans) == BLOCK_SPANS or size > BLOCK_BYTES):
                break
            spans.append(
                Span(
                    first=span.first + skipped,
                    count=span.count - skipped,
                    t=(span.t_us + skipped * span.dt_us) / 1e6,
                    dt=span.dt_us / 1e6,
                    mode=span.mode,
                    speed=span.speed_milli / 1000,
                    flat_out=span.flat_out,
                    commands=[] if skipped else list(span.commands),
                )
            )
        return spans
