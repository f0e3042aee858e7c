"""`python -m nodes.supervision.watchdog`: has nodes that hang, and those given up, started again.

It is an event listener of supervisord, which starts it; from a shell it has nobody to listen to.
"""

import argparse
import os
import sys
import time
from contextlib import ExitStack, closing

from bus.protocol.endpoints import Endpoints
from bus.transport.sockets import Subscriber
from nodes.supervision.watchdog.app import Shell
from nodes.supervision.watchdog.core import WatchdogCore
from nodes.supervision.watchdog.supervisor import Supervisor
from runtime import process
from runtime.process import Heart, StopSignal, begin, give_up


def main() -> int:
    """Watch until told to stop, or until supervisord has gone; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m nodes.supervision.watchdog", description=__doc__)
    parser.add_argument("--clock", default="clock", help="the program that runs the clock")
    parser.add_argument("--unwatched", action="append", default=[], help="a program that never beats; may be repeated")
    args = parser.parse_args()
    # Standard output belongs to supervisord's protocol. It is moved to a descriptor that only the shell knows, and what
    # anything else prints goes to the log: a stray line among the answers would end the listener.
    protocol = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    log = begin("watchdog", sys.stderr)
    try:
        endpoints = Endpoints.from_environment(os.environ)
        supervisor = Supervisor(os.environ.get("SUPERVISOR_SERVER_URL", ""))
        # It does not judge itself: that is the plug-in's task, and its own beats say nothing while it cannot think.
        own = os.environ.get("SUPERVISOR_PROCESS_NAME", "watchdog")
        core = WatchdogCore(time.monotonic(), args.clock, {own, *args.unwatched}, process.supervisor())
        with ExitStack() as stack:
            reports = stack.enter_context(Subscriber([endpoints.clock_publish], ["status"]))
            heart = stack.enter_context(closing(Heart(endpoints, "watchdog")))
            log.info("watchdog started", clock=args.clock, unwatched=args.unwatched)
            Shell(core, supervisor, reports, heart, protocol, log).run(StopSignal())
    except (ValueError, OSError) as error:
        return give_up(log, str(error))
    log.info("watchdog stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
