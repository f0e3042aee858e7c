"""The ticks of one run on disk, run-length coded. Each is written before it is published, so that a clock that was
killed goes on with the next number.

A file is a header, then records of 32 bytes. A record is a span of equal ticks; while the span grows, its record is
written again in place. What was written survives a kill of the process at once, and a power cut after the next `sync`.

A record has no time of its own, since ticks follow each other without a gap. Of commands it has only the number: they
are in the journal, on disk before any of them was accepted.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args

import msgspec
from msgspec import Meta

from bus.ordered.tick_span import MOST_DT_US, MOST_SEQ, TickSpan
from bus.protocol.messages import IDENTIFIER, Mode, Policy, Tick

_MAGIC = b"KPPTICK1"
_HEAD = struct.Struct("<8sII")  # magic, bytes of the header, its checksum
_BODY = struct.Struct("<QQIBBHI")  # first, count, dt in microseconds, mode, flags, commands, speed in thousandths
_CHECK = struct.Struct("<I")
_RECORD = _BODY.size + _CHECK.size
_MODES: tuple[Mode, ...] = get_args(Mode)
_HELD, _FLAT_OUT = 1, 2

CHUNK = 64 * _RECORD
"""Bytes that are reserved on disk at a time, so that no tick finds the disk full."""

RESERVE = 16
"""Records that are kept for ticks that advance nothing, once no more can be reserved."""

LARGEST = 256 << 20
"""Most bytes of a tick log that is read: eight million spans."""

MOST = 1 << 40
"""Largest number of a run, of an epoch and of a speed in thousandths."""


class TickLogError(OSError):
    """A tick log that cannot be written or read; the text names the file."""


class RunHeader(msgspec.Struct, frozen=True):
    """How a run begins."""

    run: Annotated[str, Meta(pattern=IDENTIFIER)]
    epoch: Annotated[int, Meta(ge=0, le=MOST)]
    number: Annotated[int, Meta(ge=0, le=MOST)]
    """Number of the run in its epoch, from 1."""
    scenario: Annotated[str, Meta(max_length=128)]
    parameters: dict[str, Any]
    mode: Mode
    speed_milli: Annotated[int, Meta(ge=0, le=MOST)]
    flat_out: bool
    policy: Policy

    @property
    def order(self) -> tuple[int, int]:
        """Sort key: greater for later runs."""
        return self.epoch, self.number


class TickRecord(NamedTuple):
    """The content of one record: a span without its commands, and how many commands there were."""

    span: TickSpan
    held: bool
    """True while simulated time waited for a module."""
    commands: int

    @classmethod
    def of(cls, tick: Tick) -> "TickRecord":
        """A single tick."""
        return cls(TickSpan.of(tick), bool(tick.held), len(tick.commands))

    def joins(self, other: "TickRecord") -> bool:
        """True if `other`, which is the next tick, only makes it longer."""
        return not other.commands and self.held == other.held and self.span.alike(other.span)

    def longer(self) -> "TickRecord":
        """The record with one more tick of its kind."""
        return self._replace(span=self.span.longer(1))

    def pack(self) -> bytes:
        """The bytes of the record."""
        span, flags = self.span, _HELD * self.held + _FLAT_OUT * self.span.flat_out
        mode = _MODES.index(span.mode)
        body = _BODY.pack(span.first, span.count, span.dt_us, mode, flags, self.commands, span.speed_milli)
        return body + _CHECK.pack(zlib.crc32(body))


class TickLog:
    """The file of the present run, open for writing; made by `create` or `reopen`.

    Args:
        path: the file.
        file: its descriptor.
        end: where in it the next record goes.
        newest: its last record, None before the first.

    Attributes:
        short: True when the disk is full, so only a few more spans can be written.
    """

    def __init__(self, path: Path, file: int, end: int, newest: TickRecord | None) -> None:
        self._path = path
        self._file = file
        self._end = end
        self._reserved = os.fstat(file).st_size
        self._newest = newest
        self._unsynced = True
        self.short = False

    @classmethod
    def create(cls, path: Path, header: RunHeader) -> "TickLog":
        """Begin the file of a run.

        Raises:
            TickLogError: if there is no room for it.
        """
        body = msgspec.msgpack.encode(header)
        head = _HEAD.pack(_MAGIC, len(body), zlib.crc32(body)) + body
        # Records begin at a multiple of their size, so that none lies across two pages or two sectors.
        head += bytes(-len(head) % _RECORD)
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise TickLogError(f"tick log {path} cannot be begun: {error.strerror}") from error
        try:
            # Reserved first: a run that could not write its first ticks must not begin at all.
            os.posix_fallocate(file, 0, len(head) + CHUNK)
            os.pwrite(file, head, 0)
        except OSError as error:
            os.close(file)
            # A file without a whole header would be reported as damaged by every clock that starts after this one.
            path.unlink(missing_ok=True)
            raise TickLogError(f"tick log {path} cannot be begun: {error.strerror}") from error
        return cls(path, file, len(head), None)

    @classmethod
    def reopen(cls, path: Path, end: int, newest: TickRecord | None) -> "TickLog":
        """Continue a file that `read` has read; whatever follows its last whole record is overwritten.

        Raises:
            TickLogError: if it cannot be opened.
        """
        try:
            return cls(path, os.open(path, os.O_RDWR), end, newest)
        except OSError as error:
            raise TickLogError(f"tick log {path} cannot be opened: {error.strerror}") from error

    def append(self, tick: Tick) -> None:
        """Write one tick, the one that follows the newest.

        Raises:
            TickLogError: if it cannot be written; then it must not be published.
        """
        record, newest = TickRecord.of(tick), self._newest
        new = newest is None or not newest.joins(record)
        if newest is not None and not new:
            record = newest.longer()
        try:
            if new:
                # Room first: for every reader the file would end at a record that was begun and not finished.
                self._reserve()
                self._end += _RECORD
            # A record never crosses a page of the page cache, since records begin at multiples of 32, which divides any
            # page. A process that is killed in the middle of the call leaves the old record or the new one, no mixture.
            os.pwrite(self._file, record.pack(), self._end - _RECORD)
        except OSError as error:
            raise TickLogError(f"tick log {self._path} cannot be written: {error.strerror}") from error
        self._newest = record
        self._unsynced = True

    def _reserve(self) -> None:
        # More is asked for while plenty is left, so a disk that has become full is noticed many records before one of
        # them would fail.
        free = (self._reserved - self._end) // _RECORD
        if free > 2 * RESERVE:
            return
        try:
            os.posix_fallocate(self._file, self._end, CHUNK)
        except OSError:
            # Simulated time stops here, and ticks go on with what is left: each change of mode takes a record, and
            # there are enough for a plant to be stopped and saved.
            self.short = free <= RESERVE
            if free < 1:
                raise
            return
        self.short = False
        self._reserved = self._end + CHUNK

    def look_for_room(self) -> None:
        """Try again to reserve what was refused; `short` says whether that worked.

        Raises:
            OSError: if nothing can be reserved and nothing is left.
        """
        self._reserve()

    def sync(self) -> None:
        """Make what was written survive a power cut; callable from another thread."""
        if self._unsynced:
            # Cleared before the call and not after it: what is written meanwhile belongs to the next call.
            self._unsynced = False
            os.fdatasync(self._file)

    def close(self) -> None:
        """Give back what was reserved, make everything survive a power cut, and close."""
        # The room that an ended run had reserved is for the runs that follow.
        os.ftruncate(self._file, self._end)
        os.fsync(self._file)
        os.close(self._file)


@dataclass(frozen=True)
class Recorded:
    """The content of a tick log.

    Attributes:
        header: how the run began.
        records: all whole records, in order.
        end: where in the file the next record goes.
        damaged: True if something unreadable follows the last whole record.
    """

    header: RunHeader
    records: list[TickRecord]
    end: int
    damaged: bool


def read(path: Path) -> Recorded:
    """Read a tick log, up to the first record that is not whole.

    Raises:
        TickLogError: if it is not a tick log, is too large, or has a damaged header.
    """
    try:
        with path.open("rb") as file:
            # Bounded before anything in it is believed: a file may have any length.
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise TickLogError(f"tick log {path} cannot be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise TickLogError(f"tick log {path} is larger than {LARGEST} bytes: move it away")
    try:
        magic, size, check = _HEAD.unpack_from(data)
        body = data[_HEAD.size : _HEAD.size + size]
        # Without its header a log is worth nothing: no run id, no epoch, no way to order it among the others.
        if magic != _MAGIC or len(body) != size or zlib.crc32(body) != check:
            raise TickLogError(f"tick log {path} has a damaged header")
        header = msgspec.msgpack.decode(body, type=RunHeader)
    except (struct.error, msgspec.DecodeError, RecursionError) as error:
        raise TickLogError(f"tick log {path} has a damaged header: {error}") from error
    start = _HEAD.size + size
    start += -start % _RECORD
    records = list(_records(data, start))
    end = start + len(records) * _RECORD
    # After the last record comes the reserved room, which is zeros. Anything else there was once a record.
    return Recorded(header, records, end, damaged=any(data[end:]))


def _records(data: bytes, start: int) -> Iterator[TickRecord]:
    following, t_us = 1, 0
    for offset in range(start, len(data) - _RECORD + 1, _RECORD):
        body = data[offset : offset + _BODY.size]
        (check,) = _CHECK.unpack_from(data, offset + _BODY.size)
        first, count, dt_us, mode, flags, commands, speed_milli = _BODY.unpack(body)
        # Reserved room is zeros, which do not have the checksum zero: it ends the log like a record that is not whole.
        if zlib.crc32(body) != check or first != following or mode >= len(_MODES):
            return
        # A checksum proves that these bytes were written, not that a clock wrote them.
        if count < 1 or first + count - 1 > MOST_SEQ or dt_us > MOST_DT_US:
            return
        span = TickSpan(first, count, t_us, dt_us, _MODES[mode], (), speed_milli, bool(flags & _FLAT_OUT))
        yield TickRecord(span, bool(flags & _HELD), commands)
        following, t_us = first + count, span.end_us
