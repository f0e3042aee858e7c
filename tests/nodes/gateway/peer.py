"""The rest of a plant, as far as the gateway can tell: real sockets, real messages, and no physics. For tests only."""

import threading
import time
from dataclasses import dataclass, field

import msgspec

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import (
    ClockReply,
    Command,
    CommandRequest,
    ForkRequest,
    Frames,
    FramesRequest,
    ModuleReply,
    Refused,
    Replay,
    ReplayRequest,
    ReplaySpan,
    Result,
    Sequenced,
    Snapshot,
    State,
    Tick,
    Violation,
)
from bus.protocol.tags import IF_MATCH, parameters_tag
from bus.transport.sockets import Publisher, Request, Server
from bus.view.alarms import Alarms
from kpp_physics.parameters import Parameters
from nodes.physics.replica.alarms import after_commands, after_tick
from tests.ports import free_ports
from tests.session import PLANTS

from . import messages

IN_FORCE = Parameters(water_depth=20.0).as_dict()
"""Parameters that the module answers."""


def free_environment() -> dict[str, str]:
    """Settings of a plant on free ports."""
    names = ["CLOCK_HTTP", "GATEWAY_HTTP", "GATEWAY_WEBSOCKET", "UI_HTTP"]
    bus = ["CLOCK_PUBLISH", "CLOCK_CONTROL", "PHYSICS_PUBLISH", "PHYSICS_SNAPSHOT", "RECORDER"]
    ports = free_ports(len(names) + len(bus))
    found = {f"KPP_{name}": f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=False)}
    return found | {f"KPP_{name}": f"tcp://127.0.0.1:{port}" for name, port in zip(bus, ports[4:], strict=True)}


@dataclass
class Switches:
    """What the peer does, for a test to change."""

    clock: bool = True
    states: bool = True
    control: bool = True
    results: bool = True
    run: str = messages.RUN
    mode: str = "running"
    plc: dict[str, object] = field(default_factory=dict)
    """What the controller shows beside what it always does."""
    refuse: Refused | None = None
    reason: str = ""
    violations: list[Violation] = field(default_factory=list)
    reply: bytes | None = None
    lose: int = 0
    """Every so many states and ticks is not published; 0 for none."""


class Peer:
    """Clock and module m1 at 100 Hz, in a thread of its own until closed."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self.switches = Switches()
        self.commands: list[CommandRequest] = []
        self.seq = 0
        self.wild: list[tuple[str, tuple[bytes, bytes]]] = []
        """Frames to publish as they are, by publisher ("clock" or "physics")."""
        self._answered: dict[str, Result] = {}
        self._riding: list[Command] = []
        self._carried: dict[int, list[Command]] = {}
        self._alarms: Alarms = ()
        self._stop = threading.Event()
        PLANTS.add(endpoints.clock_publish, lambda: not self._stop.is_set())
        self._thread = threading.Thread(target=self._run, name="peer")
        self._thread.start()

    def close(self) -> None:
        """Fall silent."""
        self._stop.set()
        self._thread.join()

    def publish(self, publisher: str, topic: bytes, payload: bytes) -> None:
        """Publish frames as they are."""
        self.wild.append((publisher, (topic, payload)))

    def _run(self) -> None:
        module = self._endpoints.modules[0]
        with (
            Publisher(self._endpoints.clock_publish) as clock,
            Publisher(module.publish) as physics,
            Server(self._endpoints.clock_control) as control,
            Server(module.snapshot) as snapshots,
        ):
            due = time.monotonic()
            while not self._stop.is_set():
                due = max(due + 0.01, time.monotonic())  # late on a busy machine: no burst follows
                while True:  # at least once, however late it is
                    busy = self._control(control, clock, physics)
                    self._snapshot(snapshots)
                    if not busy and due <= time.monotonic():
                        break
                self.seq += 1
                switches = self.switches
                lost = switches.lose > 0 and self.seq % switches.lose == 0
                if switches.clock:
                    self._carried[self.seq], self._riding = self._riding, []
                    if not lost:
                        clock.send(codec.encode_published(self._tick(self.seq)))
                    if self.seq % 20 == 0:
                        clock.send(codec.encode_published(messages.status(self.seq, switches.run)))
                if switches.states and not lost:
                    physics.send(codec.encode_published(self._state(self.seq)))
                while self.wild:
                    publisher, frames = self.wild.pop(0)
                    (clock if publisher == "clock" else physics).send(frames)

    def _state(self, seq: int) -> State:
        """The state after a tick, with the alarms that follow from it as in a plant module."""
        plain = messages.state(seq, self.switches.run, plc=self.switches.plc)
        known = after_commands(self._alarms, self._carried.get(seq, []), plain.t)
        self._alarms = after_tick(known, "m1", plain.plc, seq, plain.t)
        return msgspec.structs.replace(plain, alarms=list(self._alarms))

    def _tick(self, seq: int) -> Tick:
        commands = [msgspec.to_builtins(command) for command in self._carried.get(seq, [])]
        return messages.tick(seq, self.switches.run, mode=self.switches.mode, commands=commands)

    def _again(self, request: ReplayRequest | FramesRequest) -> ClockReply:
        """What was lost, as a real node has it."""
        if request.run != self.switches.run:
            return Refused(id="", field="run", reason="that run has ended")
        through = min(request.after + 20, self.seq)
        if isinstance(request, FramesRequest):
            states = [
                messages.state(seq, request.run, plc=self.switches.plc) for seq in range(request.after + 1, through + 1)
            ]
            return Frames(request.run, request.after, through, self.seq, states=states, events=[], results=[])
        ticks = [self._tick(seq) for seq in range(request.after + 1, through + 1)]
        spans = [
            ReplaySpan(each.seq, 1, each.t - each.dt, each.dt, each.mode, each.speed, each.flat_out, each.commands)
            for each in ticks
        ]
        return Replay(request.run, spans, self.seq, epoch=1, rate=100, wall=1.7e9)

    def _control(self, control: Server, clock: Publisher, physics: Publisher) -> bool:
        """Deal with the next request; was there one?"""
        received = control.receive(0.002)
        if received is None:
            return False
        if self.switches.control:
            self._obey(received, control, clock, physics)
        return True

    def _obey(self, received: Request, control: Server, clock: Publisher, physics: Publisher) -> None:
        address, payload, _caller = received
        request = codec.decode_clock_request(payload)
        if isinstance(request, ReplayRequest | FramesRequest):
            control.reply(address, codec.encode(self._again(request)))
        if not isinstance(request, CommandRequest):
            return
        if self.switches.reply is not None:
            control.reply(address, self.switches.reply)
            return
        reply: ClockReply = self.switches.refuse or Sequenced(id=request.id, run=messages.RUN, seq=self.seq + 1)
        control.reply(address, codec.encode(reply))
        if isinstance(reply, Refused):
            return
        if request.id not in self._answered:
            self.commands.append(request)
            self._riding.append(Command(request.id, request.module, request.name, request.args, request.origin))
            violations, reason = self._unexpected(request) or (self.switches.violations, self.switches.reason)
            self._answered[request.id] = messages.result(request, self.seq + 1, violations, reason)
        if self.switches.results:
            publisher = clock if request.module == "clock" else physics
            publisher.send(codec.encode_published(self._answered[request.id]))

    @staticmethod
    def _unexpected(request: CommandRequest) -> tuple[list[Violation], str] | None:
        """What a module says to a change that expects other values than those in force."""
        tag = parameters_tag(messages.RUN, IN_FORCE)
        if tag in request.args.get(IF_MATCH, [tag]):
            return None
        return [Violation(IF_MATCH, tag, "read them again")], "others are in force"

    def _snapshot(self, snapshots: Server) -> None:
        received = snapshots.receive()
        if received is None or not self.switches.states:
            return
        request = codec.decode_module_request(received[1])
        if isinstance(request, FramesRequest):
            again = self._again(request)
            snapshots.reply(received[0], codec.encode(again))
            return
        if isinstance(request, ForkRequest):
            refused = Refused(id="", field="seq", reason="that moment is not here")
            snapshots.reply(received[0], codec.encode(refused))
            return
        reply: ModuleReply = Snapshot(
            module="m1",
            run=messages.RUN,
            seq=self.seq,
            t=self.seq / 100,
            scenario="reference",
            parameters=dict(IN_FORCE),
            state=None,
        )
        snapshots.reply(received[0], codec.encode(reply))
