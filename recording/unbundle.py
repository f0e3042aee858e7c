"""Opening a run bundle, which may come from anybody: everything is checked and bounded before it is used."""

import re
import shutil
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from recording.bundle import FORMAT, INDEX, RECORDING, Index
from recording.database import StoreError, require_own
from recording.files import checksum
from recording.folder import RunFolder, make_folder
from system.parts import new_folder

LARGEST_INDEX = 16 << 20
"""Largest index, and largest directory of the ZIP file, in bytes: enough for a hundred thousand segments."""

LARGEST_ADDED = 16 << 20
"""Largest file in bytes that the maker of a bundle has added."""


_PART = r"[A-Za-z0-9_%@:\-][A-Za-z0-9_.%@:\-]*"
_NAME = re.compile(f"{_PART}(/{_PART})*")
"""A path below the bundle's folder: no part begins with a dot."""


class BundleError(ValueError):
    """A file that is not a whole bundle; the text says what is wrong."""


class Bundle(NamedTuple):
    """An opened bundle."""

    about: Index
    folder: RunFolder
    """The recording."""
    path: Path
    """Where the files are that the maker of the bundle added."""


@contextmanager
def opened_bundle(path: Path) -> Iterator[Bundle]:
    """Unpack a bundle for as long as the block lasts, every file compared with its checksum.

    It may come from anybody. What it unpacks to is no larger than itself, for nothing in it is compressed.

    Raises:
        BundleError: if it is none, not whole, or beyond its bounds.
        OSError: if it cannot be read, or there is no room for its files.
    """
    # Gone with the block, and with the next start if the process is killed: a bundle may unpack to gigabytes.
    with new_folder(None) as root:
        try:
            # In this order: each step is safe only by the one before. `zipfile` reads the directory at once, the index
            # names the files, the sizes are known before anything is written.
            _require_small_directory(path)
            with zipfile.ZipFile(path) as archive:
                about = _index(archive, path)
                _require_room(archive, about, path, root)
                for name, digest in about.files.items():
                    if _extract(archive, name, root) != digest:
                        raise BundleError(f"{path} is damaged: {name} does not match its SHA-256")
        # What a forged ZIP makes these modules raise: a RuntimeError is an entry that is encrypted, a KeyError one that
        # is not there.
        except (zipfile.BadZipFile, KeyError, ValueError, RuntimeError, EOFError, struct.error) as error:
            if isinstance(error, BundleError):
                raise
            raise BundleError(f"{path} is no whole bundle: {error}") from error
        # By the run id of the index, which its pattern keeps inside the folder.
        folder = make_folder(root / RECORDING, about.run)
        try:
            # After the checksums and before anything is queried: the database is a stranger's, and a view in a table's
            # place would run as our own.
            require_own(folder.hot)
        except StoreError as error:
            raise BundleError(f"{path} is no whole bundle: {error}") from error
        yield Bundle(about, folder, root)


def _index(archive: zipfile.ZipFile, path: Path) -> Index:
    data = _read(archive, INDEX, LARGEST_INDEX)
    try:
        # The format alone and first: an index of a later format need not have any of the other fields.
        found = msgspec.json.decode(data, type=_Format).format
        if found != FORMAT:
            raise BundleError(f"{path} has format {found}; this version reads {FORMAT}")
        index = msgspec.json.decode(data, type=Index)
    except RecursionError as error:
        raise BundleError(f"{path} is no whole bundle: its index is nested too deeply") from error
    # Also names that no entry has: they are paths, and the files are written by them.
    for name in index.files:
        if _NAME.fullmatch(name) is None:
            raise BundleError(f"{name[:80]!r} leads out of the bundle, or is not the name of a file")
    return index


class _Format(Struct):
    format: int


def _read(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    size = _plain(archive, name).file_size
    if size > largest:
        raise BundleError(f"{name} has {size} bytes: at most {largest} are read")
    return archive.read(name)


def _plain(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """An entry that takes as much room as it has in the file."""
    found = archive.getinfo(name)
    # A few kilobytes can unpack to terabytes. Nothing in a bundle is compressed, so nothing has to be unpacked.
    if found.compress_type != zipfile.ZIP_STORED or found.compress_size != found.file_size:
        raise BundleError(f"{name[:80]} is compressed: a bundle's files are not")
    return found


def _require_room(archive: zipfile.ZipFile, about: Index, path: Path, root: Path) -> None:
    sizes = {name: _plain(archive, name).file_size for name in about.files}
    for name, size in sizes.items():
        # The recording may be as large as it is; what was added is read into memory.
        if not name.startswith(f"{RECORDING}/") and size > LARGEST_ADDED:
            raise BundleError(f"{name} has {size} bytes: at most {LARGEST_ADDED} are read")
    # Before the first file is written: a disk that fills up half way would be the plant's disk.
    total, whole = sum(sizes.values()), path.stat().st_size
    # Entries may overlap in a forged file; together they cannot have more bytes than there are.
    if total > whole:
        raise BundleError(f"{path} announces {total} bytes of files and has {whole} itself")
    if total > (free := shutil.disk_usage(root).free):
        raise OSError(f"{path} takes {total} bytes and {root.parent} has {free} free: make room, or set TMPDIR")


def _extract(archive: zipfile.ZipFile, name: str, root: Path) -> str:
    """Write a file; its SHA-256."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    # Exclusive: two entries of one name would otherwise be checked as one and used as the other.
    with archive.open(name) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
    return checksum(target)


_END = struct.Struct("<4s4H2LH")
_END64_PLACE = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")


def _require_small_directory(path: Path) -> None:
    """Refuse a ZIP file whose directory would fill the memory, for `zipfile` reads all of it."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END.size - _END64_PLACE.size - _END64.size))
        # Only the end of the file, where a ZIP says how large its directory is.
        tail = file.read()
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
        raise BundleError(f"{path} is no whole bundle: it does not end with a ZIP directory")
    size = _END.unpack(tail[-_END.size :])[5]
    if tail[-_END.size - _END64_PLACE.size :][:4] == b"PK\x06\x07":
        size = _END64.unpack_from(tail)[8]
    if size > LARGEST_INDEX:
        raise BundleError(f"{path} has a ZIP directory of {size} bytes: at most {LARGEST_INDEX} are read")
