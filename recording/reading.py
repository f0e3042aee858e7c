"""Reading a run's rows in order, wherever they lie, also while it is being recorded."""

from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recording.channels import Channel, Schema
from recording.columns import arrow_field, table_of
from recording.cursor import FOREVER_US, HotPart, Placement, SealedPart, lines_of, walk
from recording.database import StoreError, module_names, module_number, open_reader
from recording.files import checksum
from recording.folder import RunFolder
from recording.hot import Damaged, read_schemas
from recording.record import Row


def tick_at(folder: RunFolder, module: str, t_us: int) -> int | None:
    """The newest recorded tick of a module at or before a simulated time in microseconds; None if there is none.

    Raises:
        StoreError: if the recording cannot be read, or has no such module.
    """
    with closing(open_reader(folder.hot)) as hot:
        lines = [line for line in lines_of(hot, module) if line.fate == "kept"]
    # From the segment that holds the time on: a tick before it is not the newest.
    start_us = max((line.t_first_us for line in lines if line.t_first_us <= t_us), default=0)
    newest = None
    for table in Reader(folder, Selection(module, (), start_us, t_us + 1)).tables():
        # Tables come in order, so the last row of the last one is the newest.
        newest = int(table["seq"][-1].as_py())
    return newest


class Selection(NamedTuple):
    """Part of a recording."""

    module: str
    channels: tuple[str, ...] | None = None
    """Names of channels or of groups; None means all."""
    start_us: int = 0
    end_us: int = FOREVER_US
    """Where it ends, exclusive."""


class Reader:
    """Rows of one module in order, as Arrow tables with the columns `t`, `seq` and the chosen channels.

    Raises:
        StoreError: if the recording cannot be read.
        ChannelError: if a channel is unknown.
    """

    def __init__(self, folder: RunFolder, selection: Selection) -> None:
        self._folder = folder
        self._selection = selection
        self.missing: list[str] = []
        """What of the selection could not be read, in words."""
        with closing(open_reader(folder.hot)) as hot:
            if module_number(hot, selection.module) is None:
                known = ", ".join(module_names(hot).values()) or "none yet"
                raise StoreError(f"run {folder.run} has no module {selection.module[:64]!r}: there are {known}")
            self._schemas = read_schemas(hot)
            self.channels = self._choose(self._schemas)
            found = Placement.of(hot, selection.module)
            lines = [line for line in found.between(selection.start_us, selection.end_us) if line.fate == "kept"]
            self.rows = sum(line.rows for line in lines) + sum(last - first + 1 for first, last in found.hot)
            """Most rows that the selection can have."""

    def _choose(self, schemas: dict[int, Schema]) -> tuple[Channel, ...]:
        every: dict[str, Channel] = {}
        for schema in schemas.values():
            every |= schema.by_name
        return Schema(tuple(every.values())).select(self._selection.channels)

    def tables(self) -> Iterator[Any]:
        """The rows, some thousand at a time."""
        chosen = self._selection
        for part in walk(self._folder, chosen.module, 0, chosen.start_us, chosen.end_us):
            yield from self._from_hot(part) if isinstance(part, HotPart) else self._from_segment(part)

    def _from_segment(self, part: SealedPart) -> Iterator[Any]:
        line = part.line
        ticks = f"ticks {line.first} to {line.last} of {line.module}"
        if line.fate != "kept":
            # A segment that was repaired completely need not be mentioned.
            lost = line.rows - part.repaired
            if lost:
                self.missing.append(f"{lost} of the {ticks}: {line.fate}" if part.repaired else f"{ticks}: {line.fate}")
            return
        # No transaction is open by now: reading a segment may take seconds, and a segment does not change.
        path = self._folder.segment(line.file)
        try:
            # The whole file at once: the columns that are read carry no checksum of a row, which spans all of its
            # columns.
            if checksum(path) != line.sha256:
                self.missing.append(f"{ticks}: {path.name} does not match its SHA-256")
                return
            with pq.ParquetFile(path) as file:
                # A channel that only later segments have is null before.
                known = set(file.schema_arrow.names)
                wanted = [each.name for each in self.channels if each.name in known]
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group, columns=["t_us", "seq", *wanted])
                    # Rows that were handed out while they were hot may have been sealed since.
                    fresh = (
                        table.filter(pc.greater_equal(table["seq"], part.first)) if part.first > line.first else table
                    )
                    yield from self._cut(fresh)
        except (pa.ArrowException, OSError) as error:
            self.missing.append(f"{ticks}: {error}")

    def _from_hot(self, part: HotPart) -> Iterator[Any]:
        self.missing += [row.reason for row in part.rows if isinstance(row, Damaged)]
        rows = (row for row in part.rows if isinstance(row, Row))
        for key, same in groupby(rows, key=lambda row: row.schema):
            if key not in self._schemas:  # a run gets a new one when the lengths of its lists change
                with closing(open_reader(self._folder.hot)) as hot:
                    self._schemas = read_schemas(hot)
            alike = list(same)
            if key in self._schemas:
                yield from self._cut(table_of(alike, self._schemas[key]))
            else:
                self.missing.append(f"ticks {alike[0].seq} to {alike[-1].seq}: their channel table is lost")

    def _cut(self, table: Any) -> Iterator[Any]:
        t_us = table["t_us"]
        inside = pc.and_(pc.greater_equal(t_us, self._selection.start_us), pc.less(t_us, self._selection.end_us))
        table = table.filter(inside)
        if not table.num_rows:
            return
        # Times are recorded in whole microseconds and given out in seconds, as everywhere outside.
        columns = [pc.divide(table["t_us"].cast(pa.float64()), 1e6), table["seq"]]
        for channel in self.channels:
            # Every table has all columns that were chosen: whoever writes a file of them needs one schema throughout.
            there = channel.name in table.column_names
            columns.append(table[channel.name] if there else pa.nulls(table.num_rows, arrow_field(channel).type))
        yield pa.table(columns, schema=self.schema)

    @property
    def schema(self) -> Any:
        """The Arrow schema of the tables; every field has its unit and its meaning."""
        head = [
            pa.field("t", pa.float64(), metadata={"unit": "s", "meaning": "simulated time"}),
            pa.field("seq", pa.int64(), metadata={"unit": "1", "meaning": "number of the tick"}),
        ]
        return pa.schema([*head, *map(arrow_field, self.channels)])
