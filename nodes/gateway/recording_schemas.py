"""What the gateway answers about recordings: the shape of each answer, and how it follows from the recorder's."""

from typing import Any

from msgspec import structs
from pydantic import BaseModel, Field

from bus.protocol.messages import Channels, Event, History, Notes, RecordedRun, Result
from nodes.gateway.answers import AppliedAnswer, EventAnswer


class ForkOriginAnswer(BaseModel):
    """The moment of another run that a run began from."""

    run: str = Field(description="the other run", examples=["0001-001"])
    seq: int = Field(description="tick of that moment")
    t: float = Field(description="simulated time of that moment in the other run (s)")


class RecordedModuleAnswer(BaseModel):
    """What is recorded of one module."""

    module: str = Field(examples=["m1"])
    rows: int = Field(description="states that are recorded")
    first: int = Field(description="tick of the first one")
    last: int = Field(description="tick of the last one")
    start: float = Field(description="simulated time of the first one (s)")
    end: float = Field(description="simulated time of the last one (s)")


class RecordingAnswer(BaseModel):
    """One recorded run."""

    run: str = Field(description="its id", examples=["0001-001"])
    scenario: str | None = Field(description="what it began from; null if its beginning is not recorded")
    fork: ForkOriginAnswer | None = Field(description="where it was forked; null for a run of its own")
    bytes: int = Field(description="room that it takes on the disk (B)")
    recording: bool = Field(description="true while it is being recorded")
    modules: list[RecordedModuleAnswer]


class RecordingsAnswer(BaseModel):
    """The recorded runs."""

    recordings: list[RecordingAnswer] = Field(description="the newest first")
    more: bool = Field(description="true if there are older ones")
    next: str | None = Field(description="ask again with this as `before` for older ones; null at the end")
    status: str = Field(description="what the recorder says of itself")
    quota: int = Field(description="room that all recordings may take (B)")


class ChannelAnswer(BaseModel):
    """One recorded quantity."""

    name: str = Field(description="place in the state", examples=["grid.net_power"])
    kind: str = Field(description="float, int, flag, text or texts", examples=["float"])
    unit: str = Field(description="SI unit, empty where a unit makes no sense", examples=["W"])
    meaning: str = Field(description="for people")
    nullable: bool = Field(description="true if a value may not exist")


class ChannelsAnswer(BaseModel):
    """Everything that is recorded of a module at every tick."""

    run: str
    module: str
    channels: list[ChannelAnswer]


class ChannelHistoryAnswer(BaseModel):
    """One channel: a value for each bin, null where it had none."""

    name: str = Field(examples=["grid.net_power"])
    unit: str = Field(examples=["W"])
    samples: list[int] = Field(description="values in the bin")
    minimum: list[float | None]
    mean: list[float | None]
    maximum: list[float | None]


class HistoryAnswer(BaseModel):
    """Statistics of channels. Bins without any state are left out."""

    run: str
    module: str
    width: float = Field(description="width of a bin, whole seconds from a second on (s)")
    t: list[float] = Field(description="simulated time at which each bin begins (s)")
    channels: list[ChannelHistoryAnswer] = Field(description="in the order of the request")
    lost: int = Field(description="segments that are damaged or dropped and would have been needed")


class SideAnswer(HistoryAnswer):
    """One of two runs that are compared; its `t` is in the simulated time of the left one."""

    shift: float = Field(description="simulated time of this run minus that of the left one at the same moment (s)")


class SidesAnswer(BaseModel):
    """Two runs over the same simulated time."""

    common: str | None = Field(description="the run that both come from; null if each is counted from its own start")
    left: SideAnswer
    right: SideAnswer


class ResultAnswer(BaseModel):
    """What became of a command."""

    t: float = Field(description="simulated time (s)")
    seq: int = Field(description="tick")
    run: str
    wall: float = Field(description="Unix time of sending (s)")
    module: str = Field(description="who answered")
    id: str = Field(description="id of the command")
    name: str = Field(description="name of the command", examples=["set_parameters"])
    outcome: str = Field(description="applied or rejected")
    reason: str = Field(description="why it was rejected")
    applied: dict[str, Any] = Field(description="what came into force")


class NotesAnswer(BaseModel):
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
    return RecordingAnswer(
        run=run.run,
        scenario=None if begun is None else str(begun.applied.get("scenario", "")) or None,
        fork=fork_of(begun),
        bytes=run.bytes,
        recording=run.recording,
        modules=[RecordedModuleAnswer(**structs.asdict(each)) for each in run.modules],
    )


def fork_of(begun: Result | None) -> ForkOriginAnswer | None:
    """Where a run was forked, as the result of its `begin` has it."""
    found = None if begun is None else begun.applied.get("fork")
    return ForkOriginAnswer(**found) if isinstance(found, dict) else None


def channels(blocks: list[Channels]) -> ChannelsAnswer:
    """All blocks of a module's channels."""
    found = [ChannelAnswer(**structs.asdict(channel)) for block in blocks for channel in block.channels]
    return ChannelsAnswer(run=blocks[0].run, module=blocks[0].module, channels=found)


def history(found: History) -> HistoryAnswer:
    """Bins as the recorder answered them."""
    return HistoryAnswer(**_fields(found))


def side(found: History, shift: float) -> SideAnswer:
    """Bins of one of two runs, told in the time of the left one."""
    return SideAnswer(**_fields(found) | {"t": [round(t - shift, 6) for t in found.t]}, shift=shift)


def _fields(found: History) -> dict[str, Any]:
    every = [ChannelHistoryAnswer(**structs.asdict(channel)) for channel in found.channels]
    return structs.asdict(found) | {"channels": every}


def notes(found: Notes, after: int) -> NotesAnswer:
    """A block of notes and where the next one begins."""
    end = after + len(found.events) + len(found.results)
    return NotesAnswer(
        run=found.run,
        total=found.total,
        next=end if end < found.total else None,
        events=[_event(event) for event in found.events],
        results=[_result(result) for result in found.results],
    )


def _event(event: Event) -> EventAnswer:
    return EventAnswer(**structs.asdict(event))


def _result(result: Result) -> ResultAnswer:
    return ResultAnswer(**structs.asdict(result))
