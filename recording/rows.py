"""Every recorded row of a run in order, wherever it lies, as it was recorded."""

from collections.abc import Iterator
from typing import NamedTuple

from recording.cursor import HotPart, SealedPart, walk
from recording.folder import RunFolder
from recording.hot import Damaged
from recording.record import DamagedRecordError, Row
from recording.segment import segment_rows


class MissingRows(NamedTuple):
    """Rows that should be there and cannot be read."""

    first: int
    last: int
    reason: str


def run_rows(folder: RunFolder, module: str, first: int = 0) -> Iterator[Row | MissingRows]:
    """Rows of a module from a tick on, each checked; in the place of missing rows, the reason why they are missing.

    A recording that is still written to is read up to what is there now.

    Raises:
        StoreError: if the recording cannot be read.
    """
    following = max(first, 1)
    for part in walk(folder, module, first):
        for row in _hot(part) if isinstance(part, HotPart) else _sealed(folder, part):
            # Only before a row that is there: what is missing behind the last one cannot be known here.
            if isinstance(row, Row) and row.seq > following:
                yield MissingRows(following, row.seq - 1, "damaged, or never recorded")
            yield row
            following = (row.seq if isinstance(row, Row) else row.last) + 1


def _hot(part: HotPart) -> Iterator[Row | MissingRows]:
    return (MissingRows(row.seq, row.seq, row.reason) if isinstance(row, Damaged) else row for row in part.rows)


def _sealed(folder: RunFolder, part: SealedPart) -> Iterator[Row | MissingRows]:
    line = part.line
    if line.fate == "damaged":
        return  # what was repaired of it follows; the rest shows as a hole before the next row
    if line.fate != "kept":
        yield MissingRows(part.first, line.last, line.fate)
        return
    try:
        # Rows before `first` are read and left out: a row group is read whole in any case.
        yield from (row for row in segment_rows(folder.segment(line.file)) if row.seq >= part.first)
    except DamagedRecordError as error:
        yield MissingRows(part.first, line.last, str(error))
