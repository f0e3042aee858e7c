"""The coarse tier: minimum, mean and maximum of every number over whole seconds of simulated time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from recording.channels import Schema
from recording.record import DamagedRecordError

PERIOD_US = 1_000_000
"""Simulated time that one line of the tier covers, in microseconds."""

GROUP_LINES = 8192

Floats = npt.NDArray[np.float64]
WholeNumbers = npt.NDArray[np.int64]

_SCHEMA = pa.schema(
    [
        pa.field("channel", pa.string(), nullable=False),
        pa.field("segment", pa.int64(), nullable=False, metadata={"meaning": "segment that the line was made of"}),
        pa.field("second", pa.int64(), nullable=False, metadata={"unit": "s"}),
        pa.field("count", pa.int64(), nullable=False, metadata={"meaning": "values in this second"}),
        pa.field("minimum", pa.float64(), nullable=False),
        pa.field("mean", pa.float64(), nullable=False),
        pa.field("maximum", pa.float64(), nullable=False),
    ]
)


class Bins(NamedTuple):
    """Statistics of some rows: a line for each bin that has rows, a column for each channel."""

    number: WholeNumbers
    """Numbers of the bins, ascending."""
    samples: WholeNumbers
    """How many values a channel has in a bin."""
    minimum: Floats
    """NaN, like mean and maximum, where a channel has no value in a bin."""
    mean: Floats
    maximum: Floats


def bins_of(t_us: WholeNumbers, values: Floats, width_us: int, origin_us: int = 0) -> Bins:
    """Statistics over bins of equal width.

    Args:
        t_us: simulated times in microseconds, never going back.
        values: a line for each time; NaN where a value does not exist.
        width_us: width of a bin.
        origin_us: where bin 0 begins.
    """
    numbers = (t_us - origin_us) // width_us
    # Times never go back, so each bin is one run of lines; that makes this a reduction and no grouping.
    starts = np.flatnonzero(np.concatenate(([True], numbers[1:] != numbers[:-1])))
    there = ~np.isnan(values)
    count = np.add.reduceat(there.astype(np.int64), starts, axis=0)
    # NaN counts neither in the sum nor in the number of values.
    total = np.add.reduceat(np.where(there, values, 0.0), starts, axis=0)
    with np.errstate(invalid="ignore"):
        mean = total / count
    return Bins(
        numbers[starts],
        count,
        # fmin and fmax ignore NaN, where min and max would return it: a channel that is null at times keeps its
        # extremes.
        np.fmin.reduceat(values, starts, axis=0),
        mean,
        np.fmax.reduceat(values, starts, axis=0),
    )


def write_tier(path: Path, schema: Schema, segment: int, lines: Sequence[Bins]) -> None:
    """Write the tier of a segment whose statistics over whole seconds are given in parts, in order.

    A second that two parts share has a line from each; whoever reads weighs them by their counts.

    Raises:
        OSError: if the disk does not take it.
    """
    names = np.array([channel.name for channel in schema.numbers])
    number = np.concatenate([each.number for each in lines])
    # By channel: a query for three channels then reads three runs of the file and not all of it.
    order = np.argsort(names, kind="stable")

    def column(name: str) -> npt.NDArray[Any]:
        stacked = np.concatenate([getattr(each, name) for each in lines])
        return np.ascontiguousarray(stacked[:, order].T).ravel()

    # A channel without a value in a second has no line there.
    samples = column("samples")
    # By the count: where it is zero there is no mean.
    kept = samples > 0
    table = pa.table(
        [
            pa.array(np.repeat(names[order], len(number))[kept]),
            np.full(int(kept.sum()), segment),
            np.tile(number, len(names))[kept],
            samples[kept],
            column("minimum")[kept],
            column("mean")[kept],
            column("maximum")[kept],
        ],
        schema=_SCHEMA,
    )
    _save(table, path)


def merge_tiers(paths: Sequence[Path], path: Path) -> None:
    """Write the lines of several tiers as one file: a query opens few files.

    Raises:
        DamagedError: if one of them cannot be read.
        OSError: if the disk does not take the file.
    """
    try:
        tables = [pq.read_table(each, page_checksum_verification=True) for each in paths]
    except (pa.ArrowException, OSError) as error:
        raise DamagedRecordError(f"a tier cannot be read: {error}") from error
    # By channel and then by time, as a single one: statistics of each row group then tell a query which of them it
    # needs.
    _save(pa.concat_tables(tables).sort_by([("channel", "ascending"), ("second", "ascending")]), path)


def _save(table: Any, path: Path) -> None:
    """Write lines in the order of their channels, so that a query reads the few groups of its own."""
    pq.write_table(
        table,
        path,
        row_group_size=GROUP_LINES,
        compression="zstd",
        compression_level=1,
        use_dictionary=["channel", "segment"],
        use_byte_stream_split=["minimum", "mean", "maximum"],
        write_page_checksum=True,
    )
