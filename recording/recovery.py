"""Recovery when a recording is opened: damage is found, set aside and reported, and what is whole stays readable."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from recording.channels import Schema
from recording.database import (
    DamagedStoreError,
    module_names,
    open_database,
    row_key,
    store_error,
    transaction,
)
from recording.extent import ExtentFile, cut_off
from recording.files import checksum
from recording.folder import RunFolder
from recording.hot import Batch, Damaged, HotStore, extent, hot_ranges, read_rows
from recording.manifest import ManifestLine, read_manifest, remove_line, unpack_line, write_line
from recording.notes import Note
from recording.record import DamagedRecordError, opened
from recording.salvage import finish, rebuild, set_aside
from recording.seal import seconds_of, tier_line
from recording.segment import about, intact_groups, verify_segment
from recording.ticks import unpack_span
from recording.tier import Bins

_TABLES = (("notes", b"N", "position"), ("ticks", b"T", "first"), ("segments", b"M", "key"), ("schemas", b"C", "key"))


class Finding(NamedTuple):
    """Something in a recording that is not what was written."""

    where: str
    what: str


def recover(folder: RunFolder, *, deep: bool = False) -> list[Finding]:
    """Bring a recording into order, and report what was wrong.

    Afterwards the hot store opens, every kept line of the manifest has its file, no row is both hot and sealed, and
    what is missing is a hole that `holes` shows.

    Args:
        folder: the recording.
        deep: also compare every file and every record with its checksum.

    Raises:
        OSError: if the disk does not take what has to be written, or does not give what is there; nothing is then
            taken for damaged.
    """
    # Nothing is lost with files that were being written: their content is in its place, or still in the hot store.
    for path in [*folder.path.rglob("*.tmp"), *folder.path.rglob("*.tmp-*")]:  # of one that died
        path.unlink()
    # The hot store first: it holds the manifest, by which everything else is judged.
    findings = list(_repair_hot(folder))
    store = HotStore(folder.hot)
    try:
        if deep:
            findings += _scrub_records(store)
        # One for the whole pass: a merged tier is named by fifteen lines and hashed once.
        seen = _Seen(deep=deep)
        for line in read_manifest(store.connection):
            findings += _repair_line(folder, store, line, seen)
        # Segments that the manifest does not know come after those that it does: one that was just set aside must not
        # be taken in again.
        findings += _adopt(folder, store)
        # Last, when it is known which segments are whole: rows are deleted only for those.
        _clear_sealed(store)
    finally:
        store.close()
    return findings


def scrub(folder: RunFolder) -> list[Finding]:
    """As `recover` with every checksum, beside a recorder that writes: the hot store itself stays in place.

    Raises:
        DamagedStoreError: if that file is damaged; `recover` sets it aside when the recording is next opened.
        OSError: if the disk does not take what has to be written.
    """
    store = HotStore(folder.hot)
    try:
        findings = _scrub_records(store)
        seen = _Seen(deep=True)
        for line in read_manifest(store.connection):
            findings += _repair_line(folder, store, line, seen)
    except sqlite3.Error as error:
        # Unknown segments are not adopted here and sealed rows not cleared: beside a sealer both are only on their way.
        raise store_error(folder.hot, "is damaged", error) from error
    finally:
        store.close()
    return findings


# The hot store


def _repair_hot(folder: RunFolder) -> Iterator[Finding]:
    aside = finish(folder)
    if aside is not None:
        yield Finding(folder.hot.name, f"was being rebuilt; its whole records were kept, the file is {aside}")
    if not folder.hot.exists() and any(folder.segments()):
        yield Finding(folder.hot.name, "is missing; what is sealed was taken in again")
    log = folder.hot.with_name(f"{folder.hot.name}-wal")
    # An empty database beside a log is what a power cut leaves of a file whose first pages were never synced. SQLite
    # opens it as new and drops the log.
    empty = folder.hot.exists() and not folder.hot.stat().st_size and log.exists() and log.stat().st_size
    reason = "the file is empty" if empty else _fault(folder)
    if reason:
        aside = rebuild(folder)
        yield Finding(folder.hot.name, f"{reason}; its whole records were kept, the file is {aside}")
        return
    with closing(ExtentFile(folder.path)) as beside, closing(open_database(folder.hot)) as connection:
        # A log that was cut off is no fault to SQLite, which takes what is missing for never committed. The file beside
        # it knows better.
        yield from (Finding(folder.hot.name, each) for each in cut_off(beside.read(), extent(connection)))


def _fault(folder: RunFolder) -> str:
    """What is wrong with the hot store's file; empty if nothing is.

    Raises:
        StoreError: if that cannot be found out now, for want of room or because another process writes.
    """
    try:
        connection = open_database(folder.hot)
        try:
            # Quick: the records have checksums of their own. Only SQLite's structure is in question here.
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            list(module_names(connection))
            read_manifest(connection)
            # On one line, as findings are: the check may answer with several.
            return "" if answer == "ok" else " ".join(str(answer).split())
        finally:
            connection.close()
    except sqlite3.Error as error:
        # A full disk or a lock is not damage: nothing is set aside for a condition that may be over in a minute.
        failure = store_error(folder.hot, "cannot be read", error)
        if not isinstance(failure, DamagedStoreError):
            raise failure from error
        return " ".join(str(failure).split())
    except (DamagedStoreError, TypeError, ValueError) as error:
        return " ".join(str(error).split())


def _scrub_records(store: HotStore) -> list[Finding]:
    """Every record of the hot store that is damaged; a damaged row is taken out, so that it can be recorded again."""
    findings = []
    for number, name in module_names(store.connection).items():
        for place, error in _damaged_rows(store, number, name):
            # Deleted, so that the row is a hole: holes are asked for and filled, damaged rows are not.
            findings.append(Finding("hot store", error))
            with transaction(store.connection):
                store.connection.execute("DELETE FROM rows WHERE key = ?", (place,))
    for table, kind, key in _TABLES:
        for place, record in store.connection.execute(f"SELECT {key}, record FROM {table}").fetchall():  # noqa: S608 - own words
            reason = _reason(record, kind)
            if reason:
                findings.append(Finding("hot store", f"{table} {place}: {reason}"))
                with transaction(store.connection):
                    store.connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (place,))  # noqa: S608 - own words
    return findings


def _damaged_rows(store: HotStore, number: int, name: str) -> list[tuple[int, str]]:
    rows = read_rows(store.connection, number, name)
    return [(row_key(number, row.seq), row.reason) for row in rows if isinstance(row, Damaged)]


def _reason(record: bytes, kind: bytes) -> str:
    try:
        if kind == b"C":
            Schema.from_body(opened(record, kind))
        elif kind == b"N":
            Note.from_record(record)
        elif kind == b"T":
            unpack_span(record)
        else:
            unpack_line(record)
    except ValueError as error:
        return str(error)
    return ""


# Segments


def _repair_line(folder: RunFolder, store: HotStore, line: ManifestLine, seen: "_Seen") -> list[Finding]:
    findings = []
    if line.tier_fate == "kept":
        reason = seen.unlike(folder.tier(line.tier_file), line.tier_bytes, line.tier_sha256)
        if reason:
            findings.append(Finding(f"tiers/{line.tier_file}", reason))
            # Before the segment: a damaged tier is computed from it, as long as it is there.
            line = _repair_tier(folder, store, line)
    if line.fate == "kept":
        reason = seen.unlike(folder.segment(line.file), line.bytes, line.sha256)
        if reason:
            findings.append(Finding(f"segments/{line.file}", reason))
            _reclaim(folder, store, line)
    return findings


class _Seen:
    """Files that were compared with the manifest; several lines may share a tier."""

    def __init__(self, *, deep: bool) -> None:
        self._deep = deep
        self._sums: dict[Path, str] = {}

    def unlike(self, path: Path, size: int, digest: str) -> str:
        """How a file differs from what the manifest says; empty if it does not."""
        if not path.exists():
            return "is missing"
        # Cheap and first: most damage is a file that was cut off.
        if path.stat().st_size != size:
            return f"has {path.stat().st_size} bytes instead of {size}"
        if not self._deep:
            return ""
        if path not in self._sums:
            self._sums[path] = checksum(path)
        return "does not match its SHA-256" if self._sums[path] != digest else ""


def _repair_tier(folder: RunFolder, store: HotStore, line: ManifestLine) -> ManifestLine:
    """Compute a damaged tier again from its segment, or note that it is gone."""
    # Several lines may name it, after a merge. Each finds it gone and gets a tier of its own again.
    tier = folder.tier(line.tier_file)
    if tier.exists():
        set_aside(folder, tier)
    changed = line.changed(tier_fate="damaged")
    if line.fate == "kept":
        with suppress(DamagedRecordError):  # the segment's own check, which follows, reports it
            # The rest of the line is made of the segment again and is what it was; its history goes on with the next
            # revision.
            changed = rebuild_line(folder, line.file)._replace(revision=changed.revision)
    with transaction(store.connection):
        write_line(store.connection, changed)
    return changed


def rebuild_line(folder: RunFolder, file: str) -> ManifestLine:
    """Verify a segment and write its tier; returns its line for the manifest.

    Raises:
        DamagedError: if the segment is not what was written.
        OSError: if the disk does not take the file.
    """
    parts: list[Bins] = []
    path = folder.segment(file)
    contents = verify_segment(path, lambda rows: parts.append(seconds_of(rows)))
    return tier_line(folder, file, path, contents, parts)


def _reclaim(folder: RunFolder, store: HotStore, line: ManifestLine) -> None:
    """Put what is whole in a damaged segment back into the hot store, to be sealed again; the rest is a hole."""
    path = folder.segment(line.file)
    # Read before anything is changed.
    groups = list(intact_groups(path)) if path.exists() else []
    with transaction(store.connection):
        if groups:
            # With a line that still said kept the rows would count as sealed, and be cleared away as such.
            remove_line(store.connection, line)
        else:
            # Nothing of it is whole: the line stays, so that the holes are known to have been sealed once.
            write_line(store.connection, line.changed(fate="damaged"))
    if groups:
        store.write(Batch(schemas=[about(path)[2]]))
    # Group by group, each in a transaction: what is whole is back even if the disk fills up on the way.
    for rows in groups:
        store.write(Batch(rows=rows))
    if path.exists():
        set_aside(folder, path)


def _adopt(folder: RunFolder, store: HotStore) -> list[Finding]:
    """Take in segments that the manifest does not know: its line was lost, or a sealer died before it wrote it."""
    findings = []
    # Only kept ones: a damaged line's file was set aside, and one of that name that is there again is another file.
    known = {line.file for line in read_manifest(store.connection) if line.fate == "kept"}
    for path in folder.segments():
        if path.name in known:
            continue
        try:
            # Read and compared row by row: only then may it stand for its ticks.
            line = rebuild_line(folder, path.name)
        except DamagedRecordError as error:
            findings.append(Finding(f"segments/{path.name}", f"{error}; what is whole in it was kept"))
            for rows in intact_groups(path):
                store.write(Batch(rows=rows, schemas=[about(path)[2]]))
            set_aside(folder, path)
            continue
        with transaction(store.connection):
            store.number(line.module)
            write_line(store.connection, line)
        store.write(Batch(schemas=[about(path)[2]]))
    return findings


def _clear_sealed(store: HotStore) -> None:
    """Delete hot rows that are sealed: a sealer died between the two."""
    for number, name in module_names(store.connection).items():
        for first, last in hot_ranges(store.connection, number):
            for line in read_manifest(store.connection):
                # A damaged line deletes nothing: of its rows those in the hot store are all that is left.
                if line.module == name and line.fate != "damaged" and line.first <= last and first <= line.last:
                    store.remove(name, max(first, line.first), min(last, line.last))
