"""All ticks of the present run, run-length coded: few enough bytes to keep, so that any module can fold them again."""

from bisect import bisect_right

from bus.ordered.tick_span import TickSpan
from bus.protocol.codec import encode

BLOCK_SPANS = 500
BLOCK_BYTES = 128 * 1024
"""Most bytes of commands in one replay block, unless a single tick has more: the block fits a frame."""


class TickHistory:
    """Every tick since the start of the run."""

    def __init__(self) -> None:
        self._spans: list[TickSpan] = []
        self._firsts: list[int] = []  # beside the spans, so that a search compares plain integers
        self._sizes: list[int] = []  # bytes of each span's commands: packed once here, not again for every block

    def append(self, span: TickSpan) -> None:
        """Add the next ticks.

        Raises:
            ValueError: if they do not begin with the tick after the newest.
        """
        if span.first != self.last + 1:
            raise ValueError(f"tick {span.first} cannot follow tick {self.last}")
        if self._spans and self._spans[-1].joins(span):
            # A new object in the old one's place: blocks that were handed out keep what they had.
            self._spans[-1] = self._spans[-1].longer(span.count)
            return
        self._spans.append(span)
        self._firsts.append(span.first)
        self._sizes.append(sum(len(encode(each)) for each in span.commands))

    @property
    def last(self) -> int:
        """Number of the newest tick, 0 before the first."""
        return self._spans[-1].last if self._spans else 0

    def time_after(self, seq: int) -> int:
        """Simulated time in microseconds after tick `seq`; 0 for tick 0, the newest time for one yet to come."""
        index = bisect_right(self._firsts, seq) - 1
        if index < 0:
            return 0
        span = self._spans[index]
        return span.t_us + min(seq - span.first + 1, span.count) * span.dt_us

    def after(self, seq: int) -> list[TickSpan]:
        """A block of the ticks that follow `seq`, in order; empty when there are none."""
        spans: list[TickSpan] = []
        size = 0
        # The span that holds `seq` itself comes first: what of it follows belongs to the answer.
        for index in range(max(0, bisect_right(self._firsts, seq) - 1), len(self._spans)):
            rest = self._spans[index].after(seq)
            if rest is None:
                continue
            # A span that is cut counts with the commands that it has lost; that can only make a block smaller.
            size += self._sizes[index]
            # The first span goes in whatever its size: an empty block would be asked for again and again.
            if spans and (len(spans) == BLOCK_SPANS or size > BLOCK_BYTES):
                break
            spans.append(rest)
        return spans
