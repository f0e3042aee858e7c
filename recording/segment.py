"""A sealed segment: about a minute of one module's rows as a Parquet file that is written once and then only read."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from recording.channels import Schema
from recording.columns import arrow_schema, rows_of, table_of
from recording.record import DamagedRecordError, Row

GROUP_ROWS = 2000
"""Rows of a row group: the most that a damaged place costs, and the most that is in memory while sealing."""


LARGEST_GROUP = 256 << 20
"""Largest row group in bytes that is read: sixteen times what 1,000 channels take."""


class Contents(NamedTuple):
    """What a segment holds."""

    run: str
    module: str
    first: int
    last: int
    rows: int
    t_first_us: int
    t_last_us: int
    schema: Schema


def write_segment(path: Path, run: str, schema: Schema, rows: Sequence[Row] | Iterator[Row]) -> Contents:
    """Write rows of one module and one channel table, in order, to a file that is not used until it is verified.

    Raises:
        OSError: if the disk does not take it.
    """
    writer: Any = None
    count, head, tail = 0, None, None
    try:
        for group in _groups(rows):
            if writer is None:
                # The rows are an iterator over the hot store: a segment of a minute is never in memory as a whole.
                head = group[0]
                # Opened with the first row, which names the module: without a row there is no file.
                writer = _writer(path, run, head.module, schema)
            tail = group[-1]
            count += len(group)
            writer.write_table(table_of(group, schema), row_group_size=GROUP_ROWS)
        if writer is None or head is None or tail is None:
            # Raised after the loop and not before it, since the rows are an iterator.
            raise ValueError("a segment needs at least one row")
    finally:
        if writer is not None:
            writer.close()
    return Contents(run, head.module, head.seq, tail.seq, count, head.t_us, tail.t_us, schema)


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        # Groups are what is lost at most around a damaged place, see `intact_groups`.
        group.append(row)
        if len(group) == GROUP_ROWS:
            yield group
            group = []
    if group:
        yield group


def _writer(path: Path, run: str, module: str, schema: Schema) -> Any:
    header = {"run": run, "module": module, "schema": schema.body.decode()}
    arrow = arrow_schema(schema).with_metadata({"kpp": json.dumps(header)})
    floats = [channel.name for channel in schema.channels if channel.kind == "float"]
    return pq.ParquetWriter(
        path,
        arrow,
        compression="zstd",
        compression_level=1,
        # Splitting the bytes of floats packs them better and in a quarter of the time of the plain layout (measured).
        use_dictionary=["instance", *(channel.name for channel in schema.texts)],
        # Only floats: the digests are random bytes, which nothing packs.
        use_byte_stream_split=["wall", *floats],
        write_statistics=["seq", "t_us"],
        # Parquet checks nothing by itself: a flipped bit would come out as another number.
        write_page_checksum=True,
    )


def verify_segment(path: Path, each: Callable[[list[Row]], None] = lambda _rows: None) -> Contents:
    """Read a segment back and compare every row with the checksum that it was recorded with.

    Args:
        path: the file.
        each: gets the rows, a row group at a time, as they were read.

    Raises:
        DamagedError: if anything is not what was written.
    """
    contents: Contents | None = None
    run, module, schema = about(path)
    for rows in segment_groups(path):
        # Gathered group by group: the file is read once, and whoever makes the tier sees each group as it was read.
        start = contents.first if contents is not None else rows[0].seq
        t_start = contents.t_first_us if contents is not None else rows[0].t_us
        before = contents.rows if contents is not None else 0
        tail = rows[-1]
        contents = Contents(run, module, start, tail.seq, before + len(rows), t_start, tail.t_us, schema)
        each(rows)
    if contents is None:
        raise DamagedRecordError(f"{path.name} holds no rows")
    # Readers find a row in a segment by its place: a hole in it would move all that follow.
    if contents.last - contents.first + 1 != contents.rows:
        raise DamagedRecordError(f"{path.name} holds {contents.rows} rows, not {contents.first} to {contents.last}")
    return contents


def segment_groups(path: Path) -> Iterator[list[Row]]:
    """The rows of a segment, a row group at a time, each row checked.

    Raises:
        DamagedError: if anything is not what was written.
    """
    _run, module, schema = about(path)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                yield _checked(file, group, module, schema, path)
    except (pa.ArrowException, OSError) as error:
        # Arrow says ArrowInvalid or OSError for the same damage, by where in the file it lies.
        raise DamagedRecordError(f"{path.name} cannot be read: {error}") from error


def intact_groups(path: Path) -> Iterator[list[Row]]:
    """What is left of a damaged segment: its row groups that are whole."""
    try:
        _run, module, schema = about(path)
        # Not a `with` from the beginning: what cannot even be opened has no groups, and is no error here.
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except (DamagedRecordError, pa.ArrowException, OSError):
        return
    with file:
        for group in range(file.num_row_groups):
            try:
                yield _checked(file, group, module, schema, path)
            except (DamagedRecordError, pa.ArrowException, OSError):
                continue  # this group is lost; the caller sees the hole in the sequence


def _checked(file: Any, group: int, module: str, schema: Schema, path: Path) -> list[Row]:
    # Before it is read: the file may come from anybody, and a group is unpacked into memory.
    announced = file.metadata.row_group(group)
    if announced.num_rows > GROUP_ROWS or announced.total_byte_size > LARGEST_GROUP:
        raise DamagedRecordError(
            f"{path.name} has {announced.num_rows} rows of {announced.total_byte_size} bytes in a group: "
            f"at most {GROUP_ROWS} of {LARGEST_GROUP} are read"
        )
    table = file.read_row_group(group)
    try:
        rows = rows_of(table, schema, module)
        # The checksum of each row was made before the row was first written. It spans all of the way here: pages,
        # columns, types.
        contents = table["content"].to_pylist()
    except (KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise DamagedRecordError(f"{path.name} does not hold the columns that it announces: {error}") from error
    for row, content in zip(rows, contents, strict=True):
        if row.content != content:
            raise DamagedRecordError(f"{path.name}: row {row.seq} is not what was recorded")
    return rows


def about(path: Path) -> tuple[str, str, Schema]:
    """Run, module and channel table of a segment.

    Raises:
        DamagedError: if it is none.
    """
    try:
        header = json.loads(pq.read_schema(path).metadata[b"kpp"])
        return header["run"], header["module"], Schema.from_body(header["schema"].encode())
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedRecordError(f"{path.name} cannot be read as a segment: {error}") from error


def segment_rows(path: Path) -> Iterator[Row]:
    """Every row of a segment, checked, in order. Raises DamagedError."""
    return chain.from_iterable(segment_groups(path))
