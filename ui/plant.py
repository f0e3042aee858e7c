"""All that the dashboard knows of the plant, built from bus messages alone. Pure: no socket, thread or clock."""

import math
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bus.ordered.stream import Streams
from bus.protocol.messages import CLOCK_MODULE, Alarm, Event, Published, Result, State, Status, Tick
from bus.view.alarms import listing
from ui import channels
from ui.history import SampleHistory
from ui.log import CommandLog
from ui.nodes import LatenessHistograms
from ui.sources import STALE_AFTER, Source, freshness

CATCHING_UP_TICKS = 100
"""A module whose newest state is this far behind the ticks is shown as catching up."""

RECORDER = "recorder"

PEER_SILENT_AFTER = 1.0
"""Seconds without a beat, as the clock reports them, after which a peer is shown as missing."""

REPORT_OLD_AFTER = 0.6
"""Age in seconds from which a report of the clock tells nothing of its peers any more; it makes five a second."""


EVENTS_KEPT = 60
"""Events that a page is shown."""


@dataclass
class Module:
    """One plant module: its newest state and what is plotted of it."""

    name: str
    source: Source = field(default_factory=Source)
    state: State | None = None
    run: int = 0
    history: SampleHistory = field(default_factory=lambda: SampleHistory(len(channels.SERIES)))

    def hear(self, state: State, now: float) -> None:
        """Take a state; the first one of another run begins new histories."""
        if self.state is None or self.state.run != state.run:
            self.run += 1
            self.history = SampleHistory(len(channels.SERIES))
        self.source.hear(now)
        self.state = state
        self.history.add(state.t, channels.series(state), now)


class Plant:
    """The newest of everything, and who has gone silent."""

    def __init__(self, modules: tuple[str, ...], expected: tuple[str, ...]) -> None:
        """
        Args:
            modules: plant modules.
            expected: nodes without a module whose beats the clock should hear.
        """
        self.modules = {name: Module(name) for name in modules}
        self.expected = expected
        self.clock = Source()
        self.bus = Source()
        self.streams = Streams(modules)
        """Bring what is heard into order, and know what is missing."""
        self.log = CommandLog()
        self.events: list[Event] = []
        self.timing = LatenessHistograms()
        self.tick: Tick | None = None
        self.status: Status | None = None
        self.bad_frames = 0
        self._epoch = 0
        self._reported = -math.inf
        self._clock_since: float | None = None

    def hear(self, message: Published, now: float) -> list[Published]:
        """Take one message as it came; returns what could be delivered for it, in order and each once."""
        self.bus.hear(now)
        delivered = self.streams.on(message)
        self.take(delivered, now)
        return delivered

    def take(self, delivered: list[Published], now: float) -> None:
        """Take messages that are in order."""
        for message in delivered:
            self._take(message, now)

    def _take(self, message: Published, now: float) -> None:
        if isinstance(message, Tick):
            self._take_tick(message, now)
        elif isinstance(message, Status):
            if message.epoch >= self._epoch:
                self.status, self._reported = message, now
                self.timing.reported(message.lateness)
        elif isinstance(message, State):
            module = self.modules.get(message.module)
            if module is not None:
                module.hear(message, now)
        elif isinstance(message, Result):
            self.log.answered(message)
        elif isinstance(message, Event):
            self.add_events([message])
        else:
            raise TypeError(f"{type(message).__name__} has no place on the dashboard")

    def _take_tick(self, tick: Tick, now: float) -> None:
        if freshness(self.clock.age(now)) != "live" or tick.epoch > self._epoch:
            self._clock_since = now
        self._epoch = tick.epoch
        self.clock.hear(now)
        if self.tick is not None and self.tick.run != tick.run:
            self.events.clear()
        self.tick = tick
        self.timing.arrived(tick.mono_ns, now)
        if tick.commands:
            self.log.sequenced(tick)

    def add_events(self, events: list[Event]) -> None:
        """Take events, also such as were before this listener began; each is kept once, in the order of the run."""
        run = self.tick.run if self.tick is not None else ""
        kept = {_of(event): event for event in [*self.events, *events] if event.run == run or not run}
        self.events = sorted(kept.values(), key=lambda event: (event.seq, event.t))[-EVENTS_KEPT:]

    def alarm_list(self) -> dict[str, Any]:
        """The alarms that ask for attention, and the newest events, as plain data for the page."""
        return {
            "type": "alarms",
            "alarms": [msgspec.structs.asdict(alarm) for alarm in self._alarms()],
            "events": [
                {"t": event.t, "seq": event.seq, "module": event.module, "severity": event.severity, "text": event.text}
                for event in self.events
            ],
        }

    def _alarms(self) -> list[Alarm]:
        run = None if self.tick is None else self.tick.run
        return listing([module.state for module in self.modules.values()], self.status, run)

    def nodes(self, now: float) -> list[dict[str, Any]]:
        """Every node that the page expects: name, what to call it, "live", "stale", "missing" or "unknown", age."""
        clock_age = self.clock.age(now)
        clock = freshness(clock_age)
        table = [_node(CLOCK_MODULE, CLOCK_MODULE, clock, clock_age)]
        for module in self.modules.values():
            # Without ticks a healthy module says nothing, so its silence tells nothing of it.
            age = module.source.age(now)
            table.append(_node(module.name, f"physics {module.name}", self._excused(freshness(age), clock), age))
        # The recorder beats to the plant's clock, which a replay is not.
        replay = self.status is not None and bool(self.status.replay)
        table.extend(self._peer(name, now) for name in self.expected if not (replay and name == RECORDER))
        return table

    @staticmethod
    def _excused(state: str, clock: str) -> str:
        return "unknown" if state != "live" and clock != "live" else state

    def _peer(self, name: str, now: float) -> dict[str, Any]:
        """A node that is known by its beats to the clock alone."""
        report_age = now - self._reported
        just_met = self._clock_since is None or now - self._clock_since < STALE_AFTER
        if self.status is None or report_age > REPORT_OLD_AFTER:
            return _node(name, name, "unknown", None)
        ages = [peer.age for peer in self.status.peers if peer.node == name]
        if ages and min(ages) < PEER_SILENT_AFTER:
            return _node(name, name, "live", min(ages))
        return _node(name, name, "unknown" if just_met else "missing", min(ages) + report_age if ages else None)

    def catching_up(self, name: str, now: float) -> bool:
        """True while a module that can be heard works off ticks that lie well behind the newest."""
        module, tick = self.modules[name], self.tick
        state = module.state
        if state is None or tick is None or state.run != tick.run or freshness(module.source.age(now)) != "live":
            return False
        return tick.seq - state.seq > CATCHING_UP_TICKS


def _of(event: Event) -> tuple[str, int, float, str, str]:
    """What tells an event from others."""
    return event.module, event.seq, event.t, event.kind, event.text


def _node(name: str, label: str, state: str, age: float | None) -> dict[str, Any]:
    return {"node": name, "label": label, "state": state, "age": None if age is None else round(age)}
