"""The ticks of a run, run-length coded: with the commands in them they are the input that a run is computed from."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from recording.record import MOST_DT_US, MOST_SEQ, MOST_US, DamagedError, pack_json, unpack_fields


class TickSpan(NamedTuple):
    """Ticks of one kind in a row: the commands act at the first one, then every tick advances by dt."""

    first: Annotated[int, Meta(ge=1, le=MOST_SEQ)]
    length: Annotated[int, Meta(ge=1, le=MOST_SEQ)]
    t_us: Annotated[int, Meta(ge=0, le=MOST_US)]
    """Simulated time before the first tick, in microseconds."""
    dt_us: Annotated[int, Meta(ge=0, le=MOST_DT_US)]
    mode: Annotated[str, Meta(max_length=64)]
    commands: list[dict[str, Any]]
    speed_milli: Annotated[int, Meta(ge=0, le=MOST_US)] = 1000
    """Requested speed in thousandths."""
    flat_out: bool = False
    """True when running as fast as possible."""

    @property
    def last(self) -> int:
        """Number of the last tick."""
        return self.first + self.length - 1

    def after(self, seq: int) -> "TickSpan | None":
        """What of it follows tick `seq`, None when nothing does."""
        skipped = max(0, seq + 1 - self.first)
        if skipped >= self.length:
            return None
        if not skipped:
            return self
        t_us = self.t_us + skipped * self.dt_us
        return self._replace(first=self.first + skipped, length=self.length - skipped, t_us=t_us, commands=[])

    def joins(self, other: "TickSpan") -> bool:
        """True if `other` only continues it."""
        return (
            other.first == self.first + self.length
            and other.t_us == self.t_us + self.length * self.dt_us
            and not other.commands
            and (other.dt_us, other.mode) == (self.dt_us, self.mode)
            and (other.speed_milli, other.flat_out) == (self.speed_milli, self.flat_out)
        )

    def agrees(self, other: "TickSpan") -> bool:
        """True if both say the same of the ticks that they have in common."""
        first = max(self.first, other.first)
        mine, others = self.after(first - 1), other.after(first - 1)
        if mine is None or others is None or first > min(self.last, other.last):
            return True
        return mine[2:] == others[2:]


class TickLog:
    """The ticks in the hot store; the caller opens the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._newest: TickSpan | None = None
        self._unwritten = False
        self.refresh()

    def refresh(self) -> None:
        """Look at the store again, after a transaction that did not succeed."""
        spans = list(read_ticks(self._connection, "ORDER BY first DESC LIMIT 1"))
        self._newest = spans[0] if spans else None
        self._unwritten = False

    @property
    def last(self) -> int:
        """Number of the newest tick, 0 before the first."""
        return 0 if self._newest is None else self._newest.last

    def append(self, spans: Iterable[TickSpan]) -> list[int]:
        """Add what is new; returns the numbers of ticks that were known with another content."""
        conflicts: list[int] = []
        for span in spans:
            if span.first <= self.last:
                self._write()
                if not self._known(span):
                    conflicts.append(span.first)
                    continue
            rest = span.after(self.last)
            if rest is not None:
                self._add(rest)
        self._write()
        return conflicts

    def fill(self, spans: Iterable[TickSpan]) -> None:
        """Put ticks into holes that damage has left; what is known stays as it is."""
        for span in spans:
            known = self._around(span)
            missing = _without(span, known)
            for piece in missing:
                record = pack_json(b"T", piece._asdict())
                self._connection.execute("INSERT INTO ticks VALUES (?, ?)", (piece.first, record))
        self.refresh()

    def _known(self, span: TickSpan) -> bool:
        return all(each.agrees(span) for each in self._around(span))

    def _around(self, span: TickSpan) -> list[TickSpan]:
        """What is known of the ticks of a span."""
        where = "WHERE first <= ? ORDER BY first DESC LIMIT 1"
        before = [each.first for each in read_ticks(self._connection, where, (span.first,))]
        where = "WHERE first BETWEEN ? AND ? ORDER BY first"
        return list(read_ticks(self._connection, where, (before[0] if before else 0, span.last)))

    def _add(self, span: TickSpan) -> None:
        newest = self._newest
        if newest is not None and newest.joins(span):
            self._newest = newest._replace(length=newest.length + span.length)
        else:
            self._write()
            self._newest = span
        self._unwritten = True

    def _write(self) -> None:
        """Write the newest span once, however many ticks have joined it."""
        if self._unwritten and self._newest is not None:
            record = pack_json(b"T", self._newest._asdict())
            self._connection.execute("INSERT OR REPLACE INTO ticks VALUES (?, ?)", (self._newest.first, record))
        self._unwritten = False


def _without(span: TickSpan, known: list[TickSpan]) -> list[TickSpan]:
    """The pieces of a span that are not among known ones, which are in order."""
    pieces: list[TickSpan] = []
    rest: TickSpan | None = span
    for each in known:
        if rest is None or each.last < rest.first:
            continue
        if each.first > rest.first:
            pieces.append(rest._replace(length=min(rest.last, each.first - 1) - rest.first + 1))
        rest = rest.after(each.last)
    return pieces if rest is None else [*pieces, rest]


def tick_holes(spans: Iterable[TickSpan]) -> list[tuple[int, int]]:
    """Ranges of ticks that are missing before the newest one, as (first, last)."""
    holes, following = [], 1
    for span in spans:
        if span.first > following:
            holes.append((following, span.first - 1))
        following = max(following, span.last + 1)
    return holes


def read_ticks(
    connection: sqlite3.Connection, where: str = "ORDER BY first", values: tuple[int, ...] = ()
) -> Iterator[TickSpan]:
    """Undamaged spans, in order."""
    for first, record in connection.execute(f"SELECT first, record FROM ticks {where}", values):  # noqa: S608 - own words
        try:
            span = unpack_fields(record, b"T", TickSpan)
        except DamagedError:
            continue  # leaves a hole, which the holes of the run show
        if span.first == first:
            yield span
