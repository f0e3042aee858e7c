"""Export: part of a recording as a stream of bytes in a format that other programs open. NaN never appears in it."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from mcap.writer import Writer

from recording.channels import Channel, Shape
from recording.cursor import FOREVER_US
from recording.database import open_reader
from recording.folder import RunFolder
from recording.notes import Note, read_notes
from recording.reading import Reader, Selection

Format = Literal["csv", "parquet", "mcap"]

_JSON_TYPES: Final = {"float": "number", "int": "integer", "flag": "boolean", "text": "string", "texts": "array"}


class _Pipe:
    """A file to write to, whose bytes are taken out again by whoever sends them on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._place = 0
        self.closed = False

    def write(self, data: Any) -> int:
        # A copy: the writer goes on with its buffer.
        self._parts.append(bytes(data))
        self._place += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Export:
    """Part of a recording as a file; iterating over it gives the bytes.

    Args:
        folder: the recording.
        selection: which part of it.
        form: the format.

    Raises:
        StoreError: if the recording cannot be read.
        ChannelError: if a channel is unknown.
    """

    def __init__(self, folder: RunFolder, selection: Selection, form: Format) -> None:
        self._folder = folder
        self.selection = selection
        self._form = form
        self._reader = Reader(folder, selection)
        self.rows = self._reader.rows
        """Most rows that the file can have."""
        self.done = 0
        """Rows that have been given out so far."""

    @property
    def missing(self) -> list[str]:
        """What could not be read, in words; complete once the last bytes have been given out."""
        return self._reader.missing

    def __iter__(self) -> Iterator[bytes]:
        yield from _FORMATS[self._form](self)

    def tables(self) -> Iterator[Any]:
        """The rows, counted as they pass."""
        # `done` grows after a table was taken: whoever shows progress counts what has left, not what was read.
        for table in self._reader.tables():
            yield table
            self.done += table.num_rows

    @property
    def schema(self) -> Any:
        """The Arrow schema of the tables."""
        return self._reader.schema

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that are exported."""
        return self._reader.channels

    @property
    def source(self) -> tuple[str, str]:
        """Run and module."""
        return self._folder.run, self.selection.module

    def notes(self) -> list[Note]:
        """Events and results of the exported time; none if only some channels are exported."""
        if self.selection.channels is not None:
            return []
        with closing(open_reader(self._folder.hot)) as hot:
            return list(read_notes(hot, self.selection.start_us, self.selection.end_us))


# CSV: a first line with names and units, and an empty cell for a value that does not exist. Numbers that are no counts
# by their channel always have a point or an exponent: readers take the type of a column from its first lines.


def _csv(export: Export) -> Iterator[bytes]:
    yield ",".join(_quoted(_titled(field)) for field in export.schema).encode() + b"\n"
    for table in export.tables():
        cells = [_cells(column, field.type) for column, field in zip(table.columns, table.schema, strict=True)]
        # Column by column in Arrow, and not cell by cell in Python: a recording has a hundred rows of hundreds of
        # columns for each second.
        lines = pc.binary_join_element_wise(*cells, ",").to_pylist()
        yield "".join(f"{line}\n" for line in lines).encode()


def _cells(column: Any, kind: Any) -> Any:
    """A column as the text of its cells."""
    if pa.types.is_list(kind):
        column = pa.array([None if value is None else json.dumps(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_list(kind) or pa.types.is_string(kind):
        # A null is an empty cell, an empty text is two quotes: readers can tell them apart.
        doubled = pc.replace_substring(column, '"', '""')
        return pc.fill_null(pc.binary_join_element_wise('"', doubled, '"', ""), "")
    texts = pc.cast(column, pa.string())
    if pa.types.is_floating(kind) and pc.any(pc.equal(pc.floor(column), column)).as_py():
        # Only what looks like a whole number: one with an exponent has been recognised by it already.
        whole = pc.match_substring_regex(texts, r"^-?[0-9]+$")
        texts = pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)
    return pc.fill_null(texts, "")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _titled(field: Any) -> str:
    unit = (field.metadata or {}).get(b"unit", b"").decode()
    return f"{field.name} [{unit}]" if unit else str(field.name)


# Parquet: units and meanings as metadata of the columns


def _parquet(export: Export) -> Iterator[bytes]:
    pipe = _Pipe()
    run, module = export.source
    schema = export.schema.with_metadata({"run": run, "module": module})
    # The level of the segments: a plant runs beside, and the file is read a few times at most.
    writer: Any = pq.ParquetWriter(pa.PythonFile(pipe, mode="w"), schema, compression="zstd", compression_level=1)
    for table in export.tables():
        # The tables have no run and module of their own, and the writer refuses another schema than it was opened with.
        writer.write_table(table.replace_schema_metadata(schema.metadata))
        yield pipe.take()
    writer.close()
    yield pipe.take()


# MCAP: a channel of JSON messages with its JSON Schema for each topic; both times are simulated. Foxglove takes one
# type for a field and no null: what does not exist is left out, only in a list, whose places count, it is null.


def _mcap(export: Export) -> Iterator[bytes]:
    pipe = _Pipe()
    writer = Writer(pipe)  # type: ignore[arg-type]  # it writes, asks where it is, and needs nothing else of a file
    writer.start(profile="", library="kpp-simulator")
    run, module = export.source
    topic = f"state/{module}/"
    schema = json.dumps(message_schema(export.channels)).encode()
    schema_id = writer.register_schema(f"kpp.State.{module}", "jsonschema", schema)
    state = writer.register_channel(topic, "json", schema_id, {"run": run, "module": module})
    writer.add_metadata("kpp", {"run": run, "module": module, "time": TIME, **_extent(export)})
    # Read before the states: they are few, and a note must never come after a state that is later than it.
    notes = _Notes(writer, export.notes())
    shape = Shape(["t", "seq", *(channel.name for channel in export.channels)])
    encode = msgspec.json.encode
    for table in export.tables():
        columns = [column.to_pylist() for column in table.columns]
        for values in zip(*columns, strict=True):
            # Through whole microseconds, as recorded: seconds as a float times 1e9 would end in other nanoseconds.
            time_ns = round(values[0] * 1e6) * 1000
            # Notes of a tick before its state: a trip is read before the values that it has led to.
            notes.before(time_ns)
            message = {"run": run, **shape.fill_known(values)}
            writer.add_message(state, time_ns, encode(message), time_ns, sequence=values[1] & 0xFFFFFFFF)
        yield pipe.take()
    # Behind the last state there may be events of a tick whose state was lost.
    notes.before(None)
    writer.finish()  # type: ignore[no-untyped-call]
    yield pipe.take()


TIME: Final = "simulated time since the start of the run, in nanoseconds, as log and publish time"


def _extent(export: Export) -> dict[str, str]:
    """Which part of the run was selected, in terms of the command line."""
    chosen = export.selection
    end = "" if chosen.end_us == FOREVER_US else f"{chosen.end_us / 1e6:g}"
    names = "all" if chosen.channels is None else ",".join(chosen.channels)
    return {"channels": names, "from": f"{chosen.start_us / 1e6:g}", "to": end}


class _Notes:
    """Writes events and results between the states, each at its time."""

    def __init__(self, writer: Writer, notes: list[Note]) -> None:
        self._writer = writer
        self._left = iter(notes)
        self._next = next(self._left, None)
        self._channels: dict[str, int] = {}

    def before(self, time_ns: int | None) -> None:
        """Write those up to a time, or all that are left."""
        while (note := self._next) is not None and (time_ns is None or note.t_us * 1000 <= time_ns):
            at = note.t_us * 1000
            sequence = note.seq & 0xFFFFFFFF
            self._writer.add_message(self._channel(note), at, msgspec.json.encode(note.body), at, sequence=sequence)
            self._next = next(self._left, None)

    def _channel(self, note: Note) -> int:
        # Results are named by their command, which may be for several modules: they have one topic for all.
        topic = "result/" if note.kind == "result" else f"event/{note.module}/"
        if topic not in self._channels:
            fields = {name: {"type": kind} for name, kind in _NOTE_FIELDS[note.kind].items()}
            schema = json.dumps({"type": "object", "title": note.kind, "properties": fields}).encode()
            schema_id = self._writer.register_schema(f"kpp.{note.kind.title()}", "jsonschema", schema)
            self._channels[topic] = self._writer.register_channel(topic, "json", schema_id)
        return self._channels[topic]


_COMMON = {"t": "number", "seq": "integer", "run": "string", "module": "string"}
_NOTE_FIELDS: Final = {
    "event": {**_COMMON, "severity": "string", "kind": "string", "text": "string"},
    "result": {**_COMMON, "id": "string", "name": "string", "outcome": "string", "reason": "string"},
}


def message_schema(channels: tuple[Channel, ...]) -> dict[str, Any]:
    """JSON Schema of a row as a message: an object of the groups, every number with its unit; nothing is required."""
    # Nothing is required: rows leave out what does not exist, and a module may have fewer channels.
    every = (
        Channel("run", "text", "", "run id"),
        Channel("t", "float", "s", "simulated time since the start of the run"),
        Channel("seq", "int", "1", "number of the tick"),
        *channels,
    )
    plan = Shape(channel.name for channel in every).fill([_field(channel) for channel in every])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "State", **_object(plan)}


class _Field(dict[str, Any]):
    """The schema of one value."""


def _field(channel: Channel) -> _Field:
    field = _Field(type=_JSON_TYPES[channel.kind])
    if channel.kind == "texts":
        field["items"] = {"type": "string"}
    if channel.unit:
        field["unit"] = channel.unit
    # In an object what does not exist is left out; in a list it is null, and only there it has to be said.
    listed = channel.nullable and channel.name.endswith("]")
    if channel.meaning:
        field["description"] = f"{channel.meaning}; null where it does not exist" if listed else channel.meaning
    return field


def _object(plan: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in plan.items():
        if isinstance(value, _Field):
            fields[name] = value
        elif isinstance(value, list):
            fields[name] = {"type": "array", "items": value[0]}
        else:
            fields[name] = _object(value)
    return {"type": "object", "properties": fields}


_FORMATS: Final[dict[Format, Callable[[Export], Iterator[bytes]]]] = {"csv": _csv, "parquet": _parquet, "mcap": _mcap}

FORMATS: Final = tuple(_FORMATS)
"""Names of the formats."""
