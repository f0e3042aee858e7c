"""Going on over recorded ticks: in parts of any size, with the same result; never past a hole or a fault."""

from collections import deque
from pathlib import Path

from bus.ordered.tick_span import TickSpan, to_wire
from bus.protocol.codec import decode, encode
from bus.protocol.messages import Command, Event, Frames, Published, Replay, Result, State
from catalog.scenarios import Scenarios
from kpp_physics.parameters import Parameters
from nodes.physics.replica.advance import UNLIMITED, Budget, advance, spans_after
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.ring import Kept, PackedFrames, Ring, block

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
RUN = "0001-001"
BEGIN = Command("b", "*", "begin", {"scenario": "reference", "parameters": {}}, "clock")
INJECT = Command("i", "m1", "inject", {}, "test")
SPANS = [
    TickSpan(1, 1, 0, 0, "stopped", (BEGIN,)),
    TickSpan(2, 9, 0, 10_000, "running", ()),
    TickSpan(11, 4, 90_000, 10_000, "running", (INJECT,)),
    TickSpan(15, 30, 130_000, 0, "paused", ()),
]


def read(_run: str, name: str) -> Parameters:
    return Scenarios(SCENARIOS).read(name)


def folded(budget: Budget) -> tuple[list[Published], list[int]]:
    """What all ticks bring, part by part, and how many ticks each part had."""
    fold, spans = Fold(Identity("m1", "a"), RUN, read), deque(SPANS)
    messages: list[Published] = []
    parts: list[int] = []
    while spans:
        made = list(advance(fold, spans, budget, 7.0, lambda seq: seq % 2 == 0))
        assert all(each.shown == (any(isinstance(one, State) for one in each.messages)) for each in made)
        messages += [message for each in made for message in each.messages]
        parts.append(len(made))
    assert fold.seq == 44
    return messages, parts


def test_the_parts_make_no_difference() -> None:
    whole, (count,) = folded(UNLIMITED)
    assert count == 44
    by_steps, parts = folded(Budget(steps=20, ticks=1000, shown=1000))
    assert by_steps == whole
    assert parts == [3, 2, 2, 2, 2, 2, 31], "what advances nothing takes no step"
    by_ticks, parts = folded(Budget(steps=1000, ticks=8, shown=1000))
    assert by_ticks == whole
    assert parts == [8, 8, 8, 8, 8, 4]
    by_states, parts = folded(Budget(steps=1000, ticks=1000, shown=5))
    assert by_states == whole
    assert parts == [10, 10, 10, 10, 4]


def test_whoever_has_enough_stops_and_goes_on_later() -> None:
    fold, spans = Fold(Identity("m1", "a"), RUN, read), deque(SPANS)
    for seq, _made in enumerate(advance(fold, spans, UNLIMITED, 0.0, lambda _seq: False), 1):
        assert fold.seq == seq
        if seq == 5:
            break
    assert spans[0] == TickSpan(6, 5, 40_000, 10_000, "running", ())
    assert len(list(advance(fold, spans, UNLIMITED, 0.0, lambda _seq: False))) == 39


def test_nothing_is_folded_behind_a_hole() -> None:
    fold, spans = Fold(Identity("m1", "a"), RUN, read), deque([SPANS[0], *SPANS[2:]])
    assert len(list(advance(fold, spans, UNLIMITED, 0.0, lambda _seq: False))) == 1
    assert (fold.seq, len(spans)) == (1, 0)
    late = Replay(run=RUN, spans=list(map(to_wire, SPANS)), last=44, epoch=1, rate=100, wall=0.0)
    assert [span.first for span in spans_after(late, 4)] == [5, 11, 15]
    early = Replay(run=RUN, spans=[to_wire(SPANS[2])], last=44, epoch=1, rate=100, wall=0.0)
    assert not spans_after(early, 4), "an answer to an earlier question"


def test_nothing_is_folded_behind_a_fault() -> None:
    fold, spans = Fold(Identity("m1", "a"), RUN, read), deque([TickSpan(1, 5, 0, 0, "stopped", ())])
    (only,) = advance(fold, spans, UNLIMITED, 0.0, lambda _seq: True)
    assert fold.fault == f"run {RUN} did not begin with a scenario"
    assert [type(message) for message in only.messages] == [Event]


def test_an_answer_has_the_bytes_that_were_published() -> None:
    fold, ring = Fold(Identity("m1", "a"), RUN, read), Ring()
    every: list[Published] = []
    for messages, _shown in advance(fold, deque(SPANS), UNLIMITED, 7.0, lambda _seq: True):
        ring.add(Kept.of(RUN, fold.seq, messages), next(each for each in messages if isinstance(each, State)))
        every += messages
    packed = block(RUN, 3, 44, ring.after(RUN, 3), 1 << 20, ended=True)
    frames = Frames(
        run=RUN,
        after=3,
        through=44,
        last=44,
        states=[each for each in every if isinstance(each, State) and each.seq > 3],
        events=[each for each in every if isinstance(each, Event) and each.seq > 3],
        results=[each for each in every if isinstance(each, Result) and each.seq > 3],
        ended=True,
    )
    assert PackedFrames.__struct_fields__ == Frames.__struct_fields__
    assert encode(packed, 1 << 20) == encode(frames, 1 << 20)
    assert decode(encode(packed, 1 << 20), Frames, 1 << 20) == frames
    assert ring.newest_state(RUN) == frames.states[-1]
    assert ring.newest_state("another") is None
