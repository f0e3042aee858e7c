"""The ticks of a run in its hot store: with the commands in them they are the input that the run is computed from.

A record is a span as JSON with its fields in alphabetical order; the number of ticks is called `length` there.
"""

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from bus.ordered.tick_span import TickSpan
from recording.record import DamagedRecordError, envelope, opened

_JSON = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(TickSpan)


def pack_span(span: TickSpan) -> bytes:
    """A span as a record."""
    return envelope(b"T", _JSON.encode(span))


def unpack_span(record: bytes) -> TickSpan:
    """Read and check a span.

    Raises:
        DamagedError: if it is not what was written, or a field has another type or is beyond its bounds.
    """
    try:
        return _DECODER.decode(opened(record, b"T"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise DamagedRecordError(f"a record of kind T is not a span of ticks: {error}") from error


class HotTicks:
    """The ticks in the hot store; the caller opens the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._newest: TickSpan | None = None
        self._unwritten = False
        self.refresh()

    def refresh(self) -> None:
        """Read the newest span again, after a transaction that failed."""
        # A damaged newest record is passed over by the reader, so the run seems to end before it and is repaired from
        # there.
        spans = list(read_ticks(self._connection, "ORDER BY first DESC LIMIT 1"))
        self._newest = spans[0] if spans else None
        self._unwritten = False

    @property
    def last(self) -> int:
        """Number of the newest tick; 0 before the first one."""
        return 0 if self._newest is None else self._newest.last

    def append(self, spans: Iterable[TickSpan]) -> list[int]:
        """Add what is new; returns the ticks that are recorded already with another content."""
        conflicts: list[int] = []
        for span in spans:
            # It overlaps with what is known: the newest span has to be in the table before the table is asked.
            if span.first <= self.last:
                self._write()
                if not self._known(span):
                    # The whole span is refused. A part of a contradiction is no better than all of it, and the first
                    # record stays.
                    conflicts.append(span.first)
                    continue
            rest = span.after(self.last)
            if rest is not None:
                self._add(rest)
        self._write()
        return conflicts

    def fill(self, spans: Iterable[TickSpan]) -> None:
        """Put ticks into holes that damage has left; ticks that are recorded stay as they are."""
        for span in spans:
            # Holes only: a tick that is there is not touched, whatever the repair says of it.
            known = self._around(span)
            missing = _without(span, known)
            for piece in missing:
                record = pack_span(piece)
                self._connection.execute("INSERT INTO ticks VALUES (?, ?)", (piece.first, record))
        self.refresh()

    def _known(self, span: TickSpan) -> bool:
        return all(each.agrees(span) for each in self._around(span))

    def _around(self, span: TickSpan) -> list[TickSpan]:
        """What is known of the ticks of a span."""
        where = "WHERE first <= ? ORDER BY first DESC LIMIT 1"
        # The span before it may reach into it: its first tick lies outside the range, its last one may not.
        before = [each.first for each in read_ticks(self._connection, where, (span.first,))]
        where = "WHERE first BETWEEN ? AND ? ORDER BY first"
        return list(read_ticks(self._connection, where, (before[0] if before else 0, span.last)))

    def _add(self, span: TickSpan) -> None:
        newest = self._newest
        # Only in memory: a span of an hour is one record, and is written once in a group commit, not once for each
        # tick.
        if newest is not None and newest.joins(span):
            self._newest = newest.longer(span.count)
        else:
            self._write()
            self._newest = span
        self._unwritten = True

    def _write(self) -> None:
        """Write the newest span once, however many ticks have joined it."""
        if self._unwritten and self._newest is not None:
            record = pack_span(self._newest)
            # In its old place: the key is the first tick, which stays while the span grows.
            self._connection.execute("INSERT OR REPLACE INTO ticks VALUES (?, ?)", (self._newest.first, record))
        self._unwritten = False


def _without(span: TickSpan, known: list[TickSpan]) -> list[TickSpan]:
    """The pieces of a span that are not among known ones, which are in order."""
    pieces: list[TickSpan] = []
    rest: TickSpan | None = span
    for each in known:
        if rest is None or each.last < rest.first:
            continue
        before = rest.upto(each.first - 1)
        if before is not None:
            # Its commands stay with the first piece alone; the others begin behind ticks that are known, with the
            # commands they had.
            pieces.append(before)
        rest = rest.after(each.last)
    return pieces if rest is None else [*pieces, rest]


def read_ticks(
    connection: sqlite3.Connection, where: str = "ORDER BY first", values: tuple[int, ...] = ()
) -> Iterator[TickSpan]:
    """Undamaged spans, in order."""
    for first, record in connection.execute(f"SELECT first, record FROM ticks {where}", values):  # noqa: S608 - own words
        try:
            span = unpack_span(record)
        except DamagedRecordError:
            continue  # leaves a hole, which the holes of the run show
        if span.first == first:  # else a whole record lies under another's key, where nothing was written
            yield span
