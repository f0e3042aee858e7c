"""A run bundle: one file with the recording of a run, what it was computed from, and the versions that computed it.

A ZIP file without compression (segments are packed already): the folder of the recording with every row sealed,
`bundle.json` that names versions, digests and the SHA-256 of every other file, and the files that the caller adds.
"""

import hashlib
import shutil
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Annotated

import msgspec
from msgspec import Meta, Struct

from recording.database import module_names, open_reader
from recording.files import checksum
from recording.folder import RunFolder, make_folder
from recording.hot import hot_ranges
from recording.manifest import read_manifest
from recording.record import Row
from recording.rows import run_rows
from recording.seal import Sealer
from system.parts import new_folder

INDEX = "bundle.json"
RECORDING = "recording"
FORMAT = 1


_SHA256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Digest(Struct, frozen=True):
    """Digests of the recorded states of a module."""

    ticks: list[tuple[int, int]]
    last: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
    """Digest of the newest tick."""
    sha256: _SHA256
    """Over numbers and digests of all ticks."""


class Index(Struct, frozen=True):
    """The content of `bundle.json`."""

    format: int
    run: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:\-]{1,64}\Z")]
    versions: dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=200)]]
    digests: dict[Annotated[str, Meta(max_length=64)], Digest]
    files: dict[Annotated[str, Meta(max_length=300)], _SHA256]


def pack_bundle(
    folder: RunFolder, output: IO[bytes], versions: Mapping[str, str], files: Mapping[str, bytes], scratch: Path | None
) -> Index:
    """Write a bundle of all that is recorded of a run; returns what its index says.

    Args:
        folder: the recording; it may still be written to.
        output: where to; it need not be seekable.
        versions: what computed the run, by name.
        files: further files, by name.
        scratch: folder for a copy of the recording, None for that of the system.

    Raises:
        OSError: if the disk does not take it.
        StoreError: if the recording cannot be read.
    """
    with new_folder(scratch) as root:
        # A copy: sealing the rest would change the recording, to which another process may be writing.
        copy = _sealed_copy(folder, root / RECORDING)
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            # Before the sums: everything that the index names is in the folder by then, and hashed from there.
            (root / name).write_bytes(data)
        # Sorted, so that the same recording makes the same index everywhere.
        names = sorted(each.relative_to(root).as_posix() for each in root.rglob("*") if each.is_file())
        sums = {name: checksum(root / name) for name in names}
        about = Index(FORMAT, folder.run, dict(versions), digests(copy), sums)
        with zipfile.ZipFile(output, "w") as archive:
            # First in the file, so that it can be read without the rest.
            archive.writestr(INDEX, msgspec.json.format(msgspec.json.encode(about), indent=1))
            for name in names:
                archive.write(root / name, name)
    return about


def _sealed_copy(folder: RunFolder, root: Path) -> RunFolder:
    """A copy of a recording as it is now, with every row in a segment."""
    copy = make_folder(root, folder.run)
    with closing(open_reader(folder.hot)) as hot, closing(sqlite3.connect(copy.hot)) as target:
        # SQLite's own copy: consistent beside a recorder that writes, which a copy of the files would not be.
        hot.backup(target)
    with closing(open_reader(copy.hot)) as hot:
        lines = [line for line in read_manifest(hot) if line.fate == "kept"]
        tiers = {line.tier_file for line in read_manifest(hot) if line.tier_fate == "kept"}
    # Segments after the hot store. Sealed meanwhile, a row is hot in the copy and sealed again there; the other way
    # round it could be in neither.
    for source, target_path in [
        *((folder.segment(line.file), copy.segment(line.file)) for line in lines),
        *((folder.tier(name), copy.tier(name)) for name in tiers),
    ]:
        target_path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target_path)
    with closing(Sealer(copy)) as sealer:
        for number, name in module_names(sealer.connection).items():
            # Range by range: a hole must not be inside a segment.
            for first, last in hot_ranges(sealer.connection, number):
                sealer.seal(name, first, last)
        # A bundle is read where nothing can be written: with a log beside it the database would need a file to be made.
        sealer.connection.execute("PRAGMA journal_mode=DELETE")
    return copy


class Total:
    """Digest of many ticks, added one by one."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._ranges: list[tuple[int, int]] = []
        self._last = 0

    def add(self, seq: int, digest: int) -> None:
        """Add a tick that is later than those before."""
        self._hash.update(seq.to_bytes(8, "little") + digest.to_bytes(8, "little"))
        # Ranges and not only their ends: a hole in the recording is a part of what the digest is of.
        first = self._ranges.pop()[0] if self._ranges and self._ranges[-1][1] + 1 == seq else seq
        self._ranges.append((first, seq))
        self._last = digest

    def digest(self) -> Digest:
        """The digest so far."""
        return Digest(list(self._ranges), f"{self._last:016x}", self._hash.hexdigest())


def digests(folder: RunFolder) -> dict[str, Digest]:
    """The digests of a run, by module."""
    with closing(open_reader(folder.hot)) as hot:
        modules = list(module_names(hot).values())
    found: dict[str, Digest] = {}
    for name in modules:
        total = Total()
        for row in run_rows(folder, name):
            if isinstance(row, Row):
                total.add(row.seq, row.digest)
        if total.digest().ticks:
            found[name] = total.digest()
    return found
