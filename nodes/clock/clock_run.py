"""One run as the clock keeps it, from a scenario's initial state to the next reset."""

import heapq
from collections import defaultdict, deque
from dataclasses import dataclass, field

from bus.ordered.tick_history import TickHistory
from bus.ordered.tick_log import RunHeader
from bus.ordered.tick_span import to_wire
from bus.protocol.codec import encode
from bus.protocol.messages import (
    CLOCK_MODULE,
    Command,
    Event,
    Frames,
    FramesRequest,
    Published,
    Replay,
    ReplayRequest,
    Result,
)
from nodes.clock.node_alarms import NodeAlarms

LEAD_TICKS = 2
"""A command acts this many ticks after the newest one, so that its fsync does not delay the next tick."""

TICK_COMMANDS = 256
"""Most commands in one tick; more act one tick later."""

TICK_BYTES = 128 * 1024
"""Most bytes of commands in one tick, so that its frame fits what receivers accept."""

RESULTS_KEPT = 10_000
"""Results of the clock, and events, that can be asked for again."""

RESULTS_IN_BLOCK = 200
RESULT_BYTES_IN_BLOCK = 128 * 1024
"""Size from which a block of results and events ends with the tick that it has come to."""


@dataclass
class ClockRun:
    """A run: its ticks so far, the commands that wait for theirs, and the results of those for the clock itself."""

    header: RunHeader
    seq: int = 0
    t_us: int = 0
    history: TickHistory = field(default_factory=TickHistory)
    pending: dict[int, list[Command]] = field(default_factory=lambda: defaultdict(list))
    results: deque[Result] = field(default_factory=lambda: deque(maxlen=RESULTS_KEPT))
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=RESULTS_KEPT))
    order: int = 0
    nodes: NodeAlarms = field(default_factory=NodeAlarms)

    @property
    def name(self) -> str:
        """Run id."""
        return self.header.run

    @property
    def scenario(self) -> str:
        """Scenario that it began with."""
        return self.header.scenario

    def room(self, command: Command) -> int:
        """The first tick that may still carry the command; never one before a tick given out already."""
        # It never goes back: a command that was moved to a later tick takes all that follow with it, or their order
        # would change.
        self.order = max(self.order, self.seq + LEAD_TICKS)
        waiting = self.pending.get(self.order, [])
        size = sum(len(encode(each)) for each in (*waiting, command))
        # A single command always fits, however large: its own size was bounded when it was received.
        if waiting and (len(waiting) >= TICK_COMMANDS or size > TICK_BYTES):
            self.order += 1
        return self.order

    def waits(self, name: str) -> bool:
        """True if a command of that name waits for its tick."""
        return any(command.name == name for waiting in self.pending.values() for command in waiting)

    def waits_for_clock(self) -> bool:
        """True if a command for the clock waits for its tick."""
        return any(command.module == CLOCK_MODULE for waiting in self.pending.values() for command in waiting)

    def give_back(self, command_id: str) -> None:
        """Remove a command that waits for its tick: it never acts."""
        for waiting in self.pending.values():
            waiting[:] = [command for command in waiting if command.id != command_id]

    def replay(self, request: ReplayRequest, epoch: int, rate: int, wall: float) -> Replay:
        """The ticks that follow the tick of the request."""
        # Converted for each question: what is kept are integers, and questions are few.
        spans = list(map(to_wire, self.history.after(request.after)))
        return Replay(run=self.name, spans=spans, last=self.seq, epoch=epoch, rate=rate, wall=wall)

    def frames(self, request: FramesRequest) -> Frames:
        """A block of the clock's results and events after a tick."""
        block: list[Published] = []
        through, size = self.seq, 0
        kept: list[deque[Result] | deque[Event]] = [self.results, self.events]
        # Both are in the order of their ticks; merged, a block can end with a whole tick of both.
        for message in heapq.merge(*kept, key=lambda each: each.seq):
            if message.seq <= request.after:
                continue
            size += len(encode(message))
            # Whole ticks only: `through` promises the asker that everything of a tick is in the block.
            full = len(block) >= RESULTS_IN_BLOCK or size > RESULT_BYTES_IN_BLOCK
            if full and block and message.seq > block[-1].seq:
                through = block[-1].seq
                break
            block.append(message)
        return Frames(
            run=self.name,
            after=request.after,
            through=through,
            last=self.seq,
            states=[],
            events=[each for each in block if isinstance(each, Event)],
            results=[each for each in block if isinstance(each, Result)],
        )
