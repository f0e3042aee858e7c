"""`python -m nodes.recorder.player RUN`: plays a recorded run back in the place of clock and physics.

It binds the addresses of a clock and of the modules that the run has, so that gateway, dashboard and every other
subscriber work with it unchanged. `kpp replay` starts it with a gateway and a dashboard beside a running plant.
"""

import argparse
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from bus.ordered.tick_history import BLOCK_SPANS
from bus.ordered.tick_span import TickSpan, to_wire
from bus.protocol.codec import FrameError, decode_clock_request, decode_module_request, encode_published
from bus.protocol.endpoints import EndpointError, Endpoints
from bus.protocol.messages import (
    CLOCK_MODULE,
    Ack,
    Beat,
    ClockReply,
    ClockRequest,
    CommandRequest,
    Event,
    ForkRequest,
    Frames,
    FramesRequest,
    ModuleReply,
    ModuleRequest,
    Peer,
    PrepareRequest,
    Published,
    Refused,
    Replay,
    Result,
    Snapshot,
    State,
    Status,
    Tick,
)
from bus.security.roles import denied
from bus.transport.answering import answered
from bus.transport.sockets import Publisher, Request, Server
from catalog.data_folder import DataFolder
from catalog.recorded_runs import NoRecordingError, recorded
from nodes.recorder.replay import SPEED_MAX, SPEED_MIN, ReplayCore, ReplayError
from runtime.process import StopSignal, begin, give_up
from system.environment_variables import data_folder, setting

Wanted = TypeVar("Wanted", bound=Published)

STATUS_INTERVAL = 0.2
"""Seconds between two reports in the place of the clock."""

KEPT = 2000
"""Ticks whose messages are kept for subscribers that missed some."""

BLOCK_TICKS = 20
"""Most ticks of an answer with states, which has to fit into a message."""

PEER_SILENCE = 60.0
"""Seconds after which a node that no longer beats is left out of the report."""


class Player:
    """Publishes what the replay gives, and answers requests as clock and modules do. For one thread.

    Args:
        core: the replay.
        publishers: a socket in the place of the clock, and of each module, by name.
        servers: the same for requests.
        rate: ticks per second.
    """

    def __init__(
        self, core: ReplayCore, publishers: dict[str, Publisher], servers: dict[str, Server], rate: int
    ) -> None:
        self._core = core
        self._publishers = publishers
        self._servers = servers
        self._rate = rate
        self._kept: deque[list[Published]] = deque(maxlen=KEPT)
        self._peers: dict[str, tuple[Ack | Beat, float]] = {}
        self._bad = 0
        self._log = structlog.stdlib.get_logger()
        self._sent = 0
        self.replayed = ""
        self.parameters: dict[str, dict[str, float | int | str]] = {}

    def run(self, stop: StopSignal) -> None:
        """Play until told to stop: a tick at each deadline, without making up for deadlines that were missed."""
        due, status_due = time.monotonic(), 0.0
        while not stop:
            # Requests are answered between the ticks, in short waits, so that none delays the next tick for long.
            while (left := due - time.monotonic()) > 0:
                self._serve(min(left, 0.005))
            due = max(due + 1.0 / self._rate, time.monotonic())
            messages = self._core.tick(time.monotonic_ns(), time.time())
            self._kept.append(messages)
            for message in messages:
                self._publish(message)
            if time.monotonic() >= status_due:
                status_due = time.monotonic() + STATUS_INTERVAL
                self._publish(self._status())

    def _publish(self, message: Published) -> None:
        module = getattr(message, "module", CLOCK_MODULE)  # ticks and reports have none: they are the clock's
        self._publishers[module].send(encode_published(message))
        self._sent += isinstance(message, Tick)

    def _serve(self, timeout: float) -> None:
        # Waits at the clock's socket alone: one wait for each module would add up.
        for module, server in self._servers.items():
            received = server.receive(timeout if module == CLOCK_MODULE else 0.0)
            if received is None:
                continue
            reply = answered(partial(self._answer, module, received), self._log)
            if reply is not None:
                server.reply(received.peer, reply)

    def _answer(self, module: str, received: Request) -> ClockReply | ModuleReply | None:
        try:
            if module == CLOCK_MODULE:
                asked = decode_clock_request(received.payload)
                return denied(asked, received.caller) or self._clock(asked)
            question = decode_module_request(received.payload)
            return denied(question, received.caller) or self._module(module, question)
        except FrameError as error:
            self._bad += 1
            return Refused(id="", field="", reason=str(error))

    def _clock(self, request: ClockRequest) -> ClockReply | None:
        if isinstance(request, CommandRequest):
            return self._core.order(request)
        if isinstance(request, Ack | Beat):
            # Gateway and dashboard beat to their clock, which is this one; a clock does not answer beats either.
            name = request.module if isinstance(request, Ack) else request.node
            self._peers[name] = (request, time.monotonic())
            return None
        if isinstance(request, FramesRequest):
            return self._frames(CLOCK_MODULE, request)
        if request.run not in {"", self._core.run}:
            return Refused(id="", field="run", reason=f"run: this replay has only {self._core.run}")
        ticks = [tick for tick in _of(Tick, self._kept) if tick.run == self._core.run and tick.seq > request.after]
        # What was asked for has to begin at once: a gap in the answer would be asked for again, without end.
        if ticks and ticks[0].seq != request.after + 1:
            return Refused(
                id="", field="after", reason=f"ticks before {ticks[0].seq} are no longer kept: send seek to go back"
            )
        spans = [to_wire(TickSpan.of(tick)) for tick in ticks[:BLOCK_SPANS]]
        return Replay(
            run=self._core.run,
            spans=spans,
            last=self._core.seq,
            epoch=self._epoch(),
            rate=self._rate,
            wall=time.time(),
        )

    def _epoch(self) -> int:
        return next(iter(_of(Tick, [self._kept[-1]]))).epoch if self._kept else 0

    def _module(self, module: str, request: ModuleRequest) -> ModuleReply:
        if isinstance(request, FramesRequest):
            return self._frames(module, request)
        if isinstance(request, ForkRequest):
            reason = f"this is a replay of run {self.replayed}: ask the plant itself to fork that run"
            return Refused(id="", field="run", reason=reason)
        if isinstance(request, PrepareRequest):
            return Refused(id=request.id, field="", reason="this is a replay: only a plant can begin a run")
        newest = next((each for each in _of(State, reversed(self._kept)) if each.module == module), None)
        if newest is None:
            return Refused(id="", field="", reason="the replay has not published anything yet: ask again")
        return Snapshot(
            module=module,
            run=newest.run,
            seq=newest.seq,
            t=newest.t,
            scenario=newest.scenario,
            parameters=dict(self._in_force(module, newest.t)),
            state=newest,
            events=self._core.events(module),
        )

    def _in_force(self, module: str, t: float) -> dict[str, float | int | str]:
        """Parameters in force at a simulated time (s): those of its beginning, with what commands changed since."""
        return {**self.parameters.get(module, {}), **self._core.changed(module, round(t * 1e6))}

    def _frames(self, module: str, request: FramesRequest) -> Frames | Refused:
        if request.run != self._core.run:
            return Refused(id="", field="run", reason=f"run: this replay has only {self._core.run}")
        ticks = [group for group in self._kept if group[0].run == request.run and group[0].seq > request.after]
        if ticks and ticks[0][0].seq != request.after + 1:
            reason = f"ticks before {ticks[0][0].seq} are no longer kept: send seek to go back"
            return Refused(id="", field="after", reason=reason)
        block = ticks[:BLOCK_TICKS]
        messages = [each for group in block for each in group if getattr(each, "module", "") == module]
        return Frames(
            run=request.run,
            after=request.after,
            through=block[-1][0].seq if block else request.after,
            last=max(self._core.seq, request.after),
            states=[each for each in messages if isinstance(each, State)],
            events=[each for each in messages if isinstance(each, Event)],
            results=[each for each in messages if isinstance(each, Result)],
        )

    def _status(self) -> Status:
        core, now = self._core, time.monotonic()
        peers = [
            Peer(
                node=name,
                instance=beat.instance,
                pid=beat.pid,
                status=beat.status,
                seq=beat.seq,
                gaps=beat.gaps,
                age=now - heard,
                queue=beat.queue,
                restarts=beat.restarts,
                supervisor=beat.supervisor,
                program=beat.program,
                health=beat.health,
                reason=beat.reason,
                clients=beat.clients if isinstance(beat, Beat) else None,
            )
            for name, (beat, heard) in self._peers.items()
            if now - heard < PEER_SILENCE
        ]
        return Status(
            t=core.t_us / 1e6,
            seq=core.seq,
            run=core.run,
            wall=time.time(),
            epoch=self._epoch(),
            mode=core.mode,
            speed=core.speed_milli / 1000,
            flat_out=False,
            achieved_speed=core.speed_milli / 1000 if core.mode == "running" else 0.0,
            rate=self._rate,
            # What a replay does not measure has the value of a clock without trouble.
            lateness=None,
            frames_sent=self._sent,
            deadlines_missed=0,
            bad_frames=self._bad,
            policy="hold",
            held=[],
            held_time=0.0,
            owed_time=0.0,
            problems=[],
            realtime_priority=False,
            scenario=core.scenario,
            peers=peers,
            replay=self.replayed,
            replay_start=core.start_us / 1e6,
            replay_end=core.end_us / 1e6,
        )


def _of(kind: type[Wanted], groups: Iterable[list[Published]]) -> Iterable[Wanted]:
    return (message for group in groups for message in group if isinstance(message, kind))


def main() -> int:
    """Play until told to stop; returns the exit code."""
    args = _arguments()
    log = begin("replay")
    try:
        endpoints = Endpoints.from_environment(os.environ)
        folder = recorded(DataFolder(args.data).recordings, args.run)
        # Consumers ignore a clock whose epoch is lower than one that they have heard. Taken from the time of day, that
        # of a replay which was started later is always higher.
        core = ReplayCore(folder, args.rate, epoch=int(time.time()))
        core.speed_milli = round(args.speed * 1000)
        with ExitStack() as stack:
            publishers = {CLOCK_MODULE: stack.enter_context(Publisher(endpoints.clock_publish))}
            servers = {CLOCK_MODULE: stack.enter_context(Server(endpoints.clock_control))}
            for module in core.modules:
                publishers[module] = stack.enter_context(Publisher(endpoints.module(module).publish))
                servers[module] = stack.enter_context(Server(endpoints.module(module).snapshot))
            player = Player(core, publishers, servers, args.rate)
            player.replayed = folder.run
            # What a run began with is not recorded, but kept by its modules in files. Without them a page is told only
            # what commands have changed.
            for module in core.modules:
                kept = DataFolder(args.data).initial_parameters / module / f"{folder.run}.json"
                if kept.exists():
                    player.parameters[module] = json.loads(kept.read_text(encoding="utf-8"))["parameters"]
            log.info("replay started", run=args.run, start=core.start_us / 1e6, end=core.end_us / 1e6)
            player.run(StopSignal())
    except (OSError, EndpointError, NoRecordingError, ReplayError) as error:
        return give_up(log, str(error))
    log.info("replay stopped")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nodes.recorder.player", description=__doc__)
    parser.add_argument("run", help="id of the recorded run")
    parser.add_argument("--data", type=Path, default=data_folder(), help="data folder of the plant (%(default)s)")
    rate = setting("KPP_TICK_RATE", "100")
    parser.add_argument("--rate", type=int, default=rate, help="ticks per second, 10 to 1000 (%(default)s)")
    speed = f"simulated seconds per second, {SPEED_MIN:g} to {SPEED_MAX:g} (%(default)g)"
    parser.add_argument("--speed", type=float, default=1.0, help=speed)
    args = parser.parse_args()
    if not 10 <= args.rate <= 1000:
        parser.error(f"--rate {args.rate}: use 10 to 1000 ticks per second")
    if not SPEED_MIN <= args.speed <= SPEED_MAX:
        parser.error(f"--speed {args.speed:g}: use {SPEED_MIN:g} to {SPEED_MAX:g}")
    return args


if __name__ == "__main__":
    sys.exit(main())
