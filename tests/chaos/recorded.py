"""What the recorder node has on disk in the end, in the form in which a subscriber's recording is compared."""

import time
from collections.abc import Iterable
from pathlib import Path

from bus import codec
from bus.codec import FrameError
from bus.endpoints import Endpoints
from bus.messages import Runs, RunsRequest
from bus.sockets import Dealer
from recording.folder import run_folder
from recording.record import Row
from recording.rows import run_rows

FOLDER = "recordings"
ANSWER_WITHIN = 1.0


def digests(data: Path, module: str, runs: Iterable[str]) -> dict[tuple[str, int], str]:
    """(run, tick) -> digest of every state of a module that is recorded and whole."""
    found: dict[tuple[str, int], str] = {}
    for run in runs:
        folder = run_folder(data / FOLDER, run)
        if folder.hot.exists():
            rows = (row for row in run_rows(folder, module) if isinstance(row, Row))
            found |= {(run, row.seq): f"{row.digest:016x}" for row in rows}
    return found


def wait_for(endpoints: Endpoints, module: str, run: str, seq: int, seconds: float) -> None:
    """Wait until the recorder says that it has a state; what it has not in time is the checker's business."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and _last(endpoints, module, run) < seq:
        time.sleep(0.1)


def _last(endpoints: Endpoints, module: str, run: str) -> int:
    """The newest tick that the recorder has of a run, 0 when it has none or does not answer."""
    with Dealer(endpoints.recorder) as dealer:
        deadline = time.monotonic() + ANSWER_WITHIN
        while not dealer.send(codec.encode(RunsRequest(before=""))) and time.monotonic() < deadline:
            dealer.receive(0.01)
        payload = dealer.receive(ANSWER_WITHIN)
    try:
        reply = None if payload is None else codec.decode_recorder_reply(payload)
    except FrameError:
        return 0
    if not isinstance(reply, Runs):
        return 0
    return next(
        (each.last for found in reply.runs if found.run == run for each in found.modules if each.module == module), 0
    )
