"""What any consumer knows of the live plant, made of nothing but the messages that it heard.

A consumer shows what is newest (`show`), whatever may be missing before it, and records what follows from every
message, in order and each once (`record`). Every `now` is a time in seconds on one clock that never goes back, given by
the caller.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from bus.ordered.stream import Streams
from bus.protocol.codec import FrameError
from bus.protocol.messages import Alarm, Event, Peer, Published, ReplaySpan, Result, State, Status, Tick
from bus.view.alarms import listing
from bus.view.command_history import CommandHistory
from bus.view.events import EventLog
from bus.view.lazy_frame import StateFrame

FRESH = 1.0
"""Seconds without a message after which a publisher counts as missing: ten ticks at the lowest tick rate."""

RUNS_KEPT = 100
"""Runs that are remembered; the oldest make room."""

F = TypeVar("F", bound=StateFrame)


@dataclass
class Run:
    """A run of which this listener has heard.

    Attributes:
        run: its id.
        scenario: its scenario; None until the clock's next report.
        first_t: simulated time of the first tick that was heard (s).
        last_t: simulated time of the last one (s).
        last_seq: number of the last one.
    """

    run: str
    scenario: str | None
    first_t: float
    last_t: float
    last_seq: int


class LiveModule(Generic[F]):
    """The newest frame of one plant module.

    Args:
        name: the module.

    Attributes:
        frame: the newest frame; None before the first one, and after a malformed one.
        fault: why the newest frame was forgotten, since it was malformed; empty otherwise.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.frame: F | None = None
        self.fault = ""

    def age(self, now: float) -> float | None:
        """Seconds since the newest frame arrived; None if there is none."""
        return None if self.frame is None else now - self.frame.arrived

    def fresh(self, now: float) -> bool:
        """True if a frame has arrived in the last FRESH seconds."""
        age = self.age(now)
        return age is not None and age <= FRESH


class PlantView(Generic[F]):
    """Latest tick, status and state of each module, events, commands and runs.

    Args:
        modules: the modules that the plant is to have.

    Attributes:
        modules: the newest frame of each.
        streams: brings what is heard into order, and knows what is missing.
        tick, status: the clock's newest ones; None before the first.
        events, commands, runs: what `record` has gathered.
        bad_frames: malformed frames.
        old_frames: messages that were outdated when they arrived.
        run_since: when the present run was first heard of.
        reported: when the newest status arrived.
        epoch: incarnation of the clock that is believed.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.modules: dict[str, LiveModule[F]] = {name: LiveModule(name) for name in modules}
        self.streams = Streams(modules)
        self.tick: Tick | None = None
        self.status: Status | None = None
        self.events = EventLog()
        self.commands = CommandHistory()
        self.runs: OrderedDict[str, Run] = OrderedDict()
        self.bad_frames = 0
        self.old_frames = 0
        self.run_since = 0.0
        self.reported: float | None = None
        self._clock_heard: float | None = None
        self.epoch = 0

    # What is newest

    def show(self, message: Published | F, now: float) -> bool:
        """Take a message if it is the newest of its kind; one that is outdated gives False and is counted."""
        newer = True  # of events and results there is no newest one
        if isinstance(message, Tick | Status):
            newer = self._show_clock(message, now)
        elif isinstance(message, StateFrame):
            newer = self._show_state(message)
        self.old_frames += not newer
        return newer

    def _show_clock(self, message: Tick | Status, now: float) -> bool:
        # A clock that was replaced may still speak. Its epoch is lower, and it is believed again only when the clock
        # with the higher one has fallen silent: then it is one that has lost its journal and counts from the beginning.
        if message.epoch < self.epoch and self.clock_fresh(now):
            return False
        self.epoch = message.epoch
        self._clock_heard = now
        if isinstance(message, Status):
            self.status, self.reported = message, now
            return True
        if self.run != message.run:
            self.run_since = now
        self.tick = message
        return True

    def _show_state(self, frame: F) -> bool:
        module = self.modules[frame.head.module]
        newest = module.frame
        # Within a run ticks never go back; an older frame is a repetition, unless the newest one is long gone.
        repeated = newest is not None and newest.head.run == frame.head.run and newest.head.seq >= frame.head.seq
        if repeated and module.fresh(frame.arrived):
            return False
        module.frame = frame
        module.fault = ""
        return True

    @property
    def run(self) -> str | None:
        """Id of the present run; None before the first tick."""
        return None if self.tick is None else self.tick.run

    @property
    def peers(self) -> list[Peer]:
        """Nodes as the clock last reported them."""
        return [] if self.status is None else self.status.peers

    def clock_age(self, now: float) -> float | None:
        """Seconds since the clock was last heard; None if it never was."""
        return None if self._clock_heard is None else now - self._clock_heard

    def clock_fresh(self, now: float) -> bool:
        """True if the clock was heard in the last FRESH seconds."""
        age = self.clock_age(now)
        return age is not None and age <= FRESH

    def newest(self, name: str) -> F | None:
        """The newest frame of a module, decoded and checked; None if there is none, or if it is malformed.

        A malformed frame is counted and forgotten.
        """
        module = self.modules[name]
        if module.frame is None:
            return None
        try:
            module.frame.state()
        except FrameError as error:
            self.bad_frames += 1
            module.frame = None
            module.fault = str(error)
        return module.frame

    def state(self, name: str) -> State | None:
        """The newest state of a module; None if there is none or its frame is malformed."""
        frame = self.newest(name)
        return None if frame is None else frame.state()

    def states(self) -> list[State]:
        """The newest state of each module that has one."""
        return [state for name in self.modules if (state := self.state(name)) is not None]

    def alarms(self) -> list[Alarm]:
        """The alarms that ask for attention, as the newest frames of the present run have them."""
        return listing(self.states(), self.status, self.run)

    # What follows from every message

    def record(self, message: Published) -> None:
        """Take a message that the ordered stream has delivered."""
        match message:
            case Tick():
                self._record_tick(message)
            case Status():
                if message.run in self.runs:
                    self.runs[message.run].scenario = message.scenario
            case Event():
                self.events.add(message)
            case Result():
                self.commands.on_result(message)

    def _record_tick(self, tick: Tick) -> None:
        # Ticks do not carry the scenario: it comes with the next report.
        known = self.runs.get(tick.run)
        if known is None:
            self.runs[tick.run] = Run(tick.run, None, tick.t, tick.t, tick.seq)
            while len(self.runs) > RUNS_KEPT:
                self.runs.popitem(last=False)
        else:
            known.last_t, known.last_seq = tick.t, tick.seq
        for command in tick.commands:
            self.commands.on_command(command, tick.run, tick.seq, tick.wall)

    def add_past_commands(self, run: str, span: ReplaySpan) -> None:
        """Take the commands of ticks before this listener began.

        Args:
            run: run of the ticks.
            span: the ticks; only the first one has commands.
        """
        for command in span.commands:
            self.commands.on_command(command, run, span.first, None)

    def following(self, run: str) -> str:
        """The run that followed another one; empty until that is heard of."""
        runs = list(self.runs)
        place = runs.index(run) + 1 if run in self.runs else len(runs)
        return runs[place] if place < len(runs) else ""
