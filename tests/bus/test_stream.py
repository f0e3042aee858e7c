"""Streams that lose, repeat and swap: everything is delivered once and in order, or counted as lost."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.ordered.stream import ModuleStream, Streams, TickStream
from bus.protocol import codec
from bus.protocol.messages import (
    STOP_LATE,
    Command,
    Event,
    Frames,
    FramesRequest,
    Published,
    Replay,
    ReplayRequest,
    ReplaySpan,
    Result,
    State,
    Tick,
)
from tests.bus.samples import sample

RUNS = ("0001-001", "0001-002", "0002-001")


def tick(run: str, seq: int, *commands: Command, epoch: int = 1) -> Tick:
    return Tick(
        t=seq / 100, seq=seq, run=run, wall=1.0, epoch=epoch, dt=0.01, mode="running", speed=1.0, flat_out=False,
        rate=100, held=[], mono_ns=5, leaders={"m1": "a"}, published={}, commands=list(commands),
    )  # fmt: skip


def command(name: str, module: str) -> Command:
    return Command(id=name, module=module, name="pause", args={}, origin="test")


def built(cls: type[Published], **changed: Any) -> Any:
    return codec.build(cls, sample(cls) | changed)


class Producer:
    """What a clock and a module publish in some runs, and their answers to whoever missed a part of it."""

    def __init__(self, lengths: list[int], busy: list[int]) -> None:
        self.ticks: dict[str, list[Tick]] = {}
        self.results: dict[str, list[Result]] = {}
        self.module: dict[str, list[list[Published]]] = {}
        for run, length in zip(RUNS, lengths, strict=False):
            self._run(run, length, set(busy))

    def _run(self, run: str, length: int, busy: set[int]) -> None:
        events = results = 0
        self.ticks[run], self.results[run], self.module[run] = [], [], []
        for seq in range(1, length + 1):
            names = [command(f"{run}.{seq}.clock", "clock"), command(f"{run}.{seq}.m1", "m1")] if seq in busy else []
            self.ticks[run].append(tick(run, seq, *names))
            head: dict[str, Any] = {"run": run, "seq": seq, "module": "m1"}
            told: list[Published] = []
            if names:
                self.results[run].append(built(Result, **(head | {"module": "clock"}), id=names[0].id))
                told.append(built(Result, **head, id=names[1].id))
                results += 1
            told.append(built(State, **head, results=results, events=events))
            if names:
                told += [built(Event, **head, text=f"{kind} {seq}") for kind in ("one", "two")]
                events += 2
            self.module[run].append(told)

    def published(self) -> list[Published]:
        """All of it, in the order of sending."""
        everything: list[Published] = []
        for run, ticks in self.ticks.items():
            for index, each in enumerate(ticks):
                everything.append(each)
                everything += [result for result in self.results[run] if result.seq == each.seq]
                everything += self.module[run][index]
        return everything

    def replay(self, request: ReplayRequest, block: int = 7) -> Replay:
        ticks, ended = self.ticks[request.run], request.run != [*self.ticks][-1]
        spans = [
            ReplaySpan(first=each.seq, count=1, t=each.t - each.dt, dt=each.dt, mode=each.mode, speed=1.0,
                       flat_out=False, commands=each.commands)
            for each in ticks[request.after : request.after + block]
        ]  # fmt: skip
        return Replay(run=request.run, spans=spans, last=len(ticks), epoch=1, rate=100, wall=2.0, ended=ended)

    def clock_frames(self, request: FramesRequest) -> Frames:
        results = [each for each in self.results[request.run] if each.seq > request.after]
        last = len(self.ticks[request.run])
        return Frames(
            run=request.run, after=request.after, through=last, last=last, states=[], events=[], results=results
        )

    def module_frames(self, request: FramesRequest, block: int = 5) -> Frames:
        told = [message for each in self.module[request.run][request.after : request.after + block] for message in each]
        last = len(self.module[request.run])
        return Frames(
            run=request.run,
            after=request.after,
            through=min(request.after + block, last),
            last=last,
            states=[message for message in told if isinstance(message, State)],
            events=[message for message in told if isinstance(message, Event)],
            results=[message for message in told if isinstance(message, Result)],
            ended=request.run != [*self.module][-1],
        )


def repaired(streams: Streams, producer: Producer) -> list[Published]:
    """Ask and answer until nothing is missing."""
    ready: list[Published] = []
    assert streams.clock is not None
    for _ in range(1000):
        asked = streams.clock.request
        if isinstance(asked, ReplayRequest):
            ready += streams.tell(streams.clock.on_replay(producer.replay(asked)))
        elif isinstance(asked, FramesRequest):
            ready += streams.clock.on_frames(producer.clock_frames(asked))
        wanted = streams.modules["m1"].request
        if wanted is not None:
            ready += streams.modules["m1"].on_frames(producer.module_frames(wanted))
        if asked is None and wanted is None:
            return ready
    raise AssertionError("it never ends asking")


def keys(messages: list[Published], cls: type[Published]) -> list[Any]:
    return [
        (each.run, each.seq, getattr(each, "id", ""), getattr(each, "text", "")) for each in messages
        if isinstance(each, cls)
    ]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_is_lost_or_repeated_everything_arrives_once_and_in_order(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 25), min_size=1, max_size=3))
    producer = Producer(lengths, data.draw(st.lists(st.integers(1, 25), max_size=6)))
    sent = producer.published()
    streams = Streams(["m1"], whole=True)
    heard: list[Published] = []
    fates = data.draw(st.lists(st.sampled_from(["lost", "kept", "kept", "twice"]), min_size=1, max_size=40))
    asks = data.draw(st.lists(st.booleans(), min_size=1, max_size=20))
    # The last tick and state of all come through: without them nobody could know that there was anything.
    certain = {id(producer.ticks[run][-1]) for run in producer.ticks} | {
        id(producer.module[RUNS[len(lengths) - 1]][-1])
    }
    certain |= {id(each) for run in producer.module for each in producer.module[run][-1] if isinstance(each, State)}
    for index, message in enumerate(sent):
        fate = "kept" if id(message) in certain else fates[index % len(fates)]
        for _ in range({"lost": 0, "kept": 1, "twice": 2}[fate]):
            heard += streams.on(message)
        if asks[index % len(asks)]:
            heard += repaired(streams, producer)
    heard += repaired(streams, producer)
    assert keys(heard, Tick) == keys(sent, Tick)
    assert keys(heard, State) == keys(sent, State)
    last = (RUNS[len(lengths) - 1], lengths[-1])

    def settled(key: Any) -> bool:
        # What came with the very last tick can be missed only later, when the next one tells of it.
        return (key[0], key[1]) < (last[0], last[1] - 3)

    for kind in (Event, Result):
        got, all_of_it = keys(heard, kind), keys(sent, kind)
        assert len(got) == len(set(got)), "each once"
        assert {key for key in all_of_it if settled(key)} <= set(got) <= set(all_of_it)
    assert streams.lost == 0


def test_a_live_stream_begins_where_it_is_heard_first() -> None:
    producer = Producer([20], [3, 12])
    streams = Streams(["m1"])
    heard = [each for message in producer.published() if message.seq >= 10 for each in streams.on(message)]
    assert [each.seq for each in heard if isinstance(each, Tick)] == list(range(10, 21))
    assert [each.seq for each in heard if isinstance(each, State)] == list(range(10, 21))
    assert repaired(streams, producer) == []


def test_a_clock_with_a_lower_epoch_is_not_listened_to() -> None:
    stream = TickStream()
    assert stream.on(tick("r2", 1, epoch=5)) != []
    assert stream.on(tick("r1", 100, epoch=4)) == []
    assert stream.fenced == 1
    assert stream.on(tick("r2", 2, epoch=5)) != []
    old = Replay(run="r2", spans=[], last=50, epoch=4, rate=100, wall=0.0)
    assert stream.on_replay(old) == []


def test_ticks_of_a_replaced_clock_that_still_wait_are_asked_for_again() -> None:
    """Found by a run under faults: a tick of the old clock came after ticks that the new one had told again."""
    stream = TickStream(whole=True)
    stream.on(tick("r1", 1, epoch=1))
    assert stream.on(tick("r1", 3, epoch=1)) == []
    span = ReplaySpan(first=2, count=1, t=0.01, dt=0.01, mode="running", speed=1.0, flat_out=False, commands=[])
    reply = Replay(run="r1", spans=[span], last=2, epoch=2, rate=100, wall=0.0)
    assert [message.seq for message in stream.on_replay(reply)] == [2]
    assert stream.request == ReplayRequest(run="r1", after=2)
    reply = Replay(
        run="r1", spans=[msgspec.structs.replace(span, first=3, t=0.02)], last=3, epoch=2, rate=100, wall=0.0
    )
    again = stream.on_replay(reply)
    assert [(message.seq, message.epoch) for message in again if isinstance(message, Tick)] == [(3, 2)]
    assert stream.request is None


def test_a_replayed_tick_is_the_published_one_but_for_what_belongs_to_its_sending() -> None:
    producer = Producer([6], [4])
    stream = TickStream(whole=True)
    stream.on(producer.ticks[RUNS[0]][0])
    stream.on(producer.ticks[RUNS[0]][5])
    request = stream.request
    assert isinstance(request, ReplayRequest)
    got = stream.on_replay(producer.replay(request))
    for original, again in zip(producer.ticks[RUNS[0]][1:5], got, strict=False):
        assert isinstance(again, Tick)
        assert again.t == pytest.approx(original.t)
        assert (again.seq, again.dt, again.mode, again.speed) == (
            original.seq,
            original.dt,
            original.mode,
            original.speed,
        )
        assert again.commands == original.commands


def test_what_cannot_be_had_is_counted_and_the_stream_goes_on() -> None:
    producer = Producer([20], [])
    streams = Streams(["m1"])
    assert streams.clock is not None
    for message in producer.published():
        if message.seq not in {5, 6, 7}:
            streams.on(message)
    module = streams.modules["m1"]
    assert isinstance(module, ModuleStream)
    assert [each.seq for each in streams.clock.skip()] == list(range(8, 21))
    assert [each.seq for each in module.skip()] == list(range(8, 21))
    assert streams.lost == 6
    assert module.request is None


@pytest.mark.parametrize("lost", [set(), {0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}])
def test_what_the_clock_tells_of_a_run_that_it_stopped_is_had_again(lost: set[int]) -> None:
    stop = Command(id="late", module="clock", name=STOP_LATE, args={"late": ["m1"]}, origin="clock")
    ticks = [tick(RUNS[0], seq, *([stop] if seq == 3 else [])) for seq in range(1, 9)]
    head = {"run": RUNS[0], "seq": 3, "module": "clock"}
    event = built(Event, **head, kind="policy", text="stopped")
    result = built(Result, **head, id="late", name=STOP_LATE, outcome="applied")
    stream = TickStream(whole=True)
    heard: list[Published] = []
    for each in ticks:
        told = [each, event, result] if each.seq == 3 else [each]
        for index, message in enumerate(told):
            if each.seq != 3 or index not in lost:
                heard += stream.on(message)
    asked = stream.request
    if isinstance(asked, ReplayRequest):
        span = ReplaySpan(first=3, count=1, t=0.02, dt=0.01, mode="running", speed=1.0, flat_out=False, commands=[stop])
        heard += stream.on_replay(Replay(run=RUNS[0], spans=[span], last=8, epoch=1, rate=100, wall=2.0))
        asked = stream.request
    assert isinstance(asked, FramesRequest) == bool(lost & {1, 2})
    for _ in range(2):  # the second answer brings nothing new
        heard += stream.on_frames(Frames(RUNS[0], 2, 8, 8, states=[], events=[event], results=[result]))
    assert sorted(type(message).__name__ for message in heard) == ["Event", "Result", *["Tick"] * 8]
    assert (stream.request, stream.buffer.lost) == (None, 0)


def test_an_instance_that_slept_does_not_end_a_run() -> None:
    """It answers that the run goes as far as it has heard; only who knows that the run has ended may end it."""
    producer = Producer([20, 5], [])
    streams = Streams(["m1"], ticks=False)
    for run in RUNS[:2]:
        for told in producer.module[run]:
            for message in told:
                if run == RUNS[1] or message.seq <= 8:
                    streams.on(message)
    module = streams.modules["m1"]
    asleep = Frames(run=RUNS[0], after=7, through=8, last=8, states=[], events=[], results=[])
    assert module.on_frames(asleep) == []
    wanted = module.request
    assert wanted is not None
    assert wanted.run == RUNS[0]
    heard = repaired_module(module, producer)
    assert [(each.run, each.seq) for each in heard if isinstance(each, State)] == [
        *((RUNS[0], seq) for seq in range(9, 21)),
        *((RUNS[1], seq) for seq in range(1, 6)),
    ]


def repaired_module(module: ModuleStream, producer: Producer) -> list[Published]:
    """Ask a producer that knows all until nothing is missing."""
    ready: list[Published] = []
    while (wanted := module.request) is not None:
        ready += module.on_frames(producer.module_frames(wanted))
    return ready
