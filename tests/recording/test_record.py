"""Records: what was written comes back; what was not is refused, whichever bit differs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recording.channels import ChannelError, Schema, Shape
from recording.record import (
    DamagedRecordError,
    Row,
    opened,
    pack_json,
    pack_row,
    salvage,
    unpack_json,
    unpack_row,
    whole,
)
from tests.recording.conftest import SCHEMA, make_row

names = st.text("abcxyz_0123456789", min_size=1, max_size=32)
rows = st.builds(
    Row,
    module=names,
    seq=st.integers(0, (1 << 40) - 1),
    t_us=st.integers(0, 1 << 60),
    schema=st.integers(0, (1 << 32) - 1),
    digest=st.integers(0, (1 << 64) - 1),
    numbers=st.lists(st.binary(min_size=8, max_size=8), max_size=20).map(b"".join),
    texts=st.binary(max_size=60),
    wall=st.floats(allow_nan=False),
    instance=names,
)


@settings(deadline=None)  # a busy machine is no fault
@given(rows)
def test_a_row_comes_back_as_it_was(row: Row) -> None:
    assert unpack_row(pack_row(row)) == row
    assert whole(pack_row(row))


@settings(deadline=None)  # a busy machine is no fault
@given(rows, st.data())
def test_any_flipped_bit_and_any_missing_byte_of_a_row_is_found(row: Row, data: st.DataObject) -> None:
    record = pack_row(row)
    bit = data.draw(st.integers(0, 8 * len(record) - 1))
    flipped = bytearray(record)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DamagedRecordError):
        unpack_row(bytes(flipped))
    with pytest.raises(DamagedRecordError):
        unpack_row(record[: data.draw(st.integers(0, len(record) - 1))])


@settings(deadline=None)  # a busy machine is no fault
@given(rows, st.floats(allow_nan=False), names)
def test_the_content_is_what_does_not_depend_on_who_sent_it_and_when(row: Row, wall: float, instance: str) -> None:
    assert row._replace(wall=wall, instance=instance).content == row.content
    assert row._replace(digest=row.digest ^ 1).content != row.content
    assert row._replace(t_us=row.t_us + 1).content != row.content


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.one_of(rows.map(pack_row), st.binary(max_size=200)), max_size=12))
def test_whole_records_are_found_in_any_bytes(parts: list[bytes]) -> None:
    found = [record for _kind, record in salvage(b"".join(parts))]
    assert [part for part in parts if part[:4] == b"KPRR" and whole(part)] == [each for each in found if whole(each)]


def test_a_record_of_another_kind_is_refused() -> None:
    assert unpack_json(pack_json(b"N", {"a": [1.5, None]}), b"N") == {"a": [1.5, None]}
    with pytest.raises(DamagedRecordError, match="kind M"):
        opened(pack_json(b"N", {}), b"M")


def test_the_channel_table_keeps_its_key_and_names_what_is_unknown() -> None:
    again = Schema.from_body(SCHEMA.body)
    assert (again, again.key) == (SCHEMA, SCHEMA.key)
    assert [each.name for each in SCHEMA.select(["floaters.fill", "grid.on"])] == [
        "floaters.fill[0]",
        "floaters.fill[1]",
        "grid.on",
    ]
    with pytest.raises(ChannelError, match=r"grid has grid\.power, grid\.cop, grid\.on"):
        SCHEMA.select(["grid.pover"])
    with pytest.raises(ChannelError, match="groups are grid, chain, floaters, plc"):
        SCHEMA.select(["nothing"])


def test_flat_names_become_a_nested_map() -> None:
    shape = Shape(["t", "a.b.c", "a.d[0]", "a.d[1]"])
    assert shape.fill([1, 2, 3, 4]) == {"t": 1, "a": {"b": {"c": 2}, "d": [3, 4]}}


def test_a_large_row_is_still_one_record() -> None:
    row = make_row(3)._replace(numbers=bytes(80_000))
    assert unpack_row(pack_row(row)) == row
