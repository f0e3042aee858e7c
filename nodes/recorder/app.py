"""The recording loop: messages in, group commits out, and what is done when the disk takes nothing."""

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bus.ordered.stream import Streams
from bus.protocol.codec import FrameError, decode_published
from bus.protocol.endpoints import Endpoints
from bus.protocol.health import CONFLICTS, DAMAGE, LAG, OK, STORAGE, Health, HealthReport
from bus.protocol.messages import Published, Tick
from bus.transport.repair import Repairer, repairers
from bus.transport.sockets import Subscriber, wait
from nodes.recorder.core import Intake
from nodes.recorder.hot_stores import Stores
from nodes.recorder.lag import Lag, OnDisk
from nodes.recorder.maintenance import MaintenanceThread
from nodes.recorder.request_thread import HistoryServer
from nodes.recorder.resume import resume
from recording.database import wait_at_most
from runtime import log
from runtime.log import Seldom
from runtime.process import Heart, StopSignal

TOPICS = ("tick", "state/", "event/", "result/")

COMMIT_MESSAGES = 2000
"""Messages that are written at once, however young."""

BURST = 1000
"""Most messages taken before what was taken is written."""

HELD = 2000
"""States kept in memory while an earlier one is missing."""

LATE = 0.03
"""Seconds beyond the pause after which this loop has not had a processor: a group's time may be over as it begins."""

HEARING = 0.01
"""Seconds on a processor for which it takes messages all the same: one at a time, it would never be through."""

POLL = 0.02
GATHER = 0.008
"""Pause in seconds after a message has come, so that those that follow are worked off together."""

GROUP_WAIT = 0.05
"""Longest time in seconds that a message waits for its group commit, but for the time that the one before takes."""

COMMIT_INTERVAL = GROUP_WAIT - GATHER
"""Time from the first message of a group to its commit: one that has come in the pause before waits that much more."""

SILENCE = 2.0
"""Without a message for this long the subscription is made again; a living clock ticks even while paused."""

BUSY = 1.0
"""Longest wait in seconds of this loop for another writer of a recording: it beats, maintenance needs less."""

LAGS_TOLD = 4
"""Most publishers whose lags stand in the status, the longest ones; the others are counted."""

CONFLICTS_TOLD = 10
"""Most conflicts of one commit that the log has a line for."""

RETRY_INTERVAL = 0.5
"""Seconds between two attempts to write to a disk that took nothing."""


@dataclass
class _Due:
    woke: float = 0.0  # when this turn's messages began to come
    commit: float | None = None
    retry: float = 0.0
    heard: float = 0.0


class Shell:
    """Records until told to stop."""

    def __init__(
        self,
        endpoints: Endpoints,
        stores: Stores,
        maintenance: MaintenanceThread,
        server: HistoryServer,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._endpoints = endpoints
        self._stores = stores
        self._maintenance = maintenance
        self._server = server
        self._log = log
        self._intake = Intake()
        self._due = _Due(heard=time.monotonic())
        self._subscriber = Subscriber(endpoints.publishers(), TOPICS)
        self._heart = Heart(endpoints, "recorder")
        wait_at_most(BUSY)
        self._trouble = ""
        try:
            self._streams, self._repairers = self._follow()
        except OSError as error:  # such as a file that another program keeps locked: it says so and tries again
            self._streams, self._repairers = self._new_streams(), []
            self._stand_by(str(error))
        self.said = OK
        """What it reported last, for other threads: `health` goes through what this loop changes."""
        self._told: tuple[Health, str] | None = None
        """Health and reason that the log has a line for."""
        self._gaps = 0
        self._silent = False
        self._told_bad = Seldom()
        self._lag = Lag()
        self.bad_frames = 0

    def _new_streams(self) -> Streams:
        return Streams([module.module for module in self._endpoints.modules], whole=True, held=HELD)

    def _follow(self) -> tuple[Streams, list[Repairer]]:
        """Streams that continue after what is on disk."""
        streams = self._new_streams()
        resume(streams, self._stores.folders(), lambda run: self._stores.store(run).connection)
        return streams, repairers(streams, self._endpoints)

    def run(self, stop: StopSignal) -> None:
        """Record until told to stop.

        Raises:
            RuntimeError: if one of the other threads has ended by itself.
        """
        gc.freeze()  # what is loaded stays: a full collection would only walk it
        self._maintenance.start()
        self._server.start()
        while not stop:
            self.turn()
            for thread in (self._maintenance, self._server):
                if not thread.is_alive():
                    raise RuntimeError(f"the thread {thread.name} has ended") from thread.failure
        if not self._trouble:
            self._commit()

    def turn(self) -> None:
        """Wait a little, take what has come, and write it when it is due."""
        asked = [repairer.socket for repairer in self._repairers if repairer.socket is not None]
        wait([self._subscriber, *asked], min(POLL, self._left()))
        self._due.woke = time.monotonic()
        # Nothing to wait for: meanwhile messages queue in the socket, and one turn of the loop takes all of them.
        time.sleep(min(GATHER, self._left()))
        self._hear()
        if self._trouble:
            self._try_again()
        else:
            self._take(self._repaired())
            if not self._left() or len(self._intake) >= COMMIT_MESSAGES:
                self._commit()
        self._say()

    def _left(self) -> float:
        """How long what was gathered may still wait, in seconds."""
        due = self._due.commit
        return COMMIT_INTERVAL if due is None else max(0.0, due - time.monotonic())

    def _hear(self) -> None:
        now, begun = time.monotonic(), time.thread_time()
        late = now - self._due.woke > GATHER + LATE
        for _ in range(BURST):
            if not self._left() and not (late and time.thread_time() - begun < HEARING):
                break
            frames = self._subscriber.receive()
            if frames is None:
                break
            self._due.heard = now
            self._silent = False
            try:
                message = decode_published(*frames)
            except FrameError as error:
                self.bad_frames += 1
                if self._told_bad.due(now):
                    self._log.warning("bad frame dropped", reason=str(error), count=self.bad_frames)
                continue
            if isinstance(message, Tick):
                self._lag.hear(message)
                log.at(message.run, message.seq)
            if not self._trouble:  # otherwise the producers have it still, and are asked once there is room again
                again = self._streams.had(message)
                delivered = self._streams.on(message)
                self._take([message] if again else delivered, again=again)
        if now - self._due.heard > SILENCE:
            if not self._silent:
                self._log.warning("nothing is heard: connecting again", silent_seconds=SILENCE)
            self._silent = True
            self._subscriber.renew()
            self._due.heard = now

    def _repaired(self) -> list[Published]:
        repaired = [message for repairer in self._repairers for message in self._streams.tell(repairer.work())]
        for repairer in self._repairers:
            while repairer.refused:
                self._log.error("cannot be had any more", what=repairer.refused.popleft())
        return repaired

    def _take(self, messages: list[Published], *, again: bool = False) -> None:
        for message in messages:
            self._intake.take(message, again=again)
        if self._due.commit is None and len(self._intake):
            self._due.commit = self._due.woke + COMMIT_INTERVAL

    def _commit(self) -> None:
        self._due.commit = None
        try:
            conflicts = self._stores.write(self._intake.batches())
        except OSError as error:
            self._stand_by(str(error))
            return
        for what, module, seq in sorted({(each.what, each.module, each.seq) for each in conflicts})[:CONFLICTS_TOLD]:
            self._log.error("conflict: not recorded", what=what, module=module, tick=seq, among=len(conflicts))
        for finding in self._stores.findings:
            self._log.error("damaged", where=finding.where, what=finding.what)
        self._stores.findings.clear()
        self._note_written()
        self._leave()

    def _note_written(self) -> None:
        """All that was taken so far is on disk."""
        clock = self._streams.clock
        self._lag.written(
            OnDisk() if clock is None else OnDisk(clock.buffer.run, clock.buffer.last),
            {name: OnDisk(stream.buffer.run, stream.buffer.last) for name, stream in self._streams.modules.items()},
        )

    def _leave(self) -> None:
        """Close runs that every stream has left."""
        clock = self._streams.clock
        current = {stream.buffer.run for stream in self._streams.modules.values()} | {clock.buffer.run if clock else ""}
        if "" not in current:
            self._stores.leave(self._stores.present - current)

    # When the disk takes nothing

    def _stand_by(self, trouble: str) -> None:
        """Record nothing until the disk takes it again; then continue after what is on disk."""
        self._trouble = trouble
        self._due.retry = time.monotonic() + RETRY_INTERVAL
        self._log.error("recording stands still", reason=trouble)

    def _try_again(self) -> None:
        now = time.monotonic()
        if now < self._due.retry:
            return
        self._due.retry = now + RETRY_INTERVAL
        self._stores.close()  # opened again, a damaged file is repaired
        try:
            followed = self._follow()
            self._stores.probe()
        except OSError as error:
            self._trouble = str(error)
            return
        self._intake.batches()  # what was taken in and not written comes again
        for repairer in self._repairers:
            repairer.close()
        self._gaps += self._streams.repaired
        self._streams, self._repairers = followed
        self._trouble = ""
        self._log.info("recording goes on")

    # What it says of itself

    @property
    def health(self) -> HealthReport:
        """What it reports to the clock."""
        trouble = self._trouble or self._maintenance.problem
        if growing := self._lag.growing:
            cause = trouble or "this machine is too slow to record them"
            return HealthReport(
                "alarm", f"{_not_on_disk(growing)}; they become more: {cause}", STORAGE if trouble else LAG
            )
        if trouble:
            return HealthReport("degraded", trouble, STORAGE)
        counters = self._stores.counters
        first = counters.first_conflict
        if first is not None:
            where = f"in the {first.what} of {first.module} at tick {first.seq}"
            return HealthReport("alarm", f"{counters.conflicts} conflicts, the first {where}", CONFLICTS)
        damage, lost = self._maintenance.damage, self._streams.lost
        if damage or lost:
            return HealthReport("alarm", f"{damage} damaged places, {lost} messages lost", DAMAGE)
        long = self._lag.long
        return HealthReport("behind", _not_on_disk(long), LAG) if long else OK

    def _say(self) -> None:
        self._lag.look(time.monotonic())
        self.said = said = self.health
        if (said.health, said.reason) != self._told:  # the numbers in the text change all the time
            self._told = (said.health, said.reason)
            self._log.info("status", status=said.text, health=said.health, reason=said.reason)
        queue = len(self._intake) + self._streams.depth
        gaps = self._gaps + self._streams.repaired
        self._heart.beat(self._lag.seq, said, gaps, queue, self._lag.each)

    def close(self) -> None:
        """Close every socket and every file."""
        self._maintenance.stop()
        self._server.stop()
        for repairer in self._repairers:
            repairer.close()
        self._heart.close()
        self._subscriber.close()
        self._stores.close()


def _not_on_disk(lags: Mapping[str, int]) -> str:
    """The publishers whose ticks are not on disk, and how many."""
    told = [f"{lag} of {name}" for name, lag in [*lags.items()][:LAGS_TOLD]]
    more = [f"some of {len(lags) - LAGS_TOLD} more"] if len(lags) > LAGS_TOLD else []
    return f"ticks that are not on disk: {', '.join([*told, *more])}"
