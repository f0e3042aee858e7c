"""Sealing: rows move from the hot store into a segment, which is read back and compared before they leave."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from recording.channels import Schema
from recording.columns import matrix_of
from recording.database import module_number, transaction
from recording.files import checksum, whole_file
from recording.folder import RunFolder, segment_name
from recording.hot import Damaged, HotStore, read_rows, read_schemas
from recording.manifest import ManifestLine, read_manifest, write_line
from recording.record import DamagedRecordError, Row
from recording.segment import Contents, verify_segment, write_segment
from recording.tier import PERIOD_US, Bins, bins_of, merge_tiers, write_tier

SEGMENT_ROWS = 60_000
"""Most rows of a segment: a minute at the highest tick rate."""


MERGED = 15
"""Number of segments whose tiers are joined into one file."""


class Sealer:
    """Seals rows of one run, on a connection of its own."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._store = HotStore(folder.hot)
        self.damaged: list[str] = []
        """Rows of the hot store that were not what was written; they leave a hole that can be repaired."""

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection to the hot store."""
        return self._store.connection

    def seal(self, module: str, first: int, last: int) -> list[ManifestLine]:
        """Seal the rows of a module with first <= seq <= last; returns the new lines of the manifest.

        Raises:
            OSError: if the disk does not take it; then the rows stay where they are.
        """
        schemas = read_schemas(self._store.connection)
        lines: list[ManifestLine] = []
        for key, rows in self._stretches(module, first, last):
            # Rows whose table is lost stay hot: sealed they could not even be salvaged.
            schema = schemas.get(key)
            if schema is None:
                lost = [row.seq for row in rows]
                self.damaged.append(f"{module}, rows {lost[0]} to {lost[-1]}: their channel table {key} is lost")
                continue
            line = seal_rows(self._folder, schema, rows)
            with transaction(self._store.connection):
                self._store.number(module)
                # The line first, the rows afterwards. Killed in between, rows are hot and sealed at once, which every
                # reader takes for sealed; the other way round they would be nowhere.
                write_line(self._store.connection, line)
            self._store.remove(module, line.first, line.last)
            lines.append(line)
        return lines

    def merge(self, module: str) -> int:
        """Join the tiers of MERGED segments in a row into one file, so that a query opens few; returns how many files.

        Raises:
            OSError: if the disk does not take it; then the tiers stay as they are.
        """
        connection = self._store.connection
        lines = [line for line in read_manifest(connection) if line.module == module]
        # One that was merged carries the name of the merged file: it is recognised by that.
        single = [line for line in lines if line.tier_fate == "kept" and line.tier_file == line.file]
        merged = 0
        # Always the oldest that are still single, so that no segment is merged twice and all files have the same number
        # of them.
        while len(single) >= MERGED:
            group, single = single[:MERGED], single[MERGED:]
            name = f"merged-{segment_name(module, group[0].first)}"
            path = self._folder.tier(name)
            try:
                with whole_file(path) as temporary:
                    # The merged file is whole on disk before a line names it, and the single ones go last. A kill in
                    # between leaves files that nothing names, never a name without its file.
                    merge_tiers([self._folder.tier(line.tier_file) for line in group], temporary)
            except DamagedRecordError as error:
                self.damaged.append(str(error))  # the next scrub computes it again
                continue
            size, digest = path.stat().st_size, checksum(path)
            with transaction(connection):
                for line in group:
                    changed = line.changed()._replace(tier_file=name, tier_bytes=size, tier_sha256=digest)
                    write_line(connection, changed)
            for line in group:
                # A reader may be about to open it: it then fails and looks the manifest up again, see `History.query`.
                self._folder.tier(line.file).unlink(missing_ok=True)
            merged += 1
        return merged

    def _stretches(self, module: str, first: int, last: int) -> Iterator[tuple[int, Iterator[Row]]]:
        """Undamaged rows without a hole and of one channel table, at most SEGMENT_ROWS of them."""
        number = module_number(self._store.connection, module)
        if number is None:
            return
        # Read lazily: rows of a minute go from the database into the file without being gathered.
        found = read_rows(self._store.connection, number, module, first, last)
        for (key, _hole, _part), members in groupby(enumerate(self._whole(found)), key=_stretch):
            yield key, (row for _place, row in members)

    def _whole(self, found: Iterable[Row | Damaged]) -> Iterator[Row]:
        for row in found:
            if isinstance(row, Damaged):
                self.damaged.append(row.reason)
            else:
                yield row

    def close(self) -> None:
        """Close the connection."""
        self._store.close()


def _stretch(item: tuple[int, Row]) -> tuple[int, int, int]:
    place, row = item
    # Place and number grow together as long as there is no hole, so their difference tells one stretch from the next.
    return row.schema, row.seq - place, place // SEGMENT_ROWS


def seal_rows(folder: RunFolder, schema: Schema, rows: Iterator[Row]) -> ManifestLine:
    """Write rows in a row as a segment with its tier, and return their line for the manifest.

    Raises:
        OSError: if the disk does not take it, or does not give back what it took.
    """
    # The first row names the file; it is put back in front of the rest for the writer.
    head = next(rows)
    name = segment_name(head.module, head.seq)
    path = folder.segment(name)
    parts: list[Bins] = []
    with whole_file(path) as temporary:
        written = write_segment(temporary, folder.run, schema, _with_first(head, rows))
        # Read back through the file and compared before its name exists: from here on the hot rows are going to be
        # deleted.
        _require_equal(temporary, written, parts)
        return tier_line(folder, name, temporary, written, parts)


def tier_line(folder: RunFolder, file: str, path: Path, contents: Contents, parts: list[Bins]) -> ManifestLine:
    """Write the tier of a segment; returns the manifest's line of both.

    Args:
        folder: the run.
        file: name that the segment has or will have.
        path: where it is now.
        contents: what it holds.
        parts: statistics of its rows over whole seconds.

    Raises:
        OSError: if the disk does not take it.
    """
    tier = folder.tier(file)
    line = ManifestLine(
        module=contents.module,
        first=contents.first,
        last=contents.last,
        t_first_us=contents.t_first_us,
        t_last_us=contents.t_last_us,
        schema=contents.schema.key,
        file=file,
        bytes=path.stat().st_size,
        sha256=checksum(path),
        fate="kept",
        tier_file=file,
        # The tier carries the segment's number, which is made of its checksum. So the line is made first and its
        # figures are filled in.
        tier_bytes=0,
        tier_sha256="",
        tier_fate="kept",
    )
    # After the segment and before its line: a line must not name what is not there.
    with whole_file(tier) as temporary:
        write_tier(temporary, contents.schema, line.segment, parts)
    return line._replace(tier_bytes=tier.stat().st_size, tier_sha256=checksum(tier))


def _with_first(head: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield head
    yield from rest


def _require_equal(path: Path, written: Contents, parts: list[Bins]) -> None:
    """Read the file back; what was read makes the tier."""
    try:
        found = verify_segment(path, lambda rows: parts.append(seconds_of(rows)))
    except DamagedRecordError as error:
        raise OSError(f"the disk did not give back what was written: {error}") from error
    if found != written:
        raise OSError(f"the disk did not give back what was written: {path.name}")


def seconds_of(rows: list[Row]) -> Bins:
    """Statistics of rows over whole seconds."""
    return bins_of(np.array([row.t_us for row in rows], dtype=np.int64), matrix_of(rows), PERIOD_US)
