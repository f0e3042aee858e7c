"""Cost of recording, of a history query and of an export, against what the machine can do at all."""

import struct
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.table import Row as Line
from benchmarks.table import note
from recording.channels import Channel, Schema
from recording.export import Export, Format
from recording.folder import RunFolder, make_folder
from recording.history import History, Query
from recording.hot import Batch, HotStore
from recording.reading import Selection
from recording.record import Row
from recording.seal import Sealer

CHANNELS = 300
RATE = 1000
HOUR = 3600 * 100
"""Rows of an hour at 100 Hz."""

SEGMENT = 6000
ASKED = tuple(f"part{k}.value{20 * k}" for k in range(5))


def measure() -> list[Line]:
    """Write cost at 1000 Hz, an hour's history at 100 Hz, and export speed."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        note("recording at 1000 Hz")
        lines = [_write_cost(make_folder(root, "writing"))]
        note("an hour of history")
        hour = make_folder(root, "hour")
        _record_hour(hour)
        lines += _query_times(hour)
        note("export")
        lines += [_export_speed(hour, form) for form in ("csv", "parquet", "mcap")]
        return lines


def _schema() -> Schema:
    return Schema(tuple(Channel(f"part{k // 20}.value{k}", "float", "W", "made up") for k in range(CHANNELS)))


def _numbers(count: int) -> list[bytes]:
    """Rows that look like a plant: most values move a little, some stand still."""
    rng = np.random.default_rng(5)
    values = np.cumsum(rng.normal(size=(count, CHANNELS)), axis=0)
    values[:, ::3] = 5.0
    return [line.tobytes() for line in values]


def _row(schema: Schema, seq: int, dt_us: int, numbers: list[bytes]) -> Row:
    return Row("m1", seq, seq * dt_us, schema.key, seq * 7919, numbers[seq % len(numbers)], b"[]", float(seq), "a")


def _write_cost(folder: RunFolder) -> Line:
    """Share of a core at 1000 rows a second of 300 channels: group commits of 50 ms, sealing and tiers included."""
    schema, numbers, seconds = _schema(), _numbers(SEGMENT), 20
    begin = time.process_time()
    with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
        store.write(Batch(schemas=[schema]))
        for start in range(1, seconds * RATE, RATE // 20):
            rows = [_row(schema, seq, 1000, numbers) for seq in range(start, start + RATE // 20)]
            store.write(Batch(rows=rows))
        hot = time.process_time() - begin
        sealer.seal("m1", 1, seconds * RATE)
    share = (time.process_time() - begin) / seconds
    floor = _checksums(numbers) * RATE
    figure = f"{share:.1%} of a core ({hot / seconds:.1%} to the hot store; checksums of the bare bytes {floor:.2%})"
    return Line("recorder, 1000 Hz x 300 channels", figure, "<= 25 %", share <= 0.25)


def _checksums(numbers: list[bytes]) -> float:
    """Seconds that one row's bytes cost to pack and to check."""
    begin = time.process_time()
    for each in numbers:
        struct.pack("<qq", 1, 2)
        zlib.crc32(each)
    return (time.process_time() - begin) / len(numbers)


def _record_hour(folder: RunFolder) -> None:
    schema, numbers = _schema(), _numbers(SEGMENT)
    with closing(HotStore(folder.hot)) as store, closing(Sealer(folder)) as sealer:
        store.write(Batch(schemas=[schema]))
        for start in range(1, HOUR + SEGMENT, SEGMENT):
            store.write(Batch(rows=[_row(schema, seq, 10_000, numbers) for seq in range(start, start + SEGMENT)]))
            if start < HOUR:
                sealer.seal("m1", 1, start + SEGMENT - 1)
                sealer.merge("m1")


def _query_times(folder: RunFolder) -> list[Line]:
    whole = Query("m1", ASKED, 0, 3_660_000_000, 1000)
    minute = whole._replace(start_us=1_800_000_000, end_us=1_860_000_000)
    with closing(History(folder)) as history:
        first = best(lambda: history.query(whole), 1)
        hour, zoomed = best(lambda: history.query(whole), 7), best(lambda: history.query(minute), 7)
    figure = f"{hour * 1000:.0f} ms ({first * 1000:.0f} ms the first time; one minute of it at the full rate "
    figure += f"{zoomed * 1000:.0f} ms)"
    return [Line("history, 1 h of 100 Hz x 5 channels", figure, "<= 100 ms", hour <= 0.1)]


def best(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def _export_speed(folder: RunFolder, form: Format) -> Line:
    """How many times faster than real time 100 Hz of 300 channels are exported."""
    begin = time.perf_counter()
    size = sum(map(len, Export(folder, Selection("m1", start_us=3_480_000_000), form)))
    taken = time.perf_counter() - begin
    factor = 180 / taken
    figure = f"{factor:.0f}x real time, {size / taken / 1e6:.0f} MB/s"
    return Line(f"export of 300 channels as {form}", figure, ">= 20x", factor >= 20)
