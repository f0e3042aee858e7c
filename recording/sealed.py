"""Checksums of sealed rows, by which a row that is received again is compared with what is recorded."""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from recording.manifest import ManifestLine
from recording.record import Row


def line_of(lines: Sequence[ManifestLine], module: str, seq: int) -> ManifestLine | None:
    """The line of the segment that holds a row; None if it is not sealed.

    Args:
        lines: the manifest, in its order.
        module: the row's module.
        seq: its tick.
    """
    mine = [line for line in lines if line.module == module]
    # Segments do not overlap, so only the last one that begins at or before the row can hold it.
    place = bisect_right(mine, seq, key=lambda line: line.first) - 1
    return mine[place] if place >= 0 and seq <= mine[place].last else None


class _Contents(NamedTuple):
    """Of each row of a segment, in order."""

    content: npt.NDArray[np.uint32]
    digest: npt.NDArray[np.uint64]


class SealedContents:
    """Compares rows with segments. It keeps the last one that was read, because repeated rows come many at a time.

    Args:
        path: folder of the run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[str, _Contents | None] = ("", None)

    def agrees(self, line: ManifestLine, row: Row) -> bool:
        """False if a segment holds a row with this number and another content; one that cannot be read says nothing."""
        # By checksum and not by name: a segment that was repaired has the old name.
        if line.sha256 != self._read[0]:
            self._read = (line.sha256, self._contents(line))
        contents = self._read[1]
        if contents is None:
            return True
        place = row.seq - line.first
        return (int(contents.content[place]), int(contents.digest[place])) == (row.content, row.digest)

    def _contents(self, line: ManifestLine) -> _Contents | None:
        # A segment that was dropped cannot contradict anybody.
        if line.fate != "kept":
            return None
        try:
            path = self._path / "segments" / line.file
            # Two columns of the file, four and eight bytes a row: a whole segment is in memory in less than a megabyte.
            table = pq.read_table(path, columns=["content", "digest"], page_checksum_verification=True)
        except (pa.ArrowException, OSError):
            return None  # the scrub finds it and says so
        contents = _Contents(table["content"].to_numpy(), table["digest"].to_numpy())
        # Of another length it is not the file of that line; a row's place in it would mean nothing.
        return contents if len(contents.content) == line.rows else None
