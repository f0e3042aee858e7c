"""Recorded runs by their id."""

from pathlib import Path

from recording.folder import RunFolder, run_folder, run_folders

NAMED = 10
"""How many of the newest runs are named when there is no recording of the one that is asked for."""


class NoRecordingError(LookupError):
    """There is no recording of a run; `known` are the newest runs that are recorded."""

    def __init__(self, run: str, root: Path, known: list[str]) -> None:
        super().__init__(f"no recording of run {run!r} in {root}: there are {', '.join(known) or 'none'}")
        self.run = run
        self.known = known


def recorded(root: Path, run: str) -> RunFolder:
    """The folder of a recorded run.

    Args:
        root: folder of all recordings.
        run: id of the run; never taken for a path.

    Raises:
        NoRecordingError: if the run is not recorded.
    """
    folder = run_folder(root, run)
    if not folder.hot.exists():
        raise NoRecordingError(run, root, [each.run for each in run_folders(root)[-NAMED:]])
    return folder
