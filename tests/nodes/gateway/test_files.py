"""A gateway that may open few files: it refuses clients in good time and lives on."""

import os
import resource
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from bus.protocol.endpoints import Endpoints
from nodes.gateway.app import OWN_FILES, REST, WEBSOCKET, Places
from nodes.gateway.websocket import MAX_CLIENTS
from system import open_files as files
from tests.watching import eventually

from .peer import Peer, free_environment
from .secured import answers

FEW = 200
HANDSHAKE = (
    b"GET /ws?rate=0.1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def test_f09_the_soft_limit_is_raised() -> None:
    script = "import resource; from system import open_files; open_files.raise_limit(); print(open_files.limit())"
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, {hard})); {script}"
    told = subprocess.run([sys.executable, "-c", few], capture_output=True, text=True, check=True).stdout
    assert int(told) == (files.WANTED if hard == resource.RLIM_INFINITY else min(files.WANTED, hard))


@pytest.mark.parametrize("most", [64, 256, 1024, files.WANTED])
@pytest.mark.parametrize("doors", [{REST}, {WEBSOCKET}, {REST, WEBSOCKET}])
def test_f09_connections_leave_files_for_the_worker_itself(doors: set[str], most: int) -> None:
    places = Places.of(doors, most)
    served = (places.rest if REST in doors else 0) + (places.websocket if WEBSOCKET in doors else 0)
    assert 0 < served <= most - min(OWN_FILES, most // 2)
    assert 0 < places.clients <= places.websocket or WEBSOCKET not in doors
    if most == files.WANTED and WEBSOCKET in doors:
        assert places.clients == MAX_CLIENTS


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [
        ("-n", {b"HTTP/1.1 101", b"HTTP/1.1 503"}),  # the hard limit as well: more are refused, and the others stay
        ("-Sn", {b"HTTP/1.1 101"}),  # a shell's own limit, which a process may raise
    ],
)
def test_f09_clients_beyond_the_limit_of_files(tmp_path: Path, limit: str, wanted: set[bytes]) -> None:
    environment = free_environment() | {"KPP_DATA": str(tmp_path)}
    endpoints = Endpoints.from_environment(environment)
    peer = Peer(endpoints)
    limited = ["-c", f"ulimit {limit} {FEW}; exec {sys.executable} -m nodes.gateway"]
    process = subprocess.Popen(["/bin/sh", *limited], env=os.environ | environment)
    clients: list[socket.socket] = []
    try:
        eventually(lambda: answers(endpoints), 30, "the gateway answers")
        address = endpoints.gateway_websocket
        for _ in range(FEW):
            clients.append(socket.create_connection((address.host, address.port), timeout=60))
            clients[-1].sendall(HANDSHAKE)
        told = Counter(client.recv(12) for client in clients)
        assert set(told) == wanted
        assert httpx.get(f"{endpoints.gateway_http}/v1/health", timeout=60).status_code == 200
        assert process.poll() is None
        assert clients[0].recv(2), "whoever was let in gets frames"
    finally:
        for client in clients:
            client.close()
        process.terminate()
        process.wait(60)
        peer.close()
