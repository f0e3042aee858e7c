"""A clock in virtual time: a script of messages in, messages out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bus.protocol.messages import (
    Ack,
    CommandRequest,
    Event,
    Prepared,
    Published,
    Refused,
    Replay,
    ReplayRequest,
    Result,
    Sequenced,
    Tick,
)
from nodes.clock.core import ClockCore, ClockSettings, Decision
from nodes.clock.preparation import Preparation

PERIOD_NS = 10_000_000


def agree(core: ClockCore, preparation: Preparation, now_ns: int) -> Decision | Preparation:
    """Every module that is asked can begin a run so; returns what the clock makes of the last answer."""
    decision: Decision | Preparation | None = None
    for module, instance in sorted(preparation.waits_for):
        assert decision is None, "the clock decides when all have answered"
        decision = core.prepared((module, instance), Prepared(preparation.question.id, module, instance), now_ns)
    assert decision is not None
    return decision


@dataclass
class Bench:
    """A clock core whose time stands still until it is ticked."""

    core: ClockCore
    now_ns: int = 0
    ticks: list[Tick] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ids: int = 0

    def tick(self, count: int = 1, *, acknowledge: bool = True) -> Tick:
        """Let some ticks pass, each acknowledged at once unless asked otherwise; returns the last one."""
        for _ in range(count):
            self.now_ns += PERIOD_NS
            published: list[Published] = self.core.tick(self.now_ns, self.now_ns / 1e9)
            for message in published:
                if isinstance(message, Tick):
                    self.ticks.append(message)
                if isinstance(message, Result):
                    self.results.append(message)
                if isinstance(message, Event):
                    self.events.append(message)
            if acknowledge:
                self.acknowledge(self.ticks[-1].seq, self.ticks[-1].run)
            decided = self.core.decide()
            if decided is not None:
                self.core.durable(decided[1].id)
        return self.ticks[-1]

    def acknowledge(self, seq: int, run: str = "", module: str = "m1", instance: str = "a") -> None:
        """A module says how far it has come."""
        run = run or self.core.run
        ack = Ack(module=module, instance=instance, pid=1, run=run, seq=seq, status="ok")
        self.core.heard(ack, self.now_ns)

    def send(self, name: str, module: str = "clock", /, **args: Any) -> Sequenced:
        """Have a command sequenced and made durable."""
        self.ids += 1
        request = CommandRequest(id=f"c{self.ids}", module=module, name=name, args=args, origin="test")
        sequenced = self.sequence(request)
        assert not isinstance(sequenced, Refused), sequenced
        self.core.durable(request.id)
        return sequenced[0]

    def sequence(self, request: CommandRequest) -> Decision:
        """Ask for a tick; modules agree at once to whatever a run is to begin with."""
        decision = self.core.sequence(request, self.now_ns)
        while isinstance(decision, Preparation):
            decision = agree(self.core, decision, self.now_ns)
        return decision

    def replay(self, after: int) -> Replay:
        """A block of the run's ticks."""
        reply = self.core.replay(ReplayRequest(run=self.core.run, after=after), 5.0)
        assert reply is not None
        return reply

    def apply(self, name: str, /, **args: Any) -> Result:
        """Send a command to the clock and tick until it has acted."""
        answer = self.send(name, **args)
        while not any(result.id == answer.id for result in self.results):
            self.tick()
        return next(result for result in self.results if result.id == answer.id)


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    """A maker of clocks with settings of choice."""

    def make(rate: int = 100, modules: tuple[str, ...] = ("m1",)) -> Bench:
        bench = Bench(ClockCore(ClockSettings(epoch=7, rate=rate, modules=modules, scenario="reference")))
        for module in modules:
            bench.acknowledge(0, module=module)
        return bench

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A clock at 100 Hz with one module."""
    return make_bench()
