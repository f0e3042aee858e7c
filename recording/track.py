"""One module's recorded states played forward: the newest state up to a given simulated time."""

from collections.abc import Iterator
from contextlib import closing

from bus.protocol.messages import State
from recording.channels import Schema
from recording.database import open_reader
from recording.folder import RunFolder
from recording.hot import read_schemas
from recording.manifest import read_manifest
from recording.message_rows import Rows
from recording.record import Row
from recording.rows import run_rows


class Track:
    """Plays from a simulated time on.

    Args:
        folder: the recording.
        module: plant module.
        start_us: simulated time in microseconds at which it begins.

    Raises:
        StoreError: if the recording cannot be read.
    """

    def __init__(self, folder: RunFolder, module: str, start_us: int) -> None:
        self._run = folder.run
        with closing(open_reader(folder.hot)) as hot:
            # Rows of a lost channel table are passed over: what cannot be shown is a gap in the replay, not its end.
            self._schemas: dict[int, Schema] = read_schemas(hot)
            lines = [line for line in read_manifest(hot) if line.module == module]
        # Rows before that time are passed over: those of the segment that holds it, or the hot ones.
        first = max((line.first for line in lines if line.t_first_us <= start_us), default=0)
        # The time lies behind that segment: its last row is the newest before it, and the rest is not needed.
        if any(line.first == first and line.t_last_us < start_us for line in lines):
            first = next(line.last for line in lines if line.first == first)
        self._made: dict[int, Rows] = {}
        self._rows = self._readable(run_rows(folder, module, first))
        # Two rows at hand: only with the next one is it known how long the present one is the newest.
        self._row = next(self._rows, None)
        self._next = next(self._rows, None)

    def _readable(self, rows: Iterator[object]) -> Iterator[Row]:
        return (row for row in rows if isinstance(row, Row) and row.schema in self._schemas)

    def upto(self, t_us: int) -> Row | None:
        """The newest row at or before a time; the first one if all are later, None if there are none."""
        while self._next is not None and self._next.t_us <= t_us:
            self._row, self._next = self._next, next(self._rows, None)
        return self._row

    def state(self, row: Row) -> State:
        """The state that was recorded as this row."""
        rows = self._made.get(row.schema)
        if rows is None:
            rows = self._made[row.schema] = Rows(self._schemas[row.schema])
        return rows.state(row, self._run)
