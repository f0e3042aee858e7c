"""Messages of the bus in the form of a recording: states as rows of numbers and texts, events and results as notes."""

import struct
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import msgspec
import msgspec.inspect as mi

from bus.protocol.codec import build
from bus.protocol.messages import Event, Result, State
from recording.channels import Channel, ChannelKind, Schema, Shape
from recording.notes import Note
from recording.record import Row

_HEAD = frozenset({"t", "seq", "run", "wall", "module", "instance", "digest"})
"""Fields of a state for which a row has places of its own."""

_KINDS: tuple[tuple[type[mi.Type], ChannelKind], ...] = (
    (mi.BoolType, "flag"),
    (mi.IntType, "int"),
    (mi.FloatType, "float"),
    (mi.StrType, "text"),
    (mi.LiteralType, "text"),
)
_NAN = float("nan")


class _Field:
    """One declared field of a state: how it is read, and the channel it makes, or the channels if it is a list.

    A list of values with fields of their own, such as the alarms, is one text: their JSON.
    """

    def __init__(self, name: str, declared: mi.Type) -> None:
        self.name = name
        kind, self.unit, self.meaning = _bare(declared)
        # A union is taken for a value or null: the declarations have no other.
        self.nullable = isinstance(kind, mi.UnionType)
        if isinstance(kind, mi.UnionType):
            kind = next(_bare(each)[0] for each in kind.types if not isinstance(each, mi.NoneType))
        self.listed = isinstance(kind, mi.ListType)
        self.facts = isinstance(kind, mi.ListType) and isinstance(_bare(kind.item_type)[0], mi.StructType)
        if isinstance(kind, mi.ListType):
            inner = _bare(kind.item_type)[0]
            self.nullable = isinstance(inner, mi.UnionType)
            if isinstance(inner, mi.UnionType):
                inner = next(_bare(each)[0] for each in inner.types if not isinstance(each, mi.NoneType))
            kind = inner
        self.kind: ChannelKind = next((word for cls, word in _KINDS if isinstance(kind, cls)), "text")
        # A list of structs, such as the alarms, has no fixed number of columns. It is kept as one text.
        if self.facts:
            self.listed = False
        if self.listed and self.kind == "text":
            self.kind, self.listed = "texts", False

    def channel(self, name: str) -> Channel:
        return Channel(name, self.kind, self.unit, self.meaning, self.nullable)


def _bare(kind: mi.Type) -> tuple[mi.Type, str, str]:
    if isinstance(kind, mi.Metadata):
        extra = kind.extra_json_schema or {}
        inner, unit, meaning = _bare(kind.type)
        return inner, unit or extra.get("unit", ""), meaning or extra.get("description", "")
    return kind, "", ""


def _fields(cls: type[Any], prefix: str = "") -> Iterator[_Field]:
    kind = mi.type_info(cls)
    if not isinstance(kind, mi.StructType):
        raise TypeError(f"{cls.__name__} is no message")
    for field in kind.fields:
        # At the top only: a group may have a field of the same name.
        if not prefix and field.name in _HEAD:
            continue
        bare = _bare(field.type)[0]
        if isinstance(bare, mi.StructType):
            yield from _fields(bare.cls, f"{field.name}.")
        else:
            yield _Field(f"{prefix}{field.name}", field.type)


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Reads many attributes at once; `attrgetter` gives a tuple only for two and more."""
    # `attrgetter` of a single name gives a bare value and not a tuple; better an error here than rows that are cut
    # wrongly.
    if len(names) < 2:
        raise TypeError("a state has more than one field of each kind")
    return attrgetter(*names)


def _texts(fields: list[_Field]) -> list[_Field]:
    return [field for field in fields if field.kind in {"text", "texts"}]


FACTS = frozenset(field.name for field in _fields(State) if field.facts)
"""Channels that hold JSON."""


class States:
    """Makes rows of states, and the channel table that they need.

    The table depends on the lengths of the lists in a state, such as the number of floaters.
    """

    def __init__(self) -> None:
        self._fields = list(_fields(State))
        plain = [field for field in self._fields if not field.listed]
        self._numbers = _getter([field.name for field in plain if field.kind in {"float", "int", "flag"}])
        self._lists = _getter([field.name for field in self._fields if field.listed])
        self._texts = _getter([field.name for field in _texts(plain)])
        self._facts = [place for place, field in enumerate(_texts(plain)) if field.facts]
        self._schemas: dict[tuple[int, ...], tuple[Schema, struct.Struct]] = {}
        self._encoded: tuple[tuple[Any, ...], bytes] = ((), b"")

    def row(self, state: State) -> tuple[Row, Schema]:
        """The row of a state, and its channel table."""
        lists = self._lists(state)
        schema, pack = self._schema(tuple(map(len, lists)))
        values = [*self._numbers(state)]
        for each in lists:
            values += each
        try:
            # Nearly all states have every value, so nulls are looked for only when packing fails.
            numbers = pack.pack(*values)
        except struct.error:  # a value that does not exist
            numbers = pack.pack(*(_NAN if value is None else value for value in values))
        texts = self._texts(state)
        # Texts rarely change from one tick to the next; comparing a tuple is cheaper than making its JSON.
        if texts != self._encoded[0]:
            written = list(texts)
            for place in self._facts:
                written[place] = msgspec.json.encode(texts[place]).decode()
            self._encoded = (texts, msgspec.json.encode(written))
        row = Row(
            module=state.module,
            seq=state.seq,
            # The time on the bus is a quotient of whole microseconds: rounding finds them again exactly.
            t_us=round(state.t * 1e6),
            schema=schema.key,
            digest=int(state.digest, 16),
            numbers=numbers,
            texts=self._encoded[1],
            wall=state.wall,
            instance=state.instance,
        )
        return row, schema

    def _schema(self, lengths: tuple[int, ...]) -> tuple[Schema, struct.Struct]:
        # By lengths alone: everything else of the table comes from the declarations, which do not change while the
        # process runs.
        known = self._schemas.get(lengths)
        if known is None:
            plain = [field.channel(field.name) for field in self._fields if not field.listed]
            # Lists last: their lengths differ from plant to plant, and the plain channels then have the same places in
            # all of them.
            listed = [field for field in self._fields if field.listed]
            places = [
                field.channel(f"{field.name}[{place}]")
                for field, length in zip(listed, lengths, strict=True)
                for place in range(length)
            ]
            schema = Schema((*plain, *places))
            known = self._schemas[lengths] = (schema, struct.Struct(f"<{len(schema.numbers)}d"))
        return known


class Rows:
    """Turns rows back into states: the messages that were recorded, to the last bit."""

    def __init__(self, schema: Schema) -> None:
        # By the recorded table and not by the declarations: rows of an older version have other channels at these
        # places.
        numbers = [(channel.kind, channel.name) for channel in schema.numbers]
        self._kinds = [kind for kind, _name in numbers]
        self._unpack = struct.Struct(f"<{len(numbers)}d")
        self._shape = Shape([*(name for _kind, name in numbers), *(channel.name for channel in schema.texts)])
        self._facts = [place for place, channel in enumerate(schema.texts) if channel.name in FACTS]

    def state(self, row: Row, run: str) -> State:
        """The state that a row was made from.

        Args:
            row: a row of this channel table.
            run: run that it belongs to.

        Raises:
            FrameError: if it is no state of this version of the bus.
        """
        values = map(_value, self._kinds, self._unpack.unpack(row.numbers))
        texts = msgspec.json.decode(row.texts)
        for place in self._facts:
            # Alarms and the like are text in a row and values in a message.
            texts[place] = msgspec.json.decode(texts[place])
        # In the order of the table that was recorded, which an older version may have made: names decide, not places.
        fields = self._shape.fill([*values, *texts])
        head = {"t": row.t_us / 1e6, "seq": row.seq, "run": run, "wall": row.wall, "module": row.module}
        # The digest is a number in a row and hexadecimal on the bus, with leading zeros.
        own = {"instance": row.instance, "digest": f"{row.digest:016x}"}
        state: State = build(State, {**fields, **head, **own})
        return state


def _value(kind: ChannelKind, number: float) -> float | int | bool | None:
    if number != number:  # noqa: PLR0124 - NaN stands for what does not exist, and only NaN is unlike itself
        return None
    return bool(number) if kind == "flag" else int(number) if kind == "int" else number


def event_note(event: Event) -> Note:
    """An event as a note; its text distinguishes it from other events of the same tick."""
    return _note(event, "event", f"{event.kind} {event.severity} {event.text}")


def result_note(result: Result) -> Note:
    """A result as a note; the id of its command distinguishes it from others."""
    return _note(result, "result", result.id)


def _note(message: Event | Result, kind: Any, identity: str) -> Note:
    body = msgspec.to_builtins(message)
    # The wall time differs from sending to sending. In the body it would make an event that comes again another one.
    del body["wall"]
    # Identity beside the body: of the same tick two events differ by their words, and one that comes again has the
    # same.
    return Note(message.module, message.seq, round(message.t * 1e6), kind, identity, body, message.wall)
