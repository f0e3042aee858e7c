"""A plant made up for tests of the dashboard: it speaks the bus's messages and obeys commands, but computes nothing.

Every number here is invented. It exists so that a test can stop a publisher, refuse a command, leave a value out or
claim energy without a source at will; no part of it is in the product.
"""

import math
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise, zip_longest
from typing import Any

import msgspec

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import (
    Beat,
    Command,
    CommandRequest,
    Forked,
    ForkRequest,
    Frames,
    FramesRequest,
    Lateness,
    Mode,
    Peer,
    Published,
    Refused,
    Replay,
    ReplayRequest,
    ReplaySpan,
    Result,
    Sequenced,
    Snapshot,
    State,
    Status,
    Tick,
    begin_id,
)
from bus.transport.sockets import Publisher, Server
from bus.view.alarms import Alarms
from kpp_physics.parameters import Parameters
from nodes.physics.replica.alarms import after_commands, after_tick
from tests.ports import free_ports
from tests.session import PLANTS
from ui.shown_plant import ShownPlant

PARAMETERS = Parameters().as_dict()

TICK = 0.01
SPEED = 0.3632


def free_endpoints() -> dict[str, str]:
    """Environment variables with free ports of this machine."""
    ports = free_ports(6)
    return {
        "KPP_CLOCK_PUBLISH": f"tcp://127.0.0.1:{ports[0]}",
        "KPP_CLOCK_CONTROL": f"tcp://127.0.0.1:{ports[1]}",
        "KPP_PHYSICS_PUBLISH": f"tcp://127.0.0.1:{ports[2]}",
        "KPP_PHYSICS_SNAPSHOT": f"tcp://127.0.0.1:{ports[3]}",
        "KPP_UI_HTTP": f"127.0.0.1:{ports[4]}",
        "KPP_RECORDER": f"tcp://127.0.0.1:{ports[5]}",
        "KPP_MODULES": "m1",
    }


@dataclass
class Wishes:
    """What a test wants of the plant."""

    clock: bool = True
    ticks: bool = True
    """Without them, states of what the module had before still come."""
    module: bool = True
    gateway: bool = True
    replay: str = ""
    restarts: int | None = 0
    answers: bool = True
    lose: int = 0
    """Ticks, each with its state, that are made but not published."""
    answers_past: bool = True
    silent: bool = False
    """Requests for what was published stay without an answer."""
    lags: bool = False
    """The module's parameters are told as they were at the run's first tick."""
    reject: str = ""
    laps: bool = True
    settled: bool = True
    steady: bool = True
    unsourced: float = 0.0
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)


class SyntheticPlant:
    """Clock and module m1 in one thread."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._endpoints = Endpoints.from_environment(environ)
        self.wishes = Wishes()
        self.commands: list[Command] = []
        self.beats: list[Beat] = []
        self.seq = 0
        self.t = 0.0
        self.mode: Mode = "stopped"
        self.speed = 1.0
        self.flat_out = False
        self.scenario = "reference"
        self.run = "0001-001"
        self.changed: dict[str, Any] = {}
        self.alarms: Alarms = ()
        self._names = [self.run]
        self._pending: list[Command] = []
        self._ticks: deque[Tick] = deque(maxlen=1000)
        self._states: deque[State] = deque(maxlen=1000)
        self._results: deque[Result] = deque(maxlen=1000)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="synthetic plant")

    def __enter__(self) -> "SyntheticPlant":
        PLANTS.add(self._endpoints.clock_publish, lambda: not self._stop.is_set())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def renew(self) -> None:
        """A fresh run as the next test finds it: running, at 40 s, without a wish."""
        self.wishes = Wishes()
        self.commands.clear()
        self.changed.clear()
        self.speed, self.flat_out, self.scenario = 1.0, False, "reference"
        self.new_run()
        self.t, self.mode = 40.0, "running"

    def new_run(self) -> None:
        """Begin another run."""
        self.run = f"0001-{len(self._names) + 1:03d}"
        self._names.append(self.run)
        self.seq, self.t, self.alarms = 0, 0.0, ()

    def _loop(self) -> None:
        module = self._endpoints.modules[0]
        with (
            Publisher(self._endpoints.clock_publish) as clock,
            Publisher(module.publish) as states,
            Server(self._endpoints.clock_control) as control,
            Server(module.snapshot) as snapshots,
        ):
            due = time.monotonic()
            while not self._stop.is_set():
                due += TICK
                while (left := due - time.monotonic()) > 0:
                    self._serve(control, min(left, 0.005))
                    self._show(snapshots)
                if self.wishes.clock:
                    self._tick(clock, states)

    def _serve(self, control: Server, timeout: float) -> None:
        received = control.receive(timeout)
        if received is None:
            return
        request = codec.decode_clock_request(received[1])
        if isinstance(request, Beat):
            self.beats.append(request)
        elif isinstance(request, ReplayRequest | FramesRequest):
            if not self.wishes.silent:
                control.reply(received[0], codec.encode(self._fetch_past(request)))
        elif isinstance(request, CommandRequest) and self.wishes.answers:
            reply: Sequenced | Refused = Sequenced(id=request.id, run=self.run, seq=self.seq + 1)
            known = {command.id for command in (*self.commands, *self._pending)}
            if request.id in known:  # asked again on a busy machine: answered again, not obeyed again
                pass
            elif request.module not in {"clock", "m1"}:
                reply = Refused(id=request.id, field="module", reason=f"no module {request.module!r}")
            else:
                self._pending.append(Command(request.id, request.module, request.name, request.args, request.origin))
            control.reply(received[0], codec.encode(reply))

    def _show(self, snapshots: Server) -> None:
        received = snapshots.receive()
        if received is None or not self.wishes.module:
            return
        request = codec.decode_module_request(received[1])
        if isinstance(request, FramesRequest):
            if not self.wishes.silent:
                snapshots.reply(received[0], codec.encode(self._fetch_states(request)))
        elif isinstance(request, ForkRequest):
            moment = f"fork-{request.run}-{request.seq}"
            snapshots.reply(received[0], codec.encode(Forked("m1", moment, self.t, "0" * 16)))
        else:
            answer = Snapshot(
                module="m1",
                run=self.run,
                seq=1 if self.wishes.lags else self.seq,
                t=self.t,
                scenario=self.scenario,
                parameters=PARAMETERS if self.wishes.lags else {**PARAMETERS, **self.changed},
                state=None,
            )
            snapshots.reply(received[0], codec.encode(answer))

    def _fetch_past(self, asked: ReplayRequest | FramesRequest) -> Replay | Frames | Refused:
        """Ticks or results again, as the clock gives them."""
        if not self.wishes.answers_past:
            return Refused(id="", field="run", reason="it is forgotten")
        if isinstance(asked, FramesRequest):
            found = [each for each in self._results if each.run == asked.run and each.seq > asked.after]
            return Frames(asked.run, asked.after, self.seq, self.seq, [], [], found, ended=asked.run != self.run)
        ticks = [each for each in self._ticks if each.run == asked.run and each.seq > asked.after]
        spans = [
            ReplaySpan(
                each.seq, 1, round(each.t - each.dt, 6), each.dt, each.mode, each.speed, each.flat_out, each.commands
            )
            for each in ticks[:400]
        ]
        last = max((each.seq for each in ticks), default=asked.after)
        following = next((after for before, after in pairwise(self._names) if before == asked.run), "")
        return Replay(asked.run, spans, last, 1, 100, time.time(), ended=asked.run != self.run, following=following)

    def _fetch_states(self, asked: FramesRequest) -> Frames | Refused:
        """States again, as the module gives them."""
        if not self.wishes.answers_past:
            return Refused(id="", field="run", reason="it is forgotten")
        found = [each for each in self._states if each.run == asked.run and each.seq > asked.after][:15]
        through = max((each.seq for each in found), default=asked.after)
        last = max((each.seq for each in self._states if each.run == asked.run), default=asked.after)
        return Frames(asked.run, asked.after, through, last, found, [], [], ended=asked.run != self.run)

    def _tick(self, clock: Publisher, states: Publisher) -> None:
        commands, self._pending = self._pending, []
        before = self.run
        results = [self.apply(command) for command in commands]
        if self.run != before:
            results.append(self._begun())
        self.commands.extend(commands)
        dt = TICK * self.speed if self.mode == "running" else 0.0
        self.t = round(self.t + dt, 6)
        self.seq += 1
        self.alarms = after_commands(self.alarms, commands, self.t)
        tick, state = self.tick_message(dt, commands), self.state()
        self._ticks.append(tick)
        self._results += results
        lost = self.wishes.lose > 0
        self.wishes.lose -= lost
        if self.wishes.ticks:
            if not lost:
                _send(clock, tick)
            for result in results:
                _send(clock, result)
            if self.seq % 20 == 1:
                _send(clock, self.status())
        self._states.append(state)
        if self.wishes.module and not lost:
            _send(states, state)

    def apply(self, command: Command) -> Result:
        """Do as commanded, or refuse as wished."""
        reason, head = self.wishes.reject, self._head()
        if not reason:
            modes: dict[str, Mode] = {"start": "running", "resume": "running", "pause": "paused", "stop": "stopped"}
            self.mode = modes.get(command.name, self.mode)
            if command.name == "set_parameters":
                self.changed |= command.args
            if command.name == "set_speed":
                self.speed = float(command.args.get("speed", self.speed))
                self.flat_out = bool(command.args.get("flat_out", False))
            if command.name == "emergency_stop":
                self.wishes.overrides = {"plc": {"state": "emergency_stop"}}
            if command.name == "plant_reset":
                self.wishes.overrides = {"plc": {"state": "stopped"}}
            if command.name == "step":
                self.t = round(self.t + TICK * int(command.args["ticks"]), 6)
            if command.name == "reset":
                self.scenario = str(command.args["scenario"])
                begun_with = self.changed if self.scenario.startswith("fork-") else {}
                self.changed = {**begun_with, **command.args.get("parameters", {})}
                self.mode = "stopped"
                self.new_run()
        return Result(
            **head,
            module=command.module,
            id=command.id,
            name=command.name,
            outcome="rejected" if reason else "applied",
            reason=reason,
            violations=[],
            applied={} if reason else {"mode": self.mode},
        )

    def _begun(self) -> Result:
        """What the module says to the beginning of a run."""
        return Result(
            **self._head() | {"seq": 1},
            module="m1",
            id=begin_id(self.run),
            name="begin",
            outcome="applied",
            reason="",
            violations=[],
            applied={"scenario": self.scenario},
        )

    def _head(self) -> dict[str, Any]:
        return {"t": self.t, "seq": self.seq, "run": self.run, "wall": time.time()}

    def tick_message(self, dt: float, commands: list[Command]) -> Tick:
        """The made-up tick at the present time."""
        return Tick(
            **self._head(),
            epoch=1,
            dt=dt,
            mode=self.mode,
            speed=self.speed,
            flat_out=self.flat_out,
            rate=100,
            held=[],
            mono_ns=time.monotonic_ns(),
            leaders={"m1": "made-up"},
            published={"m1": self.seq},
            commands=commands,
        )

    def status(self) -> Status:
        """The made-up status at the present time."""
        nodes = ["m1", "ui", "recorder", *(["gateway"] if self.wishes.gateway else [])]
        return Status(
            **self._head(),
            epoch=1,
            mode=self.mode,
            speed=self.speed,
            flat_out=self.flat_out,
            achieved_speed=self.speed if self.mode == "running" else 0.0,
            rate=100,
            lateness=Lateness(p50=5e-5, p99=2e-4, max=4e-4),
            frames_sent=self.seq,
            deadlines_missed=0,
            bad_frames=0,
            held=[],
            policy="hold",
            held_time=0.0,
            owed_time=0.0,
            problems=[],
            realtime_priority=False,
            scenario=self.scenario,
            replay=self.wishes.replay,
            peers=[Peer(node, "made-up", 1, "", self.seq, 0, 0.05, 3, self.wishes.restarts) for node in nodes],
        )

    def state(self) -> State:
        """The made-up state at the present time."""
        moving = self.t > 0.0
        speed = SPEED * (1 + 0.01 * math.sin(3 * self.t)) if moving else 0.0
        position = SPEED * self.t
        loaded = moving and math.sin(self.t / 4) > -0.4
        taken, given = (55_300.0 if loaded else 11_100.0) if moving else 0.0, 14_450.0 if moving else 0.0
        pressure = 4.0e5 - 0.2e5 * math.cos(self.t / 4)
        floaters, served = _floaters(position)
        parts: dict[str, dict[str, Any]] = {
            "chain": {
                "position": position,
                "speed": speed,
                "loop_length": LOOP,
                "coflow_speed": speed * 0.58,
            },
            "floaters": floaters,
            "receiver": {"pressure": pressure, "temperature": 301.2, "air_mass": 9.3},
            "compressor": {
                "mode": ("loaded" if loaded else "idle") if moving else "off",
                "power": taken,
                "mass_flow": 0.24 if loaded else 0.0,
            },
            "valve": {
                "mass_flow": 0.84 if moving and served is not None else 0.0,
                "floater": served if moving else None,
                "delivered": 0.21 if moving and served is not None else None,
                "target": 0.4816,
            },
            "drivetrain": {
                "sprocket_speed": speed / RADIUS,
                "shaft_speed": speed / RADIUS * 39,
                "shaft_speed_rpm": speed / RADIUS * 39 * 30 / math.pi,
                "clutch_locked": True,
            },
            "generator": {"power": given + 2_480.0 if moving else 0.0, "winding_temperature": 296.0},
            "converter": {"on": moving, "loss": 2_480.0 if moving else 0.0},
            "grid": {
                "export_power": given,
                "import_power": taken,
                "net_power": given - taken,
                "export_energy": 14_450.0 * self.t,
                "import_energy": 44_560.0 * self.t,
                "frequency": 50.0,
            },
            "plc": {
                "state": "running" if moving else "stopped",
                "speed_setpoint_rpm": 112.73,
                "injection_enabled": moving,
                "brake_set": not moving,
                "trip": None,
                "warnings": [],
            },
            "hypotheses": dict.fromkeys(("h1", "h2", "h3", "jet", "recovery"), "off"),
            "powers": {"shaft": 19_280.0 if moving else 0.0, "unsourced": self.wishes.unsourced},
            "ledger": {
                "compressor": 44_560.0 * self.t,
                "heat_from_water": 12_140.0 * self.t,
                "grid": 14_450.0 * self.t,
                "aftercooler": 42_350.0 * self.t,
                "vent": -9_500.0 * self.t,
                "converter": 2_483.0 * self.t,
                "generator_iron": 2_344.0 * self.t,
                "gearbox": 732.0 * self.t,
                "chain_friction": 309.0 * self.t,
                "drag_local": 140.0 * self.t,
                "unsourced": self.wishes.unsourced * self.t,
                "r_a": 3.1e-13,
            },
            "meters": _meters(self.wishes) if self.wishes.laps else {"laps": 0},
        }
        for part, values in self.wishes.overrides.items():
            parts.setdefault(part, {}).update(values)
        fields = {name: {**_blank(name), **parts.get(name, {})} for name in _parts()}
        fields["plc"]["conditions"] = _conditions(fields["plc"])
        head = {**self._head(), "module": "m1", "instance": "made-up", "scenario": self.scenario, "digest": "0" * 16}
        head |= {"results": 0, "events": 0}
        made: State = codec.build(State, {**head, **fields})
        self.alarms = after_tick(self.alarms, "m1", made.plc, self.seq, self.t)
        return msgspec.structs.replace(made, alarms=list(self.alarms))


def _conditions(plc: dict[str, Any]) -> list[dict[str, Any]]:
    """What the controller of this state warns of, and why it has stopped the plant."""
    found: list[dict[str, Any]] = []
    if plc["trip"] is not None:
        text = f"tripped: {plc['trip']}"
        found.append({"id": "trip", "priority": "high", "name": plc["trip"], "text": text})
    if plc["state"] == "emergency_stop":
        found.append({"id": "emergency_stop", "priority": "high", "name": "emergency stop", "text": "emergency stop"})
    for warning, told in zip_longest(plc["warnings"], plc.get("warning_limits", [])):
        name, limit = warning.partition(":")[0][:48], (told or "").split(" ")
        numbers = {"limit": float(limit[0]), "unit": limit[1]} if told else {}
        found.append(
            {"id": re.sub("[^a-z0-9]+", "_", name.lower()), "priority": "low", "name": name, "text": warning, **numbers}
        )
    return found


RADIUS = float(PARAMETERS["sprocket_radius"])
RUN = float(PARAMETERS["water_depth"]) - 2 * RADIUS
LOOP = 2 * RUN + 2 * math.pi * RADIUS


def _floaters(position: float) -> tuple[dict[str, Any], int | None]:
    count = int(PARAMETERS["floater_count"])
    places = [(position + index * LOOP / count) % LOOP for index in range(count)]
    heights = [_height(place) for place in places]
    fills = [_fill(place, height) for place, height in zip(places, heights, strict=True)]
    served = next((index for index, place in enumerate(places) if LOOP - 1.05 <= place < LOOP - 0.27), None)
    return {
        "position": places,
        "height": heights,
        "fill": fills,
        "air_mass": [fill * 0.48 for fill in fills],
        "temperature": [288.0 if fill > 0 else None for fill in fills],
    }, served


def _height(place: float) -> float:
    if place < RUN:
        return RADIUS + place
    if place < RUN + math.pi * RADIUS:
        return RADIUS + RUN + RADIUS * math.sin((place - RUN) / RADIUS)
    if place < 2 * RUN + math.pi * RADIUS:
        return RADIUS + RUN - (place - RUN - math.pi * RADIUS)
    return RADIUS - RADIUS * math.sin((place - 2 * RUN - math.pi * RADIUS) / RADIUS)


def _fill(place: float, height: float) -> float:
    full = 101_325.0 / (101_325.0 + 998.2 * 9.80665 * (25.0 - height))
    if place >= LOOP - 1.05:
        return full * min(1.0, (place - LOOP + 1.05) / 0.78)
    if place < RUN:
        return full
    return full * max(0.0, math.cos((place - RUN) / RADIUS)) if place < RUN + math.pi * RADIUS / 2 else 0.0


def _meters(wishes: Wishes) -> dict[str, Any]:
    return {
        "laps": 5,
        "chain_speed": SPEED,
        "generator_rpm": 112.73,
        "compressor_power": 44_560.0,
        "auxiliary_power": 0.0,
        "shaft_power": 19_280.0,
        "grid_power": 14_450.0,
        "steady": wishes.steady,
        "storage_change": 9_000.0 if wishes.steady else 115_000.0,
        "storage_share": 0.0025 if wishes.steady else 0.032,
        "storage_limit": 0.01,
        "unsteady_reason": "none" if wishes.steady else "stores_changed",
        "net_power": -30_110.0 if wishes.steady else None,
        "cop": 0.3242 if wishes.steady else None,
        "cop_raw": 0.3242,
        "cop_without_claims": 44_560.0 * 0.3242 / (44_560.0 + wishes.unsourced) if wishes.steady else None,
        "unsourced_power": wishes.unsourced,
        "settled": wishes.settled,
    }


@cache
def _parts() -> dict[str, type]:
    """The groups of a state frame."""
    declared = msgspec.inspect.type_info(State).fields  # type: ignore[attr-defined]  # State is a struct
    return {each.name: each.type.cls for each in declared if hasattr(each.type, "cls")}


@cache
def _blank(part: str) -> dict[str, Any]:
    """Every number of a part as zero, or null where it may be missing; every choice as its first."""
    cls = _parts()[part]
    properties = msgspec.json.schema(cls)["$defs"][cls.__name__]["properties"]
    return {name: _nothing(declared) for name, declared in properties.items()}


def _nothing(declared: dict[str, Any]) -> Any:
    if "anyOf" in declared:
        return None
    if "enum" in declared:
        return declared["enum"][0]
    return {"boolean": False, "array": [], "string": ""}.get(declared["type"], 0)


def end_old_run(plant: ShownPlant, now: float) -> None:
    """The module says that nothing more came in the run that has ended, for tests without sockets."""
    for stream in plant.streams.modules.values():
        asked, last = stream.request, stream.buffer.last
        if asked is not None:
            plant.take(stream.on_frames(Frames(asked.run, asked.after, last, last, [], [], [], ended=True)), now)


def _send(publisher: Publisher, message: Published) -> None:
    publisher.send(codec.encode_published(message))
