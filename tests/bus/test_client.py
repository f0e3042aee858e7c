"""What programs use: commands that are retried and answered once, messages in order, gaps reported once."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec import structs

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import (
    ClockReply,
    CommandRequest,
    Frames,
    FramesRequest,
    ModuleReply,
    Published,
    Refused,
    Replay,
    ReplayRequest,
    Result,
    Sequenced,
    Snapshot,
    SnapshotRequest,
    State,
    Status,
    Tick,
)
from bus.transport import client
from bus.transport.client import Commander, command
from bus.transport.listener import Listener
from bus.transport.request import NotAnsweredError, RefusedError
from bus.transport.sockets import Publisher, Server
from tests.bus.conftest import PATIENCE, bound
from tests.bus.samples import sample
from tests.ports import free_address

Answer = Callable[[CommandRequest], ClockReply | None]
Again = Callable[[FramesRequest | ReplayRequest], ClockReply]


@pytest.fixture
def endpoints() -> Endpoints:
    """A plant on free ports."""
    names = ("KPP_CLOCK_PUBLISH", "KPP_CLOCK_CONTROL", "KPP_PHYSICS_PUBLISH", "KPP_PHYSICS_SNAPSHOT")
    return Endpoints.from_environment({name: free_address() for name in names})


def nothing_again(request: FramesRequest | ReplayRequest) -> ClockReply:
    """Of a clock that has nothing to tell again."""
    return Refused(id="", field="run", reason=f"no run {request.run} is on record here")


@contextmanager
def clock(endpoints: Endpoints, answer: Answer, again: Again = nothing_again) -> Iterator[list[CommandRequest]]:
    """A clock that answers commands as told; gives the requests it has seen."""
    seen: list[CommandRequest] = []
    stop = threading.Event()
    with bound(Server, endpoints.clock_control) as server:

        def serve() -> None:
            while not stop.is_set():
                received = server.receive(0.01)
                if received is None:
                    continue
                request = codec.decode_clock_request(received[1])
                if isinstance(request, FramesRequest | ReplayRequest):
                    server.reply(received[0], codec.encode(again(request)))
                    continue
                assert isinstance(request, CommandRequest)
                seen.append(request)
                reply = answer(request)
                if reply is not None:
                    server.reply(received[0], codec.encode(reply))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()


def accept(request: CommandRequest) -> Sequenced:
    """What a healthy clock answers."""
    return Sequenced(id=request.id, run="r-1", seq=7)


def result(request: CommandRequest, outcome: str = "applied") -> Result:
    """What the module publishes."""
    fields = sample(Result) | {"id": request.id, "name": request.name, "outcome": outcome}
    made: Result = codec.build(Result, fields)
    return made


def deaf(times: int) -> Answer:
    """A clock that loses its first requests."""
    left = iter(range(times))
    return lambda request: None if next(left, None) is not None else accept(request)


# Making a command


def test_each_command_has_its_own_id() -> None:
    one, two = (command("clock", "start", {}, "test") for _ in range(2))
    assert one.id != two.id
    assert command("clock", "start", {}, "test", "my-id").id == "my-id"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"module": "M 1"}, "module"),
        ({"name": "start\n"}, "name"),
        ({"args": {"a": float("nan")}}, "args"),
        ({"args": {"a": b"x"}}, "args"),
        ({"args": {"a": object()}}, "args"),
        ({"args": {1: 2}}, "args"),
        ({"args": None}, "args"),
        ({"origin": ""}, "origin"),
        ({"command_id": "a b"}, "id"),
    ],
)
def test_a_wrong_command_is_refused_where_it_is_made(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(codec.FrameError, match=re.escape(f"$.{field}")):
        command(**{"module": "clock", "name": "start", "args": {}, "origin": "test"} | changed)


def test_a_command_that_the_clock_would_not_take_is_refused_where_it_is_made() -> None:
    args = {f"name_{number}": "x" * 1000 for number in range(66)}
    with pytest.raises(codec.FrameError, match=f"bytes is over the limit of {codec.MAX_REQUEST}"):
        command("clock", "start", args, "test")
    with pytest.raises(codec.FrameError, match="cannot be packed"):
        command("clock", "start", {"half": "\ud800"}, "test")


# Commander


def test_a_command_is_sequenced_and_its_result_awaited(endpoints: Endpoints) -> None:
    async def send() -> Result:
        commander = Commander(endpoints)
        loop = asyncio.get_running_loop()

        def answer(request: CommandRequest) -> Sequenced:
            loop.call_soon_threadsafe(commander.heard, result(request))
            return accept(request)

        with clock(endpoints, answer) as seen:
            request = command("clock", "start", {}, "test")
            first = await commander.send(request, PATIENCE)
            again = await commander.send(request, PATIENCE)
            assert again is first, "what is known needs no clock"
            assert seen == [request]
            return first

    assert asyncio.run(send()).outcome == "applied"


def test_s08_a_command_for_all_is_answered_when_every_module_has(endpoints: Endpoints) -> None:
    modules = {"KPP_MODULES": "m1,m2", "KPP_CLOCK_CONTROL": endpoints.clock_control}
    request = command("*", "emergency_stop", {}, "test")

    async def send() -> Result:
        commander = Commander(Endpoints.from_environment(modules))
        with clock(endpoints, accept):
            pending = asyncio.ensure_future(commander.send(request, PATIENCE))
            first = structs.replace(result(request), module="m1", applied={"state": "emergency_stop"})
            commander.heard(first)
            await asyncio.wait([pending], timeout=0.05)
            assert not pending.done(), "m2 has not answered"
            reason = {"reason": "the emergency stop is in force already", "applied": {}}
            commander.heard(structs.replace(result(request, "rejected"), module="m2", violations=[], **reason))
            return await pending

    told = asyncio.run(send())
    assert (told.module, told.outcome) == ("*", "applied")
    assert told.applied == {"m1": {"state": "emergency_stop"}}
    assert told.reason == "m2: the emergency stop is in force already"


def test_s08_who_has_not_answered_a_command_for_all_is_named(endpoints: Endpoints) -> None:
    modules = {"KPP_MODULES": "m1,m2,m3", "KPP_CLOCK_CONTROL": endpoints.clock_control}
    request = command("*", "emergency_stop", {}, "test")

    async def send() -> None:
        commander = Commander(Endpoints.from_environment(modules))
        with clock(endpoints, accept):
            commander.heard(structs.replace(result(request), module="m2"))
            await commander.send(request, 0.5)

    expected = r"^no answer from m1, m3 to 'emergency_stop' within 0.5 s; the command was sequenced"
    with pytest.raises(NotAnsweredError, match=expected):
        asyncio.run(send())


def test_a_result_that_comes_before_the_answer_counts_too(endpoints: Endpoints) -> None:
    async def send() -> Result:
        commander = Commander(endpoints)
        request = command("m1", "plant_start", {}, "test")
        with clock(endpoints, lambda _request: None):
            pending = asyncio.ensure_future(commander.send(request, PATIENCE))
            await asyncio.wait([pending], timeout=0.05)
            commander.heard(result(request))
        with clock(endpoints, accept):
            return await pending

    assert asyncio.run(send()).id


def test_a_lost_request_is_repeated_with_the_same_id(endpoints: Endpoints) -> None:
    async def send() -> list[CommandRequest]:
        commander = Commander(endpoints)
        request = command("clock", "pause", {}, "test")
        with clock(endpoints, deaf(2)) as seen:
            pending = asyncio.ensure_future(commander.send(request, PATIENCE))
            while len(seen) < 3:
                await asyncio.wait([pending], timeout=0.01)
            commander.heard(result(request))
            await pending
        assert seen == [request] * 3
        return seen

    assert len(asyncio.run(send())) == 3


def test_an_answer_that_comes_while_the_request_is_repeated_counts(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETRY_INTERVAL", 0.1)
    first: list[list[bytes]] = []

    def slow(server: Server) -> None:
        for _ in range(3):
            received = server.receive(PATIENCE)
            assert received is not None
            first.append(received[0])
        server.reply(first[0], codec.encode(accept(request)))  # only the first, and only now

    request = command("m1", "inject", {}, "test")

    async def script() -> Result:
        commander = Commander(endpoints)
        sending = asyncio.create_task(commander.send(request, timeout=PATIENCE))
        await asyncio.to_thread(thread.join)
        commander.heard(result(request))
        return await sending

    with bound(Server, endpoints.clock_control) as server:
        thread = threading.Thread(target=slow, args=(server,))
        thread.start()
        assert asyncio.run(script()).id == request.id


def test_two_who_send_the_same_command_get_the_same_result(endpoints: Endpoints) -> None:
    async def send() -> tuple[Result, Result]:
        commander = Commander(endpoints)
        request = command("clock", "start", {}, "test")
        with clock(endpoints, accept) as seen:
            both = asyncio.gather(commander.send(request, PATIENCE), commander.send(request, PATIENCE))
            while len(seen) < 2:
                await asyncio.wait([both], timeout=0.01)
            commander.heard(result(request, "rejected"))
            return await both

    one, two = asyncio.run(send())
    assert one is two
    assert one.outcome == "rejected"


def refuse(request: CommandRequest) -> Refused:
    """What a clock answers to a command for nobody."""
    return Refused(id=request.id, field="module", reason="no module 'm9': use one of m1")


def test_a_refusal_is_an_error_that_names_the_field(endpoints: Endpoints) -> None:
    request = command("m9", "start", {}, "test")
    with clock(endpoints, refuse) as seen:
        with pytest.raises(RefusedError, match=r"^module: no module 'm9': use one of m1$") as caught:
            asyncio.run(Commander(endpoints).send(request))
        with pytest.raises(RefusedError, match=r"^module: no module 'm9'"):
            client.sequence(endpoints, request)
        assert caught.value.refused.field == "module"
        assert len(seen) == 2, "a refusal is no reason to ask again"


def test_a_refusal_without_a_field_says_just_why() -> None:
    assert str(RefusedError(Refused(id="", field="", reason="journal is full"))) == "journal is full"


def test_no_clock(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RETRY_INTERVAL", 0.02)
    request = command("clock", "start", {}, "test")
    expected = f"^the clock at {endpoints.clock_control} did not answer.*ask again with the same id$"
    with pytest.raises(NotAnsweredError, match=expected):
        asyncio.run(Commander(endpoints).send(request))
    with pytest.raises(NotAnsweredError, match=expected):
        client.sequence(endpoints, request)


def test_sequenced_but_no_result(endpoints: Endpoints) -> None:
    request = command("m1", "plant_start", {}, "test")
    expected = "^no answer from m1 to 'plant_start' within 0.05 s; the command was sequenced at tick 7 of run r-1: ask"
    with clock(endpoints, accept), pytest.raises(NotAnsweredError, match=expected):
        asyncio.run(Commander(endpoints).send(request, 0.05))


def test_commander_remembers_a_bounded_number_of_results(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RESULTS_KEPT", 3)
    commander = Commander(endpoints)
    requests = [command("clock", "start", {}, "test") for _ in range(5)]
    for request in requests:
        commander.heard(result(request))
    with clock(endpoints, accept):
        for request in requests[2:]:
            assert asyncio.run(commander.send(request)).id == request.id
        with pytest.raises(NotAnsweredError):
            asyncio.run(commander.send(requests[0], 0.05))


def test_a_result_that_was_lost_is_asked_for(endpoints: Endpoints) -> None:
    """Two wait for the same command: both are answered."""
    request = command("clock", "start", {}, "test")

    def again(asked: FramesRequest | ReplayRequest) -> ClockReply:
        assert asked == FramesRequest(run="r-1", after=6)
        return Frames(run="r-1", after=6, through=9, last=9, states=[], events=[], results=[result(request)])

    async def both() -> list[Result]:
        commander = Commander(endpoints)
        return list(await asyncio.gather(commander.send(request), commander.send(request)))

    with clock(endpoints, accept, again):
        assert asyncio.run(both()) == [result(request)] * 2


def test_a_command_refused_for_the_moment_is_sent_again_with_the_same_id(endpoints: Endpoints) -> None:
    request = command("clock", "start", {}, "test")
    commander = Commander(endpoints)
    seen: list[str] = []

    def answer(asked: CommandRequest) -> ClockReply:
        seen.append(asked.id)
        if len(seen) < 3:
            return Refused(id=asked.id, field="", reason="m1 is not caught up", retry_after=0.01)
        commander.heard(result(request))
        return accept(asked)

    with clock(endpoints, answer):
        assert asyncio.run(commander.send(request)) == result(request)
    assert seen == [request.id] * 3


def test_a_module_that_stays_late_is_told_in_time(endpoints: Endpoints) -> None:
    request = command("m1", "plant_start", {}, "test")
    late = Refused(id=request.id, field="", reason="m1 is not caught up", retry_after=0.02)
    with clock(endpoints, lambda _asked: late), pytest.raises(RefusedError, match="not caught up"):
        asyncio.run(Commander(endpoints).send(request, 0.1))


def test_plain_program_retries_with_the_same_id(endpoints: Endpoints) -> None:
    request = command("clock", "start", {}, "test")
    with clock(endpoints, deaf(1)) as seen:
        assert client.sequence(endpoints, request) == accept(request)
    assert seen == [request] * 2


# Snapshot


def test_snapshot(endpoints: Endpoints) -> None:
    expected: Snapshot = codec.build(Snapshot, sample(Snapshot))

    async def ask(reply: ModuleReply) -> Snapshot:
        with bound(Server, endpoints.module("m1").snapshot) as server:
            pending = asyncio.ensure_future(client.snapshot(endpoints, "m1", PATIENCE))
            received = await asyncio.to_thread(server.receive, PATIENCE)
            assert received is not None
            assert codec.decode_module_request(received[1]) == SnapshotRequest()
            server.reply(received[0], codec.encode(reply))
            return await pending

    assert asyncio.run(ask(expected)) == expected
    with pytest.raises(RefusedError, match=r"^module m1 has no plant$"):
        asyncio.run(ask(Refused(id="", field="", reason="module m1 has no plant")))


def test_snapshot_of_a_module_that_is_not_there(endpoints: Endpoints) -> None:
    address = endpoints.module("m1").snapshot
    with pytest.raises(NotAnsweredError, match=f"^module m1 at {address} did not answer in 0.05 s: is it running"):
        asyncio.run(client.snapshot(endpoints, "m1", 0.05))


# Listener


class Stage:
    """A publisher and a listener that hear each other."""

    def __init__(self, endpoints: Endpoints, topics: tuple[str, ...], *, repair: bool = False) -> None:
        self.gaps: list[tuple[str, int, int]] = []
        self.publisher = Publisher(endpoints.clock_publish)
        self.listener = Listener(endpoints, topics, lambda *gap: self.gaps.append(gap), repair=repair)
        hello: Status = codec.build(Status, sample(Status))
        while self.listener.receive(0.005) is None:
            self.publisher.send(codec.encode_published(hello))
        while self.listener.receive(0.05) is not None:
            pass

    def say(self, cls: type[Published], seq: int, **changed: Any) -> Published | None:
        """Publish a message and return what the listener makes of it."""
        self.publisher.send(codec.encode_published(codec.build(cls, sample(cls) | {"seq": seq} | changed)))
        return self.listener.receive(PATIENCE)

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        self.publisher.close()


def test_gaps_are_reported_once_with_what_is_missing(endpoints: Endpoints) -> None:
    with Stage(endpoints, ("tick", "status")) as stage:
        for seq in (5, 6, 9, 10, 12):
            message = stage.say(Tick, seq)
            assert message is not None
            assert message.seq == seq
        assert stage.gaps == [("tick", 7, 2), ("tick", 11, 1)]


def test_a_new_run_is_no_gap(endpoints: Endpoints) -> None:
    with Stage(endpoints, ("tick", "status")) as stage:
        stage.say(Tick, 100, run="one")
        stage.say(Tick, 1, run="two")
        stage.say(Tick, 2, run="two")
        stage.say(Tick, 900, run="three")
        assert stage.gaps == []


def test_each_topic_has_its_own_numbers(endpoints: Endpoints) -> None:
    with Stage(endpoints, ("tick", "status", "state/")) as stage:
        stage.say(State, 1, module="m1")
        stage.say(State, 50, module="m2")
        stage.say(Tick, 70)
        stage.say(State, 2, module="m1")
        stage.say(State, 53, module="m2")
        assert stage.gaps == [("state/m2/", 51, 2)]


def test_events_and_results_come_when_they_come(endpoints: Endpoints) -> None:
    with Stage(endpoints, ("result/", "status")) as stage:
        stage.say(Result, 1)
        stage.say(Result, 500)
        assert stage.gaps == []


def test_a_module_that_starts_over_is_no_gap(endpoints: Endpoints) -> None:
    with Stage(endpoints, ("state/", "status")) as stage:
        for seq in (10, 11, 8, 9, 10, 11, 12):
            stage.say(State, seq)
        assert stage.gaps == []


def test_bad_frames_are_counted_and_the_listener_goes_on(endpoints: Endpoints) -> None:
    with Stage(endpoints, ("tick", "status")) as stage:
        for payload in (b"", b"\xc1", b"\x80", bytes(1000)):
            stage.publisher.send((b"tick", payload))
        message = stage.say(Tick, 3)
        assert message is not None
        assert message.seq == 3
        assert stage.listener.bad_frames == 4


def test_silence_is_none_not_an_error(endpoints: Endpoints) -> None:
    listener = Listener(endpoints, ("tick",))
    assert listener.receive(0.02) is None
    assert listener.receive(0.0) is None
    listener.close()


def test_lost_ticks_are_asked_for_and_come_in_their_place(endpoints: Endpoints) -> None:
    def again(asked: FramesRequest | ReplayRequest) -> ClockReply:
        assert isinstance(asked, ReplayRequest)
        spans = [{**sample(Replay)["spans"][0], "first": asked.after + 1, "count": 12 - asked.after, "commands": []}]
        reply: Replay = codec.build(Replay, sample(Replay) | {"run": "one", "spans": spans, "last": 12, "epoch": 9})
        return reply

    with clock(endpoints, accept, again), Stage(endpoints, ("tick", "status"), repair=True) as stage:
        got = [stage.say(Tick, seq, run="one", epoch=9, commands=[]) for seq in (5, 9)]
        got += [stage.listener.receive(PATIENCE) for _ in range(3)]
        assert [each.seq for each in got if each is not None] == [5, 6, 7, 8, 9]
        assert stage.gaps == []
        assert (stage.listener.streams.repaired, stage.listener.streams.lost) == (6, 0), "the answer goes on to tick 12"
