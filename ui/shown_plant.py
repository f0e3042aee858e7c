"""What the dashboard shows of the plant: the newest messages, what is plotted of them, and who is silent. Pure."""

from typing import Any

import msgspec

from bus.protocol.messages import CLOCK_MODULE, Published, Result, State, Status, Tick
from bus.view.lazy_frame import StateFrame
from bus.view.plant_view import LiveModule, PlantView
from bus.view.roster import age_of
from ui import displayed_channels
from ui.command_news import CommandLog
from ui.nodes import LatenessHistograms
from ui.sources import STALE_AFTER, MessageRate, freshness
from ui.trend_buffer import SampleHistory

CATCHING_UP_TICKS = 100
"""Ticks that a module may be behind before it is shown as catching up."""

RECORDER = "recorder"

PEER_SILENT_AFTER = 1.0
"""Seconds without a beat, by the clock's report, after which a node is shown as missing."""

REPORT_OLD_AFTER = 0.6
"""Age in seconds from which the clock's report says nothing about other nodes any more; there are five a second."""

EVENTS_SHOWN = 60
"""Newest events that a page shows."""


class Plots:
    """What is plotted of one plant module, in its present run."""

    def __init__(self) -> None:
        self.run = 0
        """Ordinal of the run among those that were heard here."""
        self.rate = MessageRate()
        self.history = SampleHistory(len(displayed_channels.SERIES))
        self._of = ""

    def hear(self, state: State, now: float) -> None:
        """Take a state; the first one of another run begins a new history."""
        if state.run != self._of:
            # A new object, and not the old one emptied: simulated time begins again, and so do the samples' numbers.
            self._of = state.run
            self.run += 1
            self.history = SampleHistory(len(displayed_channels.SERIES))
        self.rate.hear(now)
        self.history.add(state.t, displayed_channels.series(state), now)


class ShownPlant(PlantView[StateFrame]):
    """The live plant, as far as its messages have come in order."""

    def __init__(self, modules: tuple[str, ...], expected: tuple[str, ...]) -> None:
        """
        Args:
            modules: plant modules.
            expected: nodes without a module of which the clock should hear beats.
        """
        super().__init__(modules)
        self.expected = expected
        self.plots = {name: Plots() for name in modules}
        self.bus = MessageRate()
        self.log = CommandLog(self.commands)
        self.timing = LatenessHistograms()
        self._clock_since: float | None = None

    def hear(self, message: Published, now: float) -> list[Published]:
        """Take one message as it came off the bus.

        Returns:
            What could be delivered because of it: messages in order, each once.
        """
        self.bus.hear(now)
        delivered = self.streams.on(message)
        self.take(delivered, now)
        return delivered

    def take(self, delivered: list[Published], now: float) -> None:
        """Take messages that are in order."""
        for message in delivered:
            if isinstance(message, State):
                self._take_state(message, now)
                continue
            # Asked before the tick is shown, which makes the clock fresh. A clock that has just come, or come back,
            # knows nothing of its peers yet: see `_peer`.
            if isinstance(message, Tick) and (freshness(self.clock_age(now)) != "live" or message.epoch > self.epoch):
                self._clock_since = now
            if not self.show(message, now):
                continue
            self.record(message)
            if isinstance(message, Tick):
                self.timing.arrived(message.mono_ns, now)
                self.log.sequenced(message)
            elif isinstance(message, Status):
                self.timing.reported(message.lateness)
            elif isinstance(message, Result):
                self.log.answered(message)

    def _take_state(self, state: State, now: float) -> None:
        if state.module in self.modules and self.show(StateFrame(state, b"", now), now):
            self.plots[state.module].hear(state, now)

    def alarm_list(self) -> dict[str, Any]:
        """The alarms that ask for attention, and the newest events, as plain data for the page."""
        return {
            "type": "alarms",
            "alarms": [msgspec.structs.asdict(alarm) for alarm in self.alarms()],
            "events": [
                {"t": event.t, "seq": event.seq, "module": event.module, "severity": event.severity, "text": event.text}
                for event in self.events.newest(self.run, EVENTS_SHOWN)
            ],
        }

    def nodes(self, now: float) -> list[dict[str, Any]]:
        """Every node that the page expects: name, label, "live", "stale", "missing" or "unknown", and age (s)."""
        clock_age = self.clock_age(now)
        clock = freshness(clock_age)
        table = [_node(CLOCK_MODULE, CLOCK_MODULE, clock, clock_age)]
        table.extend(self._module(module, clock, now) for module in self.modules.values())
        # A replay has no recorder: the plant's own beats to the clock of the plant.
        replay = self.status is not None and bool(self.status.replay)
        table.extend(self._peer(name, now) for name in self.expected if not (replay and name == RECORDER))
        return table

    @staticmethod
    def _module(module: LiveModule[StateFrame], clock: str, now: float) -> dict[str, Any]:
        age = module.age(now)
        state = freshness(age)
        # Without ticks a healthy module has nothing to publish: nothing follows from its silence.
        shown = "unknown" if state != "live" and clock != "live" else state
        return _node(module.name, f"physics {module.name}", shown, age)

    def _peer(self, name: str, now: float) -> dict[str, Any]:
        """A node that is known only by its beats, which the clock reports."""
        just_met = self._clock_since is None or now - self._clock_since < STALE_AFTER
        if self.reported is None or now - self.reported > REPORT_OLD_AFTER:
            return _node(name, name, "unknown", None)
        age = age_of(self.peers, name)
        if age is not None and age < PEER_SILENT_AFTER:
            return _node(name, name, "live", age)
        silent = None if age is None else age + now - self.reported
        return _node(name, name, "unknown" if just_met else "missing", silent)

    def catching_up(self, name: str, now: float) -> bool:
        """True while a module is heard and computes ticks that lie far behind the newest one."""
        state, tick = self.state(name), self.tick
        if state is None or tick is None or state.run != tick.run:
            return False
        heard = freshness(self.modules[name].age(now)) == "live"
        return heard and tick.seq - state.seq > CATCHING_UP_TICKS


def _node(name: str, label: str, state: str, age: float | None) -> dict[str, Any]:
    return {"node": name, "label": label, "state": state, "age": None if age is None else round(age)}
