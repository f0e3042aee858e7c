"""What a module published lately, kept for subscribers that missed it."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from bus.protocol.codec import Pair, encode_published
from bus.protocol.messages import Event, Published, Result, State
from bus.protocol.schema import Message

KEPT_BYTES = 32 * 1024 * 1024
"""About 4000 states: 40 s at 100 ticks a second."""

BLOCK_BYTES = 160 * 1024
"""Most bytes of a block, unless a single tick has more: the block fits a frame."""


class PackedFrames(Message, frozen=True, tag_field="type", tag="frames"):
    """A `Frames` of messages that are packed already: it goes out with the very bytes that were published.

    Its fields are those of `Frames`, and so is what is made of it on the wire; a test compares them.
    """

    run: str
    after: int
    through: int
    last: int
    states: list[msgspec.Raw]
    events: list[msgspec.Raw]
    results: list[msgspec.Raw]
    ended: bool = False


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
        # Packed once, here, for publishing and for every later answer.
        frames = tuple(encode_published(message) for message in messages)
        return cls(run, seq, frames, sum(len(payload) for _topic, payload in frames))


class Ring:
    """The newest ticks without a gap, of one run or of several that followed each other."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._kept: deque[Kept] = deque()
        self._size = 0
        self._state: State | None = None  # the one state that is asked for unpacked, beside its bytes

    def add(self, kept: Kept, state: State | None) -> None:
        """Keep one more tick, and its state if it has one; the oldest go when there are too many bytes."""
        newest = self._kept[-1] if self._kept else None
        if newest is not None and newest.run == kept.run and newest.seq + 1 != kept.seq:
            # A hole: what is before it could no longer be handed out as all that followed a tick.
            self._kept.clear()
            self._size, self._state = 0, None
        self._kept.append(kept)
        self._size += kept.size
        self._state = state or self._state  # the tick of a fault has none: the state before it stays the newest
        while self._size > self._limit and len(self._kept) > 1:
            # At least one stays, however large: an empty ring would send every question to recomputation.
            self._size -= self._kept.popleft().size

    def after(self, run: str, seq: int) -> Iterator[Kept]:
        """The ticks of a run that follow `seq`."""
        return (kept for kept in self._kept if kept.run == run and kept.seq > seq)

    def covers(self, run: str, after: int) -> bool:
        """True if everything of the run from tick `after` + 1 on is here."""
        # Runs follow each other in the ring, so the first tick of a run that is found is the oldest of it.
        first = next((kept.seq for kept in self._kept if kept.run == run), None)
        return first is not None and first <= after + 1

    def newest_state(self, run: str) -> State | None:
        """The newest state of a run, None when there is none here."""
        return self._state if self._state is not None and self._state.run == run else None


def block(
    run: str, after: int, last: int, ticks: Iterable[Kept], limit: int = BLOCK_BYTES, *, ended: bool = False
) -> PackedFrames:
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
        # The first tick goes in whatever its size: an empty answer would be asked for again for ever.
        if chosen and size > limit:
            break
        chosen.append(kept)
    return PackedFrames(
        run=run,
        after=after,
        # All that came with these ticks is in the block; `last` may be further, and is asked for next.
        through=chosen[-1].seq if chosen else after,
        last=max(last, after),
        states=_packed(chosen, State),
        events=_packed(chosen, Event),
        results=_packed(chosen, Result),
        ended=ended,
    )


def _packed(chosen: list[Kept], kind: type[Published]) -> list[msgspec.Raw]:
    # By topic and not by content: it is the first of the two frames, and nothing has to be unpacked.
    topic = kind.TOPIC.encode()
    return [msgspec.Raw(payload) for kept in chosen for of, payload in kept.frames if of.startswith(topic)]
