"""Recorded runs by name."""

from pathlib import Path

from recording.folder import RunFolder, run_folder, run_folders

NAMED = 10
"""Newest runs that are named to who asks for one that there is not."""


class NoRecordingError(LookupError):
    """There is no recording of that run; `known` are the newest there are."""

    def __init__(self, run: str, root: Path, known: list[str]) -> None:
        super().__init__(f"no recording of run {run!r} in {root}: there are {', '.join(known) or 'none'}")
        self.run = run
        self.known = known


def recorded(root: Path, run: str) -> RunFolder:
    """The folder of a recorded run.

    Args:
        root: folder of all recordings.
        run: its id.

    Raises:
        NoRecordingError: if there is none of that run.
    """
    folder = run_folder(root, run)
    if not folder.hot.exists():
        raise NoRecordingError(run, root, [each.run for each in run_folders(root)[-NAMED:]])
    return folder
