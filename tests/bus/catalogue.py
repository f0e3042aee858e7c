"""Every message of the wire, found by looking at the declarations: a new one cannot be forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, get_args

import msgspec.inspect as mi
from msgspec import Struct

import bus.protocol.messages
import bus.protocol.state
from bus.protocol.messages import (
    PUBLISHED,
    ClockReply,
    ClockRequest,
    ModuleReply,
    ModuleRequest,
    RecorderReply,
    RecorderRequest,
)
from bus.protocol.schema import Message

DOORS: dict[str, Any] = {
    **{cls.__name__: cls for cls in PUBLISHED},
    "ClockRequest": ClockRequest,
    "ClockReply": ClockReply,
    "ModuleRequest": ModuleRequest,
    "ModuleReply": ModuleReply,
    "RecorderRequest": RecorderRequest,
    "RecorderReply": RecorderReply,
}
"""Everything that a receiver decodes, by name: a message or a union of messages."""


def members(kind: Any) -> tuple[type[Message], ...]:
    """The classes of a union, or the one class."""
    return get_args(kind) or (kind,)


WIRE: tuple[type[Message], ...] = tuple(dict.fromkeys(cls for kind in DOORS.values() for cls in members(kind)))
"""Every message that travels on its own."""


def declared() -> set[type[Message]]:
    """Every class that the modules of the wire declare, but the bases that never travel."""

    def of(module: ModuleType) -> Iterator[type[Message]]:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Message) and value.__module__ == module.__name__:
                yield value

    return {*of(bus.protocol.messages), *of(bus.protocol.state)} - {bus.protocol.messages.Published}


@dataclass(frozen=True)
class Place:
    """A field on the wire: the classes that lead to it, its name and its type."""

    path: str
    owner: type[Struct]
    name: str
    type: mi.Type
    unit: str | None
    meaning: str | None


def bare(kind: mi.Type) -> mi.Type:
    """The type without its annotations."""
    return bare(kind.type) if isinstance(kind, mi.Metadata) else kind


def structs(kind: mi.Type) -> Iterator[mi.StructType]:
    """Every struct inside a type, itself included."""
    plain = bare(kind)
    if isinstance(plain, mi.StructType):
        yield plain
        for field in plain.fields:
            yield from structs(field.type)
    for inner in parts(plain):
        yield from structs(inner)


def parts(kind: mi.Type) -> tuple[mi.Type, ...]:
    """What a union, list or map is made of."""
    if isinstance(kind, mi.UnionType):
        return kind.types
    if isinstance(kind, mi.ListType):
        return (kind.item_type,)
    if isinstance(kind, mi.DictType):
        return (kind.key_type, kind.value_type)
    return ()


def leaves(kind: mi.Type) -> Iterator[mi.Type]:
    """Every type inside one field that is no struct; lists and maps stand before what is in them."""
    plain = bare(kind)
    if not isinstance(plain, mi.StructType):
        yield plain
    for inner in parts(plain):
        yield from leaves(inner)


def places() -> list[Place]:
    """Every field of every message and of every group inside a message, each once."""
    found: dict[tuple[type[Struct], str], Place] = {}
    for cls in WIRE:
        for struct in structs(mi.type_info(cls)):
            for field in struct.fields:
                extra = field.type.extra_json_schema or {} if isinstance(field.type, mi.Metadata) else {}
                found[struct.cls, field.name] = Place(
                    path=f"{struct.cls.__name__}.{field.encode_name}",
                    owner=struct.cls,
                    name=field.encode_name,
                    type=field.type,
                    unit=extra.get("unit"),
                    meaning=extra.get("description"),
                )
    return list(found.values())


Path = tuple[str | int, ...]
"""Names of fields and maps' keys, and places in lists, from the top of a payload down."""


def spots(kind: mi.Type, value: Any, path: Path = ()) -> Iterator[tuple[Path, mi.Type]]:
    """Every place in a payload that holds a value, with the type declared there."""
    plain = bare(kind)
    if path:
        yield path, plain
    for inner in plain.types if isinstance(plain, mi.UnionType) else (plain,):
        match bare(inner), value:
            case mi.StructType(fields=fields), dict():
                for field in fields:
                    yield from spots(field.type, value[field.encode_name], (*path, field.encode_name))
            case mi.ListType(item_type=item), [first, *_]:
                yield from spots(item, first, (*path, 0))
            case mi.DictType(value_type=item), dict() if value:
                key = next(iter(value))
                yield from spots(item, value[key], (*path, key))


def put(value: Any, path: Path, new: Any) -> Any:
    """A copy of a payload with another value in one place."""
    if not path:
        return new
    head, *rest = path
    if isinstance(value, dict):
        return {**value, head: put(value[head], tuple(rest), new)}
    assert isinstance(value, list)
    assert isinstance(head, int)
    return [*value[:head], put(value[head], tuple(rest), new), *value[head + 1 :]]
