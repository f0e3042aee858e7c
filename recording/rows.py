"""Every recorded row of a run in order, wherever it lies, as it was recorded."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from recording.database import SEQ_BITS, module_number, open_reader
from recording.folder import RunFolder
from recording.hot import Damaged, read_rows
from recording.manifest import read_manifest
from recording.record import DamagedError, Row
from recording.segment import segment_rows

_AT_ONCE = 2000


class Missing(NamedTuple):
    """Rows that should be there and cannot be read."""

    first: int
    last: int
    reason: str


def run_rows(folder: RunFolder, module: str, first: int = 0) -> Iterator[Row | Missing]:
    """Rows of a module from a tick on, each checked; in the place of those that are not there, what is wrong.

    A recording that is still written to is read up to what is there now.

    Raises:
        StoreError: if the recording cannot be read.
    """
    following = max(first, 1)
    for row in _sources(folder, module, first):
        if isinstance(row, Row) and row.seq > following:
            yield Missing(following, row.seq - 1, "damaged, or never recorded")
        yield row
        following = _end(row) + 1


def _sources(folder: RunFolder, module: str, first: int) -> Iterator[Row | Missing]:
    """What there is, in order. A damaged segment is not there: what was repaired of it is in the hot store."""
    following = first
    while True:
        with closing(open_reader(folder.hot)) as hot:
            number = module_number(hot, module)
            if number is None:
                return
            hot.execute("BEGIN")
            every = [line for line in read_manifest(hot) if line.module == module and line.last >= following]
            lines = [line for line in every if line.fate != "damaged"]
            before = lines[0].first - 1 if lines else (1 << SEQ_BITS) - 1
            rows = _some(hot, number, module, following, before)
        if rows:
            yield from rows
            following = _end(rows[-1]) + 1
        elif not lines:
            return
        else:
            line = lines[0]
            if line.fate != "kept":
                yield Missing(max(following, line.first), line.last, line.fate)
            else:
                try:
                    yield from (row for row in segment_rows(folder.segment(line.file)) if row.seq >= following)
                except DamagedError as error:
                    yield Missing(max(following, line.first), line.last, str(error))
            following = line.last + 1


def _some(hot: sqlite3.Connection, number: int, module: str, first: int, last: int) -> list[Row | Missing]:
    """The next rows of the hot store, at most _AT_ONCE, so that no reader keeps it for long."""
    rows: list[Row | Missing] = []
    for row in read_rows(hot, number, module, first, last):
        rows.append(Missing(row.seq, row.seq, row.reason) if isinstance(row, Damaged) else row)
        if len(rows) == _AT_ONCE:
            break
    return rows


def _end(row: Row | Missing) -> int:
    return row.seq if isinstance(row, Row) else row.last
