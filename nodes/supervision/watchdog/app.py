"""The watchdog's shell: its subscription to the clock, supervisord's events, and the calls to supervisord.

One thread does everything in turn, and no step of it waits without a limit: a watchdog that hangs is killed itself.
"""

import os
import select
import sys
import time

import structlog

from bus.protocol.codec import FrameError, decode_published
from bus.protocol.messages import Status
from bus.transport.sockets import Subscriber, wait
from nodes.supervision.watchdog.core import Action, HangAlarm, Kill, StartProgram, WatchdogCore
from nodes.supervision.watchdog.event_listener import OK, READY, EventListener
from nodes.supervision.watchdog.supervisor import Supervisor, SupervisorError
from runtime import log
from runtime.log import Seldom
from runtime.process import Heart, StopSignal

POLL = 0.05
"""Longest pause between two turns, in seconds."""

LIST_INTERVAL = 0.25
"""Seconds between two calls to supervisord, each of which is also the watchdog's own beat to it."""

SILENCE = 2.0
"""Seconds without a report after which the subscription is renewed."""

READ_SIZE = 65536
"""Bytes of supervisord's events that are read at a time."""


class Shell:
    """Runs the watchdog's core.

    Args:
        core: judges who hangs.
        supervisor: lists, kills and starts programs.
        reports: subscription to the clock's reports.
        heart: sends the watchdog's own beats to the clock.
        protocol: file descriptor on which supervisord expects the answers to its events.
        log: log of the process.
    """

    def __init__(
        self,
        core: WatchdogCore,
        supervisor: Supervisor,
        reports: Subscriber,
        heart: Heart,
        protocol: int,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._core = core
        self._supervisor = supervisor
        self._reports = reports
        self._heart = heart
        self._protocol = protocol
        self._log = log
        self._listener = EventListener()
        self._heard = time.monotonic()
        self._list_due = 0.0
        self._attended = True
        self._unanswered = False
        self._told_bad = Seldom()

    def run(self, stop: StopSignal) -> None:
        """Watch until `stop` is set, or until supervisord closes the pipe of its events."""
        self._answer(READY)
        while not stop and self._attended:
            wait([self._reports], POLL)
            now = time.monotonic()
            # Before anything that was queued during the sleep is taken for news.
            if self._core.look(now):
                self._log.warning("the watchdog itself has slept: everybody's time starts again")
                self._heard = now
            self._take_reports(now)
            # An event means that a program has started, ended or been given up: the list of a moment ago may name a
            # process that is gone.
            if self._take_events() or now >= self._list_due:
                self._list(now)
            for action in self._core.decide(now):
                self._act(action)
            self._heart.beat(self._core.seq, self._core.health)

    def _take_reports(self, now: float) -> None:
        while (frames := self._reports.receive()) is not None:
            try:
                message = decode_published(*frames)
            except FrameError as error:
                # Seldom, since a stranger on the bus could otherwise fill the disk with lines.
                if self._told_bad.due(now):
                    self._log.warning("bad frame dropped", reason=str(error))
                continue
            self._heard = now
            if isinstance(message, Status):
                log.at(message.run, message.seq)
                self._core.on_status(message, now)
        # libzmq gives some connections up for good, such as one that an oversized frame has ended. A watchdog that
        # hears nothing would take a healthy clock for one that hangs.
        if now - self._heard > SILENCE:
            self._reports.renew()
            self._heard = now

    def _take_events(self) -> bool:
        """Answer supervisord's events; True if there were any. The end of the pipe means that supervisord has gone."""
        # Every event has to be answered, or supervisord keeps the listener busy and buffers the next ones. What the
        # events say is not used: the list of programs says it better, also after an event was lost.
        if not select.select([sys.stdin], [], [], 0)[0]:
            return False
        received = os.read(sys.stdin.fileno(), READ_SIZE)
        if not received:
            self._attended = False
            return False
        notices = self._listener.take(received)
        for _notice in notices:
            self._answer(OK + READY)
        return bool(notices)

    def _answer(self, words: bytes) -> None:
        os.write(self._protocol, words)

    def _list(self, now: float) -> None:
        self._list_due = now + LIST_INTERVAL
        try:
            self._core.on_programs(self._supervisor.beat(), now)
            self._unanswered = False
        except SupervisorError as error:
            if not self._unanswered:  # one line for each time that it falls silent, not four a second
                self._log.warning("supervisord does not answer", reason=str(error))
            self._unanswered = True

    def _act(self, action: Action) -> None:
        try:
            match action:
                case Kill(program, pid, reason):
                    done = self._supervisor.kill(program, pid)
                    outcome = "hung: killed" if done else "hung: had already ended"
                    self._log.error(outcome, program=program, its=pid, why=reason)
                case StartProgram(program):
                    self._log.warning("given up by supervisord: started again", program=program)
                    self._supervisor.start(program)
                case HangAlarm(program, reason):
                    self._log.error("killed several times and still does not come up", program=program, why=reason)
        # Nothing is repeated here: a process that still hangs, or a program that is still given up, makes the core
        # decide the same again later.
        except SupervisorError as error:
            self._log.warning("supervisord did not carry out an action", action=repr(action), reason=str(error))
