"""How far a recording goes, kept beside its hot store, so that a recording whose end is missing is recognised.

SQLite takes a write-ahead log that is cut off for one whose last commits never were. What is kept beside it is written
after each commit and not flushed, so that it is never ahead: after a power cut it may be behind, which proves nothing.
"""

import json
import os
from pathlib import Path

FILE = "extent"

_BLOCK = 512
"""The text is padded to whole blocks, so that a shorter one leaves nothing of a longer one before it."""

Extent = dict[str, int]
"""What -> its newest: "ticks", "notes" (by place), "states of <module>" (by tick)."""


class ExtentFile:
    """The file beside the hot store.

    Args:
        folder: of the run.

    Raises:
        OSError: if the disk does not take it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600)

    def read(self) -> Extent:
        """The extent that was saved last; empty if none was saved, or if it is damaged itself."""
        size = os.fstat(self._file).st_size
        try:
            kept = json.loads(os.pread(self._file, size, 0))
        except ValueError:
            return {}
        return kept if isinstance(kept, dict) and all(isinstance(each, int) for each in kept.values()) else {}

    def write(self, extent: Extent) -> None:
        """Save how far the recording goes now.

        Raises:
            OSError: if the disk has no room for it, which it has once it was written.
        """
        # Padded and written in one call: a kill leaves the old text or the new one, and spaces behind it are no error
        # in JSON.
        text = json.dumps(extent).encode()
        data = text.ljust(-(-len(text) // _BLOCK) * _BLOCK)
        os.pwrite(self._file, data, 0)
        # After the write: cut first, a kill would leave nothing.
        os.ftruncate(self._file, len(data))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def cut_off(kept: Extent, found: Extent) -> list[str]:
    """What no longer goes as far as it did, one line each."""
    return [
        f"{what} after {found.get(what, 0)} up to {newest} are cut off"
        for what, newest in sorted(kept.items())
        if found.get(what, 0) < newest
    ]
