"""Free-form command arguments: plain data of bounded size and depth.

The nesting is spelled out level by level instead of `Any`, so that the decoder itself refuses what is not a plain value
and names its place. `Any` would also build maps with keys of every kind, and 64 KiB of colliding keys would cost half a
second.
"""

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from bus.protocol.schema import MAX_ITEMS, Finite, Label, Text, Whole

Scalar = bool | Whole | Finite | Text | None
"""A flag, a finite number, a bounded whole one, a text or null."""

_Items = Meta(max_length=MAX_ITEMS)
_Inner = Scalar | Annotated[list[Scalar], _Items] | Annotated[dict[Label, Scalar], _Items]
_Middle = Scalar | Annotated[list[_Inner], _Items] | Annotated[dict[Label, _Inner], _Items]
Value = Scalar | Annotated[list[_Middle], _Items] | Annotated[dict[Label, _Middle], _Items]
"""A scalar, or lists and maps of them nested at most three deep."""

if TYPE_CHECKING:
    # Code that reads an argument checks it by rules of its own, where the nested union would only be in the way.
    Arguments = dict[str, Any]
else:
    Arguments = Annotated[dict[Label, Value], _Items]
"""Arguments by name."""
