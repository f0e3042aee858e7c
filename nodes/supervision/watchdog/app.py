"""The watchdog's shell: its subscription, supervisord's events and calls, and the signals that it sends."""

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

LIST_INTERVAL = 0.25
"""Seconds between two calls to supervisord, each of which is the watchdog's own beat to it."""

SILENCE = 2.0
"""Without a report for this long the subscription is made anew."""

READ_SIZE = 65536


class Shell:
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
        self._answer(READY)
        while not stop and self._attended:
            wait([self._reports], POLL)
            now = time.monotonic()
            if self._core.look(now):
                self._log.warning("the watchdog itself has slept: everyone starts anew")
                self._heard = now
            self._take_reports(now)
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
                if self._told_bad.due(now):
                    self._log.warning("bad frame dropped", reason=str(error))
                continue
            self._heard = now
            if isinstance(message, Status):
                log.at(message.run, message.seq)
                self._core.on_status(message, now)
        if now - self._heard > SILENCE:
            self._reports.renew()
            self._heard = now

    def _take_events(self) -> bool:
        """Answer supervisord's events; True if there were some. Without supervisord there is no more to do."""
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
            if not self._unanswered:
                self._log.warning("supervisord does not answer", reason=str(error))
            self._unanswered = True

    def _act(self, action: Action) -> None:
        try:
            match action:
                case Kill(program, pid, reason):
                    done = self._supervisor.kill(program, pid)
                    self._log.error("hung: killed" if done else "hung: has gone", program=program, its=pid, why=reason)
                case StartProgram(program):
                    self._log.warning("given up by supervisord: started again", program=program)
                    self._supervisor.start(program)
                case HangAlarm(program, reason):
                    self._log.error("killed again and again, and does not come up", program=program, why=reason)
        except SupervisorError as error:
            self._log.warning("supervisord did not do it", action=repr(action), reason=str(error))
