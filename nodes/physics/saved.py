"""A snapshot of a fold as bytes, with a checksum: what was not written whole, or was changed since, is refused."""

import hashlib

import msgspec

from bus.state import Plc

_MAGIC = b"KPPFOLD1"
_CHECK = 16


class DamagedError(ValueError):
    """Bytes that are no whole snapshot."""


class Saved(msgspec.Struct, frozen=True):
    """A fold after tick `seq`. `plant` carries the versions of kernel and parameters that it needs."""

    module: str
    run: str
    seq: int
    t_us: int
    dt_us: int
    scenario: str
    results: int
    events: int
    plc: Plc | None
    plant: bytes
    touched_lap: int = 0
    """Complete laps when a command last acted on the plant."""

    def pack(self) -> bytes:
        """The bytes to write."""
        body = msgspec.msgpack.encode(self)
        return _MAGIC + hashlib.blake2b(body, digest_size=_CHECK).digest() + body

    @classmethod
    def unpack(cls, data: bytes) -> "Saved":
        """Read what `pack` wrote.

        Raises:
            DamagedError: if it is not whole.
        """
        start = len(_MAGIC) + _CHECK
        check, body = data[len(_MAGIC) : start], data[start:]
        if data[: len(_MAGIC)] != _MAGIC or hashlib.blake2b(body, digest_size=_CHECK).digest() != check:
            raise DamagedError("it is cut off or was changed")
        try:
            return msgspec.msgpack.decode(body, type=cls)
        except (msgspec.DecodeError, ValueError) as error:
            raise DamagedError(f"it cannot be read: {error}") from error
