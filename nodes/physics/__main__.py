"""`python -m nodes.physics`: a plant module's shell - sockets and scenario files."""

import argparse
import gc
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bus.codec import FrameError, decode_clock_reply, decode_module_request, decode_published, encode, encode_published
from bus.endpoints import EndpointError, Endpoints
from bus.messages import Ack, Published, Refused, Replay, Tick
from bus.process import BEAT_INTERVAL, Starting, StopSignal, begin, give_up, instance_name
from bus.sockets import Dealer, Publisher, Server, Subscriber, wait

if TYPE_CHECKING:
    from nodes.physics.core import PhysicsCore

POLL = 0.05
REPLAY_RETRY = 0.5
SETTLE = 0.0003
"""Pause before the next tick is folded ahead: what was just published leaves first, on a thread of libzmq."""

SILENCE = 2.0
"""Without a tick for this long the subscription is made anew; a living clock ticks even while paused."""


def main() -> int:
    """Run one module until told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m nodes.physics", description=__doc__)
    parser.add_argument("--module", default="m1", help="name of the plant module, one of KPP_MODULES")
    folder = Path(os.environ.get("KPP_SCENARIOS", "scenarios"))
    parser.add_argument("--scenarios", type=Path, default=folder, help="folder of the scenario files")
    args = parser.parse_args()
    log = begin("physics").bind(module=args.module)
    try:
        endpoints = Endpoints.from_environment(os.environ)
        own = endpoints.module(args.module)
        with ExitStack() as stack:
            publisher = stack.enter_context(Publisher(own.publish))
            server = stack.enter_context(Server(own.snapshot))
            log.info("loading the kernel; compiling it, the first time, takes about a minute")
            with Starting(endpoints, "physics", "loading the kernel") as starting:
                # Only here, so that the line above stands in the log, and beats tell of it, while the import compiles.
                from kpp_physics.compiled import KERNEL_VERSION, is_compiled, note_compiled  # noqa: PLC0415

                if not is_compiled():
                    starting.say("compiling the kernel")
                from nodes.physics.core import PhysicsCore  # noqa: PLC0415
                from nodes.physics.scenarios import ScenarioFolder  # noqa: PLC0415

                note_compiled()

            log.info("physics started", kernel=KERNEL_VERSION[:12])
            ticks = stack.enter_context(Subscriber([endpoints.clock_publish], ["tick"]))
            dealer = stack.enter_context(Dealer(endpoints.clock_control))
            core = PhysicsCore(args.module, instance_name(), ScenarioFolder(args.scenarios).read)
            _Shell(core, args.module, ticks, dealer, publisher, server, log).run(StopSignal())
    except (OSError, EndpointError) as error:
        return give_up(log, str(error))
    log.info("physics stopped")
    return 0


class _Shell:
    def __init__(
        self,
        core: "PhysicsCore",
        module: str,
        ticks: Subscriber,
        dealer: Dealer,
        publisher: Publisher,
        server: Server,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._core = core
        self._module = module
        self._ticks = ticks
        self._dealer = dealer
        self._publisher = publisher
        self._server = server
        self._log = log
        self._acked = ("", -1)
        self._ack_due = 0.0
        self._ask_due = 0.0
        self._heard = time.monotonic()
        self._status = ""
        self.bad_frames = 0

    def run(self, stop: StopSignal) -> None:
        gc.freeze()  # what is loaded stays: a full collection would only walk it
        sockets = (self._ticks, self._dealer, self._server)
        while not stop:
            wait(sockets, 0.0 if self._core.busy else POLL)
            self._take_ticks()
            self._take_replies()
            if self._core.busy:
                self._publish(self._core.work(time.time()))
            self._ask()
            self._acknowledge()
            self._serve()
            if self._core.may_prepare:
                time.sleep(SETTLE)
                self._core.prepare()

    def _take_ticks(self) -> None:
        while (frames := self._ticks.receive()) is not None:
            try:
                message = decode_published(*frames)
            except FrameError as error:
                self.bad_frames += 1
                self._log.warning("bad frame dropped", reason=str(error), count=self.bad_frames)
                continue
            self._heard = time.monotonic()
            if isinstance(message, Tick):
                self._publish(self._core.on_tick(message))
        if time.monotonic() - self._heard > SILENCE:
            self._log.warning("no ticks: connecting anew", silent_seconds=SILENCE)
            self._ticks.renew()
            self._heard = time.monotonic()

    def _take_replies(self) -> None:
        while (payload := self._dealer.receive()) is not None:
            try:
                reply = decode_clock_reply(payload)
            except FrameError as error:
                self.bad_frames += 1
                self._log.warning("bad reply dropped", reason=str(error), count=self.bad_frames)
                continue
            if isinstance(reply, Replay | Refused):
                self._core.on_replay(reply)
                self._ask_due = 0.0

    def _publish(self, messages: list[Published]) -> None:
        for message in messages:
            self._publisher.send(encode_published(message))

    def _ask(self) -> None:
        request = self._core.request
        now = time.monotonic()
        if request is not None and now >= self._ask_due:
            self._ask_due = now + REPLAY_RETRY
            self._dealer.send(encode(request))

    def _acknowledge(self) -> None:
        """Acknowledge progress at once, and beat while there is none."""
        core, now = self._core, time.monotonic()
        if core.status != self._status:
            self._status = core.status
            if not self._status.startswith("catching up: tick") or not core.busy:
                self._log.info("status", status=self._status, run=core.run, tick=core.seq)
        if not core.run or ((core.run, core.seq) == self._acked and now < self._ack_due):
            return
        self._acked = (core.run, core.seq)
        self._ack_due = now + BEAT_INTERVAL
        message = Ack(
            module=self._module,
            instance=instance_name(),
            pid=os.getpid(),
            run=core.run,
            seq=core.seq,
            status=core.status[:200],
        )
        self._dealer.send(encode(message))

    def _serve(self) -> None:
        received = self._server.receive()
        if received is None:
            return
        peer, payload = received
        try:
            decode_module_request(payload)
        except FrameError as error:
            self._server.reply(peer, encode(Refused(id="", field="", reason=str(error))))
            return
        self._server.reply(peer, encode(self._core.snapshot()))


if __name__ == "__main__":
    sys.exit(main())
