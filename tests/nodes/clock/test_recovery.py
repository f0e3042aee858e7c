"""Killed at any moment, the clock goes on: no tick lost, doubled or changed, no accepted command lost or doubled."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bus.ordered.stream import TickStream
from bus.protocol.messages import (
    Ack,
    CommandRequest,
    Event,
    Frames,
    FramesRequest,
    Prepared,
    Refused,
    ReplayRequest,
    Result,
    Sequenced,
    Tick,
)
from nodes.clock.acceptance import again
from nodes.clock.archive import Archive
from nodes.clock.core import ClockCore, ClockSettings, Decision
from nodes.clock.journal import FencedError, Journal
from nodes.clock.preparation import Preparation
from nodes.clock.runs import RunLogs
from tests.nodes.clock.conftest import agree

PERIOD_NS = 10_000_000
COMMANDS: list[tuple[str, str, dict[str, Any]]] = [
    ("clock", "start", {}),
    ("clock", "pause", {}),
    ("clock", "resume", {}),
    ("clock", "stop", {}),
    ("clock", "step", {"ticks": 7}),
    ("clock", "set_speed", {"speed": 2.5}),
    ("clock", "set_speed", {"flat_out": True}),
    ("clock", "set_speed", {"speed": 1.0}),
    ("clock", "set_policy", {"policy": "catch_up"}),
    ("clock", "set_policy", {"policy": "stop"}),
    ("clock", "reset", {"scenario": "rated-speed"}),
    ("clock", "dance", {}),
    ("m1", "set_parameters", {"drag_area": 0.4}),
    ("m1", "inject", {}),
]

BEGINNINGS = [index for index, (_module, name, _args) in enumerate(COMMANDS) if name in {"start", "reset"}]
"""Commands that begin a run, or may."""


class Clocks:
    """One data folder and the clocks that work on it, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ns = 0
        self.start()

    def start(self, *, heard: bool = True) -> None:
        self.journal = Journal(self.folder / "journal.sqlite")
        self.settings = ClockSettings(self.journal.next_epoch(0.0), 100, ("m1",), "reference")
        self.runs = RunLogs(self.folder / "runs", self.journal.commands)
        recovered, problems = self.runs.newest()
        assert problems == []
        self.core = ClockCore(self.settings, recovered)
        if heard:
            self.acknowledge(recovered.last if recovered else 0)

    def acknowledge(self, seq: int) -> None:
        ack = Ack(module="m1", instance="a", pid=1, run=self.core.run, seq=seq, status="ok", published=seq)
        self.core.heard(ack, self.now_ns)

    def compose(self, *, record: bool = True) -> list[Any]:
        self.now_ns += PERIOD_NS
        header = self.core.header
        messages = self.core.tick(self.now_ns, self.now_ns / 1e9)
        if record:
            assert isinstance(messages[0], Tick)
            self.runs.record(header, messages[0])
        return messages

    def decide(self, *, journal: bool = True) -> None:
        """What the clock commands itself goes to disk as any command does."""
        decided = self.core.decide()
        if decided is not None and journal:
            self.runs.settle(decided[0].run)
            self.journal.append(decided[1], decided[0].run, decided[0].seq)
            self.core.durable(decided[1].id)

    def frames(self, asked: FramesRequest) -> Frames:
        """What whoever missed it gets of the clock's results and events, of the present run or of an ended one."""
        found = self.core.frames(asked) or Archive(self.runs, self.settings).frames(asked, 0.0)
        assert isinstance(found, Frames)
        return found

    @staticmethod
    def request(command_id: str, module: str, name: str, args: dict[str, Any]) -> CommandRequest:
        return CommandRequest(id=command_id, module=module, name=name, args=args, origin="test")

    def ask(self, request: CommandRequest) -> Sequenced | Decision | Preparation:
        """What the clock makes of a request before anything is on disk."""
        known = self.journal.find(request.id)
        if known is not None:
            return again(request, *known)
        self.runs.begin(self.core.header)
        return self.core.sequence(request, self.now_ns)

    def carry_out(self, decision: Decision) -> Sequenced | Refused:
        """What the clock has decided goes to disk."""
        if isinstance(decision, Refused):
            return decision
        sequenced, command = decision
        self.journal.append(command, sequenced.run, sequenced.seq)
        self.core.durable(command.id)
        return sequenced

    def sequence(self, request: CommandRequest, *, journal: bool = True) -> Sequenced | Refused | None:
        """Have a command sequenced; modules agree at once to whatever a run is to begin with."""
        decision = self.ask(request)
        while isinstance(decision, Preparation):
            decision = agree(self.core, decision, self.now_ns)
        if isinstance(decision, Sequenced | Refused):
            return decision
        return self.carry_out(decision) if journal else None


class Killed(RuleBasedStateMachine):
    """The clock's own files are real; only the process is imagined: killing it is dropping everything else."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        folder = type(self).folder / str(len(list(type(self).folder.iterdir())))
        folder.mkdir()
        self.clocks = Clocks(folder)
        self.seen: list[Tick] = []
        self.promised: dict[str, Sequenced] = {}
        self.results: dict[str, Result] = {}
        self.events: list[Event] = []
        self.ids = 0

    def asked_for(self, command_id: str, run: str, seq: int) -> Result | None:
        """What a client gets that heard no result and asks for it."""
        frames = self.clocks.frames(FramesRequest(run=run, after=seq - 1))
        return next((result for result in frames.results if result.id == command_id), None)

    def publish(self, messages: list[Any]) -> None:
        for message in messages:
            if isinstance(message, Tick):
                self.seen.append(message)
            elif isinstance(message, Result):
                known = self.results.setdefault(message.id, message)
                # No tick shows that the rejection of a command whose tick never came was lost. So a clock that cannot
                # know whether the one before it had published it publishes it again; every stream delivers it once.
                left = message.outcome == "rejected" and message.reason.endswith("ended before it acted: send it again")
                assert known is message or left, "a result comes once"
                assert msgspec.structs.replace(known, wall=0.0) == msgspec.structs.replace(message, wall=0.0)
            elif isinstance(message, Event):
                self.events.append(message)

    @rule(count=st.integers(1, 30), acknowledged=st.booleans())
    def tick(self, count: int, acknowledged: bool) -> None:
        for _ in range(count):
            self.publish(self.clocks.compose())
            if acknowledged and self.seen[-1].run == self.clocks.core.run:
                self.clocks.acknowledge(self.seen[-1].seq)
            self.clocks.decide()

    def request(self, index: int) -> CommandRequest:
        module, name, args = COMMANDS[index]
        self.ids += 1
        return Clocks.request(f"c{self.ids}", module, name, args)

    @rule(index=st.integers(0, len(COMMANDS) - 1), repeated=st.booleans())
    def command(self, index: int, repeated: bool) -> None:
        request = self.request(index)
        answer = self.clocks.sequence(request)
        if isinstance(answer, Sequenced):
            self.promised[request.id] = answer
            if repeated:
                assert self.clocks.sequence(request) == answer

    @rule(journaled=st.booleans())
    def killed_between_two_ticks(self, journaled: bool) -> None:
        self.clocks.decide(journal=journaled)
        self.clocks.start()

    @rule()
    def killed_after_recording_a_tick_and_before_publishing_it(self) -> None:
        """Nobody has seen the tick, but it counts: it is served to whoever finds the gap."""
        before = self.clocks.core
        messages = self.clocks.compose()
        self.clocks.start()
        reply = self.clocks.core.replay(ReplayRequest(run=messages[0].run, after=messages[0].seq - 1), 0.0)
        archive = Archive(self.clocks.runs, self.clocks.settings)
        if reply is None:
            found = archive.replay(ReplayRequest(run=messages[0].run, after=messages[0].seq - 1), 0.0)
            assert not isinstance(found, Refused)
            reply = found
        assert reply.spans[0].first == messages[0].seq
        assert round(reply.spans[0].dt * 1e6) == round(messages[0].dt * 1e6)
        assert [each.id for each in reply.spans[0].commands] == [each.id for each in messages[0].commands]
        for message in messages:
            if isinstance(message, Result):
                again = self.asked_for(message.id, message.run, message.seq)
                assert again is not None
                assert (again.outcome, again.seq, again.applied) == (message.outcome, message.seq, message.applied)
            elif isinstance(message, Event):
                self.events.append(message)
        self.seen.append(messages[0])
        assert before is not self.clocks.core

    @rule(index=st.integers(0, len(COMMANDS) - 1))
    def killed_before_a_command_is_on_disk(self, index: int) -> None:
        """It was not accepted: the client asks again with the same id."""
        request = self.request(index)
        self.clocks.sequence(request, journal=False)
        self.clocks.start()
        answer = self.clocks.sequence(request)
        if isinstance(answer, Sequenced):
            self.promised[request.id] = answer

    @rule(index=st.integers(0, len(COMMANDS) - 1))
    def killed_before_the_answer(self, index: int) -> None:
        request = self.request(index)
        answer = self.clocks.sequence(request)
        self.clocks.start()
        if isinstance(answer, Sequenced):
            assert self.clocks.sequence(request) == answer, "the first answer"
            self.promised[request.id] = answer

    @rule(index=st.sampled_from(BEGINNINGS))
    def killed_while_modules_are_asked(self, index: int) -> None:
        """Nothing is half done: the next clock knows of nothing, and an answer to the one before says nothing to it."""
        request = self.request(index)
        asked = self.clocks.ask(request)
        self.clocks.start()
        assert self.clocks.journal.find(request.id) is None
        if not isinstance(asked, Preparation):
            return
        for module, instance in asked.waits_for:
            answer = Prepared(asked.question.id, module, instance)
            assert self.clocks.core.prepared((module, instance), answer, self.clocks.now_ns) is None
        again = self.clocks.sequence(request)
        if isinstance(again, Sequenced):
            self.promised[request.id] = again

    @precondition(lambda self: len(self.seen) > 0)
    @rule()
    def an_old_clock_wakes_up(self) -> None:
        old = self.clocks.journal
        self.clocks.start()
        request = self.request(len(COMMANDS) - 1)
        with pytest.raises(FencedError, match="a newer one"):
            old.append(request, self.clocks.core.run, 1)

    @invariant()
    def no_tick_is_lost_doubled_or_set_back(self) -> None:
        runs: dict[str, list[Tick]] = {}
        for tick in self.seen:
            runs.setdefault(tick.run, []).append(tick)
        for ticks in runs.values():
            assert [tick.seq for tick in ticks] == list(range(1, len(ticks) + 1))
            us = 0
            for tick in ticks:
                us += round(tick.dt * 1e6)
                assert round(tick.t * 1e6) == us

    @invariant()
    def every_promise_is_kept_once(self) -> None:
        carried: dict[str, list[tuple[str, int]]] = {}
        for tick in self.seen:
            for command in tick.commands:
                carried.setdefault(command.id, []).append((tick.run, tick.seq))
        newest = {tick.run: tick.seq for tick in self.seen}
        for command_id, promise in self.promised.items():
            places = carried.get(command_id, [])
            if newest.get(promise.run, 0) >= promise.seq:
                assert places == [(promise.run, promise.seq)]
            elif self.clocks.core.run == promise.run:
                assert places == []
            else:
                result = self.results.get(command_id) or self.asked_for(command_id, promise.run, newest[promise.run])
                assert result is not None, "a command of a run that ended is answered"

    @invariant()
    def what_the_clock_told_of_itself_can_be_had_again(self) -> None:
        for event in self.events:
            frames = self.clocks.frames(FramesRequest(run=event.run, after=event.seq - 1))
            again = [msgspec.structs.replace(each, wall=0.0) for each in frames.events if each.seq == event.seq]
            assert again == [msgspec.structs.replace(event, wall=0.0)]

    def teardown(self) -> None:
        if hasattr(self, "clocks"):
            self.clocks.runs.close()
            self.clocks.journal.close()


def test_a_rejection_that_may_have_been_lost_with_the_clock_is_published_again(memory_path: Path) -> None:
    class Here(Killed):
        folder = memory_path

    clock = Here()
    clock.begin()
    reset, start = (next(i for i, (_, name, _) in enumerate(COMMANDS) if name == each) for each in ("reset", "start"))
    clock.killed_while_modules_are_asked(index=reset)
    clock.killed_after_recording_a_tick_and_before_publishing_it()
    clock.killed_before_a_command_is_on_disk(index=start)  # its tick is after that of the reset, and never comes
    clock.tick(count=1, acknowledged=False)
    assert clock.results["c2"].outcome == "rejected"
    first = clock.results.pop("c2")
    clock.clocks.start()
    clock.tick(count=1, acknowledged=False)
    assert msgspec.structs.replace(clock.results["c2"], wall=0.0) == msgspec.structs.replace(first, wall=0.0)
    stream = TickStream()
    assert [stream.on(each) for each in (first, clock.results["c2"])] == [[first], []]
    clock.teardown()


def test_the_clock_survives_being_killed_at_any_moment(memory_path: Path) -> None:
    class Here(Killed):
        folder = memory_path

    Here.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
    Here.TestCase("runTest").runTest()


def test_the_beginning_of_a_run_is_on_the_disk_before_a_command_is_promised_a_tick_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Really written through, on a real disk: the state machine above has its files in memory."""
    synced: list[str] = []

    def watched(sync: Callable[[int], None]) -> Callable[[int], None]:
        def write_through(file: int) -> None:
            synced.append(Path(f"/proc/self/fd/{file}").readlink().name)
            sync(file)

        return write_through

    clocks = Clocks(tmp_path)
    monkeypatch.setattr(os, "fsync", watched(os.fsync))
    monkeypatch.setattr(os, "fdatasync", watched(os.fdatasync))
    clocks.compose()
    assert synced == [], "a tick does not wait for the disk"
    run = clocks.core.run
    clocks.runs.settle(run)
    assert synced == [f"{run}.ticks", "runs"], "the file, and then the folder that names it"
    clocks.runs.settle(run)
    assert len(synced) == 2, "once for a run"
    clocks.compose()
    clocks.runs.sync()
    assert synced[2:] == [f"{run}.ticks", "runs"]


def test_a_clock_that_has_just_started_takes_nobody_for_late_whom_it_had_no_time_to_hear(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path)
    for name, args in (("set_policy", {"policy": "stop"}), ("start", {})):
        clocks.sequence(Clocks.request(name, "clock", name, args))
    for _ in range(100):
        clocks.acknowledge(clocks.compose()[0].seq)
    clocks.start(heard=False)
    waiting = [clocks.compose()[0] for _ in range(150)]
    clocks.decide()
    assert {tick.mode for tick in waiting} == {"running"}
    assert waiting[-1].held == ["m1"]
    clocks.acknowledge(waiting[-1].seq)
    assert clocks.compose()[0].held == [], "it was there all the time"
    clocks.start(heard=False)
    for _ in range(250):
        last = clocks.compose()[0]
        clocks.decide()
    assert last.mode == "stopped", "it is not there"


def test_a_command_that_was_refused_and_is_on_disk_all_the_same_never_acts(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path)
    clocks.compose()
    clocks.compose()
    request = CommandRequest(id="late", module="m1", name="inject", args={}, origin="test")
    clocks.journal.append(request, clocks.core.run, 2)
    clocks.start()
    reply = clocks.core.replay(ReplayRequest(run="", after=0), 0.0)
    assert reply is not None
    assert [command.name for span in reply.spans for command in span.commands] == ["begin"]
