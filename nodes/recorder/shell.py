"""The recording loop: messages in, group commits out, and what is done when the disk takes nothing."""

import time
from dataclasses import dataclass

import structlog

from bus.codec import FrameError, decode_published
from bus.endpoints import Endpoints
from bus.messages import Published, Tick
from bus.process import Heart, StopSignal
from bus.repair import Repairer, repairers
from bus.sockets import Subscriber, wait
from bus.stream import Streams
from nodes.recorder.intake import Intake
from nodes.recorder.keeper import Keeper
from nodes.recorder.resume import resume
from nodes.recorder.server import HistoryServer
from nodes.recorder.stores import Stores

TOPICS = ("tick", "state/", "event/", "result/")

COMMIT_INTERVAL = 0.05
"""Longest time in seconds that a message waits for its group commit."""

COMMIT_MESSAGES = 2000
"""Messages that are written at once, however young."""

BURST = 1000
"""Most messages taken before what was taken is written."""

HELD = 2000
"""States kept in memory while an earlier one is missing."""

POLL = 0.02
GATHER = 0.008
"""Pause in seconds after a message has come, so that those that follow are worked off together."""

SILENCE = 2.0
"""Without a message for this long the subscription is made anew; a living clock ticks even while paused."""

RETRY_INTERVAL = 0.5
"""Seconds between two attempts to write to a disk that took nothing."""


@dataclass
class _Due:
    commit: float | None = None
    retry: float = 0.0
    heard: float = 0.0


class Shell:
    """Records until told to stop."""

    def __init__(
        self,
        endpoints: Endpoints,
        stores: Stores,
        keeper: Keeper,
        server: HistoryServer,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._endpoints = endpoints
        self._stores = stores
        self._keeper = keeper
        self._server = server
        self._log = log
        self._intake = Intake()
        self._due = _Due(heard=time.monotonic())
        self._subscriber = Subscriber(endpoints.publishers(), TOPICS)
        self._heart = Heart(endpoints, "recorder")
        self._streams, self._repairers = self._follow()
        self._trouble = ""
        self._said = ""
        self._gaps = 0
        self._newest = 0  # newest tick heard: this loop moves, whatever the disk does
        self.bad_frames = 0

    def _follow(self) -> tuple[Streams, list[Repairer]]:
        """Streams that go on behind what is on disk."""
        streams = Streams([module.module for module in self._endpoints.modules], whole=True, held=HELD)
        newest = self._stores.newest()
        if newest is not None:
            resume(streams, newest, self._stores.store(newest.run).connection)
        return streams, repairers(streams, self._endpoints)

    def run(self, stop: StopSignal) -> None:
        """Record until told to stop.

        Raises:
            RuntimeError: if one of the other threads has ended by itself.
        """
        self._keeper.start()
        self._server.start()
        while not stop:
            asked = [repairer.socket for repairer in self._repairers if repairer.socket is not None]
            wait([self._subscriber, *asked], POLL)
            time.sleep(GATHER)
            self._hear()
            if self._trouble:
                self._try_again()
            else:
                self._take(self._repaired())
                self._commit_if_due()
            self._say()
            for thread in (self._keeper, self._server):
                if not thread.is_alive():
                    raise RuntimeError(f"the thread {thread.name} has ended") from thread.failure
        if not self._trouble:
            self._commit()

    def _hear(self) -> None:
        now = time.monotonic()
        for _ in range(BURST):
            frames = self._subscriber.receive()
            if frames is None:
                break
            self._due.heard = now
            try:
                message = decode_published(*frames)
            except FrameError as error:
                self.bad_frames += 1
                self._log.warning("bad frame dropped", reason=str(error), count=self.bad_frames)
                continue
            if isinstance(message, Tick):
                self._newest = message.seq
            if not self._trouble:  # otherwise the producers have it still, and are asked once there is room again
                self._take(self._streams.on(message))
        if now - self._due.heard > SILENCE:
            self._log.warning("nothing is heard: connecting anew", silent_seconds=SILENCE)
            self._subscriber.renew()
            self._due.heard = now

    def _repaired(self) -> list[Published]:
        return [message for repairer in self._repairers for message in self._streams.tell(repairer.work())]

    def _take(self, messages: list[Published]) -> None:
        for message in messages:
            self._intake.take(message)
        if self._due.commit is None and len(self._intake):
            self._due.commit = time.monotonic() + COMMIT_INTERVAL

    def _commit_if_due(self) -> None:
        due = self._due.commit
        if due is not None and (time.monotonic() >= due or len(self._intake) >= COMMIT_MESSAGES):
            self._commit()

    def _commit(self) -> None:
        self._due.commit = None
        try:
            for conflict in self._stores.write(self._intake.batches()):
                self._log.error("conflict: not recorded", what=conflict.what, module=conflict.module, tick=conflict.seq)
        except OSError as error:
            self._stand_by(str(error))
            return
        for finding in self._stores.findings:
            self._log.error("damaged", where=finding.where, what=finding.what)
        self._stores.findings.clear()
        self._leave()

    def _leave(self) -> None:
        """Close runs that every stream has left."""
        clock = self._streams.clock
        current = {stream.line.run for stream in self._streams.modules.values()} | {clock.line.run if clock else ""}
        if "" not in current:
            self._stores.leave(self._stores.present - current)

    # When the disk takes nothing

    def _stand_by(self, trouble: str) -> None:
        """Record nothing until it can be written again; then go on behind what is on disk."""
        self._trouble = trouble
        self._due.retry = time.monotonic() + RETRY_INTERVAL
        self._log.error("recording stands still", reason=trouble)

    def _try_again(self) -> None:
        now = time.monotonic()
        if now < self._due.retry:
            return
        self._due.retry = now + RETRY_INTERVAL
        self._stores.close()  # opened anew, a damaged file is mended
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
    def status(self) -> str:
        """One line for the clock's table of peers."""
        trouble = self._trouble or self._keeper.problem
        if trouble:
            return f"degraded: {trouble}"
        conflicts = self._stores.counters.conflicts
        if conflicts:
            first = conflicts[0]
            where = f"in the {first.what} of {first.module} at tick {first.seq}"
            return f"alarm: {len(conflicts)} conflicts, the first {where}"
        if self._keeper.damage or self._streams.lost:
            return f"alarm: {self._keeper.damage} damaged places, {self._streams.lost} messages lost"
        return "ok"

    def _say(self) -> None:
        status = self.status
        if status != self._said:
            self._said = status
            self._log.info("status", status=status)
        queue = len(self._intake) + self._streams.held
        self._heart.beat(self._newest, status, self._gaps + self._streams.repaired, queue)

    def close(self) -> None:
        """Close every socket and every file."""
        self._keeper.stop()
        self._server.stop()
        for repairer in self._repairers:
            repairer.close()
        self._heart.close()
        self._subscriber.close()
        self._stores.close()
