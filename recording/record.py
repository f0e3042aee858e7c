"""One record of the hot store: self-describing bytes with a checksum, found again even in a file without its index.

Little endian. Every record begins with an envelope of 16 bytes:

    offset size  what
    0      3s    "KPR"
    3      s     kind: R row, N note, T ticks, C channel table, M manifest line
    4      u32   CRC-32 of all that follows
    8      u32   size of all that follows
    12     u32   0
"""

import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import msgspec

MAGIC = b"KPR"
ENVELOPE = struct.Struct("<3s1sIII")
_FIXED = struct.Struct("<IIqqdQHHII")
NUMBERS = ENVELOPE.size + _FIXED.size
"""Where a row's numbers begin, in bytes."""

T_US = ENVELOPE.size + 8
"""Where a row's simulated time stands, in bytes."""

SEQ = ENVELOPE.size + 16
"""Where a row's sequence number stands, in bytes."""

SCHEMA = ENVELOPE.size + 4
"""Where the key of a row's channel table stands, in bytes."""

LARGEST = 1 << 24
"""Largest record in bytes; one that claims to be larger is not believed."""

Fields = TypeVar("Fields")
"""A NamedTuple."""

_PACK = msgspec.json.Encoder(order="deterministic")
_CONTENT = struct.Struct("<IqqQ")


class DamagedRecordError(ValueError):
    """Bytes that are not the record that was written."""


class Row(NamedTuple):
    """The state of one module at one tick."""

    module: str
    seq: int
    t_us: int
    """Simulated time in microseconds."""
    schema: int
    """Key of the channel table."""
    digest: int
    """64-bit digest of the complete state."""
    numbers: bytes
    """float64 of each numeric channel, NaN where a value does not exist."""
    texts: bytes
    """JSON list of the texts, in the order of the channel table."""
    wall: float
    """Unix time of sending; not part of the content."""
    instance: str
    """Process that sent it; not part of the content."""

    @property
    def content(self) -> int:
        """Checksum of what must be the same, whichever instance computed the row, and whenever."""
        head = _CONTENT.pack(self.schema, self.seq, self.t_us, self.digest) + self.module.encode()
        # Without wall time and instance: they differ between a leader and its standby, whose content is the same.
        return zlib.crc32(self.numbers, zlib.crc32(self.texts, zlib.crc32(head)))


def pack_row(row: Row) -> bytes:
    """A row as a record."""
    module, instance = row.module.encode(), row.instance.encode()
    # Numbers stand at a fixed place, before the texts of variable length: a query cuts them out without unpacking the
    # rest.
    fixed = _FIXED.pack(
        row.content,
        row.schema,
        row.t_us,
        row.seq,
        row.wall,
        row.digest,
        len(module),
        len(instance),
        len(row.texts),
        len(row.numbers),
    )
    return envelope(b"R", b"".join((fixed, row.numbers, row.texts, module, instance)))


def unpack_row(record: bytes) -> Row:
    """Read and check a row.

    Raises:
        DamagedError: if it is not what was written.
    """
    body = opened(record, b"R")
    # A correct envelope may hold anything: the record of a bundle comes from a stranger.
    if len(body) < _FIXED.size:
        raise DamagedRecordError(f"a row of {len(body)} bytes is shorter than its head of {_FIXED.size}")
    content, schema, t_us, seq, wall, digest, module, instance, texts, numbers = _FIXED.unpack_from(body)
    # Lengths come from the record itself, so their sum is compared before anything is cut out by them.
    ends = [_FIXED.size]
    for size in (numbers, texts, module, instance):
        ends.append(ends[-1] + size)
    if ends[-1] != len(body):
        raise DamagedRecordError(f"a row of {len(body)} bytes announces {ends[-1]}")
    parts = [body[start:end] for start, end in pairwise(ends)]
    try:
        row = Row(parts[2].decode(), seq, t_us, schema, digest, parts[0], parts[1], wall, parts[3].decode())
    except UnicodeDecodeError as error:
        raise DamagedRecordError(f"row {seq} has names that are not text") from error
    # The envelope's checksum has held already. This one is compared as well because it goes with the row into its
    # segment: what is wrong here would be sealed as right.
    if row.content != content:
        raise DamagedRecordError(f"row {seq} does not have the content that it was written with")
    return row


def pack_json(kind: bytes, value: Any) -> bytes:
    """A plain value as a record."""
    return envelope(kind, _PACK.encode(value))


def unpack_json(record: bytes, kind: bytes) -> Any:
    """Read and check a plain value.

    Raises:
        DamagedError: if it is not what was written.
    """
    try:
        return msgspec.json.decode(opened(record, kind))
    except (msgspec.DecodeError, RecursionError) as error:
        raise DamagedRecordError(f"a record of kind {kind.decode()} is not JSON: {error}") from error


def unpack_fields(record: bytes, kind: bytes, shape: type[Fields]) -> Fields:
    """Read and check a tuple with named fields, written as `_asdict` gives it.

    Raises:
        DamagedError: if it is not what was written, or a field has another type or is beyond its bounds.
    """
    value = unpack_json(record, kind)
    names: tuple[str, ...] = shape._fields  # type: ignore[attr-defined]  # of every NamedTuple
    # Unknown fields are refused here, unlike on the bus: a record is this program's own, and a newer one has to be read
    # by a newer program.
    if not isinstance(value, dict) or not value.keys() <= set(names):
        raise DamagedRecordError(f"a record of kind {kind.decode()} does not have the fields {', '.join(names)}")
    defaults: dict[str, Any] = shape._field_defaults  # type: ignore[attr-defined]  # likewise
    # Fields with a default may be missing: they were added later, and old recordings stay readable.
    lacking = [name for name in names if name not in value and name not in defaults]
    if lacking:
        raise DamagedRecordError(f"a record of kind {kind.decode()} lacks {', '.join(lacking)}")
    try:
        return msgspec.convert([value.get(name, defaults.get(name)) for name in names], shape)
    except msgspec.ValidationError as error:
        raise DamagedRecordError(f"a record of kind {kind.decode()} is beyond its bounds: {error}") from error


def envelope(kind: bytes, body: bytes) -> bytes:
    """A body with its envelope: kind, size and checksum in front."""
    return ENVELOPE.pack(MAGIC, kind, zlib.crc32(body), len(body), 0) + body


def opened(record: bytes, kind: bytes) -> bytes:
    """The checked body of a record.

    Raises:
        DamagedError: if it is not what was written.
    """
    if not isinstance(record, bytes):  # SQLite keeps anything in any column
        raise DamagedRecordError(f"a record of kind {kind.decode()} is not bytes")
    if len(record) < ENVELOPE.size:
        raise DamagedRecordError(f"{len(record)} bytes are shorter than a record's envelope of {ENVELOPE.size}")
    magic, found, crc, size, zero = ENVELOPE.unpack_from(record)
    # The size in the head is the record's own: cut off or run together with its neighbour, it does not fit.
    if magic != MAGIC or found != kind or zero != 0 or size != len(record) - ENVELOPE.size:
        raise DamagedRecordError(f"these {len(record)} bytes are not one record of kind {kind.decode()}")
    body = record[ENVELOPE.size :]
    if zlib.crc32(body) != crc:
        raise DamagedRecordError(f"a record of kind {kind.decode()} does not match its checksum")
    return body


def whole(record: bytes) -> bool:
    """True if a row matches its checksum."""
    return record[:4] == MAGIC + b"R" and zlib.crc32(record[ENVELOPE.size :]) == int.from_bytes(record[4:8], "little")


def salvage(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every whole record in any bytes, as (kind, record): what a damaged database file still holds."""
    place = data.find(MAGIC)
    while place >= 0:
        step = 1
        # The three letters are anywhere in a file of numbers; what makes a record is all of its head together, and the
        # checksum.
        if len(data) - place >= ENVELOPE.size:
            _magic, kind, crc, size, zero = ENVELOPE.unpack_from(data, place)
            end = place + ENVELOPE.size + size
            if (
                zero == 0
                and size <= LARGEST
                and end <= len(data)
                and zlib.crc32(data[place + ENVELOPE.size : end]) == crc
            ):
                yield kind, data[place:end]
                # Past the whole of it: a record inside another one's texts would otherwise be found as well.
                step = end - place
        # On by one byte if it was none: the next record may begin inside of what looked like a record.
        place = data.find(MAGIC, place + step)
