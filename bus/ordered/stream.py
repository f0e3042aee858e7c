"""What a subscriber makes of a stream that may lose, repeat and reorder: every message once, in order, or a request.

Pure: messages in, messages out; `request` says what to ask the producer for. The owner of the sockets sends the
request, passes the answer back, and asks again if none arrives (see `bus.transport.repair`).
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bus.ordered.tick_span import TickSpan, spans_of
from bus.protocol.messages import (
    CLOCK_MODULE,
    NODE_ALARM,
    NODE_ALARMS,
    STOP_LATE,
    STOPPED_LATE,
    Event,
    Frames,
    FramesRequest,
    Published,
    Replay,
    ReplayRequest,
    Result,
    State,
    Tick,
)

HELD_MAX = 20_000
"""Most messages kept back while an earlier one is missing; further ones are asked for again later."""

REMEMBERED = 20_000
"""Events and results that are remembered, so they can be dropped when they come again."""

RUNS_REMEMBERED = 64
"""Runs whose events and results are counted while an earlier run is not complete."""

RESULT_LEAD = 2
"""Ticks that may follow a tick with a command for the clock before the command's result counts as missing."""

M = TypeVar("M", bound=Published)


def ticks_of(reply: Replay, after: int) -> Iterator[Tick]:
    """The ticks of a replay that follow `after`, as they were published except for what belongs to their sending.

    `wall` is the time of the answer; `held`, `leaders` and `published` were facts of the moment of sending and are
    empty, and `mono_ns` is 0.
    """
    for span in spans_of(reply, after):
        yield from _ticks_of_span(span, reply)


def _ticks_of_span(span: TickSpan, reply: Replay) -> Iterator[Tick]:
    dt, speed = span.dt_us / 1e6, span.speed_milli / 1000
    # Ticks are made one by one as they are taken: a span of hours is never a list of its ticks.
    for index in range(span.count):
        yield Tick(
            t=(span.t_us + (index + 1) * span.dt_us) / 1e6,
            seq=span.first + index,
            run=reply.run,
            wall=reply.wall,
            epoch=reply.epoch,
            dt=dt,
            mode=span.mode,
            speed=speed,
            flat_out=span.flat_out,
            rate=reply.rate,
            held=[],
            mono_ns=0,
            leaders={},
            published={},
            commands=[] if index else list(span.commands),
        )


class SequenceBuffer(Generic[M]):
    """Delivers messages that are numbered 1, 2, 3 ... within a run in order and each once, one run after the other.

    Args:
        whole: begin with the first message of the run, not with the first one heard.
        led: another stream announces the runs and their order; messages of a run not yet announced wait.
        held: most messages kept back while an earlier one is missing.
    """

    def __init__(self, *, whole: bool = False, led: bool = False, held: int = HELD_MAX) -> None:
        self.run = ""
        self._held_max = held
        self.last = 0
        self.repaired = 0
        self.lost = 0
        self._whole = whole
        self._led = led
        self._newest = 0
        # Messages of this run whose predecessor has not arrived.
        self._held: dict[int, M] = {}
        self._later: list[M] = []  # messages of the next run, while the end of this one is not known
        self._announced: deque[str] = deque()  # runs that follow, as far as they are known
        # Bounded. A straggler of a run that ended longer ago would be taken for a new run, but nobody sends one so
        # late.
        self._ended: deque[str] = deque(maxlen=64)
        self._ends: dict[str, int] = {}  # last numbers of announced runs, as far as they are known

    @property
    def closing(self) -> bool:
        """True while the next run waits until the end of this one is known."""
        return bool(self._announced)

    def resume(self, run: str, last: int) -> None:
        """Continue after the last message that an earlier process had; call it before any message is taken."""
        self.run, self.last, self._newest = run, last, last

    @property
    def after(self) -> int | None:
        """The message after which something is missing, None when nothing is."""
        # While the next run waits, the end of this one is asked for even if nothing is known to be missing: only the
        # answer says that there is no more.
        return self.last if self.closing or self._newest > self.last else None

    @property
    def waiting(self) -> bool:
        """True while later messages are kept back for a missing one."""
        return self.depth > 0

    @property
    def depth(self) -> int:
        """How many messages are kept back."""
        return len(self._held) + len(self._later)

    def announce(self, run: str, ended: tuple[str, int] | None) -> list[M]:
        """Take note of a run that another stream has seen begin; this stream has it, too, even if nothing was heard.

        Args:
            run: the run.
            ended: the run before it and that run's last number, None when there was none.
        """
        # The end matters even more than the announcement: without it nobody can say whether the last messages of the
        # run are missing or were never sent.
        if ended is not None and ended[0] == self.run:
            self._newest = max(self._newest, ended[1])
        elif ended is not None:
            self._ends[ended[0]] = ended[1]
        # After a restart a run is announced twice, by what is on disk and by the clock's stream. Entered twice, it
        # would be delivered twice.
        if run == self.run or run in self._ended or run in self._announced:
            return []
        if self.run:
            self._announced.append(run)
            return []
        # A listener that does not need the whole run begins with the first message that it hears, so there is nothing
        # to ask for yet.
        return self._enter(run) if self._whole else []

    def _enter(self, run: str) -> list[M]:
        """Begin a run with the messages of it that have arrived already."""
        waiting, self._later = self._later, []
        self._held.clear()
        self.run = run
        self.last = 0
        # The end may be known before the beginning: a run of a few ticks can be over before its announcement is
        # repaired.
        self._newest = self._ends.pop(run, 0)
        # They go through `on` once more: they may be out of order, and of this run or of one that follows it.
        return [ready for message in waiting for ready in self.on(message)]

    def had(self, message: M) -> bool:
        """True if a message of this number was delivered before."""
        return message.run == self.run and message.seq <= self.last

    def on(self, message: M, *, repair: bool = False) -> list[M]:
        """Take one message; returns what can be delivered now, in order."""
        if message.run != self.run:
            return self._of_another_run(message)
        if message.seq <= self.last:
            return []
        self._newest = max(self._newest, message.seq)
        # A hole. What comes after it waits, and `after` turns into a request. A full buffer drops the message but not
        # its number: by `_newest` it is still asked for later.
        if message.seq > self.last + 1:
            if len(self._held) < self._held_max:
                self._held[message.seq] = message
            return []
        # Counted only if it was not known already: answers overlap with what has arrived by itself meanwhile.
        self.repaired += repair
        self.last = message.seq
        return [message, *self._drain()]

    def _drain(self) -> list[M]:
        ready: list[M] = []
        # What follows the message that filled the hole, as far as it is whole.
        while (following := self._held.pop(self.last + 1, None)) is not None:
            ready.append(following)
            self.last += 1
        return ready

    def _of_another_run(self, message: M) -> list[M]:
        if message.run in self._ended:
            return []
        # While a run is being followed, another one must not interrupt it: its end may still be on its way.
        if self.run or self._led:
            if len(self._later) < self._held_max:
                self._later.append(message)
            # A stream that is led learns of runs only from the clock. A module that restarts in an old run would
            # otherwise put the runs in the wrong order.
            if message.run not in self._announced and not self._led:
                self._announced.append(message.run)
            return []
        self.run = message.run
        # A listener that joins in the middle has missed nothing: it begins right before the first message it hears.
        self.last = self._newest = 0 if self._whole else message.seq - 1
        return self.on(message)

    def completed(self, last: int, ended: bool, following: str = "") -> list[M]:
        """Take note of how far a producer says the run goes; if it is complete, returns what waited for the next run.

        Args:
            last: newest number that it knows of.
            ended: whether it knows that none follows; an instance that slept still takes the run for the present one.
            following: the run that came next, of which nothing may have been heard; "" when it does not say.
        """
        if not self.closing or not ended:
            return []  # newer messages are on their way
        # A run of which no message was heard at all comes before those that were heard: only the producer knows of it.
        if following and following not in {self.run, *self._announced, *self._ended}:
            self._announced.appendleft(following)
        self._newest = max(self._newest, last)
        # Not before the last message: leaving a run early would drop its end for good.
        return self._next_run() if self.last >= self._newest else []

    def distrust(self) -> None:
        """Drop what waits for an earlier message: the present producer is to send it again."""
        self._held.clear()
        self._later.clear()

    def skip(self) -> list[M]:
        """Give up what is missing: count it as lost and continue after it."""
        if self._held:
            # Up to the first message that is there. Everything before it is given up; what follows it may be complete.
            first = min(self._held)
            self.lost += first - self.last - 1
            self.last = first - 1
            return self._drain()
        self.lost += self._newest - self.last
        self.last = self._newest
        return self._next_run() if self.closing else []

    def _next_run(self) -> list[M]:
        # Remembered before the next run is entered: a late message of this one must not open it again.
        self._ended.append(self.run)
        return self._enter(self._announced.popleft())


class TickStream:
    """The clock's ticks, results and events: ticks in order and each once; a clock with a lower epoch is ignored."""

    def __init__(self, *, whole: bool = False) -> None:
        self.buffer: SequenceBuffer[Tick] = SequenceBuffer(whole=whole)
        self.epoch = 0
        self.fenced = 0
        self._seen = _Seen()
        self._unanswered: dict[str, tuple[str, int]] = {}

    def resume(self, run: str, last: int, unanswered: Iterable[tuple[str, str, int]]) -> None:
        """Continue where an earlier process stopped.

        Args:
            run: its run.
            last: the last tick that it had.
            unanswered: commands for the clock whose results it did not have, with their runs and ticks.
        """
        self.buffer.resume(run, last)
        # Includes commands of earlier runs, whose results may have been lost with the process.
        self._unanswered = {command_id: (of_run, seq) for command_id, of_run, seq in unanswered}

    def on(self, message: Tick | Result | Event) -> list[Published]:
        """Take a tick, a result or an event of the clock; returns what can be delivered now."""
        if isinstance(message, Result):
            return self._result(message)
        if isinstance(message, Event):
            return self._event(message)
        # Fencing: a clock that was replaced may wake up and go on. Of two clocks with the same run the higher epoch is
        # right.
        if message.epoch < self.epoch:
            self.fenced += 1
            return []
        self._take_up(message.epoch)
        # The epoch is taken up before the tick, or the old clock's waiting ticks would be delivered behind it.
        return self._deliver(self.buffer.on(message))

    def _take_up(self, epoch: int) -> None:
        """Follow a clock. Ticks of its predecessor that still wait must not come after ticks of this one."""
        if epoch > self.epoch:
            self.epoch = epoch
            self.buffer.distrust()

    def on_replay(self, reply: Replay) -> list[Published]:
        """Take ticks that were asked for."""
        buffer = self.buffer
        if reply.run != buffer.run or reply.epoch < self.epoch:
            return []
        self._take_up(reply.epoch)
        ready: list[Tick] = []
        for tick in ticks_of(reply, buffer.last):
            ready += buffer.on(tick, repair=True)
        # After the ticks themselves, since only they show whether the run is complete.
        ready += buffer.completed(reply.last, reply.ended, reply.following)
        return self._deliver(ready)

    def on_frames(self, reply: Frames) -> list[Published]:
        """Take results and events that were asked for; what the clock has forgotten is not asked for again."""
        ready = [each for event in reply.events for each in self._event(event)]
        ready += [each for result in reply.results for each in self._result(result)]
        for command_id, (run, seq) in list(self._unanswered.items()):
            if run == reply.run and reply.after < seq <= reply.through:
                # The block covers the command's tick and does not have its result: the clock has forgotten it, and
                # asking would never end.
                del self._unanswered[command_id]
                self.buffer.lost += 1
        return ready

    def skip(self) -> list[Published]:
        """Give up what is missing and continue after it."""
        return self._deliver(self.buffer.skip())

    @property
    def request(self) -> ReplayRequest | FramesRequest | None:
        """What to ask the clock for, None when nothing is missing."""
        buffer = self.buffer
        if buffer.after is not None:
            return ReplayRequest(run=buffer.run, after=buffer.after)
        for run, seq in self._unanswered.values():
            # Not at once: a result leaves the clock after its tick, and is usually only late.
            if run != buffer.run or seq + RESULT_LEAD < buffer.last:
                return FramesRequest(run=run, after=seq - 1)
        return None

    def _deliver(self, ticks: list[Tick]) -> list[Published]:
        for tick in ticks:
            for command in tick.commands:
                if command.module == CLOCK_MODULE and command.id not in self._seen:
                    self._unanswered[command.id] = (tick.run, tick.seq)
        return list(ticks)

    def _result(self, result: Result) -> list[Published]:
        self._unanswered.pop(result.id, None)
        if not self._seen.first(result.id):
            return []
        # No count in a later tick would show that only the event was lost, so it is expected together with the result.
        event = _kind_key(result.run, result.seq, NODE_ALARM if result.name == NODE_ALARMS else STOPPED_LATE)
        announced = result.name == STOP_LATE or (result.name == NODE_ALARMS and result.applied.get("alarming") is True)
        if announced and result.outcome == "applied" and event not in self._seen:
            # The key of the event takes the place of a command's id, since both are asked for in the same way.
            self._unanswered[event] = (result.run, result.seq)
        return [result]

    def _event(self, event: Event) -> list[Published]:
        # Seen by its kind as well as by its text: a result announces only that there is an event of that kind.
        kind = _kind_key(event.run, event.seq, event.kind)
        self._unanswered.pop(kind, None)
        self._seen.first(kind)
        return [event] if self._seen.first(_key(event)) else []


class ModuleStream:
    """States, events and results of one plant module: states in order and each once, the others each once.

    Every state says how many results and events came before it, so the loss of one of those is noticed, too.
    """

    def __init__(self, *, whole: bool = False, led: bool = False, held: int = HELD_MAX) -> None:
        self.buffer: SequenceBuffer[Any] = SequenceBuffer(whole=whole, led=led, held=held)
        self._seen = _Seen()
        self._events = _Tally(whole)
        self._results = _Tally(whole)

    def resume(self, run: str, last: int, events: "Known", results: "Known") -> None:
        """Continue where an earlier process stopped.

        Args:
            run: its run.
            last: tick of the last state that it had.
            events: events that it had.
            results: results that it had.
        """
        self.buffer.resume(run, last)
        for tally, known in ((self._events, events), (self._results, results)):
            tally.resume(run, known)
            for message in known.since:
                self._seen.first(_key(message))

    def announce(self, run: str, ended: tuple[str, int] | None) -> list[Published]:
        """Take note that the clock's stream has come to a run, and to the end of the one before."""
        return self._deliver(self.buffer.announce(run, ended))

    def on(self, message: Published) -> list[Published]:
        """Take one message, where a state may be whole or only its head; returns what can be delivered now."""
        return self._take(message, repair=False)

    def on_frames(self, reply: Frames) -> list[Published]:
        """Take frames that were asked for."""
        ready: list[Published] = []
        messages: list[Published] = [*reply.results, *reply.states, *reply.events]
        for message in messages:
            ready += self._take(message, repair=True)
        for tally in (self._events, self._results):
            self.buffer.lost += tally.settle(reply.run, reply.after, reply.through)
        if reply.run == self.buffer.run and reply.through >= reply.last:
            ready += self._deliver(self.buffer.completed(reply.last, reply.ended))
        return ready

    def skip(self) -> list[Published]:
        """Give up what is missing and continue after it."""
        # One thing at a time: lost results and events are settled first, and states are skipped by the next call, so a
        # hole is never counted twice.
        lost = sum(tally.settle(self.buffer.run, 0, self.buffer.last) for tally in (self._events, self._results))
        self.buffer.lost += lost
        return [] if lost else self._deliver(self.buffer.skip())

    @property
    def request(self) -> FramesRequest | None:
        """What to ask the module for, None when nothing is missing."""
        buffer = self.buffer
        # One request covers everything that is missing: an answer from the earliest place on has the rest, too.
        needed = [tally.since - 1 for tally in (self._events, self._results) if tally.owing]
        if buffer.after is not None:
            # No later state counts what came with the last tick of a run, so this is asked for together with the rest.
            needed.append(buffer.after - 1 if buffer.closing else buffer.after)
        return FramesRequest(run=buffer.run, after=max(0, min(needed))) if needed else None

    def _take(self, message: Published, *, repair: bool) -> list[Published]:
        # States carry numbers, by which the buffer finds holes and repetitions. Events and results do not: they are
        # delivered as they arrive, and the counts in the states reveal the holes.
        if not isinstance(message, Event | Result):
            return self._deliver(self.buffer.on(message, repair=repair))
        event = isinstance(message, Event)
        if not self._seen.first(_key(message)):
            return []
        self.buffer.repaired += repair
        # Before it is delivered: the state that counts it may be next in the same batch.
        (self._events if event else self._results).add(message.run, message.seq)
        return [message]

    def _deliver(self, states: list[Any]) -> list[Published]:
        for state in states:
            # A module publishes results, state and events in this order. So a state counts the results of its own tick
            # as well, but only the events of earlier ticks.
            self._results.check(state.run, state.seq + 1, state.results)
            self._events.check(state.run, state.seq, state.events)
        return list(states)


@dataclass(frozen=True)
class Known:
    """The events or results of a module that an earlier process had received.

    Attributes:
        before: it had all of those of ticks before this one.
        count: how many these were.
        since: those of this tick and later ones that it had.
    """

    before: int
    count: int
    since: Sequence[Event | Result]


def _kind_key(run: str, seq: int, kind: str) -> str:
    return f"{run} {seq} {kind}"


def _key(message: Event | Result) -> str:
    if isinstance(message, Event):
        return f"{message.run} {message.seq} {message.kind} {message.text}"
    return message.id


class _Tally:
    """Counts messages that carry no number of their own, and compares with the counts in the states."""

    def __init__(self, whole: bool) -> None:
        self._whole = whole
        self._run = ""
        self.since = 0
        """All messages of ticks before this one are known to have arrived."""
        self._count = 0
        self._heard: dict[str, list[int]] = {}
        self._owed: tuple[int, int] | None = None

    def resume(self, run: str, known: Known) -> None:
        """Continue where an earlier process stopped."""
        self._run, self.since, self._count, self._owed = run, known.before, known.count, None
        self._heard = {run: [message.seq for message in known.since]}

    def add(self, run: str, seq: int) -> None:
        """Count one message."""
        self._heard.setdefault(run, []).append(seq)
        while len(self._heard) > RUNS_REMEMBERED:
            del self._heard[next(iter(self._heard))]

    def check(self, run: str, before: int, count: int) -> None:
        """Compare with a state: there were `count` messages in the run before tick `before`."""
        if run != self._run:
            # A listener that saw the run before, or needs all of this one, counts from its first tick. Any other one
            # begins with the counts of the first state that arrives.
            known = self._run != "" or self._whole
            self._run, self._owed = run, None
            self.since, self._count = (0, 0) if known else (before, count)
        heard = self._heard.get(run, [])
        # Several runs are counted at a time: a module may finish an old run while events of the newest one are already
        # heard.
        have = self._count + sum(self.since <= seq < before for seq in heard)
        if have < count:
            self._owed = (before, count)
            return
        self.since, self._count, self._owed = before, count, None
        # What has been counted is forgotten; what belongs to later ticks waits for their states.
        self._heard[run] = [seq for seq in heard if seq >= before]

    @property
    def owing(self) -> bool:
        """True while some that were counted by a state have not arrived."""
        return self._owed is not None

    def settle(self, run: str, after: int, through: int) -> int:
        """Take note that everything there is of these ticks has arrived; returns how many are lost for good."""
        # An answer settles only what it covers without a gap: one that begins later says nothing about earlier ticks.
        if self._owed is None or run != self._run or after > max(0, self.since - 1) or through < self.since:
            return 0
        before, count = self._owed
        # A block may end before the tick that was asked about; then the rest stays open and is asked for next.
        upto = min(through + 1, before)
        self._count += sum(self.since <= seq < upto for seq in self._heard.get(run, []))
        self.since = upto
        if upto < before:
            return 0
        lost, self._count, self._owed = count - self._count, count, None
        return lost


class _Seen:
    """The newest keys, by which a repetition is recognised."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def first(self, key: str) -> bool:
        """True when the key is new; it is remembered."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > REMEMBERED:
            # The oldest key makes room: repetitions come from repairs, which reach back minutes and not hours.
            self._keys.popitem(last=False)
        return True


class Streams:
    """Everything that one program follows: the clock's stream and those of some modules.

    Messages that belong to no stream pass through.

    Args:
        modules: plant modules whose states are followed.
        ticks: whether the clock's ticks are followed.
        whole: begin with the first message of the run, not with the first one heard.
        held: most states of a module kept back while an earlier one is missing.
    """

    def __init__(
        self, modules: Iterable[str], *, ticks: bool = True, whole: bool = False, held: int = HELD_MAX
    ) -> None:
        self.clock = TickStream(whole=whole) if ticks else None
        self._ticked: tuple[str, int] | None = None
        self.modules = {module: ModuleStream(whole=whole, led=ticks and whole, held=held) for module in modules}

    def resume(self, run: str, last: int) -> None:
        """Continue in the run of an earlier process; each stream has to be resumed as well.

        Args:
            run: run of that process.
            last: the last tick that it had.
        """
        self._ticked = (run, last)

    def on(self, message: Published) -> list[Published]:
        """Take one message; returns what can be delivered now."""
        if isinstance(message, Tick) or (isinstance(message, Result | Event) and message.module == CLOCK_MODULE):
            return [message] if self.clock is None else self.tell(self.clock.on(message))
        if isinstance(message, State | Event | Result):
            stream = self.modules.get(message.module)
            return [message] if stream is None else stream.on(message)
        return [message]

    def had(self, message: Published) -> bool:
        """True if a tick or a state was delivered before; a tick of an outdated clock does not count."""
        if isinstance(message, Tick):
            return self.clock is not None and message.epoch >= self.clock.epoch and self.clock.buffer.had(message)
        # Only states of modules are numbered: whether an event or a result came before cannot be said by its number.
        stream = self.modules.get(message.module) if isinstance(message, State) else None
        return stream is not None and stream.buffer.had(message)

    def tell(self, delivered: list[Published]) -> list[Published]:
        """Announce to the modules' streams the runs that the clock's stream has reached.

        Args:
            delivered: what the clock's stream has delivered.

        Returns:
            These messages, and what the modules' streams can now deliver as well.
        """
        ready = list(delivered)
        for message in delivered:
            if not isinstance(message, Tick):
                continue
            # The modules' streams learn of a run from the clock, in the clock's order, and with it how far the run
            # before it went.
            if self._ticked is None or self._ticked[0] != message.run:
                for stream in self.modules.values():
                    ready += stream.announce(message.run, self._ticked)
            self._ticked = (message.run, message.seq)
        return ready

    @property
    def waiting(self) -> bool:
        """True while messages are kept back for missing ones."""
        return self.depth > 0

    @property
    def depth(self) -> int:
        """How many messages are kept back for missing ones."""
        return sum(buffer.depth for buffer in self._buffers())

    def skip(self) -> list[Published]:
        """Give up what is missing; returns what was kept back for its sake. One call may not be enough."""
        ready: list[Published] = []
        # The clock's ticks first: with them the modules' streams may learn of their next run, and have less to give up.
        if self.clock is not None and self.clock.buffer.waiting:
            ready += self.tell(self.clock.skip())
        for stream in self.modules.values():
            if stream.buffer.waiting:
                ready += stream.skip()
        return ready

    @property
    def repaired(self) -> int:
        """Messages that were lost on the way and arrived when they were asked for."""
        return sum(buffer.repaired for buffer in self._buffers())

    @property
    def lost(self) -> int:
        """Messages that were lost for good."""
        return sum(buffer.lost for buffer in self._buffers())

    def _buffers(self) -> list[SequenceBuffer[Any]]:
        clock = [] if self.clock is None else [self.clock.buffer]
        return [*clock, *(stream.buffer for stream in self.modules.values())]
