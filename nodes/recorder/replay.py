"""A recorded run played back: commands go in; ticks, states, events and results come out. Pure except for reading.

Every message is marked: its run is `replay-<n>:<recorded run>`, where n grows with each jump, and the instance of a
state is `replay`. Ticks are numbered from 1 on, at the rate of the replay; times, values and digests are as recorded.
"""

from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bus.protocol.codec import build
from bus.protocol.messages import (
    CLOCK_MODULE,
    CommandRequest,
    Event,
    Mode,
    Published,
    Refused,
    Result,
    Sequenced,
    State,
    Tick,
)
from recording.cursor import FOREVER_US
from recording.database import open_reader
from recording.folder import RunFolder
from recording.notes import Note, read_notes
from recording.summary import summary
from recording.track import Track

SPEED_MIN = 0.1
SPEED_MAX = 100.0
"""Simulated seconds per second."""

INSTANCE = "replay"
EVENTS_KEPT = 100
"""Newest events that a new subscriber gets."""

ANSWERS_KEPT = 10_000
"""Newest commands of which an id is known again, as many as of a live run."""

KNOWN = "start, resume, pause, stop, set_speed, seek"
"""Commands of a replay, for people."""


class ReplayError(ValueError):
    """A run that cannot be played back, or a command that a replay cannot carry out."""


@dataclass
class _Counts:
    events: int = 0
    results: int = 0


@dataclass
class _Place:
    """Where the replay is: everything that a jump replaces."""

    run: str
    position_us: int
    """Simulated time that playing has come to, in microseconds."""
    seq: int = 0
    shown_us: int | None = None
    """Simulated time of the newest state that was published, in microseconds."""
    carry: int = 0
    """Rest of a division, from one tick to the next; see `_advance`."""
    notes: deque[Note] = field(default_factory=deque)
    """Events and results that are still to come."""
    counts: dict[str, _Counts] = field(default_factory=dict)
    events_so_far: list[Event] = field(default_factory=list)
    """Events up to here; those from before the jump's target have tick 0."""


class ReplayCore:
    """Plays one recorded run.

    Args:
        folder: the recording.
        rate: ticks per second of wall time.
        epoch: incarnation of the clock that the messages name.

    Raises:
        ReplayError: if nothing of it is recorded.
        StoreError: if it cannot be read.
    """

    def __init__(self, folder: RunFolder, rate: int, epoch: int) -> None:
        self._folder = folder
        self._rate = rate
        self._epoch = epoch
        holdings = summary(folder)
        if not holdings:
            raise ReplayError(f"nothing is recorded of run {folder.run}, so there is nothing to play back")
        self.modules = tuple(holding.module for holding in holdings)
        self.start_us = min(holding.t_first_us for holding in holdings)
        self.end_us = max(holding.t_last_us for holding in holdings)
        with closing(open_reader(folder.hot)) as hot:
            self._notes = list(read_notes(hot, 0, FOREVER_US))
        self._jumps = 0
        self._waiting: deque[CommandRequest] = deque()
        self._answered: dict[str, Sequenced] = {}
        self.mode: Mode = "paused"
        self.speed_milli = 1000
        self.scenario = ""
        self._tracks: dict[str, Track] = {}
        self._place = self._jump(self.start_us)

    @property
    def run(self) -> str:
        """The run that the messages name."""
        return self._place.run

    @property
    def seq(self) -> int:
        """Newest tick."""
        return self._place.seq

    @property
    def t_us(self) -> int:
        """Simulated time that is shown, in microseconds."""
        shown = self._place.shown_us
        return self._place.position_us if shown is None else shown

    def _jump(self, t_us: int) -> _Place:
        """Begin again at a simulated time, as a new run.

        Within a run ticks and times never go back, and subscribers count on that: they would take a jump for messages
        that were lost or repeated, and ask for repair.
        """
        self._jumps += 1
        self._tracks = {module: Track(self._folder, module, t_us) for module in self.modules}
        notes = deque(note for note in self._notes if note.t_us >= t_us)
        # Cut to the length of an id. The number comes first, so that of a long id it is not what gets lost.
        name = f"replay-{self._jumps}:{self._folder.run}"[:64]
        counts = {module: _Counts() for module in self.modules}
        head = {"run": name, "seq": 0, "wall": 0.0}
        before = [note for note in self._notes if note.t_us < t_us and note.kind == "event" and note.module in counts]
        events_so_far = [build(Event, note.body | head) for note in before[-EVENTS_KEPT:]]
        return _Place(name, t_us, notes=notes, counts=counts, events_so_far=events_so_far)

    def events(self, module: str) -> list[Event]:
        """The newest events of a module up to the time that is shown."""
        return [event for event in self._place.events_so_far if event.module == module][-EVENTS_KEPT:]

    def changed(self, module: str, t_us: int) -> dict[str, Any]:
        """Parameters of a module that commands had changed up to a simulated time, by name."""
        values: dict[str, Any] = {}
        for note in self._notes:
            if note.kind == "result" and note.module == module and note.t_us <= t_us:
                body = note.body
                if body["name"] == "set_parameters" and body["outcome"] == "applied":
                    values |= body["applied"]
                elif body["name"] == "begin":
                    values |= body["applied"].get("parameters", {})
        return values

    # Commands

    def order(self, request: CommandRequest) -> Sequenced | Refused:
        """Take a command, which acts at the next tick. A repeated id is answered as before and does not act again."""
        known = self._answered.get(request.id)
        if known is not None:
            return known
        if request.module != CLOCK_MODULE:
            reason = f"this is a replay of run {self._folder.run}, which cannot be changed: fork the run to change it"
            return Refused(id=request.id, field="module", reason=reason)
        self._waiting.append(request)
        answer = Sequenced(id=request.id, run=self.run, seq=self.seq + 1)
        self._answered[request.id] = answer
        if len(self._answered) > ANSWERS_KEPT:
            del self._answered[next(iter(self._answered))]  # the oldest: a replay may be played with for days
        return answer

    def _apply(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        if name in {"start", "resume"}:
            self.mode = "running"
        elif name in {"pause", "stop"}:
            self.mode = "paused"
        elif name == "set_speed":
            self.speed_milli = round(1000 * _number(args, "speed", SPEED_MIN, SPEED_MAX))
        elif name == "seek":
            t_us = round(1e6 * _number(args, "t", self.start_us / 1e6, self.end_us / 1e6))
            self._place = self._jump(t_us)
        else:
            raise ReplayError(f"a replay knows no command {name!r}: use one of {KNOWN}")
        return {"mode": self.mode, "speed": self.speed_milli / 1000, "t": self._place.position_us / 1e6}

    # Time

    def tick(self, mono_ns: int, wall: float) -> list[Published]:
        """The next tick, with everything that was recorded since the one before.

        Args:
            mono_ns: monotonic time, in nanoseconds, for the tick.
            wall: Unix time (s), for all messages.

        Returns:
            The messages in the order in which they have to be published.
        """
        # Commands first: a seek replaces the place, and this tick is then the first one of another run.
        orders = [self._result(request, wall) for request in self._drain()]
        place = self._place
        place.seq += 1
        self._advance(place)
        rows = {module: track.upto(place.position_us) for module, track in self._tracks.items()}
        # The tick has the time of the states that go with it, and not of the position, which mostly lies between two
        # recorded ticks: what is shown has really been there.
        shown = max((row.t_us for row in rows.values() if row is not None), default=place.position_us)
        before = shown if place.shown_us is None else place.shown_us
        place.shown_us = shown = max(shown, before)
        tick = Tick(
            t=shown / 1e6,
            seq=place.seq,
            run=place.run,
            wall=wall,
            epoch=self._epoch,
            dt=(shown - before) / 1e6,
            mode=self.mode,
            speed=self.speed_milli / 1000,
            flat_out=False,
            rate=self._rate,
            held=[],
            mono_ns=mono_ns,
            leaders=dict.fromkeys(self.modules, INSTANCE),
            published={},
            commands=[],
        )
        results, events = self._due_notes(place, shown, wall)
        states: list[Published] = [
            self._state(module, row, place, wall) for module, row in rows.items() if row is not None
        ]
        place.events_so_far += events
        for event in events:
            place.counts[event.module].events += 1
        # In the order of a living module. Subscribers count by it: a state counts the results of its own tick, but only
        # the events before that.
        return [tick, *orders, *results, *states, *events]

    def _drain(self) -> list[CommandRequest]:
        requests = list(self._waiting)
        self._waiting.clear()
        return requests

    def _result(self, request: CommandRequest, wall: float) -> Result:
        reason, applied = "", {}
        try:
            applied = self._apply(request.name, request.args)
        except ReplayError as error:
            reason = str(error)
        # Run and tick are read only now: after a seek they are those of the run that it has begun.
        return Result(
            t=self.t_us / 1e6,
            seq=self.seq + 1,
            run=self.run,
            wall=wall,
            module=CLOCK_MODULE,
            id=request.id,
            name=request.name,
            outcome="rejected" if reason else "applied",
            reason=reason,
            violations=[],
            applied=applied,
        )

    def _advance(self, place: _Place) -> None:
        if self.mode != "running":
            return
        # In integers, with the rest carried on: rounded at every tick, an odd rate would drift from real time.
        place.carry += self.speed_milli * 1000
        step_us, place.carry = divmod(place.carry, self._rate)
        place.position_us = min(place.position_us + step_us, self.end_us)
        if place.position_us >= self.end_us:
            self.mode = "paused"  # and not ended: it goes on ticking, and can be sought back

    def _due_notes(self, place: _Place, shown_us: int, wall: float) -> tuple[list[Result], list[Event]]:
        results: list[Result] = []
        events: list[Event] = []
        while place.notes and place.notes[0].t_us <= shown_us:
            note = place.notes.popleft()
            head = {"run": place.run, "seq": place.seq, "wall": wall}
            if note.kind == "event" and note.module in place.counts:
                events.append(build(Event, note.body | head))
            elif note.kind == "result" and note.module in place.counts:
                results.append(build(Result, note.body | head))
                place.counts[note.module].results += 1
        return results, events

    def _state(self, module: str, row: Any, place: _Place, wall: float) -> State:
        state = self._tracks[module].state(row)
        self.scenario = state.scenario
        counts = place.counts[module]
        return msgspec.structs.replace(
            state,
            seq=place.seq,
            run=place.run,
            wall=wall,
            instance=INSTANCE,
            events=counts.events,
            results=counts.results,
        )


def _number(args: dict[str, Any], name: str, low: float, high: float) -> float:
    value = args.get(name)
    if (
        list(args) != [name]
        or isinstance(value, bool)
        or not isinstance(value, int | float)
        or not low <= value <= high
    ):
        raise ReplayError(f"{name}: this needs one number from {low:g} to {high:g}, not {_listed(args)}")
    return float(value)


def _listed(args: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in args.items()) or "nothing"
