"""Cost of the whole recorder node: a real process that hears a publisher at the highest tick rate, and all of it."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import msgspec
import psutil

from benchmarks.nodes import free_port
from benchmarks.table import Row as Line
from benchmarks.table import note
from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Beat, Frames, FramesRequest, Replay, ReplayRequest, ReplaySpan, State, Tick
from bus.transport.sockets import Publisher, Server
from catalog.data_folder import DataFolder
from recording.cursor import Placement
from recording.database import open_reader
from recording.folder import run_folder
from recording.message_rows import States

RATE = 1000
FLOATERS = 17
"""So many make some 300 channels of numbers."""

LEAD = 5
SECONDS = 60
"""Time that is measured, in seconds: three segments are sealed in it."""

RUN = "0001-001"
SHAPES = 500
"""States that differ; then they come again."""

PATIENCE = 60.0


def measure() -> list[Line]:
    """Share of a core that the recorder's process takes at 1000 Hz and 300 channels, sealing and all."""
    note("the recorder as a process at 1000 Hz")
    names = ("KPP_CLOCK_PUBLISH", "KPP_CLOCK_CONTROL", "KPP_PHYSICS_PUBLISH", "KPP_PHYSICS_SNAPSHOT", "KPP_RECORDER")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        environment = {**os.environ, **{name: f"tcp://127.0.0.1:{free_port()}" for name in names}, "KPP_DATA": folder}
        plant = _Plant(Endpoints.from_environment(environment), stack)
        command = [sys.executable, "-m", "nodes.recorder"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        plant.wait_for_recorder()
        plant.publish(LEAD)
        begin = _cpu(process.pid)
        plant.publish(SECONDS)
        share = (_cpu(process.pid) - begin) / SECONDS
        whole = plant.serve_until(lambda: _rows(Path(folder)) == plant.sent)
    channels = len(States().row(plant.shapes[0])[1].numbers)
    figure = f"{share:.1%} of a core, {'nothing missing' if whole else 'ROWS MISSING'}"
    return [Line(f"recorder node, {RATE} Hz x {channels} channels", figure, "<= 25 %", whole and share <= 0.25)]


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _rows(data: Path) -> int:
    """How many states are recorded without a hole from the first one on."""
    with closing(open_reader(run_folder(DataFolder(data).recordings, RUN).hot)) as hot:
        ranges = Placement.of(hot, "m1").covered
    return ranges[0][1] if ranges and ranges[0][0] == 1 else 0


class _Plant:
    """Clock and module in one: publishes ticks and states on their deadlines, and sends again what was lost."""

    def __init__(self, endpoints: Endpoints, stack: ExitStack) -> None:
        self._ticks = stack.enter_context(Publisher(endpoints.clock_publish))
        self._states = stack.enter_context(Publisher(endpoints.module("m1").publish))
        self._clock = stack.enter_context(Server(endpoints.clock_control))
        self._module = stack.enter_context(Server(endpoints.module("m1").snapshot))
        self.shapes = _shapes()
        self.sent = 0

    def wait_for_recorder(self) -> None:
        """Wait for its first beat."""
        deadline = time.monotonic() + PATIENCE
        while (received := self._clock.receive(0.1)) is None or b"recorder" not in received[1]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no beat from the recorder within {PATIENCE:g} s")

    def publish(self, seconds: int) -> None:
        """Publish for a while; what is late is sent at once."""
        start = time.monotonic()
        for place in range(seconds * RATE):
            while (left := start + place / RATE - time.monotonic()) > 0:
                time.sleep(left)  # the next state's moment: a publisher at a steady rate is what is measured
            self.sent += 1
            self._ticks.send(codec.encode_published(_tick(self.sent)))
            self._states.send(codec.encode_published(self._state(self.sent)))
            self._serve()

    def serve_until(self, condition: Any) -> bool:
        """Answer until a condition holds; False when it does not in time."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._serve(0.05)
        return True

    def _state(self, seq: int) -> State:
        shape = self.shapes[seq % len(self.shapes)]
        state: State = msgspec.structs.replace(shape, seq=seq, t=seq / RATE, wall=time.time(), digest=f"{seq:016x}")
        return state

    def _serve(self, timeout: float = 0.0) -> None:
        for server, decode in (
            (self._clock, codec.decode_clock_request),
            (self._module, codec.decode_module_request),
        ):
            received = server.receive(timeout)
            if received is None:
                continue
            reply = self._reply(decode(received[1]))
            if reply is not None:
                server.reply(received[0], codec.encode(reply))

    def _reply(self, request: object) -> Replay | Frames | None:
        if isinstance(request, ReplayRequest):
            first = request.after + 1
            count = self.sent - request.after
            span = ReplaySpan(first, count, request.after / RATE, 1 / RATE, "running", 1.0, False, [])
            return Replay(RUN, [span] if count > 0 else [], self.sent, 1, RATE, time.time())
        if isinstance(request, FramesRequest):
            through = min(self.sent, request.after + 20)
            states = [self._state(seq) for seq in range(request.after + 1, through + 1)]
            return Frames(RUN, request.after, through, self.sent, states, [], [])
        if not isinstance(request, Beat):
            raise TypeError(f"the recorder sent a {type(request).__name__}")
        return None


def _tick(seq: int) -> Tick:
    return Tick(
        t=seq / RATE,
        seq=seq,
        run=RUN,
        wall=time.time(),
        epoch=1,
        dt=1 / RATE,
        mode="running",
        speed=1.0,
        flat_out=False,
        rate=RATE,
        held=[],
        mono_ns=time.monotonic_ns(),
        leaders={"m1": "a"},
        published={"m1": seq - 1},
        commands=[],
    )


def _shapes() -> list[State]:
    """States of a plant whose numbers move a little, a third of them not at all."""
    path = Path(__file__).parents[1] / "nodes" / "gateway" / "example_state.json"
    fields = json.loads(path.read_text(encoding="utf-8")) | {"run": RUN, "results": 0, "events": 0}
    fields["floaters"] = {name: (values * FLOATERS)[:FLOATERS] for name, values in fields["floaters"].items()}
    rng = random.Random(5)  # noqa: S311  # numbers of a made-up plant, the same each time
    still = random.Random(7)  # noqa: S311  # as above
    return [codec.build(State, _moved(fields, rng, still.getstate())) for _ in range(SHAPES)]


def _moved(fields: dict[str, Any], rng: random.Random, still: Any) -> dict[str, Any]:
    """Plain values in which the same two thirds of the numbers are moved each time."""
    choice = random.Random()  # noqa: S311  # its state is set below
    choice.setstate(still)

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: moved(each) for name, each in value.items()}
        if isinstance(value, list):
            return [moved(each) for each in value]
        if isinstance(value, float) and choice.random() > 1 / 3:
            return value * (1 + rng.uniform(0, 1e-6))
        return value

    head = {name: fields[name] for name in ("t", "wall")}
    return {**moved(fields), **head}
