"""What a stranger hands over is bounded: it is refused in one line, at once, and nothing of it fills memory or disk."""

import json
import sqlite3
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from bus.ordered.tick_span import TickSpan
from recording.bundle import INDEX, pack_bundle
from recording.database import StoreError, open_reader
from recording.files import checksum
from recording.folder import RunFolder
from recording.hot import HotStore, read_schemas
from recording.manifest import ManifestLine, read_manifest, unpack_line
from recording.notes import read_notes
from recording.record import DamagedRecordError, envelope, pack_json, unpack_row
from recording.seal import Sealer
from recording.ticks import pack_span, read_ticks, unpack_span
from recording.unbundle import LARGEST_ADDED, LARGEST_INDEX, BundleError, opened_bundle
from tests.recording.conftest import record

Open = Callable[[], HotStore]


@pytest.fixture
def bundle(open_store: Open, folder: RunFolder, tmp_path: Path) -> Path:
    """A whole bundle."""
    with closing(Sealer(folder)) as sealer:
        record(open_store(), 1, 200)
        sealer.seal("m1", 1, 100)
    path = tmp_path / "run.kpp"
    with path.open("wb") as file:
        pack_bundle(folder, file, {"kernel": "abc"}, {"journal.json": b"[]"}, None)
    return path


@contextmanager
def little_memory() -> Iterator[None]:
    """Let a block take 100 MB at most."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def refused(path: Path) -> str:
    """Why a bundle is refused."""
    with little_memory(), pytest.raises((BundleError, OSError)) as caught, opened_bundle(path):
        pass
    assert len(str(caught.value)) < 1000
    return str(caught.value)


def rewritten(
    path: Path, files: dict[str, bytes] | None = None, index: bytes | None = None, packed: int = zipfile.ZIP_STORED
) -> Path:
    """A copy of a bundle with other contents; checksums in the index are right."""
    other = path.with_name("other.kpp")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w", packed) as target:
        about = json.loads(source.read(INDEX))
        contents = {name: source.read(name) for name in about["files"]} | (files or {})
        for name, data in contents.items():
            target.writestr(name, data)
            (path.parent / "sum").write_bytes(data)
            about["files"][name] = checksum(path.parent / "sum")
        target.writestr(INDEX, json.dumps(about) if index is None else index)
    return other


def test_s15_a_bundle_that_unpacks_to_more_than_it_is_is_refused(bundle: Path) -> None:
    assert "is compressed" in refused(rewritten(bundle, packed=zipfile.ZIP_DEFLATED))
    assert "is compressed" in refused(rewritten(bundle, packed=zipfile.ZIP_DEFLATED, index=bytes(400 << 20)))


def test_s15_an_index_beyond_its_bounds_is_refused(bundle: Path) -> None:
    assert f"at most {LARGEST_INDEX} are read" in refused(rewritten(bundle, index=b" " * (LARGEST_INDEX + 1)))
    assert "is no whole bundle" in refused(rewritten(bundle, index=b"[" * 1_000_000))
    for change, said in (
        ({"format": 2}, "has format 2; this version reads 1"),
        ({"run": "r" * 65}, "matching regex"),
        ({"run": "../x"}, "matching regex"),
        ({"versions": {"kernel": 1}}, "Expected `str`"),
        ({"digests": {"m1": {"ticks": [], "last": "x", "sha256": "y"}}}, "matching regex"),
        ({"files": {"x": "0"}}, "matching regex"),
    ):
        with zipfile.ZipFile(bundle) as archive:
            about = json.loads(archive.read(INDEX)) | change
        assert said in refused(rewritten(bundle, index=json.dumps(about).encode()))


def test_s15_a_file_beside_the_recording_is_bounded(bundle: Path) -> None:
    large = {"journal.json": bytes(LARGEST_ADDED + 1)}
    assert f"at most {LARGEST_ADDED} are read" in refused(rewritten(bundle, large))


def test_s15_files_that_share_their_bytes_are_refused(bundle: Path) -> None:
    other = bundle.with_name("other.kpp")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a", bytes(1 << 20))
        whole = archive.getinfo("a")
        for place in range(100):
            shared = copy(whole)
            shared.filename = f"b{place}"
            archive.filelist.append(shared)
            archive.NameToInfo[shared.filename] = shared
        about: dict[str, Any] = {"format": 1, "run": "r", "versions": {}, "digests": {}}
        archive.writestr(INDEX, json.dumps(about | {"files": {f"b{place}": "0" * 64 for place in range(100)}}))
    assert "announces 104857600 bytes" in refused(other)


@pytest.mark.parametrize("size", [LARGEST_INDEX + 1, 0xFFFFFFFE])
def test_s15_a_large_directory_is_not_read(bundle: Path, size: int) -> None:
    data = bytearray(bundle.read_bytes())
    data[-10:-6] = struct.pack("<L", size)
    bundle.write_bytes(data)
    assert f"a ZIP directory of {size} bytes" in refused(bundle)
    large = struct.Struct("<4sQ2H2L4Q").pack(b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, 0)
    place = struct.Struct("<4sLQL").pack(b"PK\x06\x07", 0, 0, 1)
    data[-10:-6] = b"\xff" * 4
    bundle.write_bytes(data[:-22] + large + place + data[-22:])
    assert f"a ZIP directory of {size} bytes" in refused(bundle)


def test_s15_a_store_with_more_than_tables_of_ours_is_refused(bundle: Path, tmp_path: Path) -> None:
    name = "recording/0001-001/hot.sqlite"
    with zipfile.ZipFile(bundle) as archive:
        whole = archive.read(name)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS key, x AS record FROM n"
    for sql, said in (
        (f"ALTER TABLE rows RENAME TO r; CREATE VIEW rows AS {endless}", "holds the"),
        (
            "DROP TABLE rows; CREATE TABLE rows (key INTEGER PRIMARY KEY, record AS (zeroblob(1 << 31)))",
            "other columns",
        ),
        ("UPDATE modules SET name = '../../x'", "names a module '../../x'"),
        ("CREATE TRIGGER t AFTER INSERT ON rows BEGIN DELETE FROM rows; END", "holds the trigger 't'"),
    ):
        path = tmp_path / "forged.sqlite"
        path.write_bytes(whole)
        with closing(sqlite3.connect(path)) as forged:
            forged.executescript(sql)
        assert said in refused(rewritten(bundle, {name: path.read_bytes()}))
    damaged = bytearray(whole)
    damaged[len(whole) // 2 : len(whole) // 2 + 4096] = bytes(4096)
    for data in (b"no database", whole[: len(whole) // 2], bytes(damaged)):
        assert "is no whole bundle" in refused(rewritten(bundle, {name: data}))


SPAN: dict[str, Any] = {
    "first": 1,
    "length": 5,
    "t_us": 0,
    "dt_us": 10_000,
    "mode": "running",
    "commands": [],
    "speed_milli": 1000,
    "flat_out": False,
}
LINE: dict[str, Any] = ManifestLine(
    "m1", 1, 5, 0, 4, 7, "m1-1.parquet", 9, "0" * 64, "kept", "m1-1.parquet", 9, "0" * 64, "kept"
)._asdict()
EXTREMES: list[Any] = [-1, 1 << 63, 10**400, 1e300, True, None, "x" * 300, "../../x", "/x", [], {}, [[]], b"x".hex()]


@pytest.mark.parametrize("value", EXTREMES, ids=lambda value: repr(value)[:12])
def test_s15_every_field_of_a_record_has_bounds(value: Any) -> None:
    for mark, unpack, whole in ((b"T", unpack_span, SPAN), (b"M", unpack_line, LINE)):
        for field, good in whole.items():
            record = pack_json(mark, whole | {field: value})
            if type(value) is type(good) and field in {"flat_out", "commands", "tier_sha256"}:
                continue  # any will do
            if isinstance(value, str) and len(value) < 65 and field in {"module", "mode"}:
                continue
            if value == "78" and field in {"file", "tier_file"}:
                continue  # a name that a file may have
            with pytest.raises(DamagedRecordError):
                unpack(record)
    assert unpack_span(pack_json(b"T", SPAN)) == TickSpan(1, 5, 0, 10_000, "running", ())
    assert pack_span(TickSpan(1, 5, 0, 10_000, "running", ())) == pack_json(b"T", SPAN)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b'{"first":1}', b'{"x":1}', b"\xff", b"[1]", b'"x"', b"null", b"1e999"]
)
def test_s15_no_record_raises_anything_else(open_store: Open, folder: RunFolder, body: bytes) -> None:
    store = open_store()
    record(store, 1, 10)
    for table, kind in (("ticks", b"T"), ("segments", b"M"), ("schemas", b"C"), ("notes", b"N"), ("rows", b"R")):
        place = {"ticks": "first", "notes": "position"}.get(table, "key")
        for value in (envelope(kind, body), body, "text", 7):
            store.connection.execute(f"DELETE FROM {table}")  # noqa: S608 - own words
            columns, more = (", module, seq, kind, identity", ", 1, 1, 'event', 'x'") if table == "notes" else ("", "")
            insert = f"INSERT INTO {table} ({place}, record{columns}) VALUES (1, ?{more})"  # noqa: S608 - own words
            store.connection.execute(insert, (value,))
            with closing(open_reader(folder.hot)) as hot:
                assert list(read_ticks(hot)) == [] or table != "ticks"
                assert read_manifest(hot) == []
                read_schemas(hot)
                list(read_notes(hot, 0, 1))
    with pytest.raises(DamagedRecordError):
        unpack_row(envelope(b"R", body))


def test_s15_a_value_that_is_too_long_is_not_read(open_store: Open, folder: RunFolder) -> None:
    store = open_store()
    record(store, 1, 10)
    store.connection.execute("INSERT INTO ticks VALUES (99, zeroblob(100000000))")
    with closing(open_reader(folder.hot)) as hot, pytest.raises((sqlite3.Error, StoreError), match="too big"):
        list(read_ticks(hot))
