"""What a module published lately, kept so that whoever missed it can have it again."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bus.protocol.codec import Pair, decode_published, encode_published
from bus.protocol.messages import Event, Frames, Published, Result, State

KEPT_BYTES = 32 * 1024 * 1024
"""About 4000 states: 40 s at 100 ticks a second."""

BLOCK_BYTES = 160 * 1024
"""Most bytes of a block, unless a single tick has more: the block fits a frame."""


@dataclass(frozen=True)
class Kept:
    """All that was published for one tick, as it was sent."""

    run: str
    seq: int
    frames: tuple[Pair, ...]
    size: int

    @classmethod
    def of(cls, run: str, seq: int, messages: list[Published]) -> "Kept":
        """Pack what a tick brought."""
        frames = tuple(encode_published(message) for message in messages)
        return cls(run, seq, frames, sum(len(payload) for _topic, payload in frames))


class Ring:
    """The newest ticks without a gap, of one run or of several that followed each other."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._kept: deque[Kept] = deque()
        self._size = 0

    def add(self, kept: Kept) -> None:
        """Keep one more tick; the oldest go when there are too many bytes."""
        newest = self._kept[-1] if self._kept else None
        if newest is not None and newest.run == kept.run and newest.seq + 1 != kept.seq:
            self._kept.clear()
            self._size = 0
        self._kept.append(kept)
        self._size += kept.size
        while self._size > self._limit and len(self._kept) > 1:
            self._size -= self._kept.popleft().size

    def after(self, run: str, seq: int) -> Iterator[Kept]:
        """The ticks of a run that follow `seq`."""
        return (kept for kept in self._kept if kept.run == run and kept.seq > seq)

    def covers(self, run: str, after: int) -> bool:
        """Is everything of the run from tick `after` + 1 on here?"""
        first = next((kept.seq for kept in self._kept if kept.run == run), None)
        return first is not None and first <= after + 1

    def newest_state(self, run: str) -> State | None:
        """The newest state of a run, None when there is none here."""
        for kept in reversed(self._kept):
            if kept.run != run:
                return None
            for topic, payload in kept.frames:
                if topic.startswith(State.TOPIC.encode()):
                    message = decode_published(topic, payload)
                    return message if isinstance(message, State) else None
        return None


def block(
    run: str, after: int, last: int, ticks: Iterable[Kept], limit: int = BLOCK_BYTES, *, ended: bool = False
) -> Frames:
    """A reply with as many whole ticks as fit.

    Args:
        run: run id.
        after: tick that the asker has.
        last: newest tick of the run.
        ticks: what followed, in order.
        limit: bytes that fit, unless a single tick has more.
        ended: whether the run is known to go no further.
    """
    chosen: list[Kept] = []
    size = 0
    for kept in ticks:
        size += kept.size
        if chosen and size > limit:
            break
        chosen.append(kept)
    messages = [decode_published(*pair) for kept in chosen for pair in kept.frames]
    return Frames(
        run=run,
        after=after,
        through=chosen[-1].seq if chosen else after,
        last=max(last, after),
        states=[message for message in messages if isinstance(message, State)],
        events=[message for message in messages if isinstance(message, Event)],
        results=[message for message in messages if isinstance(message, Result)],
        ended=ended,
    )
