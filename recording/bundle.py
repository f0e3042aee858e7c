"""A run bundle: one file with the recording of a run, what it was computed from, and the versions that computed it.

A ZIP file without compression (segments are packed already): the folder of the recording with every row sealed,
`bundle.json` that names versions, digests and the SHA-256 of every other file, and the files that the caller adds.
"""

import hashlib
import json
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from recording.database import module_names, open_reader
from recording.files import checksum
from recording.folder import RunFolder, make_folder
from recording.hot import hot_ranges
from recording.manifest import read_manifest
from recording.mend import covered
from recording.record import Row
from recording.rows import run_rows
from recording.seal import Sealer

INDEX = "bundle.json"
RECORDING = "recording"
FORMAT = 1


class BundleError(ValueError):
    """A file that is no whole bundle; the text says what is wrong."""


class Bundle(NamedTuple):
    """An opened bundle."""

    about: dict[str, Any]
    """What `bundle.json` says."""
    folder: RunFolder
    """The recording."""
    path: Path
    """Where the files are that the maker of the bundle added."""


def pack_bundle(
    folder: RunFolder, output: IO[bytes], versions: Mapping[str, str], files: Mapping[str, bytes], scratch: Path | None
) -> dict[str, Any]:
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
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".bundle-") as place:
        root = Path(place)
        copy = _sealed_copy(folder, root / RECORDING)
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        names = sorted(each.relative_to(root).as_posix() for each in root.rglob("*") if each.is_file())
        about = {
            "format": FORMAT,
            "run": folder.run,
            "versions": dict(versions),
            "digests": digests(copy),
            "files": {name: checksum(root / name) for name in names},
        }
        with zipfile.ZipFile(output, "w") as archive:
            archive.writestr(INDEX, json.dumps(about, indent=1))
            for name in names:
                archive.write(root / name, name)
    return about


def _sealed_copy(folder: RunFolder, root: Path) -> RunFolder:
    """A copy of a recording as it is now, with every row in a segment."""
    copy = make_folder(root, folder.run)
    with closing(open_reader(folder.hot)) as hot, closing(sqlite3.connect(copy.hot)) as target:
        hot.backup(target)
    with closing(open_reader(copy.hot)) as hot:
        lines = [line for line in read_manifest(hot) if line.fate == "kept"]
        tiers = {line.tier_file for line in read_manifest(hot) if line.tier_fate == "kept"}
    for source, target_path in [
        *((folder.segment(line.file), copy.segment(line.file)) for line in lines),
        *((folder.tier(name), copy.tier(name)) for name in tiers),
    ]:
        target_path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target_path)
    with closing(Sealer(copy)) as sealer:
        for number, name in module_names(sealer.connection).items():
            for first, last in hot_ranges(sealer.connection, number):
                sealer.seal(name, first, last)
        sealer.connection.execute("PRAGMA journal_mode=DELETE")
    return copy


def digests(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """What a run came to: for each module its ticks, its newest digest, and one hash over the digests of all ticks."""
    found: dict[str, dict[str, Any]] = {}
    with closing(open_reader(folder.hot)) as hot:
        modules = list(module_names(hot).values())
        ranges = {name: covered(hot, name) for name in modules}
    for name in modules:
        total, last = hashlib.sha256(), None
        for row in run_rows(folder, name):
            if isinstance(row, Row):
                total.update(row.seq.to_bytes(8, "little") + row.digest.to_bytes(8, "little"))
                last = row
        if last is not None:
            newest = f"{last.digest:016x}"
            found[name] = {"ticks": ranges[name], "last": newest, "sha256": total.hexdigest()}
    return found


@contextmanager
def opened_bundle(path: Path) -> Iterator[Bundle]:
    """Unpack a bundle for as long as the block lasts, every file compared with its checksum.

    Raises:
        BundleError: if it is none, or not whole.
        OSError: if it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="kpp-bundle-") as place:
        root = Path(place)
        try:
            with zipfile.ZipFile(path) as archive:
                about = json.loads(archive.read(INDEX))
                for name in about["files"]:
                    _extract(archive, name, root)
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError, NotImplementedError, EOFError) as error:
            raise BundleError(f"{path} is no whole bundle: {error}") from error
        if about.get("format") != FORMAT:
            raise BundleError(f"{path} has format {about.get('format')!r}; this version reads {FORMAT}")
        for name, digest in about["files"].items():
            if checksum(root / name) != digest:
                raise BundleError(f"{path} is damaged: {name} does not match its SHA-256")
        yield Bundle(about, make_folder(root / RECORDING, about["run"]), root)


def _extract(archive: zipfile.ZipFile, name: str, root: Path) -> None:
    target = (root / name).resolve()
    if not target.is_relative_to(root.resolve()):
        raise ValueError(f"{name!r} leads out of the bundle")
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
