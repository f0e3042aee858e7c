"""What every message declaration is made of: a frozen, strict struct and fields that carry their unit and meaning."""

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


Finite = Annotated[float, msgspec.Meta(ge=-FINITE, le=FINITE)]
"""A float that is neither NaN nor infinite."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
"""A text of bounded length."""

Label = Annotated[str, msgspec.Meta(max_length=MAX_LABEL)]
"""A text as short as a name."""


class Message(msgspec.Struct, frozen=True):
    """A frozen value that crosses a socket.

    Decoding is strict (no text for a number, no flag for a number), and fields that a receiver does not know are
    ignored, so that a newer sender can add some.
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
    # msgspec refuses limits of two kinds at once, None included, so only those that are set are passed.
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return msgspec.Meta(description=meaning, extra_json_schema={"unit": unit} if unit else None, **given)


def number(unit: str, meaning: str) -> msgspec.Meta:
    """Annotate a finite number of any sign."""
    return quantity(unit, meaning, ge=-FINITE, le=FINITE)


def amount(unit: str, meaning: str) -> msgspec.Meta:
    """Annotate a finite number that is never negative."""
    return quantity(unit, meaning, ge=0.0, le=FINITE)


def each(unit: str, meaning: str) -> msgspec.Meta:
    """Annotate a list of numbers."""
    return quantity(unit, meaning, max_length=MAX_ITEMS)


def shorten(message: Message, **longest: int) -> None:
    """Cut texts and lists of a message under construction to what a receiver accepts.

    For what quotes a value of any size: an explanation that is cut helps, one that every receiver drops does not.

    Args:
        message: the message, from its own `__post_init__`.
        longest: most characters or items, by field.
    """
    for field, most in longest.items():
        value = getattr(message, field)
        if len(value) > most:
            cut = f"{value[: most - 1]}\N{HORIZONTAL ELLIPSIS}" if isinstance(value, str) else value[:most]
            msgspec.structs.force_setattr(message, field, cut)
