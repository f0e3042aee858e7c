"""A hot store whose index is damaged: every record that is whole is found in the bytes and put into a new file."""

from pathlib import Path
from typing import Any

from recording.channels import Schema
from recording.database import transaction
from recording.folder import RunFolder
from recording.hot import Batch, HotStore
from recording.manifest import Line, write_line
from recording.notes import Note
from recording.record import DamagedError, Row, carve, opened, unpack_json, unpack_row
from recording.ticks import Span

_PARTS = ("", "-wal", "-shm")
_AT_ONCE = 1000


def rebuild(folder: RunFolder) -> Path:
    """Set the damaged hot store aside and make a new one of the records that are whole.

    Returns:
        Where the damaged file is now.

    Raises:
        OSError: if the disk does not take it.
    """
    aside = set_aside(folder, folder.hot)
    data = [aside.with_name(aside.name + part).read_bytes() for part in _PARTS[:2] if _exists(aside, part)]
    found = [pair for each in data for pair in carve(each)]
    store = HotStore(folder.hot)
    try:
        _refill(store, found)
    finally:
        store.close()
    return aside


def set_aside(folder: RunFolder, path: Path) -> Path:
    """Move a damaged file, with its companions, to where nothing reads it; returns its new path."""
    folder.damaged.mkdir(parents=True, exist_ok=True)
    number = 1
    while (place := folder.damaged / f"{path.name}.{number}").exists():
        number += 1
    for part in _PARTS:
        if _exists(path, part):
            path.with_name(path.name + part).replace(place.with_name(place.name + part))
    return place


def _exists(path: Path, part: str) -> bool:
    return path.with_name(path.name + part).exists()


def _refill(store: HotStore, found: list[tuple[bytes, bytes]]) -> None:
    schemas = [Schema.from_body(opened(record, b"C")) for kind, record in found if kind == b"C"]
    store.write(Batch(schemas=schemas, ticks=_ticks(found)))
    lines = _lines(found)
    with transaction(store.connection):
        for line in lines.values():
            store.number(line.module)
            write_line(store.connection, line)
    batch = Batch()
    for kind, record in found:
        if kind == b"R":
            row = unpack_row(record)
            if not _sealed(row, lines):
                batch.rows.append(row)
        elif kind == b"N":
            batch.notes.append(Note.from_record(record))
        if len(batch) >= _AT_ONCE:
            store.write(batch)
            batch = Batch()
    store.write(batch)


def _ticks(found: list[tuple[bytes, bytes]]) -> list[Span]:
    """The longest copy of each span: a span grows while it is the newest."""
    longest: dict[int, Span] = {}
    for span in (Span(**value) for value in _values(found, b"T")):
        known = longest.get(span.first)
        if known is None or known.length < span.length:
            longest[span.first] = span
    return [span for _first, span in sorted(longest.items())]


def _lines(found: list[tuple[bytes, bytes]]) -> dict[tuple[str, int], Line]:
    """The newest copy of each line of the manifest."""
    newest: dict[tuple[str, int], Line] = {}
    for line in (Line(**value) for value in _values(found, b"M")):
        known = newest.get((line.module, line.first))
        if known is None or known.revision < line.revision:
            newest[line.module, line.first] = line
    return newest


def _values(found: list[tuple[bytes, bytes]], wanted: bytes) -> list[dict[str, Any]]:
    values = []
    for kind, record in found:
        if kind == wanted:
            try:
                values.append(unpack_json(record, kind))
            except DamagedError:
                continue  # the checksum held and the text did not: nothing that this program wrote
    return values


def _sealed(row: Row, lines: dict[tuple[str, int], Line]) -> bool:
    return any(
        line.module == row.module and line.first <= row.seq <= line.last and line.fate != "damaged"
        for line in lines.values()
    )
