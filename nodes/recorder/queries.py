"""The recorder's answers to requests: runs, channels, history, events and results, all read from disk.

For one thread. It reads what the recording loop writes, through connections of its own, and delays nothing there.
"""

import math
import shutil
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from bus.protocol.codec import MAX_TELEMETRY, build, encode
from bus.protocol.health import HealthReport
from bus.protocol.messages import (
    CLOCK_MODULE,
    ChannelHistory,
    Channels,
    ChannelsRequest,
    Event,
    History,
    HistoryRequest,
    Notes,
    NotesRequest,
    RecordedChannel,
    RecordedModule,
    RecordedRun,
    RecorderReply,
    RecorderRequest,
    Refused,
    Result,
    Runs,
    RunsRequest,
)
from recording.channels import ChannelError, Schema
from recording.database import StoreError, open_reader
from recording.folder import RunFolder, run_folder, run_folders
from recording.history import BinnedHistory, Query, QueryError
from recording.history import History as Recorded
from recording.notes import Note, read_notes
from recording.summary import summary

KEPT = 4
"""Runs whose files stay open between requests."""

RUNS = 50
"""Most runs of an answer."""

CHANNELS = 500
"""Most channels of an answer."""

VALUES = 6000
"""Most channels times bins of an answer, so that it fits into a message."""

NOTES_BYTES = MAX_TELEMETRY // 2
"""Size in bytes from which on a block of events and results ends: the last one may be large itself."""


class Answers:
    """Answers requests from what is on disk.

    Args:
        root: folder of all recordings.
        quota: space in bytes that they may take.
        about: gives the recorder's health and the runs that are being recorded; called in the thread of the requests.
    """

    def __init__(self, root: Path, quota: int, about: Callable[[], tuple[HealthReport, frozenset[str]]]) -> None:
        self._root = root
        self._quota = quota
        self._about = about
        self._opened: OrderedDict[str, Recorded] = OrderedDict()

    def answer(self, request: RecorderRequest) -> RecorderReply:
        """The reply to a request; a request that cannot be answered is refused with the field and the reason."""
        try:
            return self._answer(request)
        except QueryError as error:
            return Refused(id="", field=error.field, reason=error.reason)
        except ChannelError as error:
            return Refused(id="", field="channels", reason=str(error.args[0]))
        except StoreError as error:
            # The open files may be those of a run that was dropped or replaced by its recovery since.
            self._forget()
            return Refused(id="", field="run", reason=str(error))

    def _answer(self, request: RecorderRequest) -> RecorderReply:
        if isinstance(request, RunsRequest):
            return self._runs(request)
        folder = self._folder(request.run)
        if isinstance(request, NotesRequest):
            return _notes(folder, request)
        recorded = self._recorded(folder)
        if isinstance(request, ChannelsRequest):
            return _channels(folder.run, recorded, request)
        return _history(folder.run, recorded, request)

    def _folder(self, run: str) -> RunFolder:
        folders = run_folders(self._root)
        if not run and folders:
            return folders[-1]
        folder = run_folder(self._root, run) if run else None
        if folder is None or not folder.hot.exists():
            known = ", ".join(each.run for each in folders[-10:])
            there = f"recorded are {known}" if known else "nothing is recorded yet"
            raise QueryError("run", f"no recording of run {run!r}: {there}")
        return folder

    def _recorded(self, folder: RunFolder) -> Recorded:
        # Taken out and put in again: the run that was asked about longest ago is the first in order.
        recorded = self._opened.pop(folder.run, None) or Recorded(folder)
        self._opened[folder.run] = recorded
        if len(self._opened) > KEPT:
            self._opened.popitem(last=False)[1].close()
        return recorded

    def _forget(self) -> None:
        """Close all files, so that the next request opens them again."""
        while self._opened:
            self._opened.popitem()[1].close()

    def _runs(self, request: RunsRequest) -> Runs:
        said, present = self._about()
        folders = run_folders(self._root)[::-1]
        # A run that was dropped meanwhile has no place: the page is empty, and whoever asks begins again.
        if request.before:
            places = [place for place, folder in enumerate(folders) if folder.run == request.before]
            folders = folders[places[0] + 1 :] if places else []
        runs = [_run(folder, recording=folder.run in present) for folder in folders[:RUNS]]
        return Runs(
            runs=runs,
            more=len(folders) > RUNS,
            status=said.text,
            quota=self._quota,
            used=sum(folder.size() for folder in run_folders(self._root)),
            free=shutil.disk_usage(self._root).free,
            health=said.health,
            reason=said.reason,
        )

    def close(self) -> None:
        """Close all files."""
        self._forget()


def _run(folder: RunFolder, *, recording: bool) -> RecordedRun:
    modules = [
        RecordedModule(
            module=holding.module,
            rows=holding.rows,
            first=holding.first,
            last=holding.last,
            start=holding.t_first_us / 1e6,
            end=holding.t_last_us / 1e6,
        )
        for holding in (summary(folder) if folder.hot.exists() else [])
    ]
    return RecordedRun(run=folder.run, bytes=folder.size(), recording=recording, modules=modules)


def _channels(run: str, recorded: Recorded, request: ChannelsRequest) -> Channels:
    if request.module not in recorded.modules() or request.module == CLOCK_MODULE:
        known = ", ".join(name for name in recorded.modules() if name != CLOCK_MODULE)
        there = f"recorded are {known}" if known else "no module is recorded yet"
        raise QueryError("module", f"nothing is recorded of module {request.module!r} in run {run}: {there}")
    # Of all versions of the program that wrote to this run: the newest declaration of a channel counts.
    known_channels: dict[str, Any] = {}
    for schema in recorded.schemas().values():
        known_channels |= Schema(schema.channels).by_name
    every = list(known_channels.values())
    chosen = [
        RecordedChannel(
            name=channel.name,
            kind=channel.kind,
            unit=channel.unit,
            meaning=channel.meaning[:256],
            nullable=channel.nullable,
        )
        for channel in every[request.after : request.after + CHANNELS]
    ]
    return Channels(run=run, module=request.module, total=len(every), channels=chosen)


def _history(run: str, recorded: Recorded, request: HistoryRequest) -> History:
    if len(request.channels) * request.bins > VALUES:
        asked = f"{len(request.channels)} channels times {request.bins} bins"
        reason = f"{asked} are more than {VALUES}: ask for fewer channels or fewer bins"
        raise QueryError("bins", reason)
    query = Query(
        request.module, tuple(request.channels), round(request.start * 1e6), round(request.end * 1e6), request.bins
    )
    answer = recorded.query(query)
    return History(
        run=run,
        module=request.module,
        width=answer.width_us / 1e6,
        t=answer.t.tolist(),
        channels=[_channel(answer, place) for place in range(len(answer.channels))],
        lost=answer.lost,
    )


def _channel(answer: BinnedHistory, place: int) -> ChannelHistory:
    bins, channel = answer.bins, answer.channels[place]
    return ChannelHistory(
        name=channel.name,
        unit=channel.unit,
        samples=bins.samples[:, place].tolist(),
        minimum=_nulls(bins.minimum[:, place]),
        mean=_nulls(bins.mean[:, place]),
        maximum=_nulls(bins.maximum[:, place]),
    )


def _nulls(values: Any) -> list[float | None]:
    # The bus refuses NaN, which JSON does not have: a bin without a value is null.
    return [None if math.isnan(value) else value for value in values.tolist()]


def _notes(folder: RunFolder, request: NotesRequest) -> Notes:
    with closing(open_reader(folder.hot)) as hot:
        found = list(read_notes(hot, round(request.start * 1e6), round(request.end * 1e6)))
    events: list[Event] = []
    results: list[Result] = []
    size = 0
    for note in found[request.after :]:
        message = _message(note)
        size += len(encode(message))
        if (events or results) and size > NOTES_BYTES:  # at least one, or the next block would begin with it again
            break
        if isinstance(message, Event):
            events.append(message)
        else:
            results.append(message)
    return Notes(run=folder.run, total=len(found), events=events, results=results)


def _message(note: Note) -> Event | Result:
    message: Event | Result = build(Event if note.kind == "event" else Result, {**note.body, "wall": note.wall})
    return message
