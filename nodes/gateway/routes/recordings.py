"""Recordings: the runs on disk, their channels, history and events; export, forks, and comparison of two runs."""

import logging
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from kpp_physics.parameters import Value
from nodes.gateway import forks, recording_schemas, recordings
from nodes.gateway.context import Arguments, Ask, Gateway, Here, ModuleName, some_parameters
from nodes.gateway.openapi import EXPORTS
from nodes.gateway.problems import Problem, ProblemError
from nodes.gateway.recording_schemas import (
    ChannelsAnswer,
    ForkedAnswer,
    HistoryAnswer,
    NotesAnswer,
    RecordingsAnswer,
    SidesAnswer,
)
from nodes.gateway.recordings import AFTER, MAX_BINS, MAX_CHANNELS, Recordings, TimeRange
from recording.cursor import FOREVER_US
from recording.export import Export, Format
from recording.reading import Selection

router = APIRouter(tags=["recordings"])

RUN: Final = r"^[A-Za-z0-9_.:\-]{1,64}$"
CHANNEL: Final = r" ?[A-Za-z_][A-Za-z0-9_.\[\]]{0,63} ?"
"""Name of a channel or a group, as it may stand in a list that is separated by commas."""

LATEST: Final = 1e9
"""Latest simulated time that can be requested (s)."""

RunId = Annotated[str, Path(pattern=RUN, description="id of the recorded run", examples=["0001-001"])]
ChannelNames = Annotated[
    str,
    Query(
        pattern=f"^{CHANNEL}(,{CHANNEL}){{0,{MAX_CHANNELS - 1}}}$",
        description=f"names of channels that hold numbers, separated by commas, at most {MAX_CHANNELS}",
        examples=["grid.net_power,chain.speed"],
    ),
]
From = Annotated[
    float, Query(alias="from", ge=0, le=LATEST, allow_inf_nan=False, description="simulated time of the start (s)")
]
To = Annotated[
    float | None,
    Query(
        alias="to",
        gt=0,
        le=LATEST,
        allow_inf_nan=False,
        description="simulated time of the end, exclusive (s); up to the end of the recording if left out",
    ),
]
BinCount = Annotated[
    int, Query(ge=1, le=MAX_BINS, description="number of bins; channels times bins may be at most 6000", examples=[200])
]


class Fork(Arguments):
    """Where the new run begins, and with what."""

    t: float = Field(
        ge=0, le=LATEST, description="simulated time in the recorded run from which to begin (s)", examples=[60.0]
    )
    parameters: dict[str, Value | bool] | None = some_parameters(
        "values that replace those of the recorded run", {"water_temperature": 300.0}
    )
    start: bool = Field(True, description="whether time runs at once; if false, it stands at zero until it is started")


@router.get("/recordings")
async def get_recordings(
    gateway: Here,
    before: Annotated[str | None, Query(pattern=RUN, description="list the runs older than this one")] = None,
    limit: Annotated[int, Query(ge=1, le=50, description="most runs to list")] = 20,
) -> RecordingsAnswer:
    """Recorded runs, each with what it began from, the time that it covers and the space that it takes."""
    return await Recordings(gateway.endpoints).runs(before or "", limit)


@router.get("/recordings/compare")
async def compare(
    gateway: Here,
    module: ModuleName,
    left: Annotated[str, Query(pattern=RUN, description="a recorded run", examples=["0001-002"])],
    right: Annotated[str, Query(pattern=RUN, description="another one", examples=["0001-001"])],
    channels: ChannelNames,
    start: From = 0.0,
    end: To = None,
    bins: BinCount = 200,
) -> SidesAnswer:
    """Two runs over the simulated time of the left one; a fork is laid over the run that it was forked from."""
    span = _span(start, end, bins)
    return await Recordings(gateway.endpoints).compare((left, right), module, _names(channels), span)


@router.get("/recordings/{run}/channels")
async def get_channels(gateway: Here, run: RunId, module: ModuleName) -> ChannelsAnswer:
    """Every quantity that is recorded of a module, with unit and meaning."""
    return recording_schemas.channels(await Recordings(gateway.endpoints).channels(run, module))


@router.get("/recordings/{run}/history")
async def get_history(
    gateway: Here,
    run: RunId,
    module: ModuleName,
    channels: ChannelNames,
    start: From = 0.0,
    end: To = None,
    bins: BinCount = 200,
) -> HistoryAnswer:
    """Minimum, mean and maximum of channels in bins of simulated time; 503 if the recorder does not answer."""
    source = Recordings(gateway.endpoints)
    span = _span(start, end, bins)
    if end is None:
        # The bins divide the range, so an open end needs a real one: up to LATEST all states would be in one bin.
        last = (await source.extent(run, module)).end
        span = _span(start, last + AFTER, bins)
    return HistoryAnswer.made(await source.history(run, module, _names(channels), span))


@router.get("/recordings/{run}/events")
async def get_notes(
    gateway: Here,
    run: RunId,
    start: From = 0.0,
    end: To = None,
    after: Annotated[int, Query(ge=0, le=2**53, description="how many of them the client has already")] = 0,
) -> NotesAnswer:
    """Events of a recorded run and the results of its commands, in blocks."""
    span = _span(start, end, 1)
    return recording_schemas.notes(await Recordings(gateway.endpoints).notes(run, span.start, span.end, after), after)


@router.get("/recordings/{run}/export", responses=EXPORTS, response_class=Response)
async def get_export(
    gateway: Here,
    run: RunId,
    module: ModuleName,
    form: Annotated[Format, Query(alias="format", description="file format: csv, parquet or mcap")] = "csv",
    channels: Annotated[
        str | None,
        Query(
            pattern=f"^{CHANNEL}(,{CHANNEL})*$",
            max_length=4096,
            description="names of channels or groups, separated by commas; all channels if left out",
            examples=["grid,chain.speed"],
        ),
    ] = None,
    start: From = 0.0,
    end: To = None,
) -> Response:
    """A recorded run as a file, sent while it is made; rows that are lost are left out, as the gap in `seq` shows."""
    span = _span(start, end, 1)
    end_us = FOREVER_US if end is None else round(span.end * 1e6)
    selection = Selection(module, _names(channels) if channels else None, round(span.start * 1e6), end_us)
    gateway.exports.expect_room()  # before any file is opened
    exported = await run_in_threadpool(recordings.export, gateway.recordings, run, selection, form)
    return Download(gateway, exported, run, recordings.file_name(run, module, form), EXPORT_TYPES[form])


@router.post("/recordings/{run}/fork")
async def post_fork(ask: Ask, run: RunId, body: Fork) -> ForkedAnswer:
    """Begin a new run from a moment of a recorded one, in the state that was recorded then; the present run ends."""
    return await forks.fork(ask, run, body.t, body.parameters or {}, start=body.start)


EXPORT_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "mcap": "application/octet-stream",
}


class Download(StreamingResponse):
    """An export that is made in a thread while it is sent; it counts as under way until it ends.

    The export is a plain iterator, which Starlette advances in a thread, one block at a time and only once the client
    has read the block before. So neither the loop nor memory suffers from a large recording or a slow client.
    """

    def __init__(self, gateway: Gateway, export: Export, run: str, headers: dict[str, str], media_type: str) -> None:
        super().__init__(export, headers=headers, media_type=media_type)
        self._gateway = gateway
        self._export = export
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            with self._gateway.exports.one_more():
                await super().__call__(scope, receive, send)
        finally:
            # What cannot be read turns up on the way, when the status has long been sent: only the log can say it.
            for missing in self._export.missing:
                logging.getLogger(__name__).warning("export of run %s: missing: %s", self._run, missing)


def _span(start: float, end: float | None, bins: int) -> TimeRange:
    stop = LATEST if end is None else end
    if not start < stop:
        reason = f"{start:g} s is not before the end, {stop:g} s: choose an earlier start or a later end"
        raise ProblemError(Problem.conflict("from", f"{stop:g} s", reason))
    return TimeRange(start, stop, bins)


def _names(channels: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in channels.split(","))
