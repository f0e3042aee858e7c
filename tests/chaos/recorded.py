"""What the recorder node has on disk, in the form in which a subscriber's recording is compared."""

import time
from collections.abc import Collection
from pathlib import Path

from recording.folder import run_folder
from recording.record import Row
from recording.rows import run_rows

FOLDER = "recordings"
POLL = 1.0

Place = tuple[str, int]
"""Run and tick."""


def digests(data: Path, module: str, wanted: Collection[Place], seconds: float) -> dict[Place, str]:
    """Digest of each state of a module that is recorded and whole.

    Args:
        data: folder of the plant.
        module: plant module.
        wanted: states that must be there; a recorder that still asks for some is given time.
        seconds: how much; what it has not by then is the checker's business.
    """
    deadline = time.monotonic() + seconds
    found: dict[Place, str] = {}
    while True:
        missing = {run for run, seq in wanted if (run, seq) not in found}
        for run in missing:
            folder = run_folder(data / FOLDER, run)
            if folder.hot.exists():
                rows = (row for row in run_rows(folder, module) if isinstance(row, Row))
                found |= {(run, row.seq): f"{row.digest:016x}" for row in rows}
        if all(place in found for place in wanted) or time.monotonic() > deadline:
            return found
        time.sleep(POLL)  # polling another process's files: there is nothing to wait on
