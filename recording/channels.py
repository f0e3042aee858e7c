"""The channel table: which numbers and texts one recorded row holds, each with its unit and its meaning."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal

import msgspec

ChannelKind = Literal["float", "int", "flag", "text", "texts"]
"""What a channel holds: a number, a whole number, true or false, a text, or a list of texts; each may be null."""

_PART = re.compile(r"([^.\[\]]+)((?:\[\d+\])?)")


class ChannelError(LookupError):
    """A channel that a recording does not have; the text names similar ones."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One quantity of a row.

    Args:
        name: place in the message, such as `grid.net_power` or `floaters.fill[3]`.
        kind: what it holds.
        unit: SI unit as text, "1" for a plain number, "" where a unit makes no sense.
        meaning: one line for people.
        nullable: true if a value may not exist.
    """

    name: str
    kind: ChannelKind
    unit: str = ""
    meaning: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class Schema:
    """All channels of a row, in the order in which a row stores them."""

    channels: tuple[Channel, ...]

    @cached_property
    def numbers(self) -> tuple[Channel, ...]:
        """Channels stored as float64."""
        # Whole numbers and flags too: up to 2^53 a float64 holds them exactly, and one kind of number is one loop.
        return tuple(channel for channel in self.channels if channel.kind in {"float", "int", "flag"})

    @cached_property
    def texts(self) -> tuple[Channel, ...]:
        """Channels stored as text."""
        return tuple(channel for channel in self.channels if channel.kind in {"text", "texts"})

    @cached_property
    def body(self) -> bytes:
        """The table as JSON, always the same bytes for the same channels."""
        # In the order of the fields and without blanks: the key is made from these bytes, and a single blank would give
        # another one.
        rows = [asdict(channel) for channel in self.channels]
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()

    @cached_property
    def key(self) -> int:
        """32-bit number by which rows refer to the table; made from its content: equal tables have equal keys."""
        # Four bytes are enough: a run has a handful of tables, and the key is compared within one run alone.
        return int.from_bytes(sha256(self.body).digest()[:4], "little")

    @classmethod
    def from_body(cls, body: bytes) -> "Schema":
        """Read what `body` wrote; the table keeps the key of these bytes, also where a later version writes others.

        Raises:
            ValueError: if these are no channels.
        """
        schema = cls(tuple(msgspec.json.decode(body, type=list[Channel])))
        # The bytes as they were read: made again from the fields they could differ in a version that writes one more,
        # and rows would not find their table.
        vars(schema)["body"] = body
        return schema

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Place of each numeric channel in a row's numbers."""
        return {channel.name: place for place, channel in enumerate(self.numbers)}

    @cached_property
    def by_name(self) -> Mapping[str, Channel]:
        """Every channel by its name."""
        return {channel.name: channel for channel in self.channels}

    def select(self, names: Iterable[str] | None) -> tuple[Channel, ...]:
        """The channels that names stand for: full names, or groups such as `grid` or `floaters.fill`; None for all.

        Raises:
            ChannelError: naming what is unknown.
        """
        # None and an empty list differ: all channels, or only time and tick.
        if names is None:
            return self.channels
        # By name, so that a channel that is asked for twice, alone and with its group, is one column.
        chosen: dict[str, Channel] = {}
        for name in names:
            if not self.channels:
                raise ChannelError("nothing is recorded yet, so there are no channels to choose from")
            found = [
                each for each in self.channels if each.name == name or each.name.startswith((f"{name}.", f"{name}["))
            ]
            if not found:
                raise ChannelError(f"there is no channel {name[:64]!r}: {_nearest(name, self.channels)}")
            chosen.update((each.name, each) for each in found)
        return tuple(chosen.values())


def _nearest(name: str, channels: tuple[Channel, ...]) -> str:
    group = name.partition(".")[0]
    # The names of its group: most unknown channels are misspelt in their last part.
    near = [channel.name for channel in channels if channel.name.partition(".")[0] == group]
    groups = dict.fromkeys(channel.name.partition(".")[0] for channel in channels)
    return f"{group} has {', '.join(near[:20])}" if near else f"the groups are {', '.join(groups)}"


class Shape:
    """The map of maps and lists that flat names stand for: `a.b[0]` is `{"a": {"b": [...]}}`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._plan: dict[str, Any] = {}
        for place, name in enumerate(names):
            # Only the dots make groups: a name in brackets is the place in a list, which is the last part's.
            *groups, last = name.split(".")
            at = self._plan
            for group in groups:
                at = at.setdefault(group, {})
            match = _PART.fullmatch(last)
            # Only the last part of a name may have a place: lists hold numbers, no further groups.
            if match is None or not match[2]:
                at[last] = place
            else:
                at.setdefault(match[1], []).append(place)

    def fill(self, values: Sequence[Any]) -> dict[str, Any]:
        """The map filled with values, which are given in the order of the names."""
        return _filled(self._plan, values)

    def fill_known(self, values: Sequence[Any]) -> dict[str, Any]:
        """The same without those that are None; in a list, whose places count, they stay."""
        return _known(self._plan, values)


def _filled(plan: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    return {
        key: values[at]
        if isinstance(at, int)
        else [values[place] for place in at]
        if isinstance(at, list)
        else _filled(at, values)
        for key, at in plan.items()
    }


def _known(plan: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, at in plan.items():
        if isinstance(at, int):
            # Left out, not null: the formats that use this take one type for a field.
            if values[at] is not None:
                found[key] = values[at]
        elif isinstance(at, list):
            found[key] = [values[place] for place in at]
        else:
            found[key] = _known(at, values)
    return found
