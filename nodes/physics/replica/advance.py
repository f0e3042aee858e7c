"""The one way in which a fold goes on over recorded ticks. Pure.

Used by a module that catches up, by the recomputation of what a subscriber has missed, for the checkpoint of a fork,
and by `kpp verify`.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bus.ordered.tick_span import TickSpan, spans_of
from bus.protocol.messages import STEP_US, Published, Replay
from nodes.physics.replica.fold import Fold


@dataclass(frozen=True)
class Budget:
    """How much is folded at a time, before the process looks at its sockets again."""

    steps: int
    """Most physics steps."""
    ticks: int
    """Most ticks: one that advances nothing takes no step and yet its time."""
    shown: int
    """Most ticks whose states are made, which takes longer than the steps of a short tick."""


UNLIMITED = Budget(sys.maxsize, sys.maxsize, sys.maxsize)
"""For whoever has nothing else to do."""


class Folded(NamedTuple):
    """What one tick brought."""

    messages: list[Published]
    shown: bool
    """Whether its state is among them."""


def spans_after(reply: Replay, seq: int) -> deque[TickSpan]:
    """The ticks of a reply that follow tick `seq`; none if the very next one is missing.

    That is so when an earlier question of the same run is answered: folded from there on, commands would be left out.
    """
    # Cut to what follows: the clock answers with whole spans, and the first of them has often begun before.
    spans = deque(spans_of(reply, seq))
    return spans if spans and spans[0].first == seq + 1 else deque()


def advance(
    fold: Fold, spans: deque[TickSpan], budget: Budget, wall: float, shown: Callable[[int], bool]
) -> Iterator[Folded]:
    """Fold ticks until they, the budget or the plant come to an end; what is folded leaves `spans`.

    A caller may stop after any tick: `fold` and `spans` then fit together. Nothing follows a fault.

    Args:
        fold: the plant so far.
        spans: the ticks that follow it.
        budget: how much is folded at most.
        wall: Unix time for what is made.
        shown: whether the state of a tick is to be made.
    """
    steps = ticks = made = 0
    # Looked at before each tick and not within it: a single long tick may pass the budget, and is bounded by its own
    # length.
    while spans and not fold.fault and steps < budget.steps and ticks < budget.ticks and made < budget.shown:
        span = spans[0]
        if span.first != fold.seq + 1:
            # A hole in the ticks themselves. Nothing behind it can be folded, so it is all asked for again.
            spans.clear()
            return
        show = shown(span.first)
        messages = fold.tick(span.commands, span.dt_us, wall, shown=show)
        # The tick leaves before its messages are handed out: the generator may never be resumed.
        rest = span.after(span.first)
        if rest is None:
            spans.popleft()
        else:
            spans[0] = rest
        steps += span.dt_us // STEP_US
        ticks += 1
        made += show
        yield Folded(messages, show)
