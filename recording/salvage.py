"""Salvage of a hot store whose index is damaged: every whole record is found in its bytes and put into a new file."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bus.ordered.tick_span import TickSpan
from recording.channels import Schema
from recording.database import store_error, transaction
from recording.folder import RunFolder
from recording.hot import Batch, HotStore
from recording.manifest import ManifestLine, unpack_line, write_line
from recording.notes import Note
from recording.record import DamagedRecordError, Row, opened, salvage, unpack_row
from recording.ticks import unpack_span

Salvaged = TypeVar("Salvaged")
"""What a record is read as."""

_PARTS = ("", "-wal", "-shm")
_WHOLE = ".whole"
"""Ending of a new hot store that is complete and not in its place yet."""

_AT_ONCE = 1000


def rebuild(folder: RunFolder) -> Path:
    """Make a new hot store from the records that are whole, and put it in the place of the damaged one.

    The damaged one stays where it is until the new one is on disk, so that nothing is lost if that does not work.
    What a killed one left of its own new file must be gone before, as `recover` sees to.

    Returns:
        Where the damaged file is now.

    Raises:
        OSError: if the disk does not take it.
    """
    # The log too: what was committed last is often there alone. Both are only bytes here; SQLite is not asked, for its
    # index is what is damaged.
    data = [_part(folder.hot, part).read_bytes() for part in _PARTS[:2] if _part(folder.hot, part).exists()]
    found = [pair for each in data for pair in salvage(each)]
    new = _part(folder.hot, ".tmp")
    store = HotStore(new)
    try:
        _refill(store, found)
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # closing does that too, but hides a full disk
    except sqlite3.Error as error:
        raise store_error(new, "cannot be written", error) from error
    finally:
        store.close()
    # Synced before it gets its name, or a power cut could leave the name with nothing behind it.
    with new.open("rb") as file:
        os.fsync(file.fileno())
    # This name says that the new file is complete. Killed before it, the next start begins again from the damaged file;
    # killed after it, it only puts the file in its place, see `finish`.
    new.replace(_part(folder.hot, _WHOLE))
    return _take_place(folder)


def finish(folder: RunFolder) -> Path | None:
    """Put a whole new hot store into its place, if a process was killed before it could do so.

    Returns:
        Where the damaged file is now, None if there was nothing to finish.

    Raises:
        OSError: if the disk does not take it.
    """
    return _take_place(folder) if _part(folder.hot, _WHOLE).exists() else None


def _take_place(folder: RunFolder) -> Path:
    # The damaged file out of the way, and then the new one in: in between there is no hot store, which `finish`
    # recognises by the whole one.
    aside = set_aside(folder, folder.hot)
    _part(folder.hot, _WHOLE).replace(folder.hot)
    return aside


def set_aside(folder: RunFolder, path: Path) -> Path:
    """Move a damaged file, with its companions, to where nothing reads it; returns its new path."""
    folder.damaged.mkdir(parents=True, exist_ok=True)
    number = 1
    # Never over an older one: each is somebody's evidence.
    while (place := folder.damaged / f"{path.name}.{number}").exists():
        number += 1
    for part in _PARTS:
        if _part(path, part).exists():
            _part(path, part).replace(_part(place, part))
    return place


def _part(path: Path, part: str) -> Path:
    return path.with_name(path.name + part)


def _refill(store: HotStore, found: list[tuple[bytes, bytes]]) -> None:
    # Every copy of every table: the same one has the same key, and is written once.
    schemas = [Schema.from_body(opened(record, b"C")) for kind, record in found if kind == b"C"]
    # Tables before rows, as always; and the ticks in one go, for of each span there are many copies.
    store.write(Batch(schemas=schemas, ticks=_ticks(found)))
    lines = _lines(found)
    with transaction(store.connection):
        for line in lines.values():
            store.number(line.module)
            write_line(store.connection, line)
    batch = Batch()
    for kind, record in found:
        if kind == b"R":
            # The envelope's checksum has held, so the row is whole; what else is wrong with it raises, and shows a
            # defect of this program.
            row = unpack_row(record)
            # Pages that were given back still hold old rows. A row whose segment is in the manifest is not hot any
            # more.
            if not _sealed(row, lines):
                batch.rows.append(row)
        elif kind == b"N":
            batch.notes.append(Note.from_record(record))
        # In parts: a hot store may hold minutes of many modules, and one transaction of all of it would fill the log.
        if len(batch) >= _AT_ONCE:
            store.write(batch)
            batch = Batch()
    store.write(batch)


def _ticks(found: list[tuple[bytes, bytes]]) -> list[TickSpan]:
    """The longest copy of each span: a span grows while it is the newest."""
    longest: dict[int, TickSpan] = {}
    for span in _whole_ones(found, b"T", unpack_span):
        known = longest.get(span.first)
        # Old copies are shorter: a span is written again each time that it grows.
        if known is None or known.count < span.count:
            longest[span.first] = span
    return [span for _first, span in sorted(longest.items())]


def _lines(found: list[tuple[bytes, bytes]]) -> dict[tuple[str, int], ManifestLine]:
    """The newest copy of each line of the manifest."""
    newest: dict[tuple[str, int], ManifestLine] = {}
    for line in _whole_ones(found, b"M", unpack_line):
        known = newest.get((line.module, line.first))
        # Time stamps would lie after a clock was set; the number of changes cannot.
        if known is None or known.revision < line.revision:
            newest[line.module, line.first] = line
    return newest


def _whole_ones(found: list[tuple[bytes, bytes]], wanted: bytes, unpack: Callable[[bytes], Salvaged]) -> list[Salvaged]:
    values = []
    for kind, record in found:
        if kind == wanted:
            try:
                values.append(unpack(record))
            except DamagedRecordError:
                continue  # the checksum held and the content did not: nothing that this program wrote
    return values


def _sealed(row: Row, lines: dict[tuple[str, int], ManifestLine]) -> bool:
    return any(
        line.module == row.module and line.first <= row.seq <= line.last and line.fate != "damaged"
        for line in lines.values()
    )
