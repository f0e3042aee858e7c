"""`kpp replay`: a recorded run played back on a dashboard and gateway of its own, beside a plant that may run."""

import argparse
import os
import signal
import subprocess
import sys
import time
from typing import Final

from catalog.data_folder import DataFolder
from catalog.recorded_runs import recorded
from runtime.process import SUPERVISOR_PID, StopSignal, die_with_parent, isolated
from runtime.replay_endpoints import replay_environment

POLL: Final = 0.1
"""Seconds between two looks at the parts."""

ENDED: Final = 1
"""Exit code if a part has ended by itself with exit code 0."""


def replay(given: argparse.Namespace) -> int:
    """Play a run until Ctrl-C; returns 0 then, otherwise the exit code of the part that ended by itself, or ENDED.

    Args:
        given: `run`, `speed` and `data` of the command line.

    Raises:
        NoRecordingError: if the run is not recorded.
    """
    if SUPERVISOR_PID in os.environ:  # started by a dashboard, which may be killed
        die_with_parent()
    recorded(DataFolder(given.data).recordings, given.run)  # a wrong run is refused before anything starts
    environ = {**replay_environment(os.environ), SUPERVISOR_PID: str(os.getpid())}  # its parts end with it
    commands = {
        "the player": isolated(
            "nodes.recorder.player", given.run, "--data", str(given.data), "--speed", f"{given.speed:g}"
        ),
        "the gateway": isolated("nodes.gateway"),
        "the dashboard": isolated("ui"),
    }
    stop = StopSignal()  # works even where a shell has had Ctrl-C ignored, since the command runs in the background
    parts = {name: subprocess.Popen(command, env=environ) for name, command in commands.items()}  # noqa: S603 - our own
    sys.stdout.write(
        f"Replay of run {given.run}. Ctrl-C ends it.\n"
        f"  Dashboard  http://{environ['KPP_UI_HTTP']}/\n"
        f"  REST       http://{environ['KPP_GATEWAY_HTTP']}/\n"
        f"  States     {environ['KPP_PHYSICS_PUBLISH']}\n"
    )
    sys.stdout.flush()
    try:
        while not stop and all(process.poll() is None for process in parts.values()):
            time.sleep(POLL)
        ended = next((name for name, process in parts.items() if process.poll() is not None), "")
        if stop or not ended:
            return 0
        code = parts[ended].returncode
        sys.stderr.write(f"kpp: {ended} has ended by itself, exit code {code}\n")
        return code or ENDED
    finally:
        # All are asked before any is waited for, so they end side by side.
        for process in parts.values():
            process.send_signal(signal.SIGTERM)
        for process in parts.values():
            process.wait(timeout=10)
