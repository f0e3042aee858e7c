"""Answers about recordings: the shape of each, and how it is made from the recorder's reply."""

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
    """The moment of an earlier run that a fork began from."""

    run: str = Field(description="the earlier run", examples=["0001-001"])
    seq: int = Field(description="tick of that moment in the earlier run")
    t: float = Field(description="simulated time of that moment in the earlier run (s)")


@derived(RecordedModule)
class RecordedModuleAnswer(RestAnswer):
    """What is recorded of one module."""


class RecordingAnswer(RestAnswer):
    """One recorded run."""

    run: str = Field(description="its id", examples=["0001-001"])
    scenario: str | None = Field(description="scenario that it began with; null if its beginning is not recorded")
    fork: ForkOriginAnswer | None = Field(description="where it was forked from; null if it is no fork")
    bytes: int = Field(description="space that it takes on the disk (B)")
    recording: bool = Field(description="true while it is being recorded")
    modules: list[RecordedModuleAnswer]


class RecordingsAnswer(RestAnswer):
    """The recorded runs."""

    recordings: list[RecordingAnswer] = Field(description="the newest first")
    more: bool = Field(description="true if there are older ones")
    next: str | None = Field(description="send this as `before` to get the next page of older runs; null at the end")
    status: str = Field(description="state of the recorder, for people")
    quota: int = Field(description="space that all recordings together may take (B)")


@derived(RecordedChannel)
class ChannelAnswer(RestAnswer):
    """One recorded quantity."""


class ChannelsAnswer(RestAnswer):
    """Every quantity that is recorded of a module at every tick."""

    run: str
    module: str
    channels: list[ChannelAnswer]


@derived(ChannelHistory)
class ChannelHistoryAnswer(RestAnswer):
    """One channel: a value for each bin, null where the channel had none."""


@derived(History)
class HistoryAnswer(RestAnswer):
    """Statistics of channels in bins of simulated time. Bins without any state are left out."""


class SideAnswer(HistoryAnswer):
    """One of two runs that are compared; its `t` is in the simulated time of the left one."""

    shift: float = Field(description="simulated time of this run minus that of the left one at the same moment (s)")


class SidesAnswer(RestAnswer):
    """Two runs over the same simulated time."""

    common: str | None = Field(
        description="run that both descend from; null if there is none and each is counted from its own start"
    )
    left: SideAnswer
    right: SideAnswer


@derived(Result, without={"violations"})
class ResultAnswer(RestAnswer):
    """What became of a command."""

    applied: dict[str, Any] = meaning(Result, "applied")


class NotesAnswer(RestAnswer):
    """A block of the events of a run and the results of its commands."""

    run: str
    total: int = Field(description="number of events and results in the requested time")
    next: int | None = Field(description="send this as `after` to get the next block; null at the end")
    events: list[EventAnswer] = Field(description="oldest first")
    results: list[ResultAnswer] = Field(description="oldest first")


class ForkedAnswer(AppliedAnswer):
    """A run that has begun from a recorded moment; `run` is the new run."""

    fork: ForkOriginAnswer = Field(description="the moment that it began from")
    digests: dict[str, str] = Field(description="digest of the state at that moment, by module")


def recording(run: RecordedRun, begun: Result | None) -> RecordingAnswer:
    """A recorded run.

    Args:
        run: what the recorder lists of it.
        begun: the result of its `begin`, which says what it began from; None if that is not recorded.
    """
    return RecordingAnswer.made(
        run,
        scenario=None if begun is None else str(begun.applied.get("scenario", "")) or None,
        fork=fork_of(begun),
    )


def fork_of(begun: Result | None) -> ForkOriginAnswer | None:
    """Where a run was forked from, by the result of its `begin`; None if it is no fork or that is not recorded."""
    found = None if begun is None else begun.applied.get("fork")
    return ForkOriginAnswer(**found) if isinstance(found, dict) else None


def channels(blocks: list[Channels]) -> ChannelsAnswer:
    """All channels of a module, from the recorder's blocks; there is at least one block."""
    return ChannelsAnswer.made(blocks[0], channels=[channel for block in blocks for channel in block.channels])


def side(found: History, shift: float) -> SideAnswer:
    """Bins of one of two compared runs, in the simulated time of the left one.

    Args:
        found: bins in the run's own time.
        shift: its own time minus that of the left run at the same moment (s).
    """
    # Rounded to the microseconds in which simulated time is counted, so that both sides have equal times.
    return SideAnswer.made(found, t=[round(t - shift, 6) for t in found.t], shift=shift)


def notes(found: Notes, after: int) -> NotesAnswer:
    """A block of notes and where the next one begins."""
    end = after + len(found.events) + len(found.results)
    return NotesAnswer.made(found, next=end if end < found.total else None)
