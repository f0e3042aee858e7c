"""Snapshots, tick logs and kept parameters that a stranger made: refused as damaged, whatever stands in them."""

import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.ordered.tick_log import MOST, RunHeader, TickLogError, read
from bus.ordered.tick_span import MOST_DT_US
from nodes.physics.replica.initial_parameters import unpacked
from nodes.physics.replica.saved import DamagedSnapshotError, Saved

SAVED = Saved("m1", "0001-001", 5, 50_000, 10_000, "reference", 1, 2, None, b"plant", 3)
HEADER = RunHeader("0001-001", 1, 1, "reference", {}, "stopped", 1000, False, "hold")
EXTREMES: list[Any] = [-1, 1 << 62, 1e300, "x" * 300, None, [], {}]


@pytest.mark.parametrize("field", [field for field in SAVED.__struct_fields__ if field not in {"plc", "plant"}])
def test_s15_every_field_of_a_snapshot_has_bounds(field: str) -> None:
    assert Saved.unpack(SAVED.pack()) == SAVED
    for value in EXTREMES:
        if value == [] and isinstance(getattr(SAVED, field), tuple):
            continue  # what is a list may be empty
        with pytest.raises(DamagedSnapshotError):
            Saved.unpack(msgspec.structs.replace(SAVED, **{field: value}).pack())


def tick_log(path: Path, header: dict[str, Any], *spans: tuple[int, int, int]) -> Path:
    """A tick log with right checksums."""
    body = msgspec.msgpack.encode(header)
    data = struct.pack("<8sII", b"KPPTICK1", len(body), zlib.crc32(body)) + body
    data += bytes(-len(data) % 32)
    for first, count, dt_us in spans:
        record = struct.pack("<QQIBBHI", first, count, dt_us, 1, 0, 0, 1000)
        data += record + struct.pack("<I", zlib.crc32(record))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("field", ["run", "epoch", "number", "scenario", "mode", "speed_milli", "flat_out", "policy"])
def test_s15_every_field_of_a_tick_logs_opening_has_bounds(tmp_path: Path, field: str) -> None:
    whole = msgspec.to_builtins(HEADER)
    assert read(tick_log(tmp_path / "a.ticks", whole)).header == HEADER
    for value in EXTREMES:
        with pytest.raises(TickLogError, match="damaged header"):
            read(tick_log(tmp_path / "a.ticks", whole | {field: value}))
    with pytest.raises(TickLogError, match="damaged header"):
        read(tick_log(tmp_path / "a.ticks", whole | {"run": "../x"}))


@pytest.mark.parametrize("span", [(1, 0, 0), (1, MOST, 0), (1, (1 << 64) - 1, 0), (1, 1, MOST_DT_US + 1)])
def test_s15_a_span_beyond_its_bounds_ends_a_tick_log(tmp_path: Path, span: tuple[int, int, int]) -> None:
    whole = msgspec.to_builtins(HEADER)
    good = (1, 10, 10_000)
    found = read(tick_log(tmp_path / "a.ticks", whole, good, (11, *span[1:])))
    assert ([each.span.first for each in found.records], found.damaged) == ([1], True)


@pytest.mark.parametrize(
    "data", [b"", b"[" * 100_000, b"{}", b'{"parameters": 1, "series": 1}', b'{"parameters": {"x": 1}, "series": {}}',
             b'{"parameters": {"water_depth": 1e999}, "series": {}}', bytes(5 << 20)],
)  # fmt: skip
def test_s15_kept_parameters_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        unpacked(data)
