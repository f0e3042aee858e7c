"""Every message there and back, read and written by an independent MessagePack library too."""

from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.protocol import codec
from bus.protocol.messages import Published
from bus.protocol.schema import Message
from tests.bus.catalogue import DOORS, WIRE, members
from tests.bus.strategies import wire

PATIENT = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
"""A state frame has two hundred fields: hypothesis finds that large and slow."""


@pytest.mark.parametrize("cls", WIRE, ids=lambda cls: cls.__name__)
@PATIENT
@given(data=st.data())
def test_there_and_back(cls: type[Message], data: st.DataObject) -> None:
    fields = data.draw(wire(cls))
    message = codec.decode(msgpack.packb(fields), cls)
    assert isinstance(message, cls)
    payload = codec.encode(message)
    assert codec.decode(payload, cls) == message
    assert msgpack.unpackb(payload) == fields, "an independent reader sees the same plain values"
    assert codec.build(cls, fields) == message, "what is built here is checked like what is received"
    if isinstance(message, Published):
        assert codec.decode_published(*codec.encode_published(message)) == message
        assert isinstance(msgpack.unpackb(payload)["t"], float), "other tools take `t` for the time"


@pytest.mark.parametrize("door", DOORS)
@PATIENT
@given(data=st.data())
def test_a_union_tells_its_messages_apart(door: str, data: st.DataObject) -> None:
    cls = data.draw(st.sampled_from(members(DOORS[door])))
    fields = data.draw(wire(cls))
    assert type(codec.decode(msgpack.packb(fields), DOORS[door])) is cls


@pytest.mark.parametrize("cls", WIRE, ids=lambda cls: cls.__name__)
@settings(parent=PATIENT, max_examples=5)
@given(data=st.data())
def test_fields_of_a_newer_sender_are_ignored(cls: type[Message], data: st.DataObject) -> None:
    fields = data.draw(wire(cls))
    newer: dict[str, Any] = {"newer_1": [1, {"x": None}], **fields, "newer_2": msgpack.ExtType(7, b"new")}
    assert codec.decode(msgpack.packb(newer), cls) == codec.decode(msgpack.packb(fields), cls)


@pytest.mark.parametrize("cls", WIRE, ids=lambda cls: cls.__name__)
def test_messages_are_values(cls: type[Message]) -> None:
    """Frozen: nobody changes what another part of the program holds."""
    config = cls.__struct_config__
    assert config.frozen
    assert not config.array_like
    assert not config.forbid_unknown_fields
    assert config.tag_field in (None, "type")


def test_whole_numbers_are_accepted_for_floats() -> None:
    """Some languages pack 3.0 as 3."""
    event = {
        "t": 3, "seq": 1, "run": "r", "wall": 2, "module": "m1", "severity": "info", "kind": "note", "text": "",
    }  # fmt: skip
    message = codec.decode_published(b"event/m1/", msgpack.packb(event))
    assert (message.t, type(message.t)) == (3.0, float)
    assert msgspec.to_builtins(message)["wall"] == 2.0
