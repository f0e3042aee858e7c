"""Events and results: any number of them in a tick, distinguished by their text or their command."""

import sqlite3
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta

from bus.ordered.tick_span import MOST_SEQ, MOST_US
from recording.database import module_names
from recording.record import DamagedRecordError, pack_json, unpack_fields

NoteKind = Literal["event", "result"]


class Note(NamedTuple):
    """An event or a result."""

    module: str
    seq: Annotated[int, Meta(ge=0, le=MOST_SEQ)]
    t_us: Annotated[int, Meta(ge=0, le=MOST_US)]
    kind: NoteKind
    identity: str
    """What distinguishes it from others of the same tick: the id of a command, or the text of an event."""
    body: dict[str, Any]
    """The message without its run and without what differs each time it is sent."""
    wall: float

    def record(self) -> bytes:
        """The note as a record."""
        return pack_json(b"N", self._asdict())

    @classmethod
    def from_record(cls, record: bytes) -> "Note":
        """Read and check a note.

        Raises:
            DamagedError: if it is not what was written.
        """
        return unpack_fields(record, b"N", cls)


def read_notes(connection: sqlite3.Connection, start_us: int, end_us: int) -> Iterator[Note]:
    """Undamaged notes with start_us <= t < end_us, in the order of their ticks."""
    names = module_names(connection)
    # By tick and not by place: a note that was repaired was written late.
    rows = connection.execute("SELECT module, seq, record FROM notes ORDER BY seq, position")
    for module, seq, record in rows:
        try:
            note = Note.from_record(record)
        except DamagedRecordError:
            continue  # counted by the scrub, which reads every record
        if note.t_us >= end_us:
            return  # time never goes back in a run
        # The columns beside the record are SQLite's, which has no checksum: both must say the same.
        if note.seq == seq and note.module == names.get(module) and start_us <= note.t_us < end_us:
            yield note
