"""Rows as columns and back: one Arrow table for a stretch of rows, with units and meanings in its fields."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recording.channels import Channel, Schema
from recording.record import Row

HEAD = ("seq", "t_us", "wall", "instance", "digest", "content")
"""Columns that stand before the channels."""

_HEAD_FIELDS = (
    pa.field("seq", pa.int64(), nullable=False, metadata={"unit": "1", "meaning": "number of the tick"}),
    pa.field("t_us", pa.int64(), nullable=False, metadata={"unit": "us", "meaning": "simulated time"}),
    pa.field("wall", pa.float64(), nullable=False, metadata={"unit": "s", "meaning": "Unix time of sending"}),
    pa.field("instance", pa.string(), nullable=False, metadata={"meaning": "process that sent it"}),
    pa.field("digest", pa.uint64(), nullable=False, metadata={"meaning": "64-bit digest of the complete state"}),
    pa.field("content", pa.uint32(), nullable=False, metadata={"meaning": "CRC-32 of the row's content"}),
)
_TYPES = {
    "float": pa.float64(),
    "int": pa.int64(),
    "flag": pa.bool_(),
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
}

Matrix = npt.NDArray[np.float64]


def arrow_field(channel: Channel) -> Any:
    """The Arrow field of a channel."""
    given = {"unit": channel.unit, "meaning": channel.meaning}
    return pa.field(channel.name, _TYPES[channel.kind], metadata={name: text for name, text in given.items() if text})


def arrow_schema(schema: Schema) -> Any:
    """The Arrow schema of a table of rows."""
    return pa.schema([*_HEAD_FIELDS, *map(arrow_field, schema.channels)])


def matrix_of(rows: Sequence[Row]) -> Matrix:
    """The numbers of rows of one channel table: a line for each row, NaN for values that do not exist."""
    return np.frombuffer(b"".join(row.numbers for row in rows), dtype="<f8").reshape(len(rows), -1)


def table_of(rows: Sequence[Row], schema: Schema) -> Any:
    """Rows of one channel table as an Arrow table."""
    head = [
        np.array([row.seq for row in rows], dtype=np.int64),
        np.array([row.t_us for row in rows], dtype=np.int64),
        np.array([row.wall for row in rows]),
        pa.array([row.instance for row in rows]),
        np.array([row.digest for row in rows], dtype=np.uint64),
        np.array([row.content for row in rows], dtype=np.uint32),
    ]
    # Transposed once and copied: Arrow takes each column as one piece of memory.
    numbers = iter(np.ascontiguousarray(matrix_of(rows).T))
    # Texts change a few times in an hour and stand in every row: each is decoded once.
    decoded: dict[bytes, list[Any]] = {}
    for row in rows:
        if row.texts not in decoded:
            decoded[row.texts] = msgspec.json.decode(row.texts)
    texts = iter(zip(*(decoded[row.texts] for row in rows), strict=True))
    columns = [
        # Two iterators that run along the channels: each column is taken from the one of its kind, in the table's
        # order.
        pa.array(next(texts), type=_TYPES[channel.kind])
        if channel in schema.texts
        else number_column(next(numbers), channel)
        for channel in schema.channels
    ]
    return pa.table([*head, *columns], schema=arrow_schema(schema))


def number_column(values: npt.NDArray[np.float64], channel: Channel) -> Any:
    """The Arrow column of one numeric channel; NaN becomes null."""
    missing = np.isnan(values)
    # Without a mask Arrow takes the array as it is, and most columns have no nulls.
    mask = missing if missing.any() else None
    if channel.kind == "float":
        return pa.array(values, mask=mask)
    # NaN has no integer; what is put there is masked.
    whole = np.where(missing, 0.0, values)
    return pa.array(whole.astype(bool if channel.kind == "flag" else np.int64), mask=mask)


def numbers_of(column: Any) -> npt.NDArray[np.float64]:
    """float64 of a numeric Arrow column, NaN where it is null."""
    values = (
        column.cast(pa.float64()) if not pa.types.is_boolean(column.type) else column.cast(pa.int8()).cast(pa.float64())
    )
    return np.asarray(values.to_numpy(), dtype=np.float64)


def rows_of(table: Any, schema: Schema, module: str) -> list[Row]:
    """The rows that a table was made from."""
    # Back to one line for each row: the bytes of a line are the row's numbers, compared by their checksum to the last
    # bit.
    matrix = np.empty((table.num_rows, len(schema.numbers)))
    for place, channel in enumerate(schema.numbers):
        matrix[:, place] = numbers_of(table[channel.name])
    texts = [table[channel.name].to_pylist() for channel in schema.texts]
    lines = zip(*texts, strict=True) if texts else iter([()] * table.num_rows)
    encode = msgspec.json.encode
    # Without the checksum, which the row makes from its content: comparing the two is the caller's check.
    head = (table[name].to_pylist() for name in HEAD[:5])
    # One copy, cut by row: cheaper than a small array for each of thousands of rows.
    data, width = matrix.tobytes(), 8 * len(schema.numbers)
    return [
        Row(module, seq, t_us, schema.key, digest, data[k * width : (k + 1) * width], encode(line), wall, instance)
        for k, (seq, t_us, wall, instance, digest, line) in enumerate(zip(*head, lines, strict=True))
    ]
