"""Space on the disk: what is dropped when recordings outgrow their quota: the oldest first, full rate before tiers."""

import shutil
from pathlib import Path
from typing import NamedTuple

from recording.database import transaction
from recording.folder import RunFolder, run_folders
from recording.hot import HotStore
from recording.manifest import ManifestLine, read_manifest, write_line

QUOTA = 20_000_000_000
"""Bytes that all recordings together may take, unless set otherwise."""

RESERVE = 1_000_000_000
"""Bytes that recordings leave free on their disk, unless set otherwise."""


class Dropped(NamedTuple):
    """What was dropped to make room."""

    run: str
    what: str
    bytes: int


class Limits(NamedTuple):
    """How much space recordings may take."""

    quota: int = QUOTA
    reserve: int = RESERVE

    def excess(self, root: Path) -> int:
        """Bytes that have to go; 0 or less if there is room."""
        # Counted and not kept: files come and go by several processes, and a number that drifts would drop too much or
        # too little.
        used = sum(folder.size() for folder in run_folders(root))
        # The disk counts as well as the quota: what others put on it leaves less for recordings.
        return max(used - self.quota, self.reserve - shutil.disk_usage(root).free)


def make_room(root: Path, limits: Limits, present: str) -> list[Dropped]:
    """Drop what is oldest until the limits hold, or until only what has to stay of the present run is left.

    First the full rate of the oldest segments goes, whose seconds stay in the tier; then whole runs, the oldest
    first; then the tiers of the present run. Ticks, commands and events of the present run are always kept.

    Args:
        root: folder of all recordings.
        limits: what is allowed.
        present: the run that is being recorded.

    Raises:
        OSError: if the disk does not take the manifest's lines.
    """
    excess = limits.excess(root)
    dropped: list[Dropped] = []
    if excess <= 0:
        return dropped
    folders = run_folders(root)
    for folder in folders:
        # Over all runs before any run goes whole: an old run with its seconds is worth more than the full rate of
        # yesterday.
        excess -= _count(dropped, _drop_files(folder, excess, full=True))
    for folder in folders:
        # The present run's ticks are what it is computed from: with them everything that is dropped can be made again.
        if excess > 0 and folder.run != present:
            size = folder.size()
            shutil.rmtree(folder.path)
            excess -= _count(dropped, [Dropped(folder.run, "the whole run", size)])
    for folder in folders:
        if folder.run == present:
            excess -= _count(dropped, _drop_files(folder, excess, full=False))
    return dropped


def _count(dropped: list[Dropped], more: list[Dropped]) -> int:
    dropped += more
    return sum(each.bytes for each in more)


def _drop_files(folder: RunFolder, excess: int, *, full: bool) -> list[Dropped]:
    dropped: list[Dropped] = []
    # Without a hot store there is no manifest to write to: the run goes whole or not at all.
    if excess <= 0 or not folder.hot.exists():
        return dropped
    store = HotStore(folder.hot)
    try:
        lines = read_manifest(store.connection)
        kept = [line for line in lines if (line.fate if full else line.tier_fate) == "kept"]
        # Lines may share a merged tier; it is dropped once, with all of them.
        for path in dict.fromkeys(_file(folder, line, full=full) for line in kept):
            if excess <= 0:
                break
            size = path.stat().st_size if path.exists() else 0
            with transaction(store.connection):
                for line in kept:
                    if _file(folder, line, full=full) == path:
                        change = line.changed(fate="dropped") if full else line.changed(tier_fate="dropped")
                        write_line(store.connection, change)
            # After the manifest says so: killed in between, a file is left that counts as dropped, which only takes
            # room. A line that says kept without its file would be damage.
            path.unlink(missing_ok=True)
            # By the size on disk and not by the manifest's: a file that is missing makes no room.
            excess -= size
            dropped.append(Dropped(folder.run, f"{path.parent.name}/{path.name}", size))
    finally:
        store.close()
    return dropped


def _file(folder: RunFolder, line: ManifestLine, *, full: bool) -> Path:
    return folder.segment(line.file) if full else folder.tier(line.tier_file)
