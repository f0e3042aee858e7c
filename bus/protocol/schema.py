"""What message declarations are made of: a frozen, strict struct, and fields that carry their unit and meaning."""

import sys
from typing import Annotated, Any

import msgspec
import msgspec.structs

PROTOCOL_VERSION = 1
"""Version of topics, frames and field names; it changes when an existing reader would misread a frame."""

MAX_TEXT = 4096
"""Longest text in a message, in characters."""

MAX_LABEL = 64
"""Longest label, in characters."""

MAX_ITEMS = 1024
"""Most items in a list or map."""

FINITE = sys.float_info.max
"""Limit of every float on the wire: NaN and infinity are refused on receipt."""

COUNT_MAX = 2**53
"""Limit of every whole number on the wire: up to here each is exact as a float, and sums of two fit 64 bits."""

NANOSECONDS_MAX = 2**63 - 1
"""Limit of a monotonic clock in nanoseconds, which passes COUNT_MAX after a hundred days."""

TIME_MAX = 1e12
"""Limit of every time on the wire in seconds, simulated and Unix: in microseconds it fits 64 bits."""


Finite = Annotated[float, msgspec.Meta(ge=-FINITE, le=FINITE)]
"""A float that is neither NaN nor infinite."""

SimulatedTime = Annotated[float, msgspec.Meta(ge=-TIME_MAX, le=TIME_MAX)]
"""A time; one before a run was forked is negative."""

Whole = Annotated[int, msgspec.Meta(ge=-COUNT_MAX, le=COUNT_MAX)]
"""A whole number of bounded size."""

Count = Annotated[int, msgspec.Meta(ge=0, le=COUNT_MAX)]
"""A whole number of something."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
"""A text of bounded length."""

Label = Annotated[str, msgspec.Meta(max_length=MAX_LABEL)]
"""A text that is as short as a name."""


class Message(msgspec.Struct, frozen=True):
    """A frozen value that crosses a socket.

    Decoding is strict: neither a text nor a flag passes for a number. Fields that a receiver does not know are ignored,
    so a newer sender can add some.
    """


def quantity(
    unit: str,
    meaning: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    pattern: str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
) -> msgspec.Meta:
    """Annotate a field with its unit, its meaning and its limits.

    Args:
        unit: SI unit as text, "1" for a plain number, "" where a unit makes no sense (names, flags).
        meaning: one line for the reader of the protocol page.
        ge: smallest accepted value.
        gt: accepted values are greater than this.
        le: largest accepted value.
        pattern: regular expression that accepted text matches.
        min_length: fewest characters or items.
        max_length: most characters or items.
    """
    limits: dict[str, Any] = {
        "ge": ge,
        "gt": gt,
        "le": le,
        "pattern": pattern,
        "min_length": min_length,
        "max_length": max_length,
    }
    # msgspec refuses limits of both kinds (of numbers and of lengths) at once, even if some are None. So only those
    # that are set are passed.
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return msgspec.Meta(description=meaning, extra_json_schema={"unit": unit} if unit else None, **given)


def number(unit: str, meaning: str) -> msgspec.Meta:
    """Annotate a finite number of any sign, of a size that its unit allows."""
    return quantity(unit, meaning, ge=-_largest(unit), le=_largest(unit))


def amount(unit: str, meaning: str) -> msgspec.Meta:
    """Annotate a finite number that is never negative, of a size that its unit allows."""
    return quantity(unit, meaning, ge=0.0, le=_largest(unit))


def count(unit: str, meaning: str, least: int = 0) -> msgspec.Meta:
    """Annotate a whole number that is at least `least`."""
    return quantity(unit, meaning, ge=least, le=COUNT_MAX)


def _largest(unit: str) -> float:
    return TIME_MAX if unit == "s" else FINITE


def each(unit: str, meaning: str) -> msgspec.Meta:
    """Annotate a list of numbers."""
    return quantity(unit, meaning, max_length=MAX_ITEMS)


def shorten(message: Message, **longest: int) -> None:
    """Cut texts and lists of a message to what a receiver accepts, while the message is being made.

    It is for explanations, which may quote a value of any size: one that is cut still helps, one that every receiver
    drops does not.

    Args:
        message: the message; to be called in its `__post_init__`.
        longest: most characters or items, by field.
    """
    for field, most in longest.items():
        value = getattr(message, field)
        if len(value) > most:
            cut = f"{value[: most - 1]}\N{HORIZONTAL ELLIPSIS}" if isinstance(value, str) else value[:most]
            # The one place that changes a frozen message: nobody has seen it yet.
            msgspec.structs.force_setattr(message, field, cut)
