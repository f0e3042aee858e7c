"""A snapshot of a fold as bytes with a checksum: one that was not written whole, or was changed since, is refused."""

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta

from bus.ordered.tick_span import MOST_DT_US
from bus.protocol.messages import Alarm, Event
from bus.protocol.state import Plc

_MAGIC = b"KPPFOLD1"
_CHECK = 16


LARGEST = 256 << 20
"""Most bytes of a snapshot that is read: a plant with the most floaters takes a hundredth."""

_Text = Annotated[str, Meta(max_length=64)]
_Count = Annotated[int, Meta(ge=0, le=1 << 60)]


class DamagedSnapshotError(ValueError):
    """Bytes that are not a whole snapshot."""


class Saved(msgspec.Struct, frozen=True):
    """A fold after tick `seq`. `plant` carries the versions of kernel and parameters that it needs."""

    module: _Text
    run: _Text
    seq: _Count
    t_us: _Count
    dt_us: Annotated[int, Meta(ge=0, le=MOST_DT_US)]
    scenario: Annotated[str, Meta(max_length=128)]
    results: _Count
    events: _Count
    plc: Plc | None
    plant: bytes
    touched_lap: _Count = 0
    """Complete laps when a command last acted on the plant."""
    alarms: tuple[Alarm, ...] = ()
    kept_events: tuple[Event, ...] = ()
    """The newest events, for whoever begins to listen."""

    def pack(self) -> bytes:
        """The bytes to write."""
        # As a map with names: fields may be added with a default, and older snapshots stay readable.
        body = msgspec.msgpack.encode(self)
        return _MAGIC + hashlib.blake2b(body, digest_size=_CHECK).digest() + body

    @classmethod
    def unpack(cls, data: bytes) -> "Saved":
        """Read what `pack` wrote.

        Raises:
            DamagedSnapshotError: if they are not a whole snapshot.
        """
        # Before the checksum: hashing is bounded by the size, and unpacking by what the hash has let through.
        if len(data) > LARGEST:
            raise DamagedSnapshotError(f"it is larger than {LARGEST} bytes")
        start = len(_MAGIC) + _CHECK
        # The checksum is that of the bytes, and is compared before they are unpacked. Files are copied between hosts
        # and cut off by full disks; of a damaged one nothing is believed.
        check, body = data[len(_MAGIC) : start], data[start:]
        if data[: len(_MAGIC)] != _MAGIC or hashlib.blake2b(body, digest_size=_CHECK).digest() != check:
            raise DamagedSnapshotError("it is cut off or was changed")
        try:
            # A correct checksum proves nothing about who wrote the file: every field has bounds of its own.
            return msgspec.msgpack.decode(body, type=cls)
        except (msgspec.DecodeError, ValueError) as error:
            raise DamagedSnapshotError(f"it cannot be read: {error}") from error
