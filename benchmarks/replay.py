"""A plant module that was away for ten minutes: how fast it folds what it missed."""

import time
from pathlib import Path

from benchmarks.table import Row, note
from bus.protocol.codec import decode_clock_reply, encode
from bus.protocol.messages import Command, Replay, ReplaySpan, Tick
from catalog.scenarios import Scenarios
from nodes.physics.core import PhysicsCore

MISSED = 60_000
"""Ticks, of which none is folded yet when the module hears the next one."""

BLOCK = 10_000
"""Ticks told in one answer."""

DT_US = 10_000
GOAL = 50.0
"""Times real time."""

RUN = "0001-001"
SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"


def measure() -> list[Row]:
    """From the question for the missed ticks to the last of them folded, with every frame that is published anew."""
    note(f"replay: {MISSED} ticks of {DT_US / 1e6} s that a plant module has missed")
    scenarios = Scenarios(SCENARIOS)
    core = PhysicsCore("m1", "a", lambda _run, name: scenarios.read(name))
    begin = time.perf_counter()
    core.on_ticks([_tick(MISSED + 1)])
    while (request := core.request) is not None:
        reply = decode_clock_reply(encode(_answer(request.after)))
        if not isinstance(reply, Replay):
            raise TypeError(f"an answer of missed ticks is read as {reply}")
        core.on_replay(reply)
        while core.busy:
            core.work()
    taken = time.perf_counter() - begin
    if core.seq != MISSED + 1:
        raise RuntimeError(f"the module stands at tick {core.seq}: {core.health.text}")
    factor = MISSED * DT_US / 1e6 / taken
    figure = f"{MISSED * DT_US / 1e6:.0f} s in {taken:.2f} s = {factor:.0f}x real time"
    return [Row("module folds missed ticks at 100 Hz", figure, f">= {GOAL:.0f}x", factor >= GOAL)]


def _tick(seq: int) -> Tick:
    return Tick(
        t=_t(seq), seq=seq, run=RUN, wall=0.0, epoch=1, dt=DT_US / 1e6, mode="running", speed=1.0, flat_out=False,
        rate=100, held=[], mono_ns=0, leaders={"m1": "a"}, published={"m1": 0}, commands=[],
    )  # fmt: skip


def _t(seq: int) -> float:
    """Simulated time of a tick; the first begins the run and takes none."""
    return (seq - 1) * DT_US / 1e6


def _answer(after: int) -> Replay:
    """What the clock tells of the ticks after one."""
    last = min(after + BLOCK, MISSED + 1)
    spans = [_span(max(after + 1, 2), last)]
    if after == 0:
        begin = Command(
            id="begin", module="*", name="begin", args={"scenario": "reference", "parameters": {}}, origin="benchmark"
        )
        spans.insert(0, _span(1, 1, begin))
    return Replay(run=RUN, spans=spans, last=MISSED + 1, epoch=1, rate=100, wall=0.0)


def _span(first: int, last: int, *commands: Command) -> ReplaySpan:
    dt = 0.0 if first == 1 else DT_US / 1e6
    return ReplaySpan(
        first=first, count=last - first + 1, t=_t(first) - dt, dt=dt, mode="running", speed=1.0, flat_out=False,
        commands=list(commands),
    )  # fmt: skip
