"""The recording loop: messages in, group commits out, and what is done when nothing can be written.

A commit waits for the disk, so messages are gathered and written together: a group at most every 50 ms instead of a
thousand commits a second. One thread does all of this; sealing and answering questions are done by others, because
each may take longer than a message may wait.
"""

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
"""Messages after which a group is written at once, however young it is."""

BURST = 1000
"""Most messages that are taken before the group is written."""

HELD = 2000
"""Most states of a module that are kept in memory while an earlier one is missing."""

LATE = 0.03
"""Seconds beyond the pause that mean this loop got no processor: the time of its next group may be over already."""

HEARING = 0.01
"""Seconds of processor time for which it takes messages nevertheless: with one in each turn it would fall ever further
behind."""

POLL = 0.02
"""Longest wait for a message, in seconds."""

GATHER = 0.008
"""Pause in seconds after a message has come, so that those which follow are taken in the same turn."""

GROUP_WAIT = 0.05
"""Longest time in seconds that a message waits for its commit to begin, unless the commit before is still busy."""

COMMIT_INTERVAL = GROUP_WAIT - GATHER
"""Seconds from the first message of a group to its commit; that message may have waited for a pause already."""

SILENCE = 2.0
"""Seconds without a message after which the subscription is made again; a living clock ticks even while paused."""

BUSY = 1.0
"""Longest time in seconds that this loop waits for another writer of a recording; it has to beat, and maintenance needs
less."""

LAGS_TOLD = 4
"""Most publishers whose lags are named in the status, the longest first; the others are only counted."""

CONFLICTS_TOLD = 10
"""Most conflicts of one commit that the log gets a line for."""

RETRY_INTERVAL = 0.5
"""Seconds between two attempts to write after one has failed."""


@dataclass
class _Due:
    """Times of the monotonic clock at which something is due or was done, in seconds."""

    woke: float = 0.0
    """When this turn's messages began to come."""
    commit: float | None = None
    """When the present group has to be written; None while it is empty."""
    retry: float = 0.0
    """When writing is to be tried again."""
    heard: float = 0.0
    """When the last message came."""


class Shell:
    """Records until told to stop. For one thread, except for `said`.

    Args:
        endpoints: addresses of the plant.
        stores: where messages are written.
        maintenance: the thread that keeps recordings in order; started by `run`.
        server: the thread that answers questions; started by `run`.
        log: gets a line for each change of state.
    """

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
        except OSError as error:
            # For example a file that another program keeps locked. Ended by it, the node would be started again at once
            # and meet the same; so it runs, reports what is wrong, and tries again.
            self._streams, self._repairers = self._new_streams(), []
            self._stand_by(str(error))
        self.said = OK
        """What it reported last. Other threads read this, because `health` iterates over what this loop changes."""
        self._told: tuple[Health, str] | None = None
        """Health and reason of the newest status line in the log."""
        self._gaps = 0
        self._silent = False
        self._told_bad = Seldom()
        self._lag = Lag()
        self.bad_frames = 0

    def _new_streams(self) -> Streams:
        return Streams([module.module for module in self._endpoints.modules], whole=True, held=HELD)

    def _follow(self) -> tuple[Streams, list[Repairer]]:
        """Streams that continue after what is on disk, so that producers are asked for all that this node missed."""
        streams = self._new_streams()
        resume(streams, self._stores.folders(), lambda run: self._stores.store(run).connection)
        return streams, repairers(streams, self._endpoints)

    def run(self, stop: StopSignal) -> None:
        """Record until told to stop.

        Raises:
            RuntimeError: if one of the other threads has ended by itself: without maintenance the disk would fill, and
                without the other nobody could see it. The supervisor starts the node again.
        """
        gc.freeze()  # modules stay for good: full collections would walk them every time, and delay commits
        self._maintenance.start()
        self._server.start()
        while not stop:
            self.turn()
            for thread in (self._maintenance, self._server):
                if not thread.is_alive():
                    raise RuntimeError(f"the thread {thread.name} has ended") from thread.failure
        if not self._trouble:
            self._commit()  # the last group; killed instead, it would come again from its producers

    def turn(self) -> None:
        """Wait for messages, take them, and write the group when it is due; then beat."""
        asked = [repairer.socket for repairer in self._repairers if repairer.socket is not None]
        wait([self._subscriber, *asked], min(POLL, self._left()))
        self._due.woke = time.monotonic()
        # A pause on purpose: messages queue in the socket meanwhile, and one turn of the loop takes all of them instead
        # of one turn each.
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
        """How long the present group may still wait, in seconds."""
        due = self._due.commit
        return COMMIT_INTERVAL if due is None else max(0.0, due - time.monotonic())

    def _hear(self) -> None:
        now, begun = time.monotonic(), time.thread_time()
        # Processor time and not time by the clock: on a busy machine the group is due before anything was taken, and
        # to take one message a commit would be worse still.
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
            # While nothing can be written messages are dropped: memory is bounded, and the producers still have them
            # and are asked once there is room again.
            if not self._trouble:
                # Before `on`, which would drop it: what comes again is compared with what is recorded. Two instances
                # that disagree about a tick show only in this way.
                again = self._streams.had(message)
                delivered = self._streams.on(message)
                self._take([message] if again else delivered, again=again)
        if now - self._due.heard > SILENCE:
            if not self._silent:
                self._log.warning("nothing is heard from the plant: connecting again", silent_seconds=SILENCE)
            self._silent = True
            # An oversized frame ends a connection for good, without a word to the subscriber.
            self._subscriber.renew()
            self._due.heard = now

    def _repaired(self) -> list[Published]:
        repaired = [message for repairer in self._repairers for message in self._streams.tell(repairer.work())]
        for repairer in self._repairers:
            while repairer.refused:
                self._log.error("lost for good: nobody has it any more", what=repairer.refused.popleft())
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
            # The group is lost from memory, and with it what the streams believe to be recorded: see `_try_again`.
            self._stand_by(str(error))
            return
        # Each once, and not all: an instance that computes something else disagrees at every tick from then on.
        for what, module, seq in sorted({(each.what, each.module, each.seq) for each in conflicts})[:CONFLICTS_TOLD]:
            self._log.error(
                "conflict: another content was recorded before, and stays",
                what=what,
                module=module,
                tick=seq,
                among=len(conflicts),
            )
        for finding in self._stores.findings:
            self._log.error("damage found in a recording", where=finding.where, what=finding.what)
        self._stores.findings.clear()
        self._note_written()
        self._leave()

    def _note_written(self) -> None:
        """Take note that everything taken so far is on disk."""
        clock = self._streams.clock
        self._lag.written(
            OnDisk() if clock is None else OnDisk(clock.buffer.run, clock.buffer.last),
            {name: OnDisk(stream.buffer.run, stream.buffer.last) for name, stream in self._streams.modules.items()},
        )

    def _leave(self) -> None:
        """Close the runs that every stream has left."""
        clock = self._streams.clock
        # A module that is still behind may owe the end of an earlier run. An empty name is a stream that has not begun:
        # nobody knows which run it will begin with.
        current = {stream.buffer.run for stream in self._streams.modules.values()} | {clock.buffer.run if clock else ""}
        if "" not in current:
            self._stores.leave(self._stores.present - current)

    # While nothing can be written

    def _stand_by(self, trouble: str) -> None:
        """Record nothing until writing is possible again; then continue after what is on disk."""
        self._trouble = trouble
        self._due.retry = time.monotonic() + RETRY_INTERVAL
        self._log.error("recording is interrupted", reason=trouble)

    def _try_again(self) -> None:
        now = time.monotonic()
        if now < self._due.retry:
            return
        self._due.retry = now + RETRY_INTERVAL
        self._stores.close()  # what is damaged is repaired when it is opened again
        try:
            # New streams, made from what is on disk: the old ones count messages as received that were never written.
            followed = self._follow()
            # Really written: that there is room does not say that the disk takes anything.
            self._stores.probe()
        except OSError as error:
            self._trouble = str(error)
            return
        self._intake.batches()  # dropped: what was taken in and not written comes again
        for repairer in self._repairers:
            repairer.close()
        self._gaps += self._streams.repaired
        self._streams, self._repairers = followed
        self._trouble = ""
        self._log.info("recording continues")

    # What it reports of itself

    @property
    def health(self) -> HealthReport:
        """What it reports to the clock: the worst of what is wrong, with the reason."""
        trouble = self._trouble or self._maintenance.problem
        if growing := self._lag.growing:
            cause = trouble or "this machine is too slow to record them"
            return HealthReport(
                "alarm", f"{_not_on_disk(growing)}; their number grows: {cause}", STORAGE if trouble else LAG
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
    """The publishers whose ticks are not on disk, each with how many."""
    told = [f"{lag} of {name}" for name, lag in [*lags.items()][:LAGS_TOLD]]
    more = [f"some of {len(lags) - LAGS_TOLD} more"] if len(lags) > LAGS_TOLD else []
    return f"ticks not yet on disk: {', '.join([*told, *more])}"
