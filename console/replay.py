"""`kpp replay`: a recorded run played back on a dashboard and gateway of its own, beside a plant that may run."""

import argparse
import os
import signal
import subprocess
import sys
import time
from typing import Final

from bus.beside import replay_environment
from bus.process import SUPERVISOR_PID, StopSignal, die_with_parent
from console.arguments import FOLDER
from console.recordings import require_run

POLL: Final = 0.1


def replay(given: argparse.Namespace) -> int:
    """Play until Ctrl-C; returns the exit code of the part that ended first, 0 after Ctrl-C."""
    if SUPERVISOR_PID in os.environ:  # started by a dashboard, which may be killed
        die_with_parent()
    require_run(given.data / FOLDER, given.run)
    environ = replay_environment(os.environ)
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
