"""What the gateway answers about recordings: the shape of each answer, and how it follows from the recorder's."""

from typing import Any

from pydantic import Field

from bus.protocol.messages import (
    ChannelHistory,
    Channels,
    History,
    Notes,
    RecordedChannel,
    RecordedModule,
    RecordedRun,
    Result,
)
from nodes.gateway.answers import AppliedAnswer, EventAnswer
from nodes.gateway.derived import RestAnswer, derived, meaning


class ForkOriginAnswer(RestAnswer):
    """The moment of another run that a run began from."""

    run: str = Field(description="the other run", examples=["0001-001"])
    seq: int = Field(description="tick of that moment")
    t: float = Field(description="simulated time of that moment in the other run (s)")


@derived(RecordedModule)
class RecordedModuleAnswer(RestAnswer):
    """What is recorded of one module."""


class RecordingAnswer(RestAnswer):
    """One recorded run."""

    run: str = Field(description="its id", examples=["0001-001"])
    scenario: str | None = Field(description="what it began from; null if its beginning is not recorded")
    fork: ForkOriginAnswer | None = Field(description="where it was forked; null for a run of its own")
    bytes: int = Field(description="room that it takes on the disk (B)")
    recording: bool = Field(description="true while it is being recorded")
    modules: list[RecordedModuleAnswer]


class RecordingsAnswer(RestAnswer):
    """The recorded runs."""

    recordings: list[RecordingAnswer] = Field(description="the newest first")
    more: bool = Field(description="true if there are older ones")
    next: str | None = Field(description="ask again with this as `before` for older ones; null at the end")
    status: str = Field(description="what the recorder says of itself")
    quota: int = Field(description="room that all recordings may take (B)")


@derived(RecordedChannel)
class ChannelAnswer(RestAnswer):
    """One recorded quantity."""


class ChannelsAnswer(RestAnswer):
    """Everything that is recorded of a module at every tick."""

    run: str
    module: str
    channels: list[ChannelAnswer]


@derived(ChannelHistory)
class ChannelHistoryAnswer(RestAnswer):
    """One channel: a value for each bin, null where it had none."""


@derived(History)
class HistoryAnswer(RestAnswer):
    """Statistics of channels. Bins without any state are left out."""


class SideAnswer(HistoryAnswer):
    """One of two runs that are compared; its `t` is in the simulated time of the left one."""

    shift: float = Field(description="simulated time of this run minus that of the left one at the same moment (s)")


class SidesAnswer(RestAnswer):
    """Two runs over the same simulated time."""

    common: str | None = Field(description="the run that both come from; null if each is counted from its own start")
    left: SideAnswer
    right: SideAnswer


@derived(Result, without={"violations"})
class ResultAnswer(RestAnswer):
    """What became of a command."""

    applied: dict[str, Any] = meaning(Result, "applied")


class NotesAnswer(RestAnswer):
    """A block of the events and results of a run."""

    run: str
    total: int = Field(description="events and results in that time")
    next: int | None = Field(description="ask again with this as `after` for those that follow; null at the end")
    events: list[EventAnswer] = Field(description="oldest first")
    results: list[ResultAnswer] = Field(description="oldest first")


class ForkedAnswer(AppliedAnswer):
    """A run began from a recorded moment; `run` is the new one."""

    fork: ForkOriginAnswer = Field(description="the moment that it began from")
    digests: dict[str, str] = Field(description="digest of the state of that moment, by module")


def recording(run: RecordedRun, begun: Result | None) -> RecordingAnswer:
    """A recorded run with what its beginning says."""
    return RecordingAnswer.made(
        run,
        scenario=None if begun is None else str(begun.applied.get("scenario", "")) or None,
        fork=fork_of(begun),
    )


def fork_of(begun: Result | None) -> ForkOriginAnswer | None:
    """Where a run was forked, as the result of its `begin` has it."""
    found = None if begun is None else begun.applied.get("fork")
    return ForkOriginAnswer(**found) if isinstance(found, dict) else None


def channels(blocks: list[Channels]) -> ChannelsAnswer:
    """All blocks of a module's channels."""
    return ChannelsAnswer.made(blocks[0], channels=[channel for block in blocks for channel in block.channels])


def side(found: History, shift: float) -> SideAnswer:
    """Bins of one of two runs, told in the time of the left one."""
    return SideAnswer.made(found, t=[round(t - shift, 6) for t in found.t], shift=shift)


def notes(found: Notes, after: int) -> NotesAnswer:
    """A block of notes and where the next one begins."""
    end = after + len(found.events) + len(found.results)
    return NotesAnswer.made(found, next=end if end < found.total else None)
