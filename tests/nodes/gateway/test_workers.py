"""Several workers behind sockets that supervisord holds: who dies takes only its own connections along."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bus.protocol.endpoints import Endpoints
from tests.e2e.conftest import configuration
from tests.session import PLANTS
from tests.watching import eventually

from .peer import Peer, free_environment

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Workers:
    """A supervisord that runs the gateway alone, and the peer that its workers hear."""

    process: subprocess.Popen[bytes]
    endpoints: Endpoints
    peer: Peer

    def pids(self, door: str) -> list[int]:
        """Workers of a door."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            try:
                if f"--door {door}" in " ".join(child.cmdline()):
                    found.append(child.pid)
            except psutil.Error:
                continue
        return found

    def answers(self) -> bool:
        """Do both doors hear the plant?"""
        try:
            rest = httpx.get(f"{self.endpoints.gateway_http}/v1/health", timeout=60)
            hello = httpx.get(f"{self.endpoints.gateway_websocket}/", timeout=60)
        except httpx.TransportError:
            return False
        return rest.status_code == 200 and hello.json()["status"] == "ok"


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Two workers for each door, as supervisord.conf has them."""
    folder = tmp_path_factory.mktemp("workers")
    path = configuration(folder)
    parts = re.split(r"(?m)^(?=\[)", path.read_text())
    others = ("[program:", "[eventlistener:")
    path.write_text("".join(part for part in parts if not part.startswith(others)))
    environment = free_environment() | {"KPP_DATA": str(folder)}
    endpoints = Endpoints.from_environment(environment)
    command = [str(Path(sys.executable).with_name("supervisord")), "-n", "-c", str(path)]
    output = (folder / "output.txt").open("wb")
    process = PLANTS.start(os.environ | environment, command, output)
    with ExitStack() as stack:
        stack.callback(output.close)
        stack.callback(process.wait, 60)
        stack.callback(process.send_signal, signal.SIGTERM)
        eventually(lambda: _listening(endpoints), 30, "both sockets are held")
        peer = Peer(endpoints)  # only now: before, supervisord would find the ports of the clock taken
        stack.callback(peer.close)
        found = Workers(process, endpoints, peer)
        eventually(found.answers, 30, "both doors answer")
        eventually(lambda: len(found.pids("rest")) == len(found.pids("websocket")) == 2, 10, "two workers each")
        yield found


def _listening(endpoints: Endpoints) -> bool:
    for address in (endpoints.gateway_http, endpoints.gateway_websocket):
        try:
            socket.create_connection((address.host, address.port)).close()
        except OSError:
            return False
    return True


def join(workers: Workers, stack: ExitStack, query: str) -> ClientConnection:
    address = workers.endpoints.gateway_websocket
    url = f"ws://{address.host}:{address.port}/ws{query}"
    return stack.enter_context(connect(url, compression=None, max_queue=None))


def seqs(client: ClientConnection, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        message = json.loads(client.recv(60))
        assert message["type"] != "gap"
        if message["type"] == "state":
            found.append(message["seq"])
    return found


def rest(client: ClientConnection) -> list[int]:
    """What still comes of a connection that ends."""
    found: list[int] = []
    try:
        while True:
            found += seqs(client, 1)
    except ConnectionClosed:
        return found


def worker_of(client: ClientConnection, workers: Workers) -> int:
    """Which worker has this connection."""
    port = client.socket.getsockname()[1]
    for pid in workers.pids("websocket"):
        for each in psutil.Process(pid).net_connections("tcp"):
            if each.raddr and each.raddr.port == port:
                return pid
    raise AssertionError("no worker has this connection")


@pytest.mark.timeout(600)
def test_a_killed_worker_takes_only_its_own_clients_and_they_resume_without_a_gap(workers: Workers) -> None:
    with ExitStack() as stack:
        clients: list[ClientConnection] = []
        owner: dict[ClientConnection, int] = {}

        def shared() -> bool:
            """Whichever worker wakes first takes a connection: on a busy machine that may be one of them for long."""
            for client in (join(workers, stack, "?every=1") for _ in range(10)):
                clients.append(client)
                owner[client] = worker_of(client, workers)
            return len(clients) >= 30 and len(set(owner.values())) == 2

        eventually(shared, 5, "both workers share the load")
        heard = {client: seqs(client, 20) for client in clients}
        victim = owner[clients[0]]
        os.kill(victim, signal.SIGKILL)
        for client in clients:
            if owner[client] != victim:
                heard[client] += seqs(client, 20)  # whoever sits at the other worker notices nothing
                continue
            heard[client] += rest(client)
            again = join(workers, stack, f"?every=1&run=run-1&after={heard[client][-1]}")
            heard[client] += seqs(again, 20)
        for found in heard.values():
            assert found == list(range(found[0], found[0] + len(found)))
    eventually(lambda: len(workers.pids("websocket")) == 2, 10, "the worker is back")


@pytest.mark.timeout(600)
def test_a_killed_rest_worker_costs_nothing_but_the_requests_under_way(workers: Workers) -> None:
    def ask() -> bool:
        address = workers.endpoints.gateway_http
        connection = http.client.HTTPConnection(address.host, address.port, timeout=60)
        try:
            connection.request("GET", "/v1/status")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    for pid in workers.pids("rest"):
        assert all(ask() for _ in range(10))
        victim = psutil.Process(pid)
        victim.kill()
        eventually(partial(_gone, workers, pid), 10, "the worker is gone")
        assert all(ask() for _ in range(30))  # whoever is left takes them, or they wait
    eventually(lambda: len(workers.pids("rest")) == 2, 10, "the workers are back")
    eventually(workers.answers, 10, "both hear the plant")


def _gone(workers: Workers, pid: int) -> bool:
    return pid not in workers.pids("rest")


def test_every_worker_knows_all_clients_and_every_key(workers: Workers) -> None:
    base = str(workers.endpoints.gateway_http)
    key = {"Idempotency-Key": "test:shared-1"}
    first = httpx.post(f"{base}/v1/time/step", json={"ticks": 2}, headers=key).json()
    again = [httpx.post(f"{base}/v1/time/step", json={"ticks": 2}, headers=key).json() for _ in range(10)]
    assert again == [first] * 10

    def others() -> list[int]:
        return [httpx.post(f"{base}/v1/time/step", json={"ticks": 3}, headers=key).status_code for _ in range(10)]

    # A worker that was started a moment ago may have to hear of the command first; until then the clock says 200 again.
    eventually(lambda: others() == [409] * 10, 10, "both workers know what the key was for")
    assert [command.id for command in workers.peer.commands].count("test:shared-1") == 1
