"""The ordered log of what was heard: each message once, in order, gaps repaired from whoever published it.

The newest frame is shown at once, whatever is missing before it (see `core.Plant`); what follows from every message -
the audit log, the ring for clients that want each frame - is made here, where none is left out.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

from bus.ordered.stream import Streams
from bus.protocol import codec
from bus.protocol.messages import Event, Published, ReplaySpan, Result, State, Status, Tick
from nodes.gateway.audit import Audit
from nodes.gateway.frame import Frame, StateHead
from nodes.gateway.ring import FrameRing
from nodes.gateway.roster import Roster

EVENTS_KEPT = 1000
RUNS_KEPT = 100

BACKFILL = 500
"""Ticks before the first state heard that are asked for, so that clients of a worker that died can go on here."""

WAITING_MAX = 4096
"""Frames that are kept back at most while an earlier one is missing."""


@dataclass
class Run:
    """A run that this listener has heard of."""

    run: str
    scenario: str | None
    first_t: float
    last_t: float
    last_seq: int


class OrderedLog:
    """Everything that was heard, in order.

    Args:
        modules: the modules there should be.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.streams = Streams(modules)
        self.rings = {name: FrameRing() for name in modules}
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.runs: OrderedDict[str, Run] = OrderedDict()
        self.audit = Audit()
        self.roster = Roster()
        self._waiting: OrderedDict[tuple[str, str, int], Frame] = OrderedDict()

    def on(self, message: Published, frame: Frame | None, now: float) -> list[Published]:
        """Take one message off the bus, a state as its head with its frame; returns what is now known in order."""
        if isinstance(message, StateHead) and frame is not None:
            return self.take(self._on_state(message, frame), now)
        return self.take(self.streams.on(message), now)

    def _on_state(self, head: StateHead, frame: Frame) -> list[Published]:
        stream = self.streams.modules[head.module]
        if not stream.buffer.run:
            stream.buffer.run, stream.buffer.last = head.run, max(0, head.seq - 1 - BACKFILL)
        self._waiting[head.module, head.run, head.seq] = frame
        while len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)
        return stream.on(head)

    def take(self, messages: list[Published], now: float) -> list[Published]:
        """Make of ordered messages what follows from them; also to be called with what was repaired."""
        for message in messages:
            match message:
                case Tick():
                    self._on_tick(message)
                case Status():
                    self.roster.on_status(message)
                    if message.run in self.runs:
                        self.runs[message.run].scenario = message.scenario
                case StateHead() | State():
                    self._on_frame(message, now)
                case Event():
                    self.events.append(message)
                case Result():
                    self.audit.on_result(message)
        return messages

    def _on_tick(self, tick: Tick) -> None:
        known = self.runs.get(tick.run)
        if known is None:
            self.runs[tick.run] = Run(tick.run, None, tick.t, tick.t, tick.seq)
            while len(self.runs) > RUNS_KEPT:
                self.runs.popitem(last=False)
        else:
            known.last_t, known.last_seq = tick.t, tick.seq
        for command in tick.commands:
            self.audit.on_command(command, tick.run, tick.seq, tick.wall)

    def following(self, run: str) -> str:
        """The run that followed another one; empty until it is heard of."""
        runs = list(self.runs)
        place = runs.index(run) + 1 if run in self.runs else len(runs)
        return runs[place] if place < len(runs) else ""

    def add_past_commands(self, run: str, span: ReplaySpan) -> None:
        """Take note of the commands of ticks before this listener began."""
        for command in span.commands:
            self.audit.add_past(command, run, span.first)

    def add_past_events(self, events: list[Event]) -> None:
        """Take events of the present run from before this listener began, oldest first."""
        known = {(event.module, event.run, event.seq, event.kind, event.text) for event in self.events}
        unknown = [e for e in events if (e.module, e.run, e.seq, e.kind, e.text) not in known]
        present = [event for event in self.events if event.run in {each.run for each in unknown}]
        before = [event for event in self.events if event.run not in {each.run for each in unknown}]
        self.events.clear()
        self.events.extend([*before, *sorted([*unknown, *present], key=lambda event: event.seq)])

    def _on_frame(self, message: StateHead | State, now: float) -> None:
        frame = self._waiting.pop((message.module, message.run, message.seq), None)
        if frame is None:  # it was lost on the way and came when asked for
            payload = codec.encode(message)
            frame = Frame(codec.decode(payload, StateHead), payload, now)
        self.rings[message.module].append(frame)

    @property
    def ready(self) -> bool:
        """Is the clock heard, and does the ring of each module reach back as far as it will?"""
        whole = all(stream.buffer.run and stream.request is None for stream in self.streams.modules.values())
        return bool(self.runs) and whole

    def missed(self) -> dict[str, int]:
        """Messages that were lost and cannot be had any more, by topic."""
        clock = 0 if self.streams.clock is None else self.streams.clock.buffer.lost
        lines = {f"state/{name}/": stream.buffer.lost for name, stream in self.streams.modules.items()}
        return {"tick": clock, **lines}
