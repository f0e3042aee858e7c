"""Bytes from anybody: whatever comes in, a message or a FrameError comes out, and nothing else."""

import math
import sys
from collections.abc import Callable
from typing import Any

import msgpack
import msgspec
import msgspec.inspect as mi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.messages import (
    CommandRequest,
    Event,
    PrepareRequest,
    Refused,
    Result,
    Snapshot,
    SnapshotRequest,
    Tick,
    Violation,
)
from bus.protocol.schema import MAX_ITEMS, MAX_LABEL, MAX_TEXT, Message
from tests.bus.catalogue import DOORS, WIRE, Path, bare, members, parts, put, spots
from tests.bus.samples import frame, sample

DEEP = 200_000
HUGE = {
    "text": b"\xdb\xff\xff\xff\xff",
    "bytes": b"\xc6\xff\xff\xff\xff",
    "list": b"\xdd\xff\xff\xff\xff",
    "map": b"\xdf\xff\xff\xff\xff",
    "extension": b"\xc9\xff\xff\xff\xff\x01",
}
"""Headers that promise four billion bytes or items, with nothing behind them."""

MARK = "\N{GREEK SMALL LETTER OMEGA}mark"
PLACES = {cls: list(spots(mi.type_info(cls), sample(cls))) for cls in WIRE}
SPOTS = [(cls, path, kind) for cls in WIRE for path, kind in PLACES[cls]]
KINDS = pytest.mark.parametrize("cls", WIRE, ids=lambda cls: cls.__name__)


def takes(kind: mi.Type, wanted: type[mi.Type]) -> bool:
    """True if a value of that sort may stand there."""
    plain = bare(kind)
    return isinstance(plain, wanted) or (
        isinstance(plain, mi.UnionType) and any(takes(x, wanted) for x in parts(plain))
    )


def refused(payload: bytes, kind: Any) -> str:
    """The text of the refusal; anything but a FrameError fails the test."""
    with pytest.raises(FrameError) as caught:
        codec.decode(payload, kind)
    return str(caught.value)


def address(path: Path) -> str:
    """The place as the refusal names it."""
    text = "$"
    for name in path:
        if isinstance(name, int) or name.startswith("key_"):  # a place in a list or a free-form map
            break
        text += f".{name}"
    return text


def spliced(fields: dict[str, Any], path: Path, value: bytes) -> bytes:
    """The payload with raw bytes in one place."""
    packed: bytes = msgpack.packb(put(fields, path, MARK))
    return packed.replace(msgpack.packb(MARK), value)


# Damaged bytes


@KINDS
def test_cut_off_anywhere(cls: type[Message]) -> None:
    whole = frame(cls)
    for length in range(len(whole)):
        refused(whole[:length], cls)


@KINDS
def test_any_bit_flipped(cls: type[Message]) -> None:
    whole = bytearray(frame(cls))
    for position in range(len(whole)):
        for bit in range(8):
            whole[position] ^= 1 << bit
            try:
                message = codec.decode(bytes(whole), cls)
            except FrameError:
                pass
            else:
                assert isinstance(message, cls)
            whole[position] ^= 1 << bit


@KINDS
def test_bytes_after_the_end(cls: type[Message]) -> None:
    for more in (b"\x00", b"\xc1", frame(cls)):
        assert "trailing" in refused(frame(cls) + more, cls)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A valid frame with a few bytes changed, cut out, doubled or put in."""
    door = draw(st.sampled_from(sorted(DOORS)))
    payload = bytearray(FRAMES[draw(st.sampled_from(members(DOORS[door])))])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(payload)))
        length = draw(st.integers(0, 8))
        match draw(st.sampled_from(["replace", "remove", "double", "insert"])):
            case "replace":
                payload[at : at + length] = draw(st.binary(max_size=8))
            case "remove":
                del payload[at : at + length]
            case "double":
                payload[at:at] = payload[at : at + length]
            case _:
                payload[at:at] = draw(st.sampled_from([*HUGE.values(), b"\xc1", b"\x91" * 300, b"\xd6\xff\0\0\0\1"]))
    return door, bytes(payload)


FRAMES = {cls: frame(cls) for cls in WIRE}


@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_mutated_frames(case: tuple[str, bytes]) -> None:
    door, payload = case
    try:
        message = codec.decode(payload, DOORS[door])
    except FrameError as error:
        assert str(error), "a refusal says why"  # noqa: PT017  # any other exception fails the test
    else:
        assert codec.decode(codec.encode(message), DOORS[door]) == message, "what gets in can be passed on"


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=300))
def test_noise(payload: bytes) -> None:
    decoders: list[Callable[[bytes], Any]] = [
        codec.decode_clock_request,
        codec.decode_clock_reply,
        codec.decode_module_request,
        codec.decode_module_reply,
        *(
            lambda payload, topic=topic: codec.decode_published(topic, payload)
            for topic in (b"tick", b"state/m1/", payload)
        ),
    ]
    for decode in decoders:
        try:
            message = decode(payload)
        except FrameError:
            continue
        assert message == SnapshotRequest(), "its only field is its type, which may be left out"


# Sizes


@pytest.mark.parametrize(
    ("decode", "limit"),
    [
        (codec.decode_clock_request, codec.MAX_REQUEST),
        (codec.decode_module_request, codec.MAX_REQUEST),
        (codec.decode_clock_reply, codec.MAX_TELEMETRY),
        (codec.decode_module_reply, codec.MAX_TELEMETRY),
        (lambda payload: codec.decode_published(b"tick", payload), codec.MAX_TELEMETRY),
    ],
)
def test_oversize_is_refused_by_its_size_alone(decode: Callable[[bytes], Any], limit: int) -> None:
    with pytest.raises(FrameError, match=f"{limit + 1} bytes are over the limit of {limit}"):
        decode(bytes(limit + 1))


def test_a_message_that_no_receiver_accepts_is_not_sent() -> None:
    big = codec.build(Result, sample(Result) | {"applied": {f"n{i}": "x" * MAX_TEXT for i in range(70)}})
    with pytest.raises(FrameError, match=f"Result of .* bytes is over the limit of {codec.MAX_TELEMETRY}"):
        codec.encode(big)


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1k"], ids=["lists", "maps"])
@pytest.mark.parametrize("place", ["top", "field", "unknown field", "key"])
def test_nested_without_end(opening: bytes, place: str) -> None:
    levels = min(DEEP, (codec.MAX_TELEMETRY - 4096) // len(opening))
    nested = opening * levels + b"\x01"
    command = sample(CommandRequest)
    payload = {
        "top": nested,
        "field": spliced(command, ("args",), b"\x81\xa1a" + nested),
        "unknown field": spliced(command | {"extra": None}, ("extra",), nested),
        "key": b"\x87" + msgpack.packb(command)[1:] + nested + b"\x01",
    }[place]
    limit = sys.getrecursionlimit()
    refused(payload, CommandRequest)
    assert sys.getrecursionlimit() == limit
    assert codec.decode(frame(CommandRequest), CommandRequest), "the decoder goes on working"


@pytest.mark.parametrize("sort", HUGE)
@KINDS
def test_huge_declared_lengths(cls: type[Message], sort: str) -> None:
    refused(HUGE[sort], cls)
    for path, _kind in PLACES[cls]:
        refused(spliced(sample(cls), path, HUGE[sort]), cls)
    refused(spliced(sample(cls) | {"extra": None}, ("extra",), HUGE[sort]), cls)


def test_colliding_keys_cost_nothing() -> None:
    """Lists of -1 and -2 as keys all hash alike in Python: a map of them is refused at its first key."""
    keys = [bytes([0x9C]) + bytes(0xFF - (number >> bit & 1) for bit in range(12)) for number in range(1000)]
    colliding = b"\xde" + len(keys).to_bytes(2, "big") + b"".join(key + b"\x01" for key in keys)
    text = refused(spliced(sample(CommandRequest), ("args", "key_4"), colliding), CommandRequest)
    assert text == "Expected `str`, got `array` - at `key` in `$.args[...]`"


# Values


@pytest.mark.parametrize(
    ("cls", "path"), [(cls, path) for cls, path, kind in SPOTS if takes(kind, mi.FloatType)], ids=str
)
def test_numbers_that_are_none(cls: type[Message], path: Path) -> None:
    for value in (math.nan, math.inf, -math.inf):
        for single in (False, True):
            payload = msgpack.packb(put(sample(cls), path, value), use_single_float=single)
            assert address(path) in refused(payload, cls)


WRONG: dict[str, tuple[Any, tuple[type[mi.Type], ...]]] = {
    "flag": (True, (mi.BoolType,)),
    "number": (1.5, (mi.FloatType,)),
    "text": ("1", (mi.StrType,)),
    "null": (None, (mi.NoneType,)),
    "list": ([["x"]], ()),
    "map": ({"1": {"2": [{}]}}, ()),
    "bytes": (b"1", ()),
    "extension": (msgpack.ExtType(5, b"1"), ()),
    "time": (msgpack.Timestamp(1, 2), ()),
}
"""Values by sort, and the declared types that take them."""


@pytest.mark.parametrize("sort", WRONG)
@KINDS
def test_values_of_another_sort(cls: type[Message], sort: str) -> None:
    value, allowed = WRONG[sort]
    for path, kind in PLACES[cls]:
        # Free-form arguments take lists and maps.
        free = bool({"args", "applied"} & {*path}) or (cls is PrepareRequest and "parameters" in path)
        if any(takes(kind, each) for each in allowed) or (free and sort in {"list", "map"}):
            continue
        assert address(path) in refused(msgpack.packb(put(sample(cls), path, value)), cls)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    factory = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()


@KINDS
def test_a_field_that_is_missing_is_named(cls: type[Message]) -> None:
    fields = sample(cls)
    optional = {each.name: _default(each) for each in msgspec.structs.fields(cls) if not each.required}
    for name in fields:
        if name == "type" and DOORS.get(cls.__name__) is cls:
            continue  # the only message behind its door is known without its tag
        left = {other: value for other, value in fields.items() if other != name}
        if name in optional:
            assert getattr(codec.decode(msgpack.packb(left), cls), name) == optional[name]
            continue
        door = next(kind for kind in DOORS.values() if cls in members(kind))
        assert f"`{name}`" in refused(msgpack.packb(left), door)


@pytest.mark.parametrize("payload", [0, 1.5, "text", None, True, b"x", [], [1], msgpack.ExtType(1, b"")], ids=repr)
@pytest.mark.parametrize("door", DOORS)
def test_a_payload_that_is_no_map(door: str, payload: Any) -> None:
    assert "Expected `object`" in refused(msgpack.packb(payload), DOORS[door])


def test_a_payload_of_nothing() -> None:
    for kind in DOORS.values():
        refused(b"", kind)


@pytest.mark.parametrize("value", ["no such", "", 5, None, True, ["command"], b"command"], ids=repr)
def test_a_type_that_is_unknown(value: Any) -> None:
    for door in ("ClockRequest", "ClockReply", "ModuleReply"):
        cls = members(DOORS[door])[0]
        assert "$.type" in refused(msgpack.packb(sample(cls) | {"type": value}), DOORS[door])


def test_of_keys_given_twice_the_last_counts_and_each_is_checked() -> None:
    fields = sample(CommandRequest)
    body = msgpack.packb(fields)[1:]
    twice = codec.decode(b"\x87" + body + msgpack.packb("id") + msgpack.packb("second"), CommandRequest)
    assert twice == codec.decode(msgpack.packb(fields | {"id": "second"}), CommandRequest)
    assert "$.id" in refused(b"\x87" + msgpack.packb("id") + msgpack.packb(" ") + body, CommandRequest)
    refused(b"\x87" + msgpack.packb("type") + msgpack.packb("ack") + body, CommandRequest)


@pytest.mark.parametrize(("cls", "path"), [(c, p) for c, p, kind in SPOTS if takes(kind, mi.StrType)], ids=str)
def test_texts(cls: type[Message], path: Path) -> None:
    fields = sample(cls)
    assert address(path) in refused(msgpack.packb(put(fields, path, "x" * (MAX_TEXT + 1))), cls)
    assert "not UTF-8: b'a\\xff" in refused(spliced(fields, path, b"\xa3a\xff\xfe"), cls)
    refused(spliced(fields, path, b"\xa3\xed\xa0\x80"), cls)  # half of a surrogate pair


@pytest.mark.parametrize(
    ("cls", "path"),
    [(c, p) for c, p, kind in SPOTS if isinstance(kind, mi.StrType) and kind.pattern is not None],
    ids=str,
)
@pytest.mark.parametrize("bad", ["a\n", "a\r\n", "\na", "a b", "a\0", "\N{DEGREE SIGN}", "x" * 65, "a/b"], ids=repr)
def test_texts_with_a_pattern(cls: type[Message], path: Path, bad: str) -> None:
    assert address(path) in refused(msgpack.packb(put(sample(cls), path, bad)), cls)


@pytest.mark.parametrize(
    ("cls", "path", "most"),
    [
        (cls, path, kind.max_length)
        for cls, path, kind in SPOTS
        if isinstance(kind, mi.ListType | mi.DictType) and kind.max_length is not None
    ],
    ids=str,
)
def test_lists_and_maps_that_are_too_long(cls: type[Message], path: Path, most: int) -> None:
    fields = sample(cls)
    value: Any = fields
    for name in path:
        value = value[name]
    if path == ("spans",):
        value = [{**value[0], "commands": []}]  # so many with commands would be refused by their size
    if path == ("results",):
        value = [{**value[0], "violations": [], "applied": {}}]
    if path == ("states",):
        return  # so many states are refused by their size
    if isinstance(value, list):
        longer: Any = [value[0]] * (most + 1)
    else:
        longer = {f"k{number}": next(iter(value.values())) for number in range(most + 1)}
    assert address(path) in refused(msgpack.packb(put(fields, path, longer)), cls)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("too deep", {"a": [[[[]]]]}),
        ("too deep", {"a": {"b": {"c": {"d": {}}}}}),
        ("too many", {"a": [0] * (MAX_ITEMS + 1)}),
        ("too many", {f"a{number}": 0 for number in range(MAX_ITEMS + 1)}),
        ("long name", {"a" * (MAX_LABEL + 1): 0}),
        ("long text", {"a": "x" * (MAX_TEXT + 1)}),
        ("number as a name", {"a": {1: 2}}),
        ("bytes", {"a": b"x"}),
        ("NaN", {"a": [math.nan]}),
    ],
)
def test_arguments(name: str, args: dict[str, Any]) -> None:
    fields = sample(CommandRequest) | {"args": args}
    assert "$.args" in refused(msgpack.packb(fields), CommandRequest), name
    with pytest.raises(FrameError, match=r"\$\.args"):
        codec.build(CommandRequest, fields)


def test_arguments_at_their_limits() -> None:
    args = {"a": [[[1]]], "b": {"c": {"d": {"e": 1.5}}}, "n" * MAX_LABEL: "x" * MAX_TEXT, "many": [0] * MAX_ITEMS}
    payload = msgpack.packb(sample(CommandRequest) | {"args": args})
    assert codec.decode_clock_request(payload).args == args  # type: ignore[union-attr]  # a command by its type


# Topics


@pytest.mark.parametrize(
    "topic",
    [
        b"",
        b"/",
        b"tick/",
        b"ticks",
        b"tic",
        b"state/",
        b"state/m1",
        b"state/m1/x",
        b"state/other/",
        b"\xff/",
        b"x" * 999,
    ],
)
def test_topics_that_are_not_the_messages_own(topic: bytes) -> None:
    payload = frame(Tick) if topic.startswith(b"tic") else frame(Event, module="m1")
    with pytest.raises(FrameError):
        codec.decode_published(topic, payload)


def test_a_topic_that_is_unknown_is_quoted_but_not_at_length() -> None:
    with pytest.raises(FrameError, match="unknown topic") as caught:
        codec.decode_published(b"x" * 100_000, b"")
    assert len(str(caught.value)) < 100


def test_a_message_of_another_module_does_not_pass_for_ones_own() -> None:
    with pytest.raises(FrameError, match="is not the message's own, 'event/m2/'"):
        codec.decode_published(b"event/m1/", frame(Event, module="m2"))


# The sender


def test_text_that_is_no_unicode_cannot_be_sent() -> None:
    """JSON can hold half of a surrogate pair; MessagePack cannot."""
    request = codec.build(CommandRequest, sample(CommandRequest) | {"args": {"a": "\ud800"}})
    with pytest.raises(FrameError, match="CommandRequest cannot be packed"):
        codec.encode(request)


def test_what_is_no_plain_value_cannot_be_sent() -> None:
    request = codec.build(CommandRequest, sample(CommandRequest))
    request.args["a"] = object()
    with pytest.raises(FrameError, match="cannot be packed"):
        codec.encode(request)
    request.args["a"] = 2**64
    with pytest.raises(FrameError, match="cannot be packed"):
        codec.encode(request)
    request.args["a"] = request.args
    with pytest.raises(FrameError, match="cannot be packed"):
        codec.encode(request)


def test_explanations_are_cut_rather_than_lost() -> None:
    """They quote values of any size: whoever builds one sends what every receiver takes."""
    long = "\N{DEGREE SIGN}" * (MAX_TEXT * 2)
    violation = Violation(field=long, limit=long, reason=long)
    header: dict[str, Any] = {"t": 0.0, "seq": 1, "run": "r", "wall": 0.0, "module": "m1"}
    result = Result(
        **header, id="i", name="n", outcome="rejected", reason=long, violations=[violation] * 5000, applied={}
    )
    event = Event(**header, severity="info", kind="k", text=long)
    refusal = Refused(id="", field=long, reason=long)
    for message in (result, event):
        assert codec.decode_published(*codec.encode_published(message)) == message
    assert codec.decode_clock_reply(codec.encode(refusal)) == refusal
    assert len(result.reason) == MAX_TEXT
    assert result.reason.endswith("\N{DEGREE SIGN}\N{HORIZONTAL ELLIPSIS}")
    assert 0 < len(result.violations) < 100


def test_a_snapshot_carries_parameters_of_every_sort_but_no_nan() -> None:
    snapshot = frame(Snapshot, parameters={"a": 1, "b": 1.5, "c": "text", "d": True})
    reply = codec.decode_module_reply(snapshot)
    assert isinstance(reply, Snapshot)
    assert [type(value) for value in reply.parameters.values()] == [int, float, str, bool]
    assert "$.parameters" in refused(msgpack.packb(sample(Snapshot) | {"parameters": {"a": math.nan}}), Snapshot)
