"""Clock, journal, two instances of a module and a subscriber in one process, through every kind of crash.

The subscriber ends up with exactly what an undisturbed plant would have published.

`KPP_SEQUENCES` is how many sequences of faults are tried; the long run (`make sequences`) takes 10,000.
"""

import os
import tempfile
from collections import deque
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bus.ordered.stream import Streams
from bus.protocol.codec import Pair, decode, decode_published, encode
from bus.protocol.messages import (
    CLOCK_MODULE,
    STOP_LATE,
    Ack,
    CommandRequest,
    Event,
    Frames,
    FramesRequest,
    Prepared,
    PrepareRequest,
    Published,
    Refused,
    Replay,
    ReplayRequest,
    Result,
    Sequenced,
    State,
    Tick,
)
from catalog.scenarios import Scenarios
from kpp_physics.parameters import Parameters
from nodes.clock.archive import Archive
from nodes.clock.core import Decision
from nodes.clock.preparation import Preparation
from nodes.physics.core import PhysicsCore
from nodes.physics.replica.beginning import objection
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.recomputation import Recomputation
from nodes.physics.replica.ring import PackedFrames
from nodes.physics.replica.saved import Saved
from tests.nodes.clock.test_recovery import COMMANDS, Clocks

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
SEQUENCES = int(os.environ.get("KPP_SEQUENCES", "150"))
BEGINNINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("clock", "reset", {"parameters": {"drag_area": 0.3}}),
    ("clock", "reset", {"scenario": "no-such"}),
    ("clock", "reset", {"parameters": {"floater_count": 250}}),
    ("clock", "reset", {"scenario": "rated-speed", "parameters": {"nope": 1}}),
]
"""Beginnings with parameters; no module can begin any but the first."""

ASKED = [*COMMANDS, *BEGINNINGS]

QUIET = 20
"""Ticks at the end in which nothing happens any more."""


@cache
def parameters(scenario: str) -> Parameters:
    """A small plant of the scenario: its frames are short, and its floaters come round soon."""
    return Scenarios(SCENARIOS).read(scenario).with_changes({"floater_count": 4})


def read_scenario(_run: str, scenario: str) -> Parameters:
    return parameters(scenario)


class Instance:
    """One process of the module: what dies with it, and its snapshots, which do not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.saved: list[bytes] = []
        self.inbox: deque[Tick] = deque()
        self.questions: deque[PrepareRequest] = deque()
        self.asleep = False
        self.core: PhysicsCore | None = None
        self.start()

    def start(self) -> None:
        self.inbox.clear()
        self.questions.clear()
        self.asleep = False
        self.core = PhysicsCore("m1", self.name, read_scenario, self.find)
        self.recomputation = Recomputation(Identity("m1", self.name), read_scenario, self.find)

    def find(self, run: str, seq: int) -> Iterator[Saved]:
        saved = [Saved.unpack(data) for data in self.saved]
        return iter(sorted((s for s in saved if s.run == run and s.seq <= seq), key=lambda each: -each.seq))

    def save(self) -> None:
        saved = self.core.save() if self.core is not None else None
        if saved is not None:
            self.saved.append(saved.pack())


class World(RuleBasedStateMachine):
    """Everything between the processes is here; a message is lost when a draw says so."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        folder = Path(tempfile.mkdtemp(dir=type(self).folder))
        self.clocks = Clocks(folder)
        self.clock_lives = True
        self.instances = {name: Instance(name) for name in ("a", "b")}
        self.streams = Streams(["m1"], whole=True)
        self.heard: list[Published] = []
        self.promised: dict[str, Sequenced] = {}
        self.impossible: set[str] = set()
        self.ids = 0

    # What goes between the processes

    def deliver(self, messages: list[Any]) -> None:
        for message in messages:
            if isinstance(message, Tick):
                for instance in self.instances.values():
                    if instance.core is not None:
                        instance.inbox.append(message)

    def to_subscriber(self, messages: list[Any], lost: bool) -> None:
        for message in messages:
            if not lost:
                self.heard += self.streams.on(message)

    def replay(self, request: ReplayRequest) -> Replay | Refused:
        reply = self.clocks.core.replay(request, 0.0)
        return reply or Archive(self.clocks.runs, self.clocks.settings).replay(request, 0.0)

    def run_instance(self, instance: Instance, lost: bool, prepares: bool = True) -> None:
        core = instance.core
        if core is None or instance.asleep:
            return
        ticks = list(instance.inbox)
        instance.inbox.clear()
        self.from_instance(core.on_ticks(ticks), lost)
        for _ in range(50):
            request = core.request
            if request is None:
                break
            core.on_replay(self.replay(request))
            while core.busy:
                self.from_instance(core.work(), lost)
        if core.run:
            ack = Ack(
                module="m1", instance=instance.name, pid=1, run=core.run, seq=core.seq, status=core.health.text,
                health=core.health.health,
                published=core.published,
            )  # fmt: skip
            self.clocks.core.heard(ack, self.clocks.now_ns)
        if prepares:
            core.prepare()

    def from_instance(self, frames: list[Pair], lost: bool) -> None:
        self.to_subscriber([decode_published(*pair) for pair in frames], lost)

    def answer_the_clock(self, lost: bool) -> None:
        for instance in self.instances.values():
            while instance.questions and instance.core is not None and not instance.asleep:
                asked = instance.questions.popleft()
                answer = objection(read_scenario, asked) or Prepared(asked.id, "m1", instance.name)
                decision = (
                    None if lost else self.clocks.core.prepared(("m1", instance.name), answer, self.clocks.now_ns)
                )
                if decision is not None:
                    self.decided(decision)
        for overdue in self.clocks.core.overdue(self.clocks.now_ns):
            self.decided(overdue)

    def decided(self, decision: Decision | Preparation) -> None:
        if isinstance(decision, Preparation):
            for _module, name in decision.waits_for:
                self.instances[name].questions.append(decision.question)
            return
        answer = self.clocks.carry_out(decision)
        if isinstance(answer, Sequenced):
            self.promise(answer)

    def promise(self, answer: Sequenced) -> None:
        assert answer.id not in self.impossible, "it was sequenced, and no module can carry it out"
        assert self.promised.setdefault(answer.id, answer) == answer

    def step(self, *, ticks_lost: bool = False, frames_lost: bool = False, record_only: bool = False) -> None:
        messages = self.clocks.compose()
        if record_only:
            self.clocks.start()
            return
        if not ticks_lost:
            self.deliver(messages)
        self.to_subscriber(messages, frames_lost)
        for instance in self.instances.values():
            self.run_instance(instance, frames_lost)
        self.answer_the_clock(frames_lost)
        self.clocks.decide()

    # What happens

    @rule(count=st.integers(1, 12), ticks_lost=st.booleans(), frames_lost=st.booleans())
    def time_goes_on(self, count: int, ticks_lost: bool, frames_lost: bool) -> None:
        for _ in range(count):
            self.step(ticks_lost=ticks_lost, frames_lost=frames_lost)

    @rule(index=st.integers(0, len(ASKED) - 1), times=st.integers(1, 2))
    def command(self, index: int, times: int) -> None:
        module, name, args = ASKED[index]
        self.ids += 1
        request = self.clocks.request(f"c{self.ids}", module, name, args)
        if ASKED[index] in BEGINNINGS[1:]:
            self.impossible.add(request.id)
        for _ in range(times):
            self.ask(request)

    def ask(self, request: CommandRequest) -> None:
        answer = self.clocks.ask(request)
        if isinstance(answer, Sequenced):
            self.promise(answer)
        else:
            self.decided(answer)

    @rule(recorded=st.booleans())
    def the_clock_is_killed(self, recorded: bool) -> None:
        if recorded:
            self.step(record_only=True)
        else:
            self.clocks.start()

    @rule(name=st.sampled_from("ab"))
    def an_instance_is_killed(self, name: str) -> None:
        self.instances[name].core = None

    @rule(name=st.sampled_from("ab"))
    def an_instance_is_started(self, name: str) -> None:
        if self.instances[name].core is None:
            self.instances[name].start()

    @rule(name=st.sampled_from("ab"), asleep=st.booleans())
    def an_instance_sleeps_or_wakes(self, name: str, asleep: bool) -> None:
        self.instances[name].asleep = asleep

    @rule(name=st.sampled_from("ab"))
    def a_snapshot_is_written(self, name: str) -> None:
        self.instances[name].save()

    @rule(name=st.sampled_from("ab"))
    def a_snapshot_is_damaged(self, name: str) -> None:
        if self.instances[name].saved:
            self.instances[name].saved.pop()

    @rule()
    def the_subscriber_asks(self) -> None:
        self.repair()

    def repair(self) -> None:
        clock, module = self.streams.clock, self.streams.modules["m1"]
        assert clock is not None
        for _ in range(200):
            asked = clock.request
            if isinstance(asked, ReplayRequest):
                reply = self.replay(asked)
                assert not isinstance(reply, Refused)
                self.heard += self.streams.tell(clock.on_replay(reply))
            elif isinstance(asked, FramesRequest):
                self.heard += clock.on_frames(self.clocks.frames(asked))
            wanted = module.request
            answer = None if wanted is None else self.ask_instances(wanted)
            if answer is not None:
                self.heard += module.on_frames(answer)
            if (asked, wanted) == (clock.request, module.request):
                return  # nothing is missing, or whoever has it does not know yet
        raise AssertionError("the subscriber never gets what it asks for")

    def ask_instances(self, wanted: FramesRequest) -> Frames | None:
        for instance in self.instances.values():
            if instance.core is None or instance.asleep:
                continue
            at_hand = instance.core.frames(wanted)
            frames = self.compute_again(instance, wanted) if at_hand is None else received(at_hand)
            if frames is not None and frames.through > frames.after:
                return frames
        return None

    def compute_again(self, instance: Instance, wanted: FramesRequest) -> Frames | None:
        instance.recomputation.ask((b"subscriber",), wanted)
        for _ in range(500):
            request = instance.recomputation.request
            if request is not None:
                answer = instance.recomputation.on_replay(self.replay(request))
                if answer is not None:
                    return received(answer.reply) if isinstance(answer.reply, PackedFrames) else None
            while instance.recomputation.busy:
                made = instance.recomputation.work()
                if made is not None:
                    assert isinstance(made.reply, PackedFrames)
                    return received(made.reply)
        raise AssertionError("what was published is never computed again")

    # What must be true in the end

    def teardown(self) -> None:
        if not hasattr(self, "clocks"):
            return
        for instance in self.instances.values():
            if instance.core is None:
                instance.start()
            instance.asleep = False
        for tick in range(QUIET):
            self.step()
            if tick % 5 == 4:
                self.repair()
        self.check()
        self.clocks.runs.close()
        self.clocks.journal.close()

    def check(self) -> None:
        ticks = [message for message in self.heard if isinstance(message, Tick)]
        states = [message for message in self.heard if isinstance(message, State)]
        results = [message for message in self.heard if isinstance(message, Result)]
        events = [message for message in self.heard if isinstance(message, Event)]
        runs: dict[str, list[Tick]] = {}
        for tick in ticks:
            runs.setdefault(tick.run, []).append(tick)
        expected = [message for run, told in runs.items() for message in reference(run, told)]
        assert [bare(state) for state in states] == [bare(each) for each in expected if isinstance(each, State)]
        told = [(e.run, e.seq, e.text) for e in events if e.run in runs and e.module == "m1"]
        assert sorted(told) == sorted((e.run, e.seq, e.text) for e in expected if isinstance(e, Event))
        # Who was late, no fold can tell: that policy stop ended a run is a command in a tick, and an event.
        stops = [result for result in results if result.name == STOP_LATE and result.outcome == "applied"]
        assert sorted((e.run, e.seq, e.kind) for e in events if e.module == CLOCK_MODULE and e.run in runs) == sorted(
            (each.run, each.seq, "policy") for each in stops if each.run in runs
        )
        carried = {(t.run, t.seq) for t in ticks for command in t.commands if command.name == STOP_LATE}
        assert {(r.run, r.seq) for r in results if r.name == STOP_LATE and r.run in runs} == carried
        assert len({result.id for result in results}) == len(results)
        known = {result.id: result for result in results}
        for result in expected:
            if isinstance(result, Result):
                assert (known[result.id].outcome, known[result.id].seq) == (result.outcome, result.seq)
        assert {result.outcome for result in results if result.name == "begin"} <= {"applied"}, "no run is dead"
        newest = runs[ticks[-1].run][-1]
        for command_id, promise in self.promised.items():
            if promise.run != newest.run or promise.seq <= newest.seq:
                assert command_id in known or self.answered_late(command_id, promise), f"{command_id} was lost"

    def answered_late(self, command_id: str, promise: Sequenced) -> bool:
        """The subscriber never heard of the run; a client that was promised an answer asks for it."""
        asked = FramesRequest(run=promise.run, after=0)
        frames = self.clocks.frames(asked)
        again = self.compute_again(self.instances["a"], asked)
        assert again is not None
        return any(result.id == command_id for result in (*frames.results, *again.results))


def received(reply: PackedFrames) -> Frames:
    """What arrives of it."""
    frames: Frames = decode(encode(reply), Frames)
    return frames


def bare(state: State) -> State:
    """All of a state but who sent it and when."""
    return msgspec.structs.replace(state, wall=0.0, instance="x")


def reference(run: str, ticks: list[Tick]) -> list[Published]:
    """What one undisturbed fold publishes."""
    assert [tick.seq for tick in ticks] == list(range(1, len(ticks) + 1))
    fold = Fold(Identity("m1", "reference"), run, read_scenario)
    return [
        message for tick in ticks for message in fold.tick(tick.commands, round(tick.dt * 1e6), 0.0, shown=True)
    ]  # fmt: skip


@pytest.mark.timeout(3600)
def test_nothing_is_lost_doubled_or_different_whatever_dies(memory_path: Path) -> None:
    class Here(World):
        folder = memory_path

    Here.TestCase.settings = settings(max_examples=SEQUENCES, stateful_step_count=25, deadline=None)
    Here.TestCase("runTest").runTest()
