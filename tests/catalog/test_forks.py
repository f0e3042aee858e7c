"""A fork is answered once every module has begun the new run, whoever asks; else it says where it stopped."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from msgspec import structs

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import (
    CommandRequest,
    Forked,
    ForkRequest,
    Frames,
    FramesRequest,
    Refused,
    Replay,
    ReplayRequest,
    Result,
    Sequenced,
    Violation,
    begin_id,
)
from bus.protocol.schema import Message
from bus.transport import client
from bus.transport.client import Commander
from bus.transport.request import NotAnsweredError, RefusedError
from bus.transport.sockets import Server
from catalog.forks import ForkPoint, MomentError, NewRun, RejectedError, begin_fork, by_commander
from tests.bus.conftest import PATIENCE, bound
from tests.ports import free_ports

OLD, NEW = "0001-001", "0001-002"
MOMENT = ForkPoint(OLD, {"m1": 150, "m2": 150})


def forked(module: str) -> Forked:
    return Forked(module=module, scenario=f"fork:{OLD}@150", t=1.5, digest="0" * 16)


def result(name: str, run: str, module: str, command_id: str) -> Result:
    return Result(
        t=0.0,
        seq=1 if name == "begin" else 200,
        run=run,
        wall=1.7e9,
        module=module,
        id=command_id,
        name=name,
        outcome="applied",
        reason="",
        violations=[],
        applied={name: 1},
    )


def begun(module: str) -> Result:
    return result("begin", NEW, module, begin_id(NEW))


@dataclass
class Plant:
    """A clock and two modules that answer as told; the clock tells the new run when it is asked a second time."""

    endpoints: Endpoints
    ready: dict[str, Forked | Refused] = field(default_factory=lambda: {"m1": forked("m1"), "m2": forked("m2")})
    again: list[Result] = field(default_factory=list)
    """What modules say when they are asked for results."""
    commands: list[CommandRequest] = field(default_factory=list)
    asked: int = 0

    @contextmanager
    def running(self, commander: Commander) -> Iterator[None]:
        """Serve; results of the clock are told to the commander as if they came over the bus."""
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def clock(payload: bytes) -> Message:
            request = codec.decode_clock_request(payload)
            if isinstance(request, CommandRequest):
                self.commands.append(request)
                run = NEW if request.name == "start" else OLD
                loop.call_soon_threadsafe(commander.heard, result(request.name, run, "clock", request.id))
                return Sequenced(id=request.id, run=run, seq=200)
            if isinstance(request, ReplayRequest):
                self.asked += 1
                following = NEW if self.asked > 1 else ""
                return Replay(request.run, [], 200, 1, 100, 1.7e9, ended=bool(following), following=following)
            assert isinstance(request, FramesRequest)
            return Frames(request.run, request.after, 1, 1, [], [], [])

        def module(name: str, payload: bytes) -> Message:
            request = codec.decode_module_request(payload)
            if isinstance(request, ForkRequest):
                assert (request.run, request.seq) == (OLD, MOMENT.ticks[name])
                return self.ready[name]
            assert isinstance(request, FramesRequest)
            results = [each for each in self.again if each.module == name]
            return Frames(request.run, request.after, 1, 1, [], [], results)

        def serve(address: str, answer: Callable[[bytes], Message]) -> None:
            with bound(Server, address) as server:
                while not stop.is_set():
                    if (received := server.receive(0.01)) is not None:
                        server.reply(received.peer, codec.encode(answer(received.payload)))

        served: dict[str, Callable[[bytes], Message]] = {
            each.snapshot: partial(module, each.module) for each in self.endpoints.modules
        }
        served[self.endpoints.clock_control] = clock
        threads = [threading.Thread(target=serve, args=each) for each in served.items()]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@pytest.fixture
def plant() -> Plant:
    clock, publish, _, snapshot, _ = free_ports(5)  # in a row: modules count up from the first one's
    return Plant(
        Endpoints.from_environment(
            {
                "KPP_MODULES": "m1,m2",
                "KPP_CLOCK_CONTROL": f"tcp://127.0.0.1:{clock}",
                "KPP_PHYSICS_PUBLISH": f"tcp://127.0.0.1:{publish}",
                "KPP_PHYSICS_SNAPSHOT": f"tcp://127.0.0.1:{snapshot}",
            }
        )
    )


def fork(plant: Plant, heard: Callable[[Commander, "asyncio.Task[NewRun]"], object], *, start: bool = False) -> NewRun:
    """Fork; as soon as the present run is ended `heard` is called with who is told of results, and the fork."""

    async def run() -> NewRun:
        commander = Commander(plant.endpoints)
        with plant.running(commander):
            order = by_commander(commander, "test", "mine")
            changes = {"drag_area": 0.4}
            task = asyncio.create_task(begin_fork(plant.endpoints, commander, MOMENT, changes, order, start=start))
            async with asyncio.timeout(PATIENCE):
                while not task.done() and plant.asked < 2:
                    await asyncio.wait([task], timeout=0.01)
            heard(commander, task)
            return await task

    return asyncio.run(run())


def tell(*modules: str) -> Callable[[Commander, "asyncio.Task[NewRun]"], None]:
    def heard(commander: Commander, task: "asyncio.Task[NewRun]") -> None:
        for module in modules:
            assert not task.done(), "it waits for every module"
            commander.heard(begun(module))

    return heard


def test_a_fork_is_answered_once_every_module_has_begun_the_run(plant: Plant) -> None:
    new = fork(plant, tell("m1", "m2"))
    assert (new.run, new.seq, new.seq_before, new.t_before) == (NEW, 1, 150, 1.5)
    assert [(each.id, each.name, each.args) for each in plant.commands] == [
        ("mine", "reset", {"scenario": f"fork:{OLD}@150", "parameters": {"drag_area": 0.4}})
    ]


def test_the_time_of_the_new_run_goes_on_only_once_every_module_has_begun_it(plant: Plant) -> None:
    def heard(commander: Commander, task: "asyncio.Task[NewRun]") -> None:
        assert [each.name for each in plant.commands] == ["reset"]
        tell("m1", "m2")(commander, task)

    new = fork(plant, heard, start=True)
    assert [each.name for each in plant.commands] == ["reset", "start"]
    assert (new.run, new.seq, new.applied) == (NEW, 200, {"reset": 1, "begin": 1, "start": 1})


def test_a_beginning_that_was_not_heard_is_asked_for(plant: Plant) -> None:
    plant.again = [begun("m2")]
    assert fork(plant, tell("m1")).run == NEW


def test_who_does_not_begin_the_run_is_named(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BEGUN_WITHIN", 0.3)
    with pytest.raises(NotAnsweredError, match=f"^run {NEW} was not begun by m2 within 0.3 s$"):
        fork(plant, tell("m1"))


def test_a_module_that_rejects_the_beginning_ends_the_fork(plant: Plant) -> None:
    violation = Violation(field="drag_area", limit="3", reason="drag_area is too large")

    def heard(commander: Commander, _task: object) -> None:
        commander.heard(begun("m1"))
        commander.heard(structs.replace(begun("m2"), outcome="rejected", violations=[violation]))

    with pytest.raises(RejectedError, match=r"^drag_area is too large$"):
        fork(plant, heard, start=True)
    assert [each.name for each in plant.commands] == ["reset"], "it was not started"


def test_what_one_module_cannot_make_ready_ends_no_run(plant: Plant) -> None:
    plant.ready["m2"] = Refused(id="", field="", reason="that moment is not here")
    with pytest.raises(RefusedError, match=r"^that moment is not here$"):
        fork(plant, tell())
    assert plant.commands == []


def test_modules_at_other_moments_end_no_run(plant: Plant) -> None:
    plant.ready["m2"] = structs.replace(forked("m2"), t=1.51)
    with pytest.raises(MomentError, match=f"^the modules of run {OLD} were not at the same tick there$"):
        fork(plant, tell())
    assert plant.commands == []
