"""Reading a run's rows in order, wherever they lie, also while it is being recorded."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recording.channels import Channel, Schema
from recording.columns import arrow_field, table_of
from recording.database import SEQ_BITS, StoreError, module_names, module_number, open_reader
from recording.files import checksum
from recording.folder import RunFolder
from recording.hot import Damaged, hot_ranges, read_rows, read_schemas
from recording.manifest import Line, read_manifest, rows_in
from recording.record import Row

FOREVER_US = 1 << 60
"""An end that no run reaches, in microseconds."""

_AT_ONCE = 2000


def tick_at(folder: RunFolder, module: str, t_us: int) -> int | None:
    """The newest recorded tick of a module at or before a simulated time in microseconds; None if there is none.

    Raises:
        StoreError: if the recording cannot be read, or has no such module.
    """
    with closing(open_reader(folder.hot)) as hot:
        lines = [line for line in read_manifest(hot) if line.module == module and line.fate == "kept"]
    start_us = max((line.t_first_us for line in lines if line.t_first_us <= t_us), default=0)
    newest = None
    for table in Reader(folder, Selection(module, (), start_us, t_us + 1)).tables():
        newest = int(table["seq"][-1].as_py())
    return newest


class Selection(NamedTuple):
    """Part of a recording."""

    module: str
    channels: tuple[str, ...] | None = None
    """Names of channels or of groups; None means all."""
    start_us: int = 0
    end_us: int = FOREVER_US
    """Where it ends, not included."""


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
            number = module_number(hot, selection.module)
            if number is None:
                known = ", ".join(module_names(hot).values()) or "none yet"
                raise StoreError(f"run {folder.run} has no module {selection.module[:64]!r}: there are {known}")
            self._number = number
            self.channels = self._choose(read_schemas(hot))
            lines = [line for line in self._lines(read_manifest(hot)) if line.fate == "kept"]
            hot_rows = sum(last - first + 1 for first, last in hot_ranges(hot, number))
            self.rows = sum(line.last - line.first + 1 for line in lines) + hot_rows
            """How many rows there are at most."""

    def _choose(self, schemas: dict[int, Schema]) -> tuple[Channel, ...]:
        every: dict[str, Channel] = {}
        for schema in schemas.values():
            every |= schema.by_name
        return Schema(tuple(every.values())).select(self._selection.channels)

    def _lines(self, lines: Sequence[Line]) -> list[Line]:
        chosen = self._selection
        return [
            line
            for line in lines
            if line.module == chosen.module and line.t_first_us < chosen.end_us and line.t_last_us >= chosen.start_us
        ]

    def tables(self) -> Iterator[Any]:
        """The rows, some thousand at a time."""
        last = -1
        while True:
            with closing(open_reader(self._folder.hot)) as hot:
                hot.execute("BEGIN")
                ranges = hot_ranges(hot, self._number)
                lines = [line for line in self._lines(read_manifest(hot)) if self._counts(line, ranges)]
                following = [line for line in lines if line.first > last]
                hot_first = min((max(first, last + 1) for first, end in ranges if end > last), default=None)
                if following and (hot_first is None or following[0].first <= hot_first):
                    source = self._from_segment(following[0])
                    last = following[0].last
                else:
                    before = following[0].first - 1 if following else (1 << SEQ_BITS) - 1
                    rows = list(self._from_hot(hot, last + 1, before))
                    yield from self._tables_of(rows, read_schemas(hot))
                    if not following:
                        return
                    last = before
                    continue
            yield from source

    def _counts(self, line: Line, ranges: list[tuple[int, int]]) -> bool:
        """False for a damaged segment of which rows were repaired: they are in the hot store."""
        if line.fate != "damaged":
            return True
        there = rows_in(line, ranges)
        lost = line.rows - there
        if there and lost:
            words = f"{lost} of the ticks {line.first} to {line.last} of {line.module}: damaged"
            self.missing += [] if words in self.missing else [words]
        return not there

    def _from_segment(self, line: Line) -> Iterator[Any]:
        ticks = f"ticks {line.first} to {line.last} of {line.module}"
        if line.fate != "kept":
            self.missing.append(f"{ticks}: {line.fate}")
            return
        path = self._folder.segment(line.file)
        try:
            if checksum(path) != line.sha256:
                self.missing.append(f"{ticks}: {path.name} does not match its SHA-256")
                return
            with pq.ParquetFile(path) as file:
                known = set(file.schema_arrow.names)
                wanted = [each.name for each in self.channels if each.name in known]
                for group in range(file.num_row_groups):
                    yield from self._cut(file.read_row_group(group, columns=["t_us", "seq", *wanted]))
        except (pa.ArrowException, OSError) as error:
            self.missing.append(f"{ticks}: {error}")

    def _from_hot(self, hot: Any, first: int, last: int) -> Iterator[Row]:
        for row in read_rows(hot, self._number, self._selection.module, first, last):
            if isinstance(row, Damaged):
                self.missing.append(row.reason)
            elif row.t_us >= self._selection.end_us:
                return
            elif row.t_us >= self._selection.start_us:
                yield row

    def _tables_of(self, rows: list[Row], schemas: dict[int, Schema]) -> Iterator[Any]:
        for key, same in groupby(rows, key=lambda row: row.schema):
            alike = list(same)
            if key not in schemas:
                self.missing.append(f"ticks {alike[0].seq} to {alike[-1].seq}: their channel table is lost")
                continue
            for start in range(0, len(alike), _AT_ONCE):
                yield from self._cut(table_of(alike[start : start + _AT_ONCE], schemas[key]))

    def _cut(self, table: Any) -> Iterator[Any]:
        t_us = table["t_us"]
        inside = pc.and_(pc.greater_equal(t_us, self._selection.start_us), pc.less(t_us, self._selection.end_us))
        table = table.filter(inside)
        if not table.num_rows:
            return
        columns = [pc.divide(table["t_us"].cast(pa.float64()), 1e6), table["seq"]]
        for channel in self.channels:
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
