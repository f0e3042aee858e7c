"""The hot store: what was recorded lately, durable within one group commit, idempotent by (run, module, seq)."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bus.ordered.tick_span import TickSpan
from recording.channels import Schema
from recording.database import SEQ_BITS, StoreError, module_names, module_number, open_database, row_key, transaction
from recording.extent import Extent, ExtentFile
from recording.manifest import read_manifest
from recording.notes import Note
from recording.record import DamagedRecordError, Row, envelope, opened, pack_row, unpack_row
from recording.sealed import SealedContents, line_of
from recording.ticks import HotTicks


class Damaged(NamedTuple):
    """A row that is not what was written."""

    seq: int
    reason: str


class Conflict(NamedTuple):
    """A key that is recorded already came again with another content; what is recorded stays."""

    module: str
    seq: int
    what: str


@dataclass
class Batch:
    """What one group commit writes."""

    rows: list[Row] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    ticks: list[TickSpan] = field(default_factory=list)
    schemas: list[Schema] = field(default_factory=list)
    again: list[Row] = field(default_factory=list)
    """Rows that came before, perhaps long ago: compared with what is recorded, and written only where nothing is."""

    def __len__(self) -> int:
        return len(self.rows) + len(self.notes) + len(self.ticks) + len(self.again)


@dataclass(frozen=True)
class BatchOutcome:
    """What became of a batch."""

    written: int
    repeated: int
    conflicts: list[Conflict]


class HotStore:
    """The writing side of one run's file."""

    def __init__(self, path: Path) -> None:
        self.connection = open_database(path)
        self._sealed = SealedContents(path.parent)
        self._beside = ExtentFile(path.parent)
        try:
            # Read from the database once; from here on it is kept up to date by what is written, for it is needed at
            # every commit.
            self._extent = extent(self.connection)
            self._beside.write(self._extent)
            self.ticks = HotTicks(self.connection)
            self._numbers = {name: number for number, name in module_names(self.connection).items()}
            self._schemas = {key for (key,) in self.connection.execute("SELECT key FROM schemas")}
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be read: {error}") from error

    def write(self, batch: Batch) -> BatchOutcome:
        """Write a batch in one transaction; it is on disk when this returns.

        Raises:
            StoreError: if the disk does not take it; then nothing of it was written.
        """
        conflicts: list[Conflict] = []
        try:
            with transaction(self.connection):
                # Channel tables first, in the same transaction: no row is ever on disk without the table that says what
                # its numbers are.
                for schema in batch.schemas:
                    self._define(schema)
                written = self._write_rows(batch.rows, conflicts) + self._write_notes(batch.notes, conflicts)
                written += self._write_again(batch.again, conflicts)
                before = self.ticks.last
                conflicts += [Conflict("clock", seq, "tick") for seq in self.ticks.append(batch.ticks)]
                written += self.ticks.last - before
        except StoreError:
            self._forget()
            raise
        # After the commit, never before it: the file beside must not say more than is on disk.
        self._keep_extent(batch)
        # A span counts as its ticks, which is what was offered and may be known in part.
        offered = len(batch) - len(batch.ticks) + sum(span.count for span in batch.ticks)
        return BatchOutcome(written, offered - written - len(conflicts), conflicts)

    def _keep_extent(self, batch: Batch) -> None:
        """Save beside the file how far it goes now."""
        kept = self._extent
        kept["ticks"] = max(kept["ticks"], self.ticks.last)
        for row in batch.rows:
            # Rows that come again are left out: they can only lie before what is newest.
            name = states_of(row.module)
            kept[name] = max(kept.get(name, 0), row.seq)
        if batch.notes:
            kept["notes"] = last_note(self.connection)
        self._beside.write(kept)

    def _forget(self) -> None:
        """Forget what a failed transaction had defined: it is not in the file."""
        self._numbers = {name: number for number, name in module_names(self.connection).items()}
        self._schemas = {key for (key,) in self.connection.execute("SELECT key FROM schemas")}
        self.ticks.refresh()

    def _define(self, schema: Schema) -> None:
        # REPLACE, since a damaged table with this key may be there: the key is made of the content, so what is put in
        # its place is the same table.
        if schema.key not in self._schemas:
            record = envelope(b"C", schema.body)
            self.connection.execute("INSERT OR REPLACE INTO schemas VALUES (?, ?)", (schema.key, record))
            self._schemas.add(schema.key)

    def number(self, module: str) -> int:
        """Number of a module, a new one at its first row; call it inside a transaction."""
        known = self._numbers.get(module)
        if known is None:
            # Another connection, that of the sealer, may have been the first.
            self.connection.execute("INSERT OR IGNORE INTO modules (name) VALUES (?)", (module,))
            known = self._numbers[module] = module_number(self.connection, module) or 0
        return known

    def _write_rows(self, rows: list[Row], conflicts: list[Conflict]) -> int:
        if not rows:
            return 0
        packed = [(row_key(self.number(row.module), row.seq), pack_row(row)) for row in rows]
        cursor = self.connection.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?)", packed)
        # Something was known. That is the usual case after a restart, and a conflict only if the content is another.
        if cursor.rowcount < len(rows):
            for row, (key, record) in zip(rows, packed, strict=True):
                conflicts += self._compare(row, key, record)
        return cursor.rowcount

    def _write_again(self, rows: list[Row], conflicts: list[Conflict]) -> int:
        """Compare sealed rows with their segment; write the others like new ones, which leaves known rows alone."""
        if not rows:
            return 0
        lines = [line for line in read_manifest(self.connection) if line.fate != "damaged"]
        hot: list[Row] = []
        for row in rows:
            # A sealed row is not written into the hot store again: it would be there beside its segment, to be sealed a
            # second time.
            line = line_of(lines, row.module, row.seq)
            # A row without its channel table could never be read, and tables come only with rows that are new.
            if line is None and row.schema in self._schemas:
                hot.append(row)
            elif line is None or not self._sealed.agrees(line, row):
                conflicts.append(Conflict(row.module, row.seq, "state"))
        return self._write_rows(hot, conflicts)

    def _compare(self, row: Row, key: int, record: bytes) -> list[Conflict]:
        stored = self.connection.execute("SELECT record FROM rows WHERE key = ?", (key,)).fetchone()[0]
        # Nearly always: compared as bytes before anything is unpacked.
        if stored == record:
            return []
        try:
            known = unpack_row(stored)
        except DamagedRecordError:  # what cannot be read is no recording: the repaired row takes its place
            self.connection.execute("UPDATE rows SET record = ? WHERE key = ?", (record, key))
            return []
        # Sender and time of sending may differ: a standby computes the same content.
        alike = (known.content, known.numbers, known.texts) == (row.content, row.numbers, row.texts)
        return [] if alike else [Conflict(row.module, row.seq, "state")]

    def _write_notes(self, notes: list[Note], conflicts: list[Conflict]) -> int:
        written = 0
        insert = "INSERT OR IGNORE INTO notes (module, seq, kind, identity, record) VALUES (?, ?, ?, ?, ?)"
        find = "SELECT record FROM notes WHERE module = ? AND seq = ? AND kind = ? AND identity = ?"
        for note in notes:
            key = (self.number(note.module), note.seq, note.kind, note.identity)
            cursor = self.connection.execute(insert, (*key, note.record()))
            written += cursor.rowcount
            if not cursor.rowcount:
                stored = self.connection.execute(find, key).fetchone()[0]
                conflicts += self._compare_note(note, key, stored)
        return written

    def _compare_note(self, note: Note, key: tuple[int, int, str, str], stored: bytes) -> list[Conflict]:
        try:
            known = Note.from_record(stored)
        except DamagedRecordError:
            where = "WHERE module = ? AND seq = ? AND kind = ? AND identity = ?"
            self.connection.execute(f"UPDATE notes SET record = ? {where}", (note.record(), *key))  # noqa: S608 - own words
            return []
        alike = (known.t_us, known.body) == (note.t_us, note.body)
        return [] if alike else [Conflict(note.module, note.seq, note.kind)]

    def remove(self, module: str, first: int, last: int, at_once: int = 1000) -> None:
        """Delete rows that are sealed, a few at a time so that a writer never waits for long.

        Raises:
            StoreError: if the disk does not take it.
        """
        number = module_number(self.connection, module)
        if number is None:
            return
        # In small transactions: the recorder's own commit waits for this lock, and it has a deadline.
        for start in range(first, last + 1, at_once):
            keys = (row_key(number, start), row_key(number, min(last, start + at_once - 1)))
            with transaction(self.connection):
                self.connection.execute("DELETE FROM rows WHERE key BETWEEN ? AND ?", keys)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
        self._beside.close()


def states_of(module: str) -> str:
    """The name of a module's states in an extent."""
    return f"states of {module}"


def last_note(connection: sqlite3.Connection) -> int:
    """Place of the newest note; 0 before the first one."""
    return int(connection.execute("SELECT max(position) FROM notes").fetchone()[0] or 0)


def extent(connection: sqlite3.Connection) -> Extent:
    """How far a recording goes by its hot store, with what is sealed."""
    # Looked up in the tables, because it is compared with what was saved beside the file: the two must not have one
    # source.
    found = {"ticks": HotTicks(connection).last, "notes": last_note(connection)}
    for line in read_manifest(connection):
        found[states_of(line.module)] = max(found.get(states_of(line.module), 0), line.last)
    for number, module in module_names(connection).items():
        ranges = hot_ranges(connection, number)
        if ranges:
            found[states_of(module)] = max(found.get(states_of(module), 0), ranges[-1][1])
    return found


def read_schemas(connection: sqlite3.Connection) -> dict[int, Schema]:
    """Every undamaged channel table, by key."""
    found: dict[int, Schema] = {}
    for key, record in connection.execute("SELECT key, record FROM schemas"):
        try:
            schema = Schema.from_body(opened(record, b"C"))
        except ValueError:
            continue  # every segment carries its own copy
        if schema.key == key:
            found[key] = schema
    return found


def read_rows(
    connection: sqlite3.Connection, number: int, name: str, first: int = 0, last: int = (1 << SEQ_BITS) - 1
) -> Iterator[Row | Damaged]:
    """Rows of a module with first <= seq <= last, in order; in the place of a damaged row, what is wrong with it."""
    keys = (row_key(number, first), row_key(number, last))
    for key, record in connection.execute("SELECT key, record FROM rows WHERE key BETWEEN ? AND ? ORDER BY key", keys):
        # The key says which row was written here, even if the record cannot be read any more.
        seq = key & ((1 << SEQ_BITS) - 1)
        try:
            row = unpack_row(record)
        except DamagedRecordError as error:
            yield Damaged(seq, f"{name}, row {seq}: {error}")
            continue
        yield row if (row.module, row.seq) == (name, seq) else Damaged(seq, f"{name}, row {seq}: it is another row")


def hot_ranges(connection: sqlite3.Connection, number: int) -> list[tuple[int, int]]:
    """Ranges of consecutive ticks of a module, as (first, last)."""
    keys = (row_key(number, 0), row_key(number + 1, 0) - 1)
    low, high, count = connection.execute(
        "SELECT min(key), max(key), count(*) FROM rows WHERE key BETWEEN ? AND ?", keys
    ).fetchone()
    mask = (1 << SEQ_BITS) - 1
    if not count:
        return []
    # The usual case, without a hole: no key is fetched.
    if high - low + 1 == count:
        return [(low & mask, high & mask)]
    found = connection.execute("SELECT key FROM rows WHERE key BETWEEN ? AND ? ORDER BY key", keys)
    return joined((key & mask, key & mask) for (key,) in found)


def joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order, with those that touch or overlap joined."""
    whole: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        # Touching is enough: ticks are whole numbers, so nothing lies between.
        if whole and first <= whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], max(whole[-1][1], last))
        else:
            whole.append((first, last))
    return whole
