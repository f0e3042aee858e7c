"""All ticks of the present run, run-length coded: small enough to keep, so any module can fold them again."""

from bisect import bisect_right

from bus.ordered.tick_span import TickSpan
from bus.protocol.codec import encode

BLOCK_SPANS = 500
"""Most spans in one block of a replay."""

BLOCK_BYTES = 128 * 1024
"""Most bytes of commands in one block, unless a single tick has more: a block has to fit into a frame."""


class TickHistory:
    """Every tick since the start of the run."""

    def __init__(self) -> None:
        self._spans: list[TickSpan] = []
        self._firsts: list[int] = []  # beside the spans, so that a search compares plain integers
        self._sizes: list[int] = []  # bytes of each span's commands: packed once, and not again for every block

    def append(self, span: TickSpan) -> None:
        """Add the next ticks.

        Raises:
            ValueError: if they do not begin with the tick after the newest.
        """
        if span.first != self.last + 1:
            raise ValueError(f"tick {span.first} cannot follow tick {self.last}")
        if self._spans and self._spans[-1].joins(span):
            # A new object takes the place of the old one, so blocks that were handed out earlier keep what they had.
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
        """A block of the ticks that follow `seq`, in order; ask again after its last tick, until it is empty."""
        spans: list[TickSpan] = []
        size = 0
        # The span that holds `seq` itself comes first, since the rest of it belongs to the answer.
        for index in range(max(0, bisect_right(self._firsts, seq) - 1), len(self._spans)):
            rest = self._spans[index].after(seq)
            if rest is None:
                continue
            # A span that is cut counts with the commands that it has lost, which can only make the block smaller.
            size += self._sizes[index]
            # The first span goes in whatever its size: after an empty block the asker would ask the same again.
            if spans and (len(spans) == BLOCK_SPANS or size > BLOCK_BYTES):
                break
            spans.append(rest)
        return spans
