"""Replay: what was recorded comes again through the same topics, at any speed and from any moment, and says so."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from websockets.sync.client import ClientConnection, connect

from bus.protocol.messages import CommandRequest, Event, Published, Refused, Result, Sequenced, State, Status, Tick
from bus.transport.client import command, sequence
from bus.transport.listener import Listener
from nodes.recorder.core import Intake
from nodes.recorder.replay import ReplayCore, ReplayError
from recording.folder import RunFolder, make_folder
from recording.hot import HotStore
from recording.seal import Sealer
from runtime.replay_endpoints import VARIABLES
from tests.bus.samples import sample
from tests.nodes.recorder.conftest import Plant
from tests.nodes.recorder.test_rows import make_state
from tests.ports import free_ports
from tests.session import PLANTS
from tests.watching import eventually

RUN = "0001-001"
LAST = 400


def plant_state(seq: int) -> State:
    """What a plant published at a tick: an event in every 50th."""
    base = make_state(seq=seq, run=RUN, t=seq / 100, events=(seq - 1) // 50, results=0, digest=f"{seq:016x}")
    return msgspec.structs.replace(base, grid=msgspec.structs.replace(base.grid, net_power=seq * 10.0))


def plant_event(seq: int) -> Event:
    """An event of a tick."""
    fields = sample(Event) | {"module": "m1", "run": RUN, "seq": seq, "t": seq / 100, "text": f"at {seq}"}
    event: Event = msgspec.convert(fields, Event)
    return event


@pytest.fixture
def recorded(tmp_path: Path) -> RunFolder:
    """Four seconds of a plant, half of them sealed."""
    folder = make_folder(tmp_path / "recordings", RUN)
    intake = Intake()
    for seq in range(1, LAST + 1):
        intake.take(plant_state(seq))
        if seq % 50 == 0:
            intake.take(plant_event(seq))
    with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
        store.write(intake.batches()[RUN])
        sealer.seal("m1", 1, 100)
        sealer.seal("m1", 101, 200)
    return folder


class Bench:
    """A replay in virtual time."""

    def __init__(self, folder: RunFolder, rate: int = 100) -> None:
        self.core = ReplayCore(folder, rate, epoch=9)
        self._ids = 0

    def order(self, name: str, module: str = "clock", /, **args: Any) -> Sequenced | Refused:
        """Send a command."""
        self._ids += 1
        request = CommandRequest(id=f"c{self._ids}", module=module, name=name, args=args, origin="test")
        return self.core.order(request)

    def ticks(self, count: int) -> list[Published]:
        """All that is published in some ticks."""
        return [message for _ in range(count) for message in self.core.tick(0, 7.0)]


def of(kind: type[Any], messages: list[Published]) -> list[Any]:
    """The messages of one kind."""
    return [message for message in messages if isinstance(message, kind)]


def test_at_speed_one_every_state_comes_again_with_its_values_and_digest(recorded: RunFolder) -> None:
    bench = Bench(recorded)
    (first,) = of(State, bench.ticks(1))
    bench.order("start")
    states = [first, *of(State, played := bench.ticks(LAST - 1))]
    assert [state.digest for state in states] == [f"{seq:016x}" for seq in range(1, LAST + 1)]
    for place, state in enumerate(states, 1):
        again = msgspec.structs.replace(plant_state(place), run=state.run, wall=7.0, instance="replay")
        assert state == again
    assert [event.text for event in of(Event, played)] == [f"at {seq}" for seq in range(50, LAST + 1, 50)]
    assert {state.run for state in states} == {f"replay-1:{RUN}"}
    ticks = of(Tick, played)
    assert all(round(tick.dt * 1e6) == 10_000 for tick in ticks)
    assert ticks[0].leaders == {"m1": "replay"}


@pytest.mark.parametrize(("speed", "ticks"), [(0.1, 1000), (2.0, 50), (100.0, 1)])
def test_speeds_from_a_tenth_to_a_hundred_cover_the_same_second(recorded: RunFolder, speed: float, ticks: int) -> None:
    bench = Bench(recorded)
    bench.ticks(1)
    bench.order("set_speed", speed=speed)
    bench.order("start")
    played = bench.ticks(ticks)
    assert of(State, played)[-1].t == pytest.approx(1.01)
    assert sum(round(tick.dt * 1e6) for tick in of(Tick, played)) == 1_000_000
    seqs = [tick.seq for tick in of(Tick, played)]
    assert seqs == list(range(2, ticks + 2)), "a subscriber sees no gap"
    assert len(of(Event, played)) == 2


def test_pause_and_seek_go_to_any_moment_as_a_new_run(recorded: RunFolder) -> None:
    bench = Bench(recorded)
    bench.order("start")
    bench.ticks(20)
    bench.order("pause")
    paused = of(State, bench.ticks(5))
    assert len({state.digest for state in paused}) == 1
    for t, seq in ((3.0, 300), (0.5, 50), (1.5, 150), (4.0, 400)):
        bench.order("seek", t=t)
        messages = bench.ticks(1)
        (state,) = of(State, messages)
        assert (state.t, int(state.digest, 16), state.seq) == (t, seq, 1)
        assert of(Result, messages)[0].outcome == "applied"
    assert state.run == f"replay-5:{RUN}"
    assert state.events <= 1, "counts begin anew, so that nobody misses what was passed over"


def test_it_stands_still_at_the_end_and_can_go_back(recorded: RunFolder) -> None:
    bench = Bench(recorded)
    bench.order("seek", t=3.9)
    bench.order("start")
    messages = bench.ticks(30)
    assert of(Tick, messages)[-1].mode == "paused"
    assert of(State, messages)[-1].t == 4.0
    bench.order("seek", t=1.0)
    assert of(State, bench.ticks(1))[0].t == 1.0


def test_what_a_replay_does_not_do_is_refused_with_the_reason(recorded: RunFolder, tmp_path: Path) -> None:
    bench = Bench(recorded)
    refused = bench.order("set_parameters", "m1", drag_area=0.3)
    assert isinstance(refused, Refused)
    assert "this is a replay of run 0001-001" in refused.reason
    for name, args, text in (
        ("reset", {}, "knows no command 'reset'"),
        ("seek", {"t": 99.0}, "from 0.01 to 4, not t=99.0"),
        ("seek", {}, "not nothing"),
        ("set_speed", {"speed": 1000}, "from 0.1 to 100"),
        ("set_speed", {"flat_out": True}, "one number"),
    ):
        bench.order(name, **args)
        (result,) = of(Result, bench.ticks(1))
        assert (result.outcome, text in result.reason) == ("rejected", True)
    with closing(HotStore(make_folder(tmp_path, "empty").hot)), pytest.raises(ReplayError, match="nothing is recorded"):
        ReplayCore(make_folder(tmp_path, "empty"), 100, 1)


def test_a_repeated_command_acts_once(recorded: RunFolder) -> None:
    bench = Bench(recorded)
    request = CommandRequest(id="same", module="clock", name="seek", args={"t": 2.0}, origin="test")
    assert bench.core.order(request) == bench.core.order(request)
    bench.ticks(1)
    bench.core.order(request)
    bench.ticks(1)
    assert bench.core.run == f"replay-2:{RUN}"


@pytest.fixture
def player(recorded: RunFolder, make_plant: Callable[..., Plant]) -> Iterator[Plant]:
    """`kpp replay` as a user starts it, on free ports."""
    ports = free_ports(3)
    names = ("KPP_GATEWAY_HTTP", "KPP_GATEWAY_WEBSOCKET", "KPP_UI_HTTP")
    plant = make_plant(nodes=False, **{name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)})
    moved = {name.replace("KPP_", "KPP_REPLAY_"): plant.environment[name] for name in VARIABLES}
    process = PLANTS.start({**plant.environment, **moved}, [sys.executable, "-m", "console", "replay", RUN], None)
    yield plant
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0


def test_subscribers_gateway_and_dashboard_work_with_a_replay_unchanged(player: Plant) -> None:
    rest = f"http://{player.endpoints.gateway_http.host}:{player.endpoints.gateway_http.port}"
    with closing(Listener(player.endpoints, ("tick", "status", "state/", "event/"), whole=True)) as listener:
        eventually(lambda: isinstance(listener.receive(1.0), State), 20.0, "the replay publishes")
        status = eventually(lambda: _next_status(listener), 5.0, "a status")
        assert (status.replay, status.mode) == (RUN, "paused")
        sequence(player.endpoints, command("clock", "set_speed", {"speed": 10}, "test"))
        eventually(lambda: _post(rest, "/start") == 200, 10.0, "the gateway starts it")
        states: list[State] = []
        while not states or states[-1].t < 4.0:
            message = listener.receive(120.0)
            assert message is not None
            if isinstance(message, State):
                states.append(message)
        assert listener.streams.lost == 0
        live = httpx.get(f"{rest}/data/live", timeout=60.0).json()
        assert (live["run"], live["instance"]) == (f"replay-1:{RUN}", "replay")
        page = f"http://{player.endpoints.ui_http.host}:{player.endpoints.ui_http.port}/"
        assert eventually(lambda: _get(page), 20.0, "the dashboard answers") == 200
        assert httpx.patch(f"{rest}/parameters", json={"drag_area": 0.3}, timeout=60.0).status_code >= 400


def test_rest_and_websocket_of_a_replay_say_so_and_play_pause_seek_and_change_its_speed(player: Plant) -> None:
    rest = f"http://{player.endpoints.gateway_http.host}:{player.endpoints.gateway_http.port}"
    door = f"{player.endpoints.gateway_websocket.host}:{player.endpoints.gateway_websocket.port}"

    def ask(path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{rest}/v1{path}", json=body or None, timeout=60.0)

    def said(path: str = "/v1/status", of: str = rest) -> dict[str, Any]:
        try:
            found: dict[str, Any] = httpx.get(f"{of}{path}", timeout=60.0).json()
        except httpx.TransportError:
            return {}
        return found

    eventually(lambda: said().get("backend_status") == "ok" and said()["replay"], 30.0, "the gateway hears the replay")
    assert (said()["replay"], said("/v1/time")["replay"], said("/", f"http://{door}")["replay"]) == (RUN, RUN, RUN)
    with connect(f"ws://{door}/ws?rate=50", compression=None) as client:

        def command(name: str, module: str = "clock", /, **args: Any) -> dict[str, Any]:
            client.send(json.dumps({"type": "command", "module": module, "name": name, "args": args}))
            return _message(client, "applied", "problem")

        def shown(condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
            while not condition(state := _message(client, "state")):
                pass
            assert state["run"].startswith("replay-")
            assert state["instance"] == "replay"
            return state

        assert ask("/replay/seek", t=2.0).json()["applied"]["t"] == 2.0
        assert shown(lambda state: state["t"] == 2.0)["digest"] == f"{200:016x}"
        assert command("seek", t=1.0)["type"] == "applied"
        assert shown(lambda state: state["t"] == 1.0)["run"] == f"replay-3:{RUN}"
        for speed in (100, 0.1):
            assert ask("/time/speed", speed=speed).json()["applied"]["speed"] == speed
        assert command("start")["applied"]["mode"] == "running"
        assert shown(lambda state: state["t"] > 1.0)["t"] < 1.5
        assert ask("/time/pause").json()["applied"]["mode"] == "paused"
        assert command("set_speed", speed=100)["applied"]["speed"] == 100
        assert ask("/time/start").status_code == 200
        shown(lambda state: state["t"] == LAST / 100)  # its end
        for wrong in (ask("/replay/seek", t=99.0), ask("/time/speed", speed=200)):
            assert wrong.status_code == 409, wrong.text
            assert "needs one number from" in wrong.json()["detail"]
        refused = command("set_parameters", "m1", drag_area=0.3)
        assert (refused["type"], "this is a replay of run" in str(refused)) == ("problem", True)
    forked = ask(f"/recordings/{RUN}/fork", t=1.0)
    assert (forked.status_code, "this is a replay" in forked.json()["detail"]) == (409, True)
    export = httpx.get(f"{rest}/v1/recordings/{RUN}/export", params={"channels": "grid.net_power"}, timeout=60.0)
    assert (export.status_code, len(export.text.splitlines())) == (
        200,
        LAST + 1,
    )  # of the run itself, not of its replay
    assert httpx.get(f"{rest}/v1/recordings/{said()['run']}/export", timeout=60.0).status_code == 404


def _message(client: ClientConnection, *kinds: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(client.recv(10))
        if message["type"] in kinds:
            return message


def _next_status(listener: Listener) -> Status | None:
    message = listener.receive(1.0)
    return message if isinstance(message, Status) else None


def _get(address: str) -> int:
    try:
        return httpx.get(address, timeout=60.0).status_code
    except httpx.TransportError:
        return 0


def _post(rest: str, path: str) -> int:
    try:
        return httpx.post(f"{rest}{path}", timeout=60.0).status_code
    except httpx.TransportError:
        return 0
