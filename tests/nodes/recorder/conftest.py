"""A real plant with a recorder: clock, physics and recorder as processes on free ports."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import RecorderReply, RecorderRequest, RunsRequest, State, Status
from bus.transport.client import command, sequence
from bus.transport.listener import Listener
from bus.transport.request import RefusedError
from bus.transport.sockets import Dealer
from recording.folder import RunFolder, run_folder
from tests.ports import free_ports
from tests.session import PLANTS
from tests.watching import eventually

ROOT = Path(__file__).resolve().parents[3]
STOP_TIMEOUT = 60.0
SOCKETS = ("KPP_CLOCK_PUBLISH", "KPP_CLOCK_CONTROL", "KPP_PHYSICS_PUBLISH", "KPP_PHYSICS_SNAPSHOT", "KPP_RECORDER")


@dataclass
class Plant:
    """Processes of a plant, and how to reach them."""

    data: Path
    environment: dict[str, str]
    endpoints: Endpoints
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, node: str, *arguments: str, name: str = "") -> None:
        """Start a node, under a name of its own if there are several."""
        with (self.data / f"{name or node}.log").open("ab") as log:
            command = [sys.executable, "-m", f"nodes.{node}", *arguments]
            self.processes[name or node] = PLANTS.start(self.environment, command, log)

    def kill(self, node: str) -> None:
        """Kill a node as a power cut does."""
        self.processes[node].send_signal(signal.SIGKILL)
        self.processes[node].wait()

    def stop(self, node: str) -> None:
        """Stop a node in order."""
        self.processes[node].terminate()
        self.processes[node].wait(timeout=STOP_TIMEOUT)

    def log(self, node: str) -> str:
        """What a node has said."""
        return (self.data / f"{node}.log").read_text(errors="replace")

    def command(self, name: str, module: str = "clock", /, **args: Any) -> None:
        """Have a command sequenced."""
        request = command(module, name, args, "test")

        def accepted() -> bool:
            try:
                sequence(self.endpoints, request)
            except RefusedError as error:
                if not error.refused.retry_after:
                    raise
                return False
            return True

        eventually(accepted, 20.0, f"{name} is accepted")

    def ask(self, request: RecorderRequest) -> RecorderReply:
        """What the recorder answers."""
        with Dealer(self.endpoints.recorder) as dealer:
            eventually(lambda: dealer.send(codec.encode(request)), 10.0, "the recorder's socket")
            payload = dealer.receive(120.0)
        assert payload is not None
        return codec.decode_recorder_reply(payload)

    def status(self) -> str:
        """What the recorder says of itself to the clock."""
        with closing(Listener(self.endpoints, ("status",), repair=False)) as listener:
            message = listener.receive(60.0)
        peers = message.peers if isinstance(message, Status) else []
        known = [peer for peer in peers if peer.node == "recorder"]  # one that was stopped is remembered for a while
        return min(known, key=lambda peer: peer.age).status if known else ""

    def folder(self, run: str) -> RunFolder:
        """Where a run is recorded."""
        return run_folder(self.data / "recordings", run)


def several(*modules: str, instances: int = 1) -> dict[str, str]:
    """Settings of a plant with more than one module or instance: their ports follow each other."""
    count = len(modules) * instances
    ports = free_ports(2 * count)
    publish, snapshot = (f"tcp://127.0.0.1:{port}" for port in (ports[0], ports[count]))
    return {
        "KPP_MODULES": ",".join(modules),
        "KPP_INSTANCES": str(instances),
        "KPP_PHYSICS_PUBLISH": publish,
        "KPP_PHYSICS_SNAPSHOT": snapshot,
    }


@pytest.fixture
def make_plant(tmp_path: Path) -> Iterator[Any]:
    """Starts a plant, with the recorder's files in a folder of choice."""
    plants: list[Plant] = []

    def make(data: Path = tmp_path, rate: int = 100, *, nodes: bool = True, **settings: str) -> Plant:
        ports = iter(free_ports(len(SOCKETS) + 1))
        chosen = {name: f"tcp://127.0.0.1:{next(ports)}" for name in SOCKETS}
        chosen |= {"KPP_CLOCK_HTTP": f"127.0.0.1:{next(ports)}", "KPP_TICK_RATE": str(rate)}
        environment = {**os.environ, **chosen, "KPP_DATA": str(data), **settings}
        plant = Plant(data, environment, Endpoints.from_environment(environment))
        plants.append(plant)
        if nodes:
            plant.start("clock")
            plant.start("physics", "--module", "m1")
        return plant

    yield make
    for plant in plants:
        for process in plant.processes.values():
            process.kill()
            process.wait()


def wait_for_state(plant: Plant) -> State:
    """The first state that is published."""
    with closing(Listener(plant.endpoints, ("state/",), repair=False)) as listener:
        for _ in range(60):
            message = listener.receive(1.0)
            if isinstance(message, State):
                return message
    raise AssertionError("no state from the plant")


def recorded_rows(plant: Plant) -> int:
    """States of the newest run that the recorder says it has."""
    reply = plant.ask(RunsRequest(before=""))
    runs = getattr(reply, "runs", [])
    return runs[0].modules[0].rows if runs and runs[0].modules else 0


def recorded_until(plant: Plant, run: str) -> float:
    """Simulated time that is recorded of a run (s); rows would count those of a plant that stands still as well."""
    reply = plant.ask(RunsRequest(before=""))
    found = [each for each in getattr(reply, "runs", []) if each.run == run and each.modules]
    return float(found[0].modules[0].end) if found else 0.0
