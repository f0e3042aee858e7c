"""The clock's shell: sockets, threads and the journal's file; every decision is the core's."""

import socket
import sys
import threading
import time
from typing import Any

import msgspec
import structlog
import uvicorn
from prometheus_client.metrics_core import Metric

from bus.ordered.tick_log import TickLogError
from bus.protocol.codec import FrameError, decode_clock_request, encode, encode_published
from bus.protocol.messages import (
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
from bus.security.admission import Admission
from bus.security.roles import denied, origin
from bus.transport.answering import answered
from bus.transport.sockets import Publisher, Request, Server, wait
from nodes.clock.acceptance import again
from nodes.clock.archive import Archive
from nodes.clock.core import ClockCore, Decision
from nodes.clock.flusher import Flusher
from nodes.clock.health_page import distributions, health_app, health_document
from nodes.clock.journal import Journal, JournalError
from nodes.clock.module_requests import Askers, ModuleQuestions
from nodes.clock.preparation import Preparation
from nodes.clock.runs import RunLogs
from nodes.clock.ticker import Ticker
from runtime import metrics
from runtime.http import settings
from runtime.process import StopSignal

STATUS_INTERVAL = 0.2
"""Seconds between two reports."""

POLL = 0.05
"""Longest wait for a request, in seconds."""

JOURNAL_RETRY = 1.0
"""Seconds after which a command that the journal could not take may be tried again."""

UNACCEPTED = "the command was not accepted"

DISK_FULL = "the disk is full: simulated time and commands wait until the clock can record its ticks"

CONNECTIONS = 64
"""Most connections to the health page at a time; of those on which nothing was asked, the oldest makes room."""

BURST = 200
"""Most requests that are served before the clock attends to its own report again."""

SWITCH_INTERVAL = 0.0005
"""How long another thread may keep the interpreter from the ticker, in seconds."""


class Shell:
    """The control thread: requests in, replies out, and a status five times a second."""

    def __init__(
        self,
        core: ClockCore,
        journal: Journal,
        runs: RunLogs,
        publisher: Publisher,
        control: Server,
        questions: ModuleQuestions,
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
        """Serve until `stop` is set.

        Raises:
            RuntimeError: if the ticker or the health page has ended by itself.
        """
        # By default CPython hands the interpreter over every 5 ms: half a tick in which the ticker could not run.
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._report(0.0)
        # Before any thread is started: an error in the keys ends the process while there is nothing to stop yet.
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
            # With a limit, since the report and the clock's own decisions do not wait for anybody's message.
            wait((self._control, *self._questions.sockets), POLL)
            self._serve()
            self._hear_modules()
            self._decide()
            now_ns = time.monotonic_ns()
            if now_ns - last_ns >= STATUS_INTERVAL * 1e9:
                # A new run begins at time 0, which is not a negative speed.
                gone = self._core.t_us - last_us if self._core.run == last_run else 0
                self._report(max(gone, 0) * 1e3 / (now_ns - last_ns))
                last_ns, last_us, last_run = now_ns, self._core.t_us, self._core.run
            # If a thread has ended, the process ends, too, and the supervisor starts it again. A clock without one of
            # its threads would look alive without being so.
            if not self._ticker.is_alive():
                raise RuntimeError("the ticker has ended") from self._ticker.failure
            if not self._flusher.is_alive():
                raise RuntimeError("ticks cannot be brought to disk") from self._flusher.failure
            if not pages.is_alive():
                raise RuntimeError("the health page has ended")
        self._ticker.stop()
        # After the ticker, so its last ticks reach the disk as well; the log is synced once more when it is closed.
        self._flusher.stop()
        watching.close()
        server.should_exit = True
        pages.join(timeout=2.0)

    def _report(self, achieved_speed: float) -> None:
        self._clients = self._publisher.connections()
        self._achieved_speed = achieved_speed
        with self._changed:
            self._core.timing.close_interval()
            # Looking five times a second is enough: what a tick log has in reserve lasts much longer than that.
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
        with self._changed:  # this is the health page's thread: peers come and go meanwhile
            silent = self._core.peers.silent(time.monotonic_ns())
            round_trip, holds = self._core.timing.round_trip, self._core.timing.holds
        return health_document(self._status(), silent, self._clients, round_trip, holds)

    def _figures(self) -> list[Metric]:
        with self._changed:  # the health page's thread: sum and counts of a distribution are to be of one tick
            depths = {"commands": self._core.commands_waiting, "outbox": self._ticker.waiting}
            timings = distributions(self._core.timing)
        return [
            *timings,
            metrics.queues(depths),
            metrics.gauge("kpp_clock_subscribers", "peers connected to the publisher", {(): float(self._clients)}),
        ]

    def _serve(self) -> None:
        # Bounded: under a flood of requests the reports still go out, and the ticker is still looked at.
        for _ in range(BURST):
            received = self._control.receive()
            if received is None:
                return
            reply = self._answer(received)
            if reply is not None:
                self._control.reply(received.peer, reply)

    def _answer(self, received: Request) -> bytes | None:
        """The answer to a request; None if it gets none, or gets it later."""
        try:
            request = decode_clock_request(received.payload)
        except FrameError as error:
            self._core.bad_frames += 1
            return encode(Refused(id="", field="", reason=str(error)))
        # Before anything is done for it: even a question costs time, and the past is not for everybody.
        refused = denied(request, received.caller)
        if refused is not None:
            return encode(refused)
        if isinstance(request, Ack | Beat):
            with self._changed:
                # The ticker may be waiting for this very acknowledgement: flat out, acknowledgements set the pace.
                self._core.heard(request, time.monotonic_ns())
                self._changed.notify_all()
            return None
        if isinstance(request, ReplayRequest | FramesRequest):
            # Questions are guarded, commands are not. A question that fails changes nothing; a command that fails
            # halfway leaves a state that nobody knows, and ends the process.
            return answered(lambda: self._fetch_past(request), self._log)
        # The origin is what the connection has proved, not what the message claims.
        named = msgspec.structs.replace(request, origin=origin(request, received.caller))
        reply = self._sequence(received.peer, named)
        return None if reply is None else encode(reply)

    def _fetch_past(self, request: ReplayRequest | FramesRequest) -> ClockReply:
        """Ticks or frames of the past, in the present run or in one that has ended."""
        if isinstance(request, ReplayRequest):
            with self._changed:
                replay = self._core.replay(request, time.time())
            # Outside the lock: reading an ended run takes longer than a tick, and the ticker must not wait for it.
            return replay or self._archive.replay(request, time.time())
        with self._changed:
            frames = self._core.frames(request)
        return frames or self._archive.frames(request, time.time())

    def _sequence(self, peer: list[bytes], request: CommandRequest) -> ClockReply | None:
        """Write the command to the journal, then answer; its tick waits if the disk takes longer than two ticks."""
        try:
            known = self._journal.find(request.id)
            if known is not None:
                return again(request, *known)
            self._journal.reserve()  # first: a tick that is promised to a command waits for it
        except JournalError as error:
            return Refused(id=request.id, field="", reason=f"{error}; {UNACCEPTED}", retry_after=JOURNAL_RETRY)
        try:
            with self._changed:
                # A command that is accepted before the first tick must find the run on disk after a power cut.
                self._runs.begin(self._core.header)
                decision = self._core.sequence(request, time.monotonic_ns())
        except TickLogError as error:
            self._journal.release()
            return Refused(id=request.id, field="", reason=str(error), retry_after=JOURNAL_RETRY)
        if isinstance(decision, Preparation):
            self._journal.release()
            # The journal's lock was given back above: modules may take a second to answer, and meanwhile nobody else
            # could write.
            self._askers.add(request.id, peer)
            self._questions.ask(decision.question, decision.waits_for)
            return None
        return self._carried_out(decision)

    def _hear_modules(self) -> None:
        """Answer those who wait for the beginning of a run that has been prepared, or cannot be."""
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
        if isinstance(decision, Preparation):  # another run has begun meanwhile, so the question is put once more
            self._questions.ask(decision.question, decision.waits_for)
            return
        # Journaled only now, although the request came earlier: the command gets its place in the order here.
        answer = self._carried_out(decision)
        for peer in self._askers.take(answer.id):
            self._control.reply(peer, encode(answer))

    def _carried_out(self, decision: Decision) -> Sequenced | Refused:
        if isinstance(decision, Refused):
            self._journal.release()
            return decision
        # Waiting for the disk happens outside the lock: the ticker goes on with the two ticks before the command's.
        return self._journaled(*decision)

    def _decide(self) -> None:
        """Write to the journal what the clock itself has decided; if that fails, the clock decides again."""
        if time.monotonic() < self._decide_due:
            return
        with self._changed:
            decided = self._core.decide()
        if decided is not None:
            answer = self._journaled(*decided)
            # After a failure there is another attempt later: if the cause has gone by then, no decision is made.
            why = answer.reason if isinstance(answer, Refused) else ""
            if not why or why != self._unwritten:  # a full disk is logged once, not at every attempt
                self._log.warning(f"the clock commands {decided[1].name}", **decided[1].args, not_written=why)
            self._unwritten = why
            self._decide_due = time.monotonic() + (JOURNAL_RETRY if why else 0.0)

    def _journaled(self, answer: Sequenced, command: Command) -> Sequenced | Refused:
        try:
            # The run before the command: a journaled command whose run was lost in a power cut would never act,
            # although its client was promised that it would.
            self._runs.settle(answer.run)
            self._journal.append(command, answer.run, answer.seq)
        except (JournalError, TickLogError) as error:
            self._journal.release()
            with self._changed:
                # Withdrawn inside the lock, and the ticker is woken: it may be waiting for this very command.
                self._core.abandon(command.id)
                self._changed.notify_all()
            return Refused(id=command.id, field="", reason=f"{error}; {UNACCEPTED}", retry_after=JOURNAL_RETRY)
        with self._changed:
            # From here on the tick may go. This comes before the answer, since the command acts even if that is lost.
            self._core.durable(command.id)
            self._changed.notify_all()
        return answer
