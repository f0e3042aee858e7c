"""`python -m nodes.clock`: opens sockets and journal, goes on with the run that was left, and ticks until stopped."""

import argparse
import os
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import structlog

from bus.protocol.endpoints import EndpointError, Endpoints, HttpAddress
from bus.protocol.messages import (
    RATE_MAX,
    RATE_MIN,
)
from bus.security.binding import require_safe_door
from bus.transport.sockets import Publisher, Server
from catalog.data_folder import DataFolder
from nodes.clock.app import Shell
from nodes.clock.core import ClockCore, ClockSettings
from nodes.clock.journal import Journal, JournalError, JournalLockedError
from nodes.clock.module_requests import ModuleQuestions
from nodes.clock.runs import RunLogs
from runtime.process import ExternalWait, StopSignal, begin, give_up
from system.environment_variables import data_folder, setting
from system.interfaces import failure

LOCKED_RETRY = 0.1
"""Seconds from one attempt to open a locked journal to the next."""


def main() -> int:
    """Run the clock until a signal stops it; returns the exit code."""
    args = _arguments()
    log = begin("clock")
    try:
        endpoints = Endpoints.from_environment(os.environ)
        # First of all: the epoch fences off an older clock, and it needs nothing but the journal.
        journal, epoch = _take_over(DataFolder(args.data).journal, log)
        runs = RunLogs(DataFolder(args.data).runs, journal.commands)
        settings = ClockSettings(
            epoch=epoch,
            rate=args.rate,
            modules=tuple(module.module for module in endpoints.modules),
            scenario=args.scenario,
        )
        with ExitStack() as stack:
            # Registered before the sockets, so closed after them: until then a command may arrive.
            stack.callback(journal.close)
            stack.callback(runs.close)
            http = stack.enter_context(_listen(endpoints.clock_http))
            publisher = stack.enter_context(Publisher(endpoints.clock_publish))
            control = stack.enter_context(Server(endpoints.clock_control))
            questions = stack.enter_context(ModuleQuestions(endpoints))
            # After the sockets: a second clock on this host fails there, before it opens the first one's log for
            # writing.
            recovered, problems = runs.newest()
            for problem in problems:
                log.warning("a run cannot be continued in full", problem=problem)
            core = ClockCore(settings, recovered, time.time())
            log.info(
                "clock started", epoch=settings.epoch, rate=settings.rate, modules=settings.modules, run=core.run,
                goes_on_after=0 if recovered is None else recovered.last,
            )  # fmt: skip
            shell = Shell(core, journal, runs, publisher, control, questions, log)
            shell.run(http, endpoints.clock_http.host, StopSignal())
    except (OSError, EndpointError) as error:
        return give_up(log, str(error))
    log.info("clock stopped")
    return 0


def _take_over(path: Path, log: structlog.stdlib.BoundLogger) -> tuple[Journal, int]:
    """The journal and this clock's epoch. While another program keeps the journal locked, this waits and reports it.

    Raises:
        JournalError: if it cannot be used.
    """
    with ExitStack() as stack:
        waiting = False
        while True:
            try:
                journal = Journal(path)
                try:
                    # The file and the number in one attempt: after the opening alone, the journal may be locked when
                    # the number is to be written.
                    return journal, journal.next_epoch(time.time())
                except JournalError:
                    journal.close()
                    raise
            except JournalLockedError as error:
                if not waiting:
                    log.warning("waiting for the journal: it is used by another program", reason=str(error))
                    stack.enter_context(ExternalWait())
                # Logged once, and the supervisor is asked to be patient: a backup, or a look with the sqlite shell, may
                # take minutes.
                waiting = True
                time.sleep(LOCKED_RETRY)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nodes.clock", description=__doc__)
    rate = setting("KPP_TICK_RATE", "100")
    parser.add_argument("--rate", type=int, default=rate, help=f"ticks per second, {RATE_MIN} to {RATE_MAX}")
    parser.add_argument("--scenario", default=setting("KPP_SCENARIO", "reference"), help="scenario of the first run")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of the journal and of the tick logs")
    args = parser.parse_args()
    if not RATE_MIN <= args.rate <= RATE_MAX:
        parser.error(f"--rate {args.rate}: the limits are {RATE_MIN} to {RATE_MAX} ticks per second")
    return args


def _listen(address: HttpAddress) -> socket.socket:
    require_safe_door(address, "KPP_CLOCK_HTTP")
    try:
        return socket.create_server((address.host, address.port), reuse_port=False)
    except OSError as error:
        reason = failure(address.host, address.port, error)
        raise OSError(f"KPP_CLOCK_HTTP {address} cannot be bound: {reason}") from error


if __name__ == "__main__":
    sys.exit(main())
