"""A real gateway process against a peer that stands for the rest of the plant."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import structlog

from bus.protocol.endpoints import Endpoints
from bus.protocol.health import HealthReport
from nodes.recorder.queries import Answers
from nodes.recorder.request_thread import HistoryServer
from tests.nodes.recorder.conftest import make_plant
from tests.watching import eventually

__all__ = ["make_plant"]  # the fixture of a plant with a recorder, for the tests here too

from .peer import Peer, Switches, free_environment
from .recordings import write_recordings


class Running(SimpleNamespace):
    """A gateway process, its peer, and a client for its REST API."""

    process: subprocess.Popen[bytes]
    peer: Peer
    endpoints: Endpoints
    rest: httpx.Client

    @property
    def websocket(self) -> str:
        """`host:port` of the WebSocket server."""
        address = self.endpoints.gateway_websocket
        return f"{address.host}:{address.port}"

    def status(self) -> dict[str, object]:
        """GET /status."""
        answer: dict[str, object] = self.rest.get("/status").json()
        return answer

    def until(self, **wanted: object) -> dict[str, object]:
        """Wait until /status has these values and return it."""
        status: dict[str, object] = {}

        def reached() -> bool:
            status.update(self.status())
            return wanted.items() <= status.items()

        eventually(reached, 10, f"the status has {wanted}")
        return status


def shake_hands(client: socket.socket, path: str) -> None:
    """Open a WebSocket on a plain socket, which then reads only when told to."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    client.sendall("\r\n".join([*lines, "", ""]).encode())
    assert client.recv(12) == b"HTTP/1.1 101"


def start_gateway(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the process and wait until it answers."""
    process = subprocess.Popen([sys.executable, "-m", "nodes.gateway"], env=os.environ | environment)

    def answers() -> bool:
        assert process.poll() is None, "the gateway ended"
        try:
            return bool(httpx.get(f"http://{environment['KPP_GATEWAY_HTTP']}/status", timeout=60).status_code)
        except httpx.TransportError:
            return False

    eventually(answers, 20, "the gateway answers")
    return process


@pytest.fixture(scope="session")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with two scenarios."""
    directory = tmp_path_factory.mktemp("scenarios")
    (directory / "reference.toml").write_text("# The plant as inherited\nwater_depth = 25\n")
    (directory / "small.toml").write_text('\n# A small plant\nname = "x"\n')
    return directory


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the gateway keeps its files."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def running(scenarios: Path, data: Path) -> Iterator[Running]:
    """One gateway for a file of tests, with a recorder's answers from two recorded runs."""
    environment = free_environment() | {"KPP_SCENARIOS": str(scenarios), "KPP_DATA": str(data)}
    endpoints = Endpoints.from_environment(environment)
    write_recordings(data / "recordings")
    recorder = HistoryServer(
        endpoints.recorder,
        Answers(data / "recordings", 10**9, lambda: (HealthReport("ok", "recording"), frozenset())),
        structlog.stdlib.get_logger("recorder"),
    )
    recorder.start()
    peer = Peer(endpoints)
    try:
        process = start_gateway(environment)
        try:
            with httpx.Client(base_url=str(endpoints.gateway_http), timeout=60) as rest:
                yield Running(process=process, peer=peer, endpoints=endpoints, rest=rest)
        finally:
            process.terminate()
            code = process.wait(60)
    finally:
        peer.close()
        recorder.stop()
    assert code == 0


@pytest.fixture
def gateway(running: Running) -> Iterator[Running]:
    """That gateway with a peer that does everything it should."""
    running.peer.switches = Switches()
    running.peer.commands.clear()
    reset = running.peer.seq
    running.until(backend_status="ok", run="run-1", clients_connected=0)

    def shows_it() -> bool:
        live = running.rest.get("/data/live")  # what the last test had the peer say may still be the newest
        return live.status_code == 200 and live.json()["run"] == "run-1" and live.json()["seq"] > reset

    eventually(shows_it, 10, "the gateway shows a state of the peer as it is now")
    yield running
    assert running.process.poll() is None, "the gateway ended"
