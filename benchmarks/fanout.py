"""A thousand WebSocket clients at thirty frames a second, against a bare server; REST and ticks meanwhile."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil

from benchmarks.nodes import free_port, running
from benchmarks.table import Row, median, note, percentile
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Status
from bus.transport.listener import Listener

CLIENTS = 1000
RATE = 30
SECONDS = 8.0
GATEWAY = (("nodes.gateway", "--door", "rest"), ("nodes.gateway", "--door", "websocket"))


def measure() -> list[Row]:
    """Ours and the floor in turn, with clients in a process of their own."""
    note(f"fan-out: {CLIENTS} clients at {RATE} frames/s, {SECONDS:.0f} s each")
    with running(*GATEWAY) as endpoints:
        address = endpoints.gateway_websocket
        _answers(endpoints)
        idle, held_before = _lateness(endpoints, SECONDS / 2)
        path = f"/ws?rate={RATE}&fields=chain,grid,generator,plc,powers"
        server = _process("websocket", address.port)
        with _crowd(address.port, path) as crowd:
            cpu = _cpu(server)
            with ThreadPoolExecutor() as pool:
                meanwhile = pool.submit(_lateness, endpoints, SECONDS)
                slow = _rest(endpoints, SECONDS)
                spent = _cpu(server) - cpu
                busy, held = meanwhile.result()
            ours = crowd()
    floor, floor_spent = _floor(round(ours["bytes"]))
    if not ours["frames"]:
        raise RuntimeError(f"the clients got no frames: {ours}")
    per_frame, per_floor = spent / ours["frames"] * 1e6, floor_spent / floor["frames"] * 1e6
    ratio = per_frame / per_floor
    late = median(busy) / max(median(idle), 1e-6)
    waited = held - held_before
    expected = CLIENTS * RATE * SECONDS
    name = f"{CLIENTS} WebSocket clients at {RATE}/s"
    return [
        Row(
            f"{name}: age of a frame at the client, p99",
            f"{ours['p99'] * 1e3:.0f} ms (p50 {ours['p50'] * 1e3:.0f} ms; bare server {floor['p99'] * 1e3:.0f} ms)",
            "<= 100 ms",
            ours["p99"] <= 0.1,
        ),
        Row(
            f"{name}: closed, frames delivered",
            f"{ours['closed']:.0f}, {ours['frames'] / expected:.0%}",
            "0, >= 95 %",
            ours["closed"] == 0 and ours["frames"] >= 0.95 * expected,
        ),
        Row(
            f"{name}: CPU per frame of {ours['bytes']:.0f} bytes",
            f"{per_frame:.1f} us against {per_floor:.1f} us = {ratio:.2f}x",
            "<= 2x a bare asyncio server",
            ratio <= 2.0,
        ),
        Row(
            f"{name}: what the clients themselves take of a core",
            f"{ours['cpu']:.0%} ({floor['cpu']:.0%} at the bare server)",
            "< 90 %, or they are what is measured",
            ours["cpu"] < 0.9,
        ),
        Row(
            "REST meanwhile, p99", f"{percentile(slow, 0.99) * 1e3:.1f} ms", "<= 30 ms", percentile(slow, 0.99) <= 0.03
        ),
        Row(
            "tick lateness p50 meanwhile, against idle",
            f"{median(busy) * 1e6:.0f} us against {median(idle) * 1e6:.0f} us = {late:.2f}x; held {waited:.3f} s",
            "<= 2x, 0 s",
            late <= 2.0 and held == held_before,
        ),
    ]


def _answers(endpoints: Endpoints) -> None:
    deadline = time.monotonic() + 30
    for address, path in ((endpoints.gateway_http, "/v1/status"), (endpoints.gateway_websocket, "/")):
        while True:
            try:
                connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
                connection.request("GET", path)
                connection.getresponse().read()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)  # polling a process that starts


def _process(door: str, port: int) -> psutil.Process:
    """The process that listens on a port."""
    for child in psutil.Process().children():
        if door in child.cmdline() and any(each.laddr.port == port for each in child.net_connections("tcp")):
            return child
    raise LookupError(f"nobody listens on {port}")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _lateness(endpoints: Endpoints, seconds: float) -> tuple[list[float], float]:
    """Medians of the clock's reports, and the time it was held."""
    found: list[float] = []
    held = 0.0
    listener = Listener(endpoints, ("status",))
    end = time.monotonic() + seconds
    while time.monotonic() < end or not found:
        message = listener.receive(1.0)
        if isinstance(message, Status) and message.lateness is not None:
            found.append(message.lateness.p50)
            held = message.held_time
    listener.close()
    return found, held


def _rest(endpoints: Endpoints, seconds: float) -> list[float]:
    """Durations of requests, fifty a second."""
    address = endpoints.gateway_http
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    taken: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        connection.request("GET", "/v1/data/summary")
        connection.getresponse().read()
        taken.append(time.perf_counter() - begun)
        time.sleep(0.02)  # a user who asks fifty times a second, not one who loads the server
    return taken


@contextmanager
def _crowd(port: int, path: str) -> Iterator["Result"]:
    command = [sys.executable, "-m", "benchmarks.crowd", str(port), path, str(CLIENTS), str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError("the clients could not connect")
        yield Result(process)


class Result:
    """What the clients say at the end."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self) -> dict[str, float]:
        output, _ = self._process.communicate(timeout=60)
        found: dict[str, float] = json.loads(output)
        return found


def _listens(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # polling a process that starts
        else:
            return


def _floor(size: int) -> tuple[dict[str, float], float]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare", str(port), str(RATE), str(size)]
    server = subprocess.Popen(command)
    try:
        _listens(port)
        process = psutil.Process(server.pid)
        with _crowd(port, "/ws") as crowd:
            before = _cpu(process)
            time.sleep(SECONDS)  # the crowd is served meanwhile; how much that takes is measured
            spent = _cpu(process) - before
            return crowd(), spent
    finally:
        server.kill()
        server.wait()
