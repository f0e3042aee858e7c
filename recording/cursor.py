"""Where the rows of a module lie, and the one walk through them in order, hot or sealed, also while they are recorded.

A row is in the hot store first. Sealing writes it into a segment, enters that in the manifest, and deletes it from the
hot store, in this order; for a moment it is in both. These rules say which of the two counts, for every reader:

- A segment stands for all ticks of its line, whatever is left of them in the hot store.
- A damaged segment stands for nothing: what was repaired of it is in the hot store again.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from recording.database import SEQ_BITS, module_number, open_reader
from recording.folder import RunFolder
from recording.hot import Damaged, hot_ranges, joined, read_rows
from recording.manifest import ManifestLine, read_manifest, rows_in
from recording.record import Row

FOREVER_US = 1 << 60
"""An end that no run reaches, in microseconds."""

AT_ONCE = 2000
"""Most rows that are read from the hot store at a time."""

_LAST = (1 << SEQ_BITS) - 1


@dataclass(frozen=True)
class Placement:
    """Where the rows of one module lie, as one transaction sees it."""

    lines: list[ManifestLine]
    """Its segments, in order, whatever has become of them."""
    hot: list[tuple[int, int]]
    """Ranges of ticks in the hot store, as (first, last)."""

    @classmethod
    def of(cls, connection: sqlite3.Connection, module: str) -> "Placement":
        """Look it up; empty for a module of which nothing is recorded."""
        number = module_number(connection, module)
        return cls([], []) if number is None else cls(lines_of(connection, module), hot_ranges(connection, number))

    @property
    def sealed(self) -> list[ManifestLine]:
        """The segments that stand for their ticks."""
        # Dropped ones as well: what was given up to make room is known to have been there, and is no hole to repair.
        return [line for line in self.lines if line.fate != "damaged"]

    @property
    def covered(self) -> list[tuple[int, int]]:
        """Ranges of ticks that are recorded, as (first, last); what lies between is missing."""
        return joined([*((line.first, line.last) for line in self.sealed), *self.hot])

    def between(self, start_us: int, end_us: int) -> list[ManifestLine]:
        """The segments that have ticks in a part of simulated time, the end not included."""
        return [line for line in self.lines if _overlaps(line, start_us, end_us)]

    def repaired(self, line: ManifestLine) -> int:
        """How many ticks of a damaged segment are in the hot store again; 0 for one that is not damaged."""
        # Rows of a whole segment that are still hot are copies that have not been deleted yet, and nothing that was
        # repaired.
        return rows_in(line, self.hot) if line.fate == "damaged" else 0


class SealedPart(NamedTuple):
    """A segment that is next, of which the ticks from `first` on are wanted."""

    line: ManifestLine
    first: int
    repaired: int
    """How many ticks of a damaged segment follow as hot parts."""


class HotPart(NamedTuple):
    """Rows of the hot store that are next."""

    rows: list[Row | Damaged]


def walk(
    folder: RunFolder, module: str, first: int = 0, start_us: int = 0, end_us: int = FOREVER_US
) -> Iterator[SealedPart | HotPart]:
    """What is recorded of a module, part by part, in the order of its ticks; up to what is there now.

    Each part is looked up in a transaction of its own, which is over before the part is handed out: while one is open,
    SQLite cannot clear its log of writes, and whoever reads slowly would let that grow. Between two parts rows may be
    sealed; then the next part is their segment, from the tick on that comes next.

    Args:
        folder: the recording.
        module: plant module.
        first: tick at which to begin.
        start_us: rows before this simulated time are left out, in microseconds. Segments are left out whole or not at
            all: whoever reads one leaves out the rest.
        end_us: where it ends, not included.

    Raises:
        StoreError: if the recording cannot be read.
    """
    following, passed = first, -1
    while True:
        with closing(open_reader(folder.hot)) as hot:
            # A read transaction: manifest and rows are of one state. Looked up one after the other, a row could be
            # missing from both.
            hot.execute("BEGIN")
            near = [each for each in lines_of(hot, module) if _overlaps(each, start_us, end_us)]
            # A damaged segment is handed out once, when the walk comes to it; what was repaired of it follows, hot.
            line = next((each for each in near if each.last >= following and each.first > passed), None)
            # Only up to the next segment: behind it the hot store may have copies of sealed rows.
            before = _LAST if line is None else line.first - 1
            rows, ended = _hot_rows(hot, module, (following, before), (start_us, end_us))
            repaired = Placement.of(hot, module).repaired(line) if line is not None and line.fate == "damaged" else 0
        if rows:
            yield HotPart(rows)
            # From the last row that was handed out and not from the end of the range: the rest may be sealed by the
            # next look.
            following = rows[-1].seq + 1
        elif line is not None:
            yield SealedPart(line, max(following, line.first), repaired)
            passed = line.first
            following = following if line.fate == "damaged" else line.last + 1
        # With a part that is not full, all that was there in its transaction has been handed out. To ask again would be
        # to follow a recorder that may write faster than this is read.
        if ended or (line is None and len(rows) < AT_ONCE):
            return


def lines_of(connection: sqlite3.Connection, module: str) -> list[ManifestLine]:
    """The segments of a module, in order, whatever has become of them."""
    return [line for line in read_manifest(connection) if line.module == module]


def _overlaps(line: ManifestLine, start_us: int, end_us: int) -> bool:
    return line.t_first_us < end_us and line.t_last_us >= start_us


def _hot_rows(
    hot: sqlite3.Connection, module: str, ticks: tuple[int, int], times: tuple[int, int]
) -> tuple[list[Row | Damaged], bool]:
    """The next rows of the hot store, at most AT_ONCE; and whether the end of the time asked for is reached."""
    rows: list[Row | Damaged] = []
    number = module_number(hot, module)
    if number is None:
        return rows, True
    for row in read_rows(hot, number, module, *ticks):
        if isinstance(row, Row):
            # Time never goes back in a run: no row behind this one can be inside.
            if row.t_us >= times[1]:
                return rows, True
            if row.t_us < times[0]:
                continue
        # A damaged row has no time that could be trusted: it is handed out wherever it lies.
        rows.append(row)
        if len(rows) == AT_ONCE:
            break
    return rows, False
