"""History queries: minimum, mean and maximum of channels in bins of simulated time, over all that a run has recorded.

Bins of a second or more are made of whole seconds, so that the tier answers them exactly; finer ones need the full
rate.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

from recording.channels import Channel, ChannelError, Schema
from recording.cursor import Placement, lines_of
from recording.database import StoreError, module_number, open_reader, row_key
from recording.files import checksum
from recording.folder import RunFolder
from recording.hot import read_schemas
from recording.manifest import ManifestLine
from recording.record import NUMBERS, SCHEMA, SEQ, T_US, whole
from recording.tier import PERIOD_US, Bins, Floats, WholeNumbers, bins_of

_END = "SELECT substr(record, {place}, 8) FROM rows WHERE key BETWEEN ? AND ? ORDER BY key {order} LIMIT 1"

_TIER = """
SELECT channel, (second - $start) // $width AS bin, sum(count) AS count, sum(mean * count) / sum(count) AS mean,
    min(minimum) AS low, max(maximum) AS high
FROM read_parquet($files)
WHERE channel IN (SELECT unnest($names)) AND segment IN (SELECT unnest($segments))
    AND second >= $start AND second < $end
GROUP BY ALL
"""
_STATISTICS = """
SELECT bin, {parts} FROM (
    SELECT (t_us - $start) // $width AS bin, {named} FROM read_parquet($files) WHERE t_us >= $start AND t_us < $end
) GROUP BY bin
"""
_FOUR = "count(c{place}) AS n{place}, avg(c{place}) AS a{place}, min(c{place}) AS l{place}, max(c{place}) AS h{place}"
_ONE = "CAST({name} AS DOUBLE) AS c{place}"
_HOT = """
SELECT CAST({parts} AS BLOB) FROM rows
WHERE key > ? AND key < ? AND substr(record, {schema}, 4) = ? AND whole(record) ORDER BY key
"""

MAX_BINS = 10_000
MAX_CHANNELS = 64


class QueryError(ValueError):
    """A query that cannot be answered; the text names the field, its limit and the remedy."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Query(NamedTuple):
    """What is to be answered."""

    module: str
    channels: tuple[str, ...]
    start_us: int
    end_us: int
    bins: int
    """Most bins of the answer."""

    def check(self) -> None:
        """Check the limits.

        Raises:
            QueryError: naming the field that exceeds one.
        """
        if not 1 <= self.bins <= MAX_BINS:
            raise QueryError("bins", f"{self.bins} is out of range: ask for 1 to {MAX_BINS}")
        if not 0 <= self.start_us < self.end_us:
            raise QueryError(
                "start",
                f"{self.start_us / 1e6:g} s is out of range: choose a start from 0 s on and before the end, "
                f"{self.end_us / 1e6:g} s",
            )
        if not 1 <= len(self.channels) <= MAX_CHANNELS:
            raise QueryError("channels", f"{len(self.channels)} are not possible: name 1 to {MAX_CHANNELS}")


@dataclass(frozen=True)
class BinnedHistory:
    """Statistics of the channels of a query."""

    channels: tuple[Channel, ...]
    start_us: int
    """Where bin 0 begins."""
    width_us: int
    bins: Bins
    """NaN where a channel has no value in a bin; bins in which none has any are left out."""
    lost: int
    """Segments in the time range that are damaged, or whose full rate was dropped and would have been needed."""

    @property
    def t(self) -> Floats:
        """Simulated time at which each bin begins, in seconds."""
        times: Floats = (self.start_us + self.bins.number * self.width_us) / 1e6
        return times


class _Sums:
    """Statistics gathered from several places."""

    def __init__(self, bins: int, channels: int) -> None:
        self.count = np.zeros((bins, channels), dtype=np.int64)
        self.total = np.zeros((bins, channels))
        self.minimum = np.full((bins, channels), np.nan)
        self.maximum = np.full((bins, channels), np.nan)

    def add(
        self, number: WholeNumbers, channel: int | slice, count: WholeNumbers, mean: Floats, low: Floats, high: Floats
    ) -> None:
        """Take in statistics of distinct bins."""
        # Plain indexing adds each bin once: that is right as long as the bins of one call are distinct, as they are.
        self.count[number, channel] += count
        # A mean of nothing is NaN, which times zero is still NaN and would stay in the sum.
        self.total[number, channel] += np.where(count > 0, mean, 0.0) * count
        self.minimum[number, channel] = np.fmin(self.minimum[number, channel], low)
        self.maximum[number, channel] = np.fmax(self.maximum[number, channel], high)

    def bins(self) -> Bins:
        """The statistics, without empty bins."""
        # A bin is left out only if no channel has anything in it; a channel of the others may be without.
        number = np.flatnonzero(self.count.any(axis=1))
        with np.errstate(invalid="ignore"):
            mean = self.total[number] / self.count[number]
        return Bins(number, self.count[number], self.minimum[number], mean, self.maximum[number])


class History:
    """Answers queries about one run, while it is being recorded or afterwards. For one thread."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._hot = open_reader(folder.hot)
        self._schemas: dict[int, Schema] = {}
        self._compared: dict[tuple[Path, str], bool] = {}
        # A damaged record is left out by SQLite itself, row by row: no query is refused for one of them.
        self._hot.create_function("whole", 1, whole, deterministic=True)
        # Bounded: the plant runs on the same machine, and a query may take a little longer for it.
        self._engine = duckdb.connect(config={"threads": 2, "memory_limit": "1GB", "enable_external_file_cache": True})
        self._engine.execute("SET parquet_metadata_cache = true")

    def modules(self) -> list[str]:
        """Modules that have recorded something."""
        return [name for (name,) in self._read("SELECT name FROM modules ORDER BY number")]

    def schemas(self) -> dict[int, Schema]:
        """Every channel table, by key."""
        # Keys are cheap to compare; tables are parsed only when one has been added.
        keys = {key for (key,) in self._read("SELECT key FROM schemas")}
        if keys != self._schemas.keys():
            self._schemas = read_schemas(self._hot)
        return self._schemas

    def extent(self, module: str) -> tuple[int, int] | None:
        """First and last simulated time that is recorded, in microseconds; None when nothing is."""
        number = self._number(module)
        times = [t for line in lines_of(self._hot, module) for t in (line.t_first_us, line.t_last_us)]
        keys = (row_key(number, 0), row_key(number + 1, 0) - 1)
        for order in ("ASC", "DESC"):
            found = self._read(_END.format(place=T_US + 1, order=order), keys)
            # Cut out of the newest and the oldest record, unchecked: a damaged one would only make a chart's axis wrong
            # until the scrub.
            times += [int.from_bytes(blob, "little") for (blob,) in found]
        return (min(times), max(times)) if times else None

    def query(self, query: Query) -> BinnedHistory:
        """Answer a query.

        Raises:
            QueryError: if a limit is passed.
            ChannelError: if a channel is unknown or holds text.
            StoreError: if the recording cannot be read.
        """
        query.check()
        try:
            return self._query(query)
        except StoreError:
            # Once more and no oftener: what fails twice is no race.
            return self._query(query)  # a file that the manifest named was merged or dropped meanwhile: look again

    def _query(self, query: Query) -> BinnedHistory:
        # Manifest and hot rows in one transaction: a row that is sealed in between would count twice, or not at all.
        with self._snapshot():
            number = self._number(query.module)
            # Before any file is opened: what is wrong with the question is said at once.
            channels = self._channels(query.channels)
            window, coarse = _window(query)
            sums = _Sums((window.end_us - window.start_us) // window.width_us, len(channels))
            found = Placement.of(self._hot, query.module)
            near = found.between(window.start_us, window.end_us)
            # A tier is made of all that a segment had. Of a damaged one it would count again what was repaired.
            lines = [line for line in near if not found.repaired(line)]
            # Only for bins of whole seconds: a tier has nothing finer.
            tiers = [line for line in lines if line.tier_fate == "kept" and self._tier_whole(line)] if coarse else []
            # Tiers where they are whole, the full rate elsewhere: each segment counts through one of the two.
            coarse_ones = {line.first for line in tiers}
            rest = [line for line in lines if line.first not in coarse_ones]
            # Compared with its checksum before it counts: DuckDB does not notice a flipped bit.
            full = [line for line in rest if line.fate == "kept" and self._whole(line)]
            self._add_tiers(sums, tiers, channels, window)
            self._add_segments(sums, full, channels, window)
            # All segments and not only those that are near: hot copies of rows are recognised by any segment that has
            # them.
            self._add_hot(sums, (number, _ranges(found.sealed)), channels, window)
            # Of what is left neither tier nor segment can be read.
            lost = len(rest) - len(full)
            lost += sum(0 < found.repaired(line) < line.rows for line in near)
            return BinnedHistory(channels, window.start_us, window.width_us, sums.bins(), lost)

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Keep one view of the hot store for the block, whatever is sealed meanwhile."""
        self._read("BEGIN")
        try:
            yield
        finally:
            # Nothing was written: this only ends the transaction.
            self._hot.rollback()

    # Where it is recorded

    def _add_tiers(
        self, sums: _Sums, lines: list[ManifestLine], channels: Sequence[Channel], window: "_Window"
    ) -> None:
        if not lines:
            return
        # Several lines share a merged file; named twice, DuckDB would read it twice and count everything double.
        files = list(dict.fromkeys(str(self._folder.tier(line.tier_file)) for line in lines))
        found = self._fetch(
            _TIER,
            files=files,
            names=[channel.name for channel in channels],
            segments=[line.segment for line in lines],
            start=window.start_us // PERIOD_US,
            end=window.end_us // PERIOD_US,
            width=window.width_us // PERIOD_US,
        )
        # One query for all channels: the tier is read once, and split here.
        names = np.asarray(found["channel"], dtype=object)
        for place, channel in enumerate(channels):
            mine = names == channel.name
            parts = (np.asarray(found[name])[mine] for name in ("bin", "count", "mean", "low", "high"))
            number, count, mean, low, high = parts
            sums.add(number.astype(np.int64), place, count.astype(np.int64), mean, low, high)

    def _add_segments(
        self, sums: _Sums, lines: list[ManifestLine], channels: Sequence[Channel], window: "_Window"
    ) -> None:
        schemas = self.schemas()
        # One query for each channel table: a file with other columns would be refused by all of them.
        for key in dict.fromkeys(line.schema for line in lines):
            schema = schemas[key]
            present = [(place, each) for place, each in enumerate(channels) if each.name in schema.places]
            if not present:
                continue
            found = self._fetch(
                _STATISTICS.format(
                    parts=", ".join(_FOUR.format(place=place) for place, _channel in present),
                    named=", ".join(_ONE.format(place=place, name=_quoted(each.name)) for place, each in present),
                ),
                files=[str(self._folder.segment(line.file)) for line in lines if line.schema == key],
                start=window.start_us,
                end=window.end_us,
                width=window.width_us,
            )
            number = np.asarray(found["bin"]).astype(np.int64)
            for place, _channel in present:
                count, mean, low, high = (_filled(found[f"{letter}{place}"]) for letter in "nalh")
                sums.add(number, place, count.astype(np.int64), mean, low, high)

    def _add_hot(
        self, sums: _Sums, among: "tuple[int, _Ranges]", channels: Sequence[Channel], window: "_Window"
    ) -> None:
        """Add rows that are not sealed: those of a module, by its number, outside the sealed ranges."""
        for key, schema in self.schemas().items():
            present = [
                (place, schema.places[each.name]) for place, each in enumerate(channels) if each.name in schema.places
            ]
            if not present:
                continue
            t_us, values = self._hot_values(*among, key, [column for _place, column in present])
            # Time never goes back in a run, so the window is a slice.
            first, last = np.searchsorted(t_us, (window.start_us, window.end_us))
            if first == last:
                continue
            bins = bins_of(t_us[first:last], values[first:last], window.width_us, window.start_us)
            for column, (place, _source) in enumerate(present):
                low, mean, high = (each[:, column] for each in (bins.minimum, bins.mean, bins.maximum))
                sums.add(bins.number, place, bins.samples[:, column], mean, low, high)

    def _hot_values(self, number: int, sealed: "_Ranges", key: int, columns: list[int]) -> tuple[WholeNumbers, Floats]:
        # Cut out of the records by SQLite: a query for three channels need not unpack rows of hundreds.
        places = (SEQ, T_US, *(NUMBERS + 8 * column for column in columns))
        parts = "||".join(f"substr(record, {place + 1}, 8)" for place in places)
        keys = (row_key(number, 0), row_key(number + 1, 0), key.to_bytes(4, "little"))
        found = self._read(_HOT.format(parts=parts, schema=SCHEMA + 1), keys)
        # One array over all blobs: they have one length, since each is the same columns.
        data = b"".join(blob for (blob,) in found)
        whole_numbers: WholeNumbers = np.frombuffer(data, dtype="<i8").reshape(-1, len(places))
        values: Floats = np.frombuffer(data, dtype="<f8").reshape(-1, len(places))[:, 2:]
        firsts, lasts = sealed
        # Rows that are sealed already and not deleted yet: their segment counts them.
        place = np.searchsorted(firsts, whole_numbers[:, 0], side="right") - 1
        hot = (place < 0) | (whole_numbers[:, 0] > lasts[place]) if len(firsts) else np.full(len(place), True)
        return whole_numbers[hot, 1], values[hot]

    # How it is read

    def _whole(self, line: ManifestLine) -> bool:
        return self._matches(self._folder.segment(line.file), line.sha256)

    def _tier_whole(self, line: ManifestLine) -> bool:
        return self._matches(self._folder.tier(line.tier_file), line.tier_sha256)

    def _matches(self, path: Path, digest: str) -> bool:
        """Compare a file with its checksum the first time that it is needed; the scrub does so again and again."""
        # A checksum reads the whole file, which a query for a few of its columns does not. Damage that comes later is
        # found by the scrub.
        if (path, digest) not in self._compared:
            if not path.exists():
                return False
            self._compared[path, digest] = checksum(path) == digest
        return self._compared[path, digest]

    def _number(self, module: str) -> int:
        number = module_number(self._hot, module)
        if number is None:
            known = ", ".join(self.modules()) or "none yet"
            # Cut: the name is the asker's, and the answer goes into a frame.
            reason = f"nothing is recorded of module {module[:64]!r} in run {self._folder.run}: there are {known}"
            raise QueryError("module", reason)
        return number

    def _channels(self, names: Sequence[str]) -> tuple[Channel, ...]:
        known: dict[str, Channel] = {}
        for schema in self.schemas().values():
            known |= schema.by_name
        if names and not known:
            raise ChannelError(f"nothing is recorded in run {self._folder.run} yet")
        for name in names:
            if name not in known:
                Schema(tuple(known.values())).select([name])
                raise ChannelError(f"{name[:64]!r} is a group: name its channels")
            if known[name].kind in {"text", "texts"}:
                raise ChannelError(f"{name[:64]!r} holds text, which has no mean: export it instead")
        return tuple(known[name] for name in names)

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._hot.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"the hot store of run {self._folder.run} cannot be read: {error}") from error

    def _fetch(self, sql: str, **values: Any) -> dict[str, Any]:
        try:
            return self._engine.execute(sql, values).fetchnumpy()
        except duckdb.Error as error:
            raise StoreError(f"segments of run {self._folder.run} cannot be read: {error}") from error

    def close(self) -> None:
        """Close the files."""
        self._hot.close()
        self._engine.close()


class _Window(NamedTuple):
    start_us: int
    end_us: int
    width_us: int


def _window(query: Query) -> tuple[_Window, bool]:
    """The bins that a query gets, and whether they are whole seconds."""
    # Rounded up: at most as many bins as were asked for.
    width_us = -(-(query.end_us - query.start_us) // query.bins)
    coarse = width_us >= PERIOD_US
    if coarse:
        width_us = -(-width_us // PERIOD_US) * PERIOD_US
    # On whole bins, so that a chart that scrolls asks for the same bins again.
    start_us = query.start_us // width_us * width_us if coarse else query.start_us
    count = min(-(-(query.end_us - start_us) // width_us), query.bins + 1)
    return _Window(start_us, start_us + count * width_us, width_us), coarse


_Ranges = tuple[WholeNumbers, WholeNumbers]


def _ranges(lines: Sequence[ManifestLine]) -> _Ranges:
    """First and last ticks of segments."""
    firsts, lasts = [line.first for line in lines], [line.last for line in lines]
    return np.array(firsts, dtype=np.int64), np.array(lasts, dtype=np.int64)


def _filled(values: Any) -> Any:
    """Numbers with NaN where DuckDB has null."""
    return (
        values.filled(np.nan)
        if isinstance(values, np.ma.MaskedArray) and values.dtype.kind == "f"
        else np.asarray(values)
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
