"""`python -m nodes.clock`: the clock's shell - sockets, threads and the journal's file."""

import argparse
import os
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
from prometheus_client.metrics_core import Metric

from bus import metrics
from bus.answering import answered
from bus.codec import FrameError, decode_clock_request, encode, encode_published
from bus.endpoints import EndpointError, Endpoints, HttpAddress
from bus.environment import data_folder, setting
from bus.interfaces import failure
from bus.messages import (
    Ack,
    Beat,
    ClockReply,
    Command,
    CommandRequest,
    FramesRequest,
    Refused,
    ReplayRequest,
    Sequenced,
    Status,
)
from bus.process import StopSignal, Waiting, begin, give_up
from bus.security.admission import Admission
from bus.security.binding import require_safe_door
from bus.security.roles import denied, origin
from bus.sockets import Publisher, Request, Server, wait
from nodes.clock.acceptance import again
from nodes.clock.archive import Archive
from nodes.clock.core import ClockCore, Decision, Settings
from nodes.clock.flusher import Flusher
from nodes.clock.health import health_app, health_document
from nodes.clock.journal import Journal, JournalError, JournalLockedError
from nodes.clock.pace import RATE_MAX, RATE_MIN
from nodes.clock.preparation import Preparation
from nodes.clock.questions import Askers, Questions
from nodes.clock.runs import Runs
from nodes.clock.ticker import Ticker
from nodes.clock.ticklog import TickLogError
from nodes.http import settings

STATUS_INTERVAL = 0.2
POLL = 0.05

JOURNAL_RETRY = 1.0
"""When a command that the journal could not take may be tried again, in seconds."""

UNACCEPTED = "the command was not accepted"

LOCKED_RETRY = 0.1
"""Seconds from one attempt to open a locked journal to the next."""

DISK_FULL = "the disk is full: simulated time and commands wait until the clock can record its ticks"

CONNECTIONS = 64
"""Most connections to the health page at a time; of those on which nothing is asked the oldest goes for a new one."""

BURST = 200
"""Requests served before the clock looks after its own report again."""

SWITCH_INTERVAL = 0.0005
"""How long another thread may keep the interpreter from the ticker, in seconds."""


def main() -> int:
    """Run the clock until it is told to stop; returns the exit code."""
    args = _arguments()
    log = begin("clock")
    try:
        endpoints = Endpoints.from_environment(os.environ)
        journal, epoch = _take_over(args.data / "journal.sqlite", log)
        runs = Runs(args.data / "runs", journal.commands)
        settings = Settings(
            epoch=epoch,
            rate=args.rate,
            modules=tuple(module.module for module in endpoints.modules),
            scenario=args.scenario,
        )
        with ExitStack() as stack:
            stack.callback(journal.close)
            stack.callback(runs.close)
            http = stack.enter_context(_listen(endpoints.clock_http))
            publisher = stack.enter_context(Publisher(endpoints.clock_publish))
            control = stack.enter_context(Server(endpoints.clock_control))
            questions = stack.enter_context(Questions(endpoints))
            recovered, problems = runs.newest()
            for problem in problems:
                log.warning("a run cannot be taken up whole", problem=problem)
            core = ClockCore(settings, recovered, time.time())
            log.info(
                "clock started", epoch=settings.epoch, rate=settings.rate, modules=settings.modules, run=core.run,
                goes_on_after=0 if recovered is None else recovered.last,
            )  # fmt: skip
            shell = _Shell(core, journal, runs, publisher, control, questions, log)
            shell.run(http, endpoints.clock_http.host, StopSignal())
    except (OSError, EndpointError) as error:
        return give_up(log, str(error))
    log.info("clock stopped")
    return 0


def _take_over(path: Path, log: structlog.stdlib.BoundLogger) -> tuple[Journal, int]:
    """The journal and this clock's number in it; while another program keeps it locked, that is waited for and said.

    Raises:
        JournalError: if it cannot be used.
    """
    with ExitStack() as stack:
        waiting = False
        while True:
            try:
                journal = Journal(path)
                try:
                    return journal, journal.next_epoch(time.time())
                except JournalError:
                    journal.close()
                    raise
            except JournalLockedError as error:
                if not waiting:
                    log.warning("waiting for the journal: it is used by another program", reason=str(error))
                    stack.enter_context(Waiting())
                waiting = True
                time.sleep(LOCKED_RETRY)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nodes.clock", description=__doc__)
    rate = setting("KPP_TICK_RATE", "100")
    parser.add_argument("--rate", type=int, default=rate, help=f"ticks per second, {RATE_MIN} to {RATE_MAX}")
    parser.add_argument("--scenario", default=setting("KPP_SCENARIO", "reference"), help="of the first run")
    parser.add_argument("--data", type=Path, default=data_folder(), help="journal's folder")
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


class _Shell:
    """The control thread: requests in, replies out, and a status five times a second."""

    def __init__(
        self,
        core: ClockCore,
        journal: Journal,
        runs: Runs,
        publisher: Publisher,
        control: Server,
        questions: Questions,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._core = core
        self._log = log
        self._journal = journal
        self._runs = runs
        self._archive = Archive(runs, core.settings)
        self._flusher = Flusher(runs)
        self._publisher = publisher
        self._control = control
        self._questions = questions
        self._askers = Askers()
        self._changed = threading.Condition()
        self._ticker = Ticker(core, runs, publisher, self._changed)
        self._achieved_speed = 0.0
        self._clients = 0
        self._said: dict[str, Any] = {}
        self._unwritten = ""
        self._decide_due = 0.0

    def run(self, http: socket.socket, host: str, stop: StopSignal) -> None:
        """Serve until told to stop.

        Raises:
            RuntimeError: if the ticker or the health page has ended by itself.
        """
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._report(0.0)
        admission = Admission.from_environment()
        watching = admission.watch(lambda tell: tell())
        app = health_app(self._health, self._status, self._figures, host, admission)
        server = uvicorn.Server(settings(app, CONNECTIONS, loop="asyncio"))
        pages = threading.Thread(target=server.run, kwargs={"sockets": [http]}, name="health", daemon=True)
        self._ticker.start()
        self._flusher.start()
        pages.start()
        last_ns, last_us, last_run = time.monotonic_ns(), 0, self._core.run
        while not stop:
            wait((self._control, *self._questions.sockets), POLL)
            self._serve()
            self._hear_modules()
            self._decide()
            now_ns = time.monotonic_ns()
            if now_ns - last_ns >= STATUS_INTERVAL * 1e9:
                gone = self._core.t_us - last_us if self._core.run == last_run else 0
                self._report(max(gone, 0) * 1e3 / (now_ns - last_ns))
                last_ns, last_us, last_run = now_ns, self._core.t_us, self._core.run
            if not self._ticker.is_alive():
                raise RuntimeError("the ticker has ended") from self._ticker.failure
            if not self._flusher.is_alive():
                raise RuntimeError("ticks cannot be brought to disk") from self._flusher.failure
            if not pages.is_alive():
                raise RuntimeError("the health page has ended")
        self._ticker.stop()
        self._flusher.stop()
        watching.close()
        server.should_exit = True
        pages.join(timeout=2.0)

    def _report(self, achieved_speed: float) -> None:
        self._clients = self._publisher.connections()
        self._achieved_speed = achieved_speed
        with self._changed:
            self._core.timing.close_interval()
            self._core.suspended = DISK_FULL if self._runs.short else ""
        status = self._status()
        self._tell(status)
        self._ticker.post(encode_published(status))

    def _tell(self, status: Status) -> None:
        """One log line for each change of state."""
        now = {"mode": status.mode, "waits_for": status.held, "policy": status.policy, "problems": status.problems}
        if (now | {"run": status.run}) != self._said:
            self._said = now | {"run": status.run}
            self._log.info("status", run=status.run, tick=status.seq, **now)

    def _status(self) -> Status:
        with self._changed:
            return self._core.status(
                time.monotonic_ns(), time.time(), self._achieved_speed, self._ticker.realtime_priority
            )

    def _health(self) -> dict[str, Any]:
        silent = self._core.peers.silent(time.monotonic_ns())
        timing = self._core.timing
        return health_document(self._status(), silent, self._clients, timing.round_trip, timing.holds)

    def _figures(self) -> list[Metric]:
        with self._changed:
            depths = {"commands": self._core.commands_waiting, "outbox": self._ticker.waiting}
        return [
            *self._core.timing.distributions(),
            metrics.queues(depths),
            metrics.gauge("kpp_clock_subscribers", "peers connected to the publisher", {(): float(self._clients)}),
        ]

    def _serve(self) -> None:
        for _ in range(BURST):
            received = self._control.receive()
            if received is None:
                return
            reply = self._answer(received)
            if reply is not None:
                self._control.reply(received.peer, reply)

    def _answer(self, received: Request) -> bytes | None:
        """The answer to a request, None if it gets none, or gets it later."""
        try:
            request = decode_clock_request(received.payload)
        except FrameError as error:
            self._core.bad_frames += 1
            return encode(Refused(id="", field="", reason=str(error)))
        refused = denied(request, received.caller)
        if refused is not None:
            return encode(refused)
        if isinstance(request, Ack | Beat):
            with self._changed:
                self._core.heard(request, time.monotonic_ns())
                self._changed.notify_all()
            return None
        if isinstance(request, ReplayRequest | FramesRequest):
            return answered(lambda: self._fetch_past(request), self._log)
        named = msgspec.structs.replace(request, origin=origin(request, received.caller))
        reply = self._sequence(received.peer, named)
        return None if reply is None else encode(reply)

    def _fetch_past(self, request: ReplayRequest | FramesRequest) -> ClockReply:
        """What was, of the present run or of one that has ended."""
        if isinstance(request, ReplayRequest):
            with self._changed:
                replay = self._core.replay(request, time.time())
            return replay or self._archive.replay(request, time.time())
        with self._changed:
            frames = self._core.frames(request)
        return frames or self._archive.frames(request, time.time())

    def _sequence(self, peer: list[bytes], request: CommandRequest) -> ClockReply | None:
        """Journal first, answer then; the tick waits if the disk is slower than the lead of two ticks."""
        try:
            known = self._journal.find(request.id)
            if known is not None:
                return again(request, *known)
            self._journal.reserve()  # first: a tick that is promised to a command waits for it
        except JournalError as error:
            return Refused(id=request.id, field="", reason=f"{error}; {UNACCEPTED}", retry_after=JOURNAL_RETRY)
        try:
            with self._changed:
                self._runs.begin(self._core.header)
                decision = self._core.sequence(request, time.monotonic_ns())
        except TickLogError as error:
            self._journal.release()
            return Refused(id=request.id, field="", reason=str(error), retry_after=JOURNAL_RETRY)
        if isinstance(decision, Preparation):
            self._journal.release()
            self._askers.add(request.id, peer)
            self._questions.ask(decision.question, decision.waits_for)
            return None
        return self._carried_out(decision)

    def _hear_modules(self) -> None:
        """Answer those who wait for a beginning that has been prepared, or cannot be."""
        for instance, reply in self._questions.answers():
            with self._changed:
                decision = self._core.prepared(instance, reply, time.monotonic_ns())
            if decision is not None:
                self._tell_askers(decision)
        with self._changed:
            overdue = self._core.overdue(time.monotonic_ns())
        for decision in overdue:
            self._tell_askers(decision)

    def _tell_askers(self, decision: Decision | Preparation) -> None:
        if isinstance(decision, Preparation):  # for the run that has begun meanwhile
            self._questions.ask(decision.question, decision.waits_for)
            return
        answer = self._carried_out(decision)
        for peer in self._askers.take(answer.id):
            self._control.reply(peer, encode(answer))

    def _carried_out(self, decision: Decision) -> Sequenced | Refused:
        if isinstance(decision, Refused):
            self._journal.release()
            return decision
        return self._journaled(*decision)

    def _decide(self) -> None:
        """Journal what the clock itself has decided; if it cannot be written, the clock decides again."""
        if time.monotonic() < self._decide_due:
            return
        with self._changed:
            decided = self._core.decide()
        if decided is not None:
            answer = self._journaled(*decided)
            why = answer.reason if isinstance(answer, Refused) else ""
            if not why or why != self._unwritten:  # a full disk is told once, not at every attempt
                self._log.warning(f"the clock commands {decided[1].name}", **decided[1].args, not_written=why)
            self._unwritten = why
            self._decide_due = time.monotonic() + (JOURNAL_RETRY if why else 0.0)

    def _journaled(self, answer: Sequenced, command: Command) -> Sequenced | Refused:
        try:
            self._runs.settle(answer.run)
            self._journal.append(command, answer.run, answer.seq)
        except (JournalError, TickLogError) as error:
            self._journal.release()
            with self._changed:
                self._core.abandon(command.id)
                self._changed.notify_all()
            return Refused(id=command.id, field="", reason=f"{error}; {UNACCEPTED}", retry_after=JOURNAL_RETRY)
        with self._changed:
            self._core.durable(command.id)
            self._changed.notify_all()
        return answer


if __name__ == "__main__":
    sys.exit(main())
