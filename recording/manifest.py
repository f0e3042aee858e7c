"""The manifest: one line for each sealed segment, with the checksums of its files."""

import sqlite3
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from bus.ordered.tick_span import MOST_SEQ, MOST_US
from recording.database import module_number, row_key
from recording.record import DamagedRecordError, pack_json, unpack_fields

Fate = Literal["kept", "dropped", "damaged"]
"""What has become of a file: there, dropped to make room, or not what was written."""


Seq = Annotated[int, Meta(ge=0, le=MOST_SEQ)]
Micro = Annotated[int, Meta(ge=0, le=MOST_US)]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*\Z", max_length=200)]
"""A name in a folder: never a path."""


class ManifestLine(NamedTuple):
    """One sealed segment."""

    module: Annotated[str, Meta(max_length=64)]
    first: Seq
    last: Seq
    t_first_us: Micro
    t_last_us: Micro
    schema: Annotated[int, Meta(ge=0, lt=1 << 32)]
    file: FileName
    """Name of the Parquet file in `segments/`."""
    bytes: Annotated[int, Meta(ge=0, le=MOST_US)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    fate: Fate
    tier_file: FileName
    """Name of the file in `tiers/` that holds its seconds, alone or with those of its neighbours."""
    tier_bytes: Annotated[int, Meta(ge=0, le=MOST_US)]
    tier_sha256: str
    tier_fate: Fate
    revision: Annotated[int, Meta(ge=0, le=MOST_US)] = 0
    """Grows with each change of the line, so that the newer of two copies can be recognised."""

    @property
    def segment(self) -> int:
        """Number by which the tier's lines name the segment that they were made of."""
        return int(self.sha256[:15], 16)

    @property
    def rows(self) -> int:
        """Number of its rows."""
        return self.last - self.first + 1

    def changed(self, *, fate: Fate | None = None, tier_fate: Fate | None = None) -> "ManifestLine":
        """The line with another fate for one of its files."""
        # The revision grows with each change: a page of the damaged database may hold an older copy, see `salvage`.
        return self._replace(fate=fate or self.fate, tier_fate=tier_fate or self.tier_fate, revision=self.revision + 1)


def rows_in(line: ManifestLine, ranges: list[tuple[int, int]]) -> int:
    """How many ticks of a segment lie in ranges of (first, last)."""
    return sum(max(0, min(last, line.last) - max(first, line.first) + 1) for first, last in ranges)


def unpack_line(record: bytes) -> ManifestLine:
    """Read and check a line. Raises DamagedRecordError."""
    return unpack_fields(record, b"M", ManifestLine)


def read_manifest(connection: sqlite3.Connection) -> list[ManifestLine]:
    """Every undamaged line, in order of module and ticks."""
    lines = []
    # By key, that is by module and first tick: every reader counts on this order.
    for (record,) in connection.execute("SELECT record FROM segments ORDER BY key"):
        try:
            # Damaged ones are left out, and their segments found again by `_adopt`, since each says itself what it
            # holds.
            lines.append(unpack_line(record))
        except DamagedRecordError:
            continue  # the segment itself says what it holds; see `recover`
    return lines


def write_line(connection: sqlite3.Connection, line: ManifestLine) -> None:
    """Put a line in; the caller opens the transaction, and the module is known."""
    number = module_number(connection, line.module)
    if number is None:
        raise LookupError(f"no module {line.module!r} in this run")
    # By module and first tick: a segment that is sealed again after a repair replaces its own line.
    record = pack_json(b"M", line._asdict())
    connection.execute("INSERT OR REPLACE INTO segments VALUES (?, ?)", (row_key(number, line.first), record))


def remove_line(connection: sqlite3.Connection, line: ManifestLine) -> None:
    """Take a line out; the caller opens the transaction."""
    number = module_number(connection, line.module)
    if number is not None:
        connection.execute("DELETE FROM segments WHERE key = ?", (row_key(number, line.first),))
