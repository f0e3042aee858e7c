"""The shell of a plant module: its sockets, its files and the loop that serves them. Every decision is the core's."""

import gc
import os
import time
from dataclasses import dataclass

import structlog

from bus.protocol.codec import (
    FrameError,
    Pair,
    decode_clock_reply,
    decode_module_request,
    decode_published,
    encode,
)
from bus.protocol.health import HealthReport
from bus.protocol.messages import (
    Ack,
    Forked,
    ForkRequest,
    FramesRequest,
    ModuleReply,
    ModuleRequest,
    Prepared,
    PrepareRequest,
    Refused,
    Replay,
    Tick,
)
from bus.security.roles import denied
from bus.transport.answering import answered
from bus.transport.sockets import Dealer, Publisher, Server, Subscriber, wait
from catalog.data_folder import DataFolder
from catalog.scenarios import Scenarios
from nodes.physics.core import PhysicsCore
from nodes.physics.replica.beginning import objection
from nodes.physics.replica.fold import Identity
from nodes.physics.replica.forks import Fork, ForkFolder
from nodes.physics.replica.initial_parameters import InitialParameters
from nodes.physics.replica.recomputation import Recomputation, RecomputedAnswer
from nodes.physics.replica.ring import PackedFrames
from nodes.physics.replica.saved import Saved
from nodes.physics.replica.snapshots import SnapshotFolder, SnapshotWriter
from runtime import log
from runtime.log import Seldom
from runtime.process import StopSignal, program, restarts, supervisor

POLL = 0.05
"""Longest wait for a message in seconds; no longer than a beat may wait."""

BEAT_INTERVAL = 0.05
"""Seconds between two acknowledgements while there is nothing new: a silent leader is replaced after 0.12 s."""

REPLAY_RETRY = 0.5
"""Seconds until a question to the clock that was not answered is repeated."""

SETTLE = 0.0003
"""Pause in seconds before the next tick is folded ahead: a thread of libzmq sends first what was just published."""

SILENCE = 2.0
"""Seconds without a tick after which the subscription is made again; a living clock ticks even while paused."""

SNAPSHOT_INTERVAL = 1.0
"""Seconds between two snapshots: what a restarted module has to fold again at most, and what a power cut may take."""

BATCH = 1000
"""Most ticks that are taken at a time."""


@dataclass(frozen=True)
class Sockets:
    """The sockets of one instance.

    Three of them ask the clock for ticks. Its answers do not say what they were asked for, so that each purpose has a
    socket of its own.
    """

    ticks: Subscriber
    """Live ticks."""
    clock: Dealer
    """Acknowledgements, and questions for live ticks that were missed."""
    archive: Dealer
    """Questions for ticks that are computed again for a subscriber."""
    past: Dealer
    """Questions for ticks that lead to the checkpoint of a fork."""
    publisher: Publisher
    server: Server
    """Questions of others to this module."""


@dataclass(frozen=True)
class Files:
    """The files of one instance."""

    initial_parameters: InitialParameters
    forks: ForkFolder
    snapshots: SnapshotFolder
    writer: SnapshotWriter

    @classmethod
    def open(cls, data: DataFolder, scenarios: Scenarios, module: str, instance: str) -> "Files":
        """Find or make the folders, and start the thread that writes snapshots.

        Raises:
            OSError: if a folder cannot be made.
        """
        folder = SnapshotFolder(data.snapshots, module, instance)
        writer = SnapshotWriter(folder)
        writer.start()
        forks = ForkFolder(data.checkpoints, module)
        return cls(InitialParameters(data.initial_parameters, module, scenarios, forks), forks, folder, writer)


class Shell:
    """The loop of one instance. For one thread.

    Args:
        module: its module.
        instance: which of the module's processes this is.
        sockets: opened.
        files: opened.
        log: gets a line for each change of state.
    """

    def __init__(
        self, module: str, instance: str, sockets: Sockets, files: Files, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._module = module
        self._instance = instance
        self._sockets = sockets
        self._files = files
        self._log = log
        read, find = files.initial_parameters.read, files.snapshots.find
        self._core = PhysicsCore(module, instance, read, find)
        self._recomputation = Recomputation(Identity(module, instance), read, find)
        self._fork = Fork(Identity(module, instance), read, find)
        self._forker: list[bytes] = []
        self._fork_due = 0.0
        self._acked = ("", -1, 0)
        self._ack_due = 0.0
        self._ask_due = 0.0
        self._recomputation_due = 0.0
        self._heard = time.monotonic()
        self._saved = ("", 0)
        self._save_due = 0.0
        self._told: HealthReport | None = None
        self._silent = False
        self._told_bad = Seldom()
        self.bad_frames = 0

    def run(self, stop: StopSignal) -> None:
        """Fold, answer and acknowledge until told to stop."""
        gc.freeze()  # modules stay for good: full collections would walk them every time, and delay a tick
        sockets, core = self._sockets, self._core
        sources = (sockets.ticks, sockets.clock, sockets.archive, sockets.past, sockets.server)
        while not stop:
            # With work at hand the sockets are only looked at, not waited for.
            wait(sources, 0.0 if core.busy or self._recomputation.busy or self._fork.busy else POLL)
            self._take_ticks()
            self._take_replies()
            if core.busy:
                # A part of the backlog between two looks at the sockets: a request or a new leader is not kept waiting
                # by it.
                self._publish(core.work())
            self._ask()
            self._acknowledge()
            self._serve()
            self._recompute()
            self._save()
            self._tell()
            if core.may_prepare:
                # Only when there is nothing else to do: the guess is worth something only if nothing else comes before
                # the tick.
                time.sleep(SETTLE)
                core.prepare()

    def _take_ticks(self) -> None:
        ticks: list[Tick] = []
        while len(ticks) < BATCH and (frames := self._sockets.ticks.receive()) is not None:
            try:
                message = decode_published(*frames)
            except FrameError as error:
                self._bad("frame", error)
                continue
            self._heard = time.monotonic()
            self._silent = False
            if isinstance(message, Tick):
                ticks.append(message)
        if ticks:
            # All that have come at once: who leads is in the newest of them, and must be known before any is published.
            self._publish(self._core.on_ticks(ticks))
        if time.monotonic() - self._heard > SILENCE:
            if not self._silent:
                self._log.warning("no ticks: connecting again", silent_seconds=SILENCE)
            self._silent = True
            # A connection that died without a word looks like silence. Making it again is harmless if the clock is only
            # down.
            self._sockets.ticks.renew()
            self._heard = time.monotonic()

    def _bad(self, what: str, error: FrameError) -> None:
        self.bad_frames += 1
        if self._told_bad.due(time.monotonic()):
            self._log.warning(f"bad {what} dropped", reason=str(error), count=self.bad_frames)

    def _take_replies(self) -> None:
        for reply in self._replies(self._sockets.clock):
            self._core.on_replay(reply)
            self._ask_due = 0.0
        for reply in self._replies(self._sockets.archive):
            self._tell_again(self._recomputation.on_replay(reply))
            self._recomputation_due = 0.0
        for reply in self._replies(self._sockets.past):
            self._answer_fork(self._fork.on_replay(reply))
            self._fork_due = 0.0

    def _replies(self, dealer: Dealer) -> list[Replay | Refused]:
        replies: list[Replay | Refused] = []
        while (payload := dealer.receive()) is not None:
            try:
                reply = decode_clock_reply(payload)
            except FrameError as error:
                self._bad("reply", error)
                continue
            if isinstance(reply, Replay | Refused):
                replies.append(reply)
        return replies

    def _publish(self, frames: list[Pair]) -> None:
        for pair in frames:
            self._sockets.publisher.send(pair)

    def _ask(self) -> None:
        now = time.monotonic()
        request = self._core.request
        if request is not None and now >= self._ask_due:
            self._ask_due = now + REPLAY_RETRY
            self._sockets.clock.send(encode(request))
        request = self._recomputation.request
        if request is not None and now >= self._recomputation_due:
            self._recomputation_due = now + REPLAY_RETRY
            self._sockets.archive.send(encode(request))
        request = self._fork.request
        if request is not None and now >= self._fork_due:
            self._fork_due = now + REPLAY_RETRY
            self._sockets.past.send(encode(request))

    def _acknowledge(self) -> None:
        """Acknowledge progress at once, and beat while there is none."""
        core, now = self._core, time.monotonic()
        progress = (core.run, core.seq, core.published)
        # Progress goes out at once, since the clock waits for it flat out; without any, a beat now and then says that
        # the process lives.
        if not core.run or (progress == self._acked and now < self._ack_due):
            return
        self._acked = progress
        log.at(core.run, core.seq)
        self._ack_due = now + BEAT_INTERVAL
        said = self._said()
        message = Ack(
            module=self._module,
            instance=self._instance,
            pid=os.getpid(),
            run=core.run,
            seq=core.seq,
            status=said.text,
            published=core.published,
            gaps=core.gaps,
            queue=core.queue,
            restarts=restarts(),
            supervisor=supervisor(),
            program=program(),
            health=said.health,
            reason=said.reason,
        )
        self._sockets.clock.send(encode(message))

    def _said(self) -> HealthReport:
        problem, said = self._files.writer.problem or self._files.initial_parameters.problem, self._core.health
        return said._replace(detail=f"{said.detail} ({problem})") if problem else said

    def _tell(self) -> None:
        """One log line for each change of state."""
        said = self._said()
        if said != self._told:
            self._told = said
            if said.health != "catching_up" or not self._core.busy:
                self._log.info("status", status=said.text, run=self._core.run, tick=self._core.seq)
        for reasons in (self._core.refused, self._recomputation.refused, self._files.snapshots.damaged):
            for reason in reasons:
                self._log.warning("snapshot refused", reason=reason)
            reasons.clear()

    def _serve(self) -> None:
        received = self._sockets.server.receive()
        if received is None:
            return
        peer, payload, caller = received
        try:
            request = decode_module_request(payload)
        except FrameError as error:
            self._sockets.server.reply(peer, encode(Refused(id="", field="", reason=str(error))))
            return
        question = request.id if isinstance(request, PrepareRequest) else ""
        reply = answered(lambda: denied(request, caller) or self._answer(peer, request), self._log, question)
        if reply is not None:
            self._sockets.server.reply(peer, reply)

    def _answer(self, peer: list[bytes], request: ModuleRequest) -> ModuleReply | PackedFrames | None:
        """The answer to a question, None if it has to be computed first."""
        if isinstance(request, ForkRequest):
            self._forker = peer
            self._fork.ask(request)
            return None
        if isinstance(request, PrepareRequest):
            agreed = Prepared(id=request.id, module=self._module, instance=self._instance)
            # `look` and not `read`: a question must leave nothing behind, for its run may never begin.
            return objection(self._files.initial_parameters.look, request) or agreed
        if not isinstance(request, FramesRequest):
            return self._core.snapshot()
        frames = self._core.frames(request)
        if frames is None:
            # Not here any more: computed part by part, and answered when it is done. Whoever loses patience asks again
            # and finds it under way.
            self._recomputation.ask(tuple(peer), request)
        return frames

    def _recompute(self) -> None:
        """Compute a part of what a subscriber has missed and the ring no longer holds, and of a fork's checkpoint."""
        if self._recomputation.busy:
            self._tell_again(self._recomputation.work())
        if self._fork.busy:
            self._answer_fork(self._fork.work())

    def _tell_again(self, answer: RecomputedAnswer | None) -> None:
        if answer is None:
            return
        if isinstance(answer.reply, Refused):
            self._log.warning("what was missed cannot be computed again", reason=answer.reply.reason)
        payload = encode(answer.reply)
        for asker in answer.askers:
            self._sockets.server.reply(list(asker), payload)

    def _answer_fork(self, made: Saved | Refused | None) -> None:
        """Put a checkpoint on disk, and only then answer that a run can begin from it."""
        if made is None:
            return
        answer: Forked | Refused
        try:
            # Synchronously, unlike snapshots: the answer promises that the checkpoint is on disk, and forks are rare.
            answer = made if isinstance(made, Refused) else self._files.forks.write(made)
        except OSError as error:
            answer = Refused(id="", field="", reason=f"the checkpoint cannot be written: {error.strerror}")
        self._sockets.server.reply(self._forker, encode(answer))

    def _save(self) -> None:
        now = time.monotonic()
        # A slow disk makes snapshots rarer, and never makes them queue: only the newest is worth writing.
        if now < self._save_due or not self._files.writer.idle or self._saved == (self._core.run, self._core.seq):
            return
        saved = self._core.save()
        if saved is None:
            return
        self._saved = (saved.run, saved.seq)
        self._save_due = now + SNAPSHOT_INTERVAL
        self._files.writer.put(saved)
