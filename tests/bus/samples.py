"""One valid message of each kind, always the same: plain values that differ from field to field."""

from functools import cache
from itertools import count
from typing import Any

import msgspec.inspect as mi

from bus.protocol import codec
from bus.protocol.messages import ADDRESSEE, DIGEST, IDENTIFIER, NAME, REASON_OR_NONE, RUN_OR_PRESENT
from bus.protocol.schema import Message

TEXTS = {
    NAME: "name_{}",
    ADDRESSEE: "m{}",
    IDENTIFIER: "id-{}",
    RUN_OR_PRESENT: "run-{}",
    DIGEST: "{:016x}",
    REASON_OR_NONE: "reason_{}",
}
"""A text for each pattern; a new pattern needs one here."""


@cache
def sample(cls: type[Message]) -> dict[str, Any]:
    """A valid payload of a message as a plain map, shared by all: to be copied, not changed."""
    value: dict[str, Any] = _value(mi.type_info(cls), count(1))
    return value


def frame(cls: type[Message], **changed: Any) -> bytes:
    """The same, packed, with some fields changed."""
    return codec.encode(codec.build(cls, sample(cls) | changed))


def _value(kind: mi.Type, numbers: "count[int]") -> Any:
    match kind:
        case mi.Metadata():
            return _value(kind.type, numbers)
        case mi.StructType():
            fields = {field.encode_name: _value(field.type, numbers) for field in kind.fields}
            return fields if kind.tag_field is None else {kind.tag_field: kind.tag, **fields}
        case mi.UnionType():
            return _union(kind, numbers)
        case mi.ListType():
            return [_value(kind.item_type, numbers) for _ in range(2)]
        case mi.DictType():
            return {f"key_{next(numbers)}": _value(kind.value_type, numbers) for _ in range(2)}
        case mi.BoolType():
            return True
        case mi.NoneType():
            return None
        case mi.LiteralType():
            return kind.values[-1]
        case mi.IntType():
            low = int(kind.ge or 0)
            return min(low + next(numbers), int(kind.le or 2**31))
        case mi.FloatType():
            return next(numbers) + 0.5
        case mi.StrType():
            template = "text {} \N{DEGREE SIGN}C" if kind.pattern is None else TEXTS[kind.pattern]
            return template.format(next(numbers))
        case _:
            raise AssertionError(f"a new kind of field needs a sample: {kind}")


def _union(kind: mi.UnionType, numbers: "count[int]") -> Any:
    """The richest of the types: what may be null is there, what may be a map is one."""
    order = (mi.StructType, mi.DictType, mi.ListType, mi.FloatType, mi.IntType, mi.StrType, mi.BoolType)
    for wanted in order:
        for each in kind.types:
            if isinstance(each.type if isinstance(each, mi.Metadata) else each, wanted):
                return _value(each, numbers)
    raise AssertionError(f"a new kind of union needs a sample: {kind}")
