"""`python -m nodes.recorder`: durable recording of everything that the plant publishes, and its history on request."""

import argparse
import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from bus.protocol.endpoints import EndpointError, Endpoints
from bus.protocol.health import HealthReport
from catalog.data_folder import DataFolder
from nodes.recorder.app import Shell
from nodes.recorder.checkpoints import Checkpoints
from nodes.recorder.holes import HoleRepairer
from nodes.recorder.hot_stores import Stores
from nodes.recorder.maintenance import MaintenanceThread
from nodes.recorder.queries import Answers
from nodes.recorder.request_thread import HistoryServer
from recording.folder import WRITER
from recording.retention import QUOTA, RESERVE, Limits
from runtime.process import Starting, StopSignal, begin, give_up
from system.environment_variables import data_folder, setting
from system.folder_lock import claim

OPENING = HealthReport("starting", "opening the recordings")


def main() -> int:
    """Record until told to stop; returns the exit code."""
    args = _arguments()
    log = begin("recorder")
    root, limits = DataFolder(args.data).recordings, Limits(args.quota, args.reserve)
    shells: list[Shell] = []
    try:
        endpoints = Endpoints.from_environment(os.environ)
        claim(root, WRITER)

        # Called by the history thread. It reads two references that the loop replaces as a whole, and nothing that the
        # loop changes in place.
        def about() -> tuple[HealthReport, frozenset[str]]:
            return (shells[0].said if shells else OPENING), stores.present

        server = HistoryServer(endpoints.recorder, Answers(root, limits.quota, about), log)
        stores = Stores(root, limits)
        checkpoints = Checkpoints(DataFolder(args.data).checkpoints, root)
        maintenance = MaintenanceThread(root, limits, lambda: stores.present, HoleRepairer(endpoints), checkpoints, log)
        with ExitStack() as stack:
            # Recordings that were left damaged are recovered when they are opened, and where to continue is read from
            # their ends. For long runs that takes its time, during which this beats in the place of the loop.
            with Starting(endpoints, "recorder", OPENING.detail):
                shell = stack.enter_context(closing(Shell(endpoints, stores, maintenance, server, log)))
            shells.append(shell)
            log.info("recorder started", folder=str(root), quota=limits.quota, reserve=limits.reserve)
            shell.run(StopSignal())
    except (OSError, EndpointError) as error:
        return give_up(log, str(error))
    log.info("recorder stopped")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nodes.recorder", description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder(), help="data folder of the plant (%(default)s)")
    parser.add_argument(
        "--quota",
        type=int,
        default=setting("KPP_RECORDER_QUOTA", str(QUOTA)),
        help=f"bytes that all recordings together may take (default {QUOTA}); the oldest are dropped first",
    )
    parser.add_argument(
        "--reserve",
        type=int,
        default=setting("KPP_RECORDER_RESERVE", str(RESERVE)),
        help=f"bytes that recordings have to leave free on the disk (default {RESERVE})",
    )
    args = parser.parse_args()
    for name in ("quota", "reserve"):
        if getattr(args, name) < 0:
            parser.error(f"--{name} {getattr(args, name)}: use 0 or more bytes")
    return args


if __name__ == "__main__":
    sys.exit(main())
