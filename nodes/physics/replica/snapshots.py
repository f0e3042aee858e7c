"""Snapshots on disk: written whole or not at all, many of the newest ticks and fewer of older ones."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

from nodes.physics.replica.saved import LARGEST, DamagedSnapshotError, Saved
from system.parts import clear_away
from system.whole import write_whole

SUFFIX = ".snap"

NEWEST_KEPT = 4
"""Newest snapshots of a run, which are all kept; of older ones some are kept, ever farther apart."""

RUNS_KEPT = 20
"""Runs whose snapshots are kept; older runs have to be computed from their beginning."""

_NAME = re.compile(r"(?P<run>[A-Za-z0-9_.:\-]{1,64})@(?P<seq>\d{12})" + re.escape(SUFFIX))


class SnapshotFolder:
    """The snapshots of one module, of all its instances, since they hold the same bits.

    Args:
        folder: where they are; made if it is not there.
        module: plant module.
        instance: whose snapshots are written here.
    """

    def __init__(self, folder: Path, module: str, instance: str) -> None:
        self._folder = folder / f"{module}.{instance}"
        # Those of the other instance are as good: both compute the same bits, and after a failover the survivor's are
        # the newest.
        self._all = sorted({self._folder, *(folder / f"{module}.{name}" for name in ("a", "b"))})
        self._folder.mkdir(parents=True, exist_ok=True)
        # Only in its own folder: the other instance may be writing in its own this moment.
        clear_away(self._folder)
        self.damaged: list[str] = []
        """Files that are not whole snapshots, and why; whoever reports them empties the list."""

    def find(self, run: str, seq: int) -> Iterator[Saved]:
        """The snapshots of a run at or before a tick, newest first; damaged ones are noted and left out."""
        found = [
            (int(name["seq"]), path)
            for folder in self._all
            for path in folder.glob(f"*{SUFFIX}")
            # Names carry run and tick, so that a search opens no file; what has another name is not ours.
            if (name := _NAME.fullmatch(path.name)) is not None and name["run"] == run and int(name["seq"]) <= seq
        ]
        # Read one by one, as they are asked for: nearly always the first is used, and each is read and
        # checked whole.
        for _seq, path in sorted(found, reverse=True):
            try:
                with path.open("rb") as file:
                    yield Saved.unpack(file.read(LARGEST + 1))
            except (OSError, DamagedSnapshotError) as error:
                self.damaged.append(f"snapshot {path.name} is not used: {error}")

    def write(self, saved: Saved) -> None:
        """Write a snapshot, whole or not at all, and delete those that are no longer needed.

        Raises:
            OSError: if it cannot be written.
        """
        path = self._folder / f"{saved.run}@{saved.seq:012d}{SUFFIX}"
        # Whole before anything old goes, so that there is a usable snapshot at every moment.
        write_whole(path, saved.pack())
        self._thin(saved.run)

    def _thin(self, present: str) -> None:
        runs: dict[str, list[tuple[int, Path]]] = {}
        for path in self._folder.glob(f"*{SUFFIX}"):
            name = _NAME.fullmatch(path.name)
            if name is not None:
                runs.setdefault(name["run"], []).append((int(name["seq"]), path))
        # The present run sorts last, whatever the times of its files say: it is the one that a restart needs.
        old = sorted(runs, key=lambda run: (run == present, max(path.stat().st_mtime for _seq, path in runs[run])))
        for run in old[: max(0, len(old) - RUNS_KEPT)]:
            for _seq, path in runs.pop(run):
                path.unlink(missing_ok=True)
        # Of the present run alone. The others are left as they were thinned when they were present.
        kept = superfluous([seq for seq, _path in runs.get(present, [])])
        for seq, path in runs.get(present, []):
            if seq in kept:
                path.unlink(missing_ok=True)


def superfluous(seqs: list[int]) -> set[int]:
    """The snapshots of a run that can go: of those before the newest, one stays for each doubling of the distance."""
    ordered = sorted(seqs, reverse=True)
    newest, seen = (ordered[0] if ordered else 0), set()
    going = set()
    for seq in sorted(ordered[NEWEST_KEPT:]):  # from the oldest on, so that the one that stays in a bucket is stable
        # Doubling distances: a run of a day keeps about two dozen, and any tick is computed from at most its own age
        # again.
        bucket = (newest - seq).bit_length()
        if bucket in seen:
            going.add(seq)
        seen.add(bucket)
    return going


class SnapshotWriter(threading.Thread):
    """Writes snapshots in a thread of its own, so that a slow disk does not delay the fold.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: SnapshotFolder) -> None:
        super().__init__(name="snapshots", daemon=True)
        self._folder = folder
        self._next: Saved | None = None
        self._wake = threading.Condition()
        self._stopping = False
        self.problem = ""
        """Why the newest snapshot could not be written; empty if it was."""

    @property
    def idle(self) -> bool:
        """True once the last snapshot has been written."""
        return self._next is None

    def put(self, saved: Saved) -> None:
        """Hand over a snapshot to be written; to be called only while `idle`."""
        with self._wake:
            self._next = saved
            self._wake.notify()

    def run(self) -> None:
        """Write until stopped."""
        while True:
            with self._wake:
                # What was put before the stop is still written: it is the newest state, and a restart begins there.
                self._wake.wait_for(lambda: self._next is not None or self._stopping)
                # It stays in place while it is written, so that `idle` is false; nobody replaces it meanwhile.
                saved = self._next
            if saved is None:
                return
            try:
                self._folder.write(saved)
            except OSError as error:  # the plant goes on without it: a restart takes an older snapshot
                self.problem = f"snapshot cannot be written: {error.strerror}"
            else:
                self.problem = ""
            with self._wake:
                self._next = None

    def stop(self) -> None:
        """End the thread after the snapshot that is being written."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self.join(timeout=2.0)
