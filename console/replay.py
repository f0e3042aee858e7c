"""`kpp replay`: a recorded run played back on a dashboard and gateway of its own, beside a plant that may run."""

import argparse
import os
import signal
import subprocess
import sys
import time
from typing import Final

from bus.process import StopSignal
from console.arguments import FOLDER
from console.recordings import require_run

SHIFT: Final = 200
"""By how much the ports of a replay lie above those of the plant, unless the environment says otherwise."""

PORTS: Final = {
    "KPP_CLOCK_HTTP": "127.0.0.1:{9201}",
    "KPP_GATEWAY_HTTP": "127.0.0.1:{9100}",
    "KPP_GATEWAY_WEBSOCKET": "127.0.0.1:{9101}",
    "KPP_UI_HTTP": "127.0.0.1:{9103}",
    "KPP_CLOCK_PUBLISH": "tcp://127.0.0.1:{9202}",
    "KPP_CLOCK_CONTROL": "tcp://127.0.0.1:{9203}",
    "KPP_PHYSICS_PUBLISH": "tcp://127.0.0.1:{9210}",
    "KPP_PHYSICS_SNAPSHOT": "tcp://127.0.0.1:{9250}",
}
POLL: Final = 0.1


def addresses(environ: dict[str, str]) -> dict[str, str]:
    """The environment of a replay: its addresses lie beside those of a plant, unless they are given as KPP_REPLAY_*."""
    chosen = {}
    for name, pattern in PORTS.items():
        start, _, rest = pattern.partition("{")
        chosen[name] = environ.get(name.replace("KPP_", "KPP_REPLAY_"), f"{start}{int(rest[:-1]) + SHIFT}")
    return {**environ, **chosen, "KPP_INSTANCES": "1"}


def replay(given: argparse.Namespace) -> int:
    """Play until Ctrl-C; returns the exit code of the part that ended first, 0 after Ctrl-C."""
    require_run(given.data / FOLDER, given.run)
    environ = addresses(dict(os.environ))
    nodes = [
        ["nodes.recorder.player", given.run, "--data", str(given.data), "--speed", f"{given.speed:g}"],
        ["nodes.gateway"],
        ["ui"],
    ]
    stop = StopSignal()  # also where Ctrl-C is ignored, as in the background of a shell
    processes = [subprocess.Popen([sys.executable, "-m", *node], env=environ) for node in nodes]  # noqa: S603 - our own
    sys.stdout.write(
        f"Replay of run {given.run}. Ctrl-C ends it.\n"
        f"  Dashboard  http://{environ['KPP_UI_HTTP']}/\n"
        f"  REST       http://{environ['KPP_GATEWAY_HTTP']}/\n"
        f"  States     {environ['KPP_PHYSICS_PUBLISH']}\n"
    )
    sys.stdout.flush()
    try:
        while not stop and all(process.poll() is None for process in processes):
            time.sleep(POLL)
        return next((code for process in processes if (code := process.poll()) is not None), 0)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=10)
