"""Recordings over REST: questions to the recorder, and exports that are read from the recordings of this host."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from bus.protocol.codec import FrameError
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import (
    Channels,
    ChannelsRequest,
    History,
    HistoryRequest,
    Notes,
    NotesRequest,
    RecordedModule,
    RecorderRequest,
    Refused,
    Result,
    Runs,
    RunsRequest,
)
from bus.transport import client
from bus.transport.request import NotAnsweredError, RefusedError
from catalog.recorded_runs import recorded
from nodes.gateway import recording_schemas
from nodes.gateway.catalog_problems import unknown_recording
from nodes.gateway.problems import Problem, ProblemError
from nodes.gateway.recording_schemas import RecordingsAnswer, SidesAnswer
from recording.channels import ChannelError
from recording.database import StoreError
from recording.export import Export, Format
from recording.reading import Selection

Reply = TypeVar("Reply", Runs, Channels, History, Notes)

MAX_BINS = 1024
MAX_CHANNELS = 64
ANCESTORS = 16
"""Most forks of forks that are followed back."""

BEGINNING = 1e-6
"""End of the time range in which the result of a run's `begin` is looked for (s): it acts at time zero."""

AFTER = 1e-6
"""Added to the time of a state for the end of a range that is to include the state (s): ends are exclusive."""

_NAMES = {"start": "from", "end": "to"}
"""Names of this API for fields that have another name on the bus."""


class TimeRange(NamedTuple):
    """A range of simulated time (s), without its end, and the number of bins that it is divided into."""

    start: float
    end: float
    bins: int


class Recordings:
    """Questions to the recorder. Each raises ProblemError: 404, 409, or 503 if the recorder does not answer.

    Args:
        endpoints: where the recorder is.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def _ask(self, request: RecorderRequest, kind: type[Reply]) -> Reply:
        """The recorder's reply.

        Raises:
            ProblemError: 404 for what is not recorded, 409 for values that conflict, 503 if there is no answer.
        """
        try:
            return await client.recorded(self._endpoints, request, kind)
        except RefusedError as error:
            raise ProblemError(_refused(error.refused)) from error
        except (NotAnsweredError, FrameError) as error:
            raise ProblemError(Problem.of(503, "recorder", str(error)), {"Retry-After": "1"}) from error

    async def runs(self, before: str, limit: int) -> RecordingsAnswer:
        """A page of the recorded runs, the newest first.

        Args:
            before: the last run of the page before; empty for the first page.
            limit: most runs.
        """
        found = await self._ask(RunsRequest(before), Runs)
        chosen = found.runs[:limit]  # the recorder's own pages may be longer
        listed = [recording_schemas.recording(run, await self.begun(run.run)) for run in chosen]
        more = found.more or len(found.runs) > limit
        following = chosen[-1].run if more and chosen else None
        return RecordingsAnswer(recordings=listed, more=more, next=following, status=found.status, quota=found.quota)

    async def begun(self, run: str) -> Result | None:
        """The result of a run's `begin`; None if it is not recorded."""
        found = await self._ask(NotesRequest(run, 0.0, BEGINNING, 0), Notes)
        return next((result for result in found.results if result.name == "begin"), None)

    async def channels(self, run: str, module: str) -> list[Channels]:
        """The channels of a module, in blocks: all of them together would be larger than a message on the bus."""
        blocks = [await self._ask(ChannelsRequest(run, module, 0), Channels)]
        count = len(blocks[0].channels)
        while blocks[-1].channels and count < blocks[0].total:  # an empty block ends it, whatever the total promised
            blocks.append(await self._ask(ChannelsRequest(run, module, count), Channels))
            count += len(blocks[-1].channels)
        return blocks

    async def history(self, run: str, module: str, channels: Sequence[str], span: TimeRange) -> History:
        """Minimum, mean and maximum of channels in bins of simulated time."""
        request = HistoryRequest(run, module, list(channels), span.start, span.end, span.bins)
        return await self._ask(request, History)

    async def notes(self, run: str, start: float, end: float, after: int) -> Notes:
        """A block of the events and results of a time range (s), after the first `after` of them."""
        return await self._ask(NotesRequest(run, start, end, after), Notes)

    async def extent(self, run: str, module: str) -> RecordedModule:
        """How much of a module is recorded in a run.

        Raises:
            ProblemError: 404 that lists the recorded modules, or some of the recorded runs.
        """
        before, known = "", []
        while True:
            page = await self._ask(RunsRequest(before), Runs)
            for each in page.runs:
                known.append(each.run)
                if each.run == run:
                    return _module(run, module, each.modules)
            if not page.more:
                raise ProblemError(unknown_recording(run, known[:10]))
            before = known[-1]

    async def compare(
        self, runs: tuple[str, str], module: str, channels: Sequence[str], asked: TimeRange
    ) -> SidesAnswer:
        """Two runs over the same simulated time.

        Args:
            runs: the left and the right one.
            module: whose channels.
            channels: their names.
            asked: range in the simulated time of the left run; it is cut to what both runs have.

        Raises:
            ProblemError: 404 if that leaves nothing.
        """
        left, right = runs
        common, shift = await self._shift(left, right)
        ends = [await self.extent(run, module) for run in runs]
        # Cut to what both have, in the time of the left run. The right one's own time is `shift` more, and begins at 0
        # too.
        start = max(asked.start, 0.0, -shift)
        end = min(asked.end, ends[0].end + AFTER, ends[1].end - shift + AFTER)
        if not start < end:
            reason = f"nothing of {right} is recorded in that time of {left}: choose another range"
            raise ProblemError(Problem.absent("from", f"{end:g} s", reason))
        mine = await self.history(left, module, channels, TimeRange(start, end, asked.bins))
        theirs = await self.history(right, module, channels, TimeRange(start + shift, end + shift, asked.bins))
        return SidesAnswer(
            common=common, left=recording_schemas.side(mine, 0.0), right=recording_schemas.side(theirs, shift)
        )

    async def _shift(self, left: str, right: str) -> tuple[str | None, float]:
        """The run that both descend from, and the right run's time minus the left run's at the same moment (s)."""
        mine, theirs = await self._ancestors(left), await self._ancestors(right)
        for run, offset in mine.items():
            if run in theirs:
                return run, round(offset - theirs[run], 6)
        return None, 0.0

    async def _ancestors(self, run: str) -> dict[str, float]:
        """A run and those that it descends from, each with its own simulated time at which this run began (s)."""
        found = {run: 0.0}
        offset = 0.0
        for _ in range(ANCESTORS):
            try:
                fork = recording_schemas.fork_of(await self.begun(run))
            except ProblemError as error:
                # A parent may have been dropped to make room: then what it descends from is not known.
                if error.problem.status == 404 and len(found) > 1:
                    break
                raise
            if fork is None or fork.run in found:
                break
            run, offset = fork.run, offset + fork.t
            found[run] = offset
        return found


def _module(run: str, module: str, modules: Sequence[RecordedModule]) -> RecordedModule:
    for each in modules:
        if each.module == module:
            return each
    known = [each.module for each in modules if each.module != "clock"]
    there = f"recorded are {', '.join(known)}" if known else "nothing is recorded yet"
    detail = f"nothing of module {module!r} is recorded in run {run}: {there}"
    raise ProblemError(Problem.of(404, "recording", detail, known=known))


def _refused(refused: Refused) -> Problem:
    if refused.field in {"run", "module"}:
        return Problem.of(404, "recording", refused.reason)
    if refused.field == "channels":
        return Problem.absent("channels", "what is recorded", refused.reason)
    # The routes have checked each value by itself, so what the recorder refuses is their combination.
    return Problem.conflict(_NAMES.get(refused.field, refused.field) or "query", "", refused.reason)


def export(root: Path, run: str, selection: Selection, form: Format) -> Export:
    """Part of a recording as a stream of bytes, read from the files of this host.

    It opens files, which may take its time: it is to be called in a thread, and its bytes are to be taken in one.

    Args:
        root: folder of all recordings.
        run: the recorded run.
        selection: module, channels and range of time.
        form: file format.

    Raises:
        NoRecordingError: if the run is not recorded.
        ProblemError: 404 if the module or a channel is not recorded.
    """
    folder = recorded(root, run)
    try:
        return Export(folder, selection, form)
    except ChannelError as error:
        raise ProblemError(Problem.absent("channels", "what is recorded", str(error.args[0]))) from error
    except StoreError as error:
        raise ProblemError(Problem.of(404, "recording", str(error))) from error


def file_name(run: str, module: str, form: str) -> dict[str, str]:
    """The header that names the file of an export; neither a run id nor a module has a character to be quoted."""
    # A colon is no part of a file's name on Windows, and a leading dot would hide the file.
    safe = run.replace(":", "_").lstrip(".") or "run"
    return {"Content-Disposition": f'attachment; filename="{safe}-{module}.{form}"'}
