"""Real nodes on free ports for a measurement."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import State
from bus.transport.client import command, sequence
from bus.transport.listener import Listener
from bus.transport.request import RefusedError

BUS = ("KPP_CLOCK_PUBLISH", "KPP_CLOCK_CONTROL", "KPP_PHYSICS_PUBLISH", "KPP_PHYSICS_SNAPSHOT")
WEB = ("KPP_CLOCK_HTTP", "KPP_GATEWAY_HTTP", "KPP_GATEWAY_WEBSOCKET", "KPP_UI_HTTP")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(*arguments: tuple[str, ...], rate: int = 100) -> Iterator[Endpoints]:
    """Clock and physics in a running run at real time, and further nodes as asked for."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = {name: f"tcp://127.0.0.1:{free_port()}" for name in BUS}
        chosen |= {name: f"127.0.0.1:{free_port()}" for name in WEB}
        env = {**os.environ, **chosen, "KPP_DATA": folder, "KPP_TICK_RATE": str(rate)}
        endpoints = Endpoints.from_environment(env)
        nodes = [("nodes.clock",), ("nodes.physics", "--module", "m1"), *arguments]
        processes = [
            subprocess.Popen([sys.executable, "-m", *node], env=env, stdout=subprocess.DEVNULL) for node in nodes
        ]
        try:
            listener = Listener(endpoints, ("state/",))
            deadline = time.monotonic() + 120
            while not isinstance(listener.receive(1.0), State):
                if time.monotonic() > deadline:
                    raise TimeoutError("no state from the plant within 120 s")
            listener.close()
            _start(endpoints, deadline)
            yield endpoints
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=10)


def _start(endpoints: Endpoints, deadline: float) -> None:
    """Let time run; the clock refuses while the module still catches up."""
    while True:
        try:
            sequence(endpoints, command("clock", "start", {}, "benchmark"))
        except RefusedError as error:
            if not error.refused.retry_after or time.monotonic() > deadline:
                raise
            time.sleep(error.refused.retry_after)  # as long as the clock says
        else:
            return
