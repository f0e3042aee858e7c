"""How long a client at the WebSocket waits for a new state after a SIGKILL: `python -m tests.chaos.recovery`."""

import argparse
import json
import os
import shutil
import signal
import sys
import threading
import time
from functools import partial
from itertools import pairwise
from statistics import median

import httpx
import msgpack
import psutil
import websockets.exceptions
import websockets.sync.client

from bus.protocol.endpoints import INSTANCES, HttpAddress
from tests.chaos import page
from tests.chaos.driver import LEADER, STANDBY, scratch
from tests.chaos.processes import programs
from tests.e2e.conftest import START_TIMEOUT, Plant, started
from tests.watching import eventually

WORKER = "the client's WebSocket worker"
"""Of its programs the one is killed that holds the client's connection."""

TARGETS = {
    "clock": ("clock",),
    "physics": (LEADER,),
    WORKER: ("stream_0", "stream_1"),
    "every WebSocket worker": ("stream_0", "stream_1"),
    "ui": ("ui",),
}
"""What is killed -> its programs."""

STATE_RATE = 100
WATCHED = 1.5
"""Least seconds after a kill in which the longest wait is looked for."""

QUIET = 1.0
"""Seconds of undisturbed states before the next kill."""

RETRY = 0.01


class Viewer(threading.Thread):
    """A WebSocket client that connects again at once, and notes when states came that were new."""

    def __init__(self, address: HttpAddress) -> None:
        super().__init__(name="viewer", daemon=True)
        self._url = f"ws://{address.host}:{address.port}/ws?rate={STATE_RATE}"
        self._newest = ("", 0)
        self.leader = ""
        """Instance whose state came last."""
        self.port = 0
        """Of this end of the connection."""
        self.moments: list[float] = []

    def run(self) -> None:
        """For ever."""
        protocol = websockets.Subprotocol("kpp.msgpack.v1")
        while True:
            try:
                with websockets.sync.client.connect(self._url, subprotocols=[protocol], open_timeout=2) as socket:
                    self.port = socket.local_address[1]
                    for frame in socket:
                        self._take(frame)
            except (OSError, TimeoutError, websockets.exceptions.WebSocketException):
                time.sleep(RETRY)

    def _take(self, payload: str | bytes) -> None:
        frame = msgpack.unpackb(payload) if isinstance(payload, bytes) else {}
        if "digest" not in frame:
            return
        run, seq = str(frame["run"]), int(str(frame["seq"]))
        self.leader = str(frame["instance"])
        if run != self._newest[0] or seq > self._newest[1]:
            self._newest = (run, seq)
            self.moments.append(time.monotonic())

    def longest_wait(self, since: float, until: float) -> float:
        """Longest time without a new state in a stretch of time."""
        inside = [moment for moment in self.moments if since <= moment <= until]
        edges = [max((moment for moment in self.moments if moment < since), default=since), *inside, until]
        return max(after - before for before, after in pairwise(edges))

    def steady(self) -> bool:
        """True when states have come without a break for a while."""
        now = time.monotonic()
        return bool(self.moments) and self.longest_wait(now - QUIET, now) < 0.3


def measure(plant: Plant, target: str, kills: int) -> list[float]:
    """Seconds without a new state after each SIGKILL of a target; for the dashboard, without its page.

    Of the instances of the plant module it is always the leader that is killed.
    """
    viewer = Viewer(plant.endpoints.gateway_websocket)
    viewer.start()
    waits = []
    for _ in range(kills):
        eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
        eventually(viewer.steady, START_TIMEOUT, "states come without a break")
        hit = TARGETS[target]
        if target == "physics" and viewer.leader == INSTANCES[1]:
            hit = (STANDBY,)
        pids = [eventually(partial(_pid, plant, each), START_TIMEOUT, f"{each} runs") for each in hit]
        if target == WORKER:
            pids = [pid for pid in pids if _serves(pid, viewer.port)]
        killed = time.monotonic()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        if target == "ui":
            eventually(lambda: _answers(plant.endpoints.ui_http), START_TIMEOUT, "the dashboard answers")
            waits.append(time.monotonic() - killed)
            continue
        time.sleep(WATCHED)
        eventually(viewer.steady, START_TIMEOUT, "states come without a break again")
        waits.append(viewer.longest_wait(killed, time.monotonic()))
    sys.stderr.write(f"{target}: {kills} kills, worst {max(waits):.2f} s\n")
    return waits


def _pid(plant: Plant, program: str) -> int:
    return programs(plant.process.pid).get(program, 0)


def _serves(pid: int, port: int) -> bool:
    """True if the process holds the connection that comes from a port."""
    connections = psutil.Process(pid).net_connections("tcp")
    return any(
        each.raddr and each.raddr.port == port and each.status == psutil.CONN_ESTABLISHED for each in connections
    )


def _answers(address: HttpAddress) -> bool:
    try:
        return httpx.get(f"{address}/", timeout=1.0).status_code == 200
    except httpx.TransportError:
        return False


def percentiles(waits: list[float]) -> dict[str, float]:
    """Median, 99th percentile and worst, in seconds."""
    ordered = sorted(waits)
    return {
        "kills": len(ordered),
        "p50": round(median(ordered), 3),
        "p99": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 3),
        "max": round(ordered[-1], 3),
    }


def _figures(kills: int, instances: int) -> dict[str, dict[str, float]]:
    folder = scratch()
    folder.mkdir(parents=True)
    try:
        with started(folder, instances=instances) as plant:
            plant.post("/start").raise_for_status()
            return {target: percentiles(measure(plant, target, kills)) for target in TARGETS}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.recovery", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="of each program")
    parser.add_argument("--page", action="store_true", help="write the figures into docs/reliability.md")
    args = parser.parse_args()
    load = page.load()
    alone = _figures(args.kills, instances=1)
    standby = _figures(args.kills, instances=2)
    sys.stdout.write(json.dumps({"alone": alone, "with a standby": standby}, indent=2) + "\n")
    if args.page:
        page.write("recovery", page.recovery(alone, standby, load))
    return 0


if __name__ == "__main__":
    sys.exit(main())
