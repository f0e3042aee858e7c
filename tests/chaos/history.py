"""What a run leaves: the client's own history, the journal, and what a subscriber was given."""

from dataclasses import dataclass, field
from typing import Any

from bus.protocol.messages import Command, Event, Result, Tick


@dataclass(frozen=True)
class Asked:
    """The client sent a command, for the first time or again with the same id."""

    at: float
    id: str
    module: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True)
class Sequenced:
    """The clock answered that the command is journaled and acts at this tick."""

    at: float
    id: str
    run: str
    seq: int


@dataclass(frozen=True)
class Refused:
    """The clock answered that nothing was done."""

    at: float
    id: str
    reason: str


@dataclass(frozen=True)
class Unanswered:
    """No answer came: the command acts or does not."""

    at: float
    id: str


Said = Asked | Sequenced | Refused | Unanswered


@dataclass(frozen=True)
class Journaled:
    """A row of the clock's journal."""

    run: str
    seq: int
    command: Command


@dataclass(frozen=True)
class Shown:
    """The part of a state frame that tells whether it is the right one."""

    run: str
    seq: int
    t: float
    digest: str


@dataclass
class Recording:
    """What a subscriber was given, in the order in which it was given."""

    ticks: list[Tick] = field(default_factory=list)
    states: list[Shown] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def until(self, run: str, seq: int) -> "Recording":
        """Without what came after a tick: where a run is cut off there is nothing to compare."""

        def before(message: Tick | Shown | Result) -> bool:
            return message.run != run or message.seq <= seq

        return Recording(
            [tick for tick in self.ticks if before(tick)],
            [state for state in self.states if before(state)],
            [result for result in self.results if before(result)],
            # Those of the last tick follow its state, for which the subscriber was waited for.
            [event for event in self.events if event.run != run or event.seq < seq],
        )


@dataclass
class Reference:
    """What a run that nothing happened to would have shown: digests by run and tick, results by command, events."""

    digests: dict[tuple[str, int], str] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


@dataclass
class Evidence:
    """All that the checker looks at."""

    client: list[Said]
    journal: list[Journaled]
    recording: Recording
    reference: Reference
    end: tuple[str, int]
    """Run and tick up to which everything must have come."""
    lasts: dict[str, int]
    """Run -> its last tick, as the clock has recorded it on disk."""
    recorded: dict[tuple[str, int], str] | None = None
    """(run, tick) -> digest of each state that the recorder node has on disk; None when that is not looked at."""
