"""JSON Schemas of messages as readers want them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from bus.protocol.schema import FINITE


def schemas(kinds: Iterable[Any], reference: str) -> dict[str, Any]:
    """Schemas of messages and of what they are made of, by name.

    Args:
        kinds: message classes.
        reference: how they refer to each other, with `{name}` in it.
    """
    _, components = msgspec.json.schema_components(list(kinds), ref_template=reference)
    found: dict[str, Any] = without_infinity(components)
    return found


def without_infinity(value: Any) -> Any:
    """A schema without the limits that only say "finite": in JSON every number is."""
    if isinstance(value, dict):
        return {
            name: without_infinity(each)
            for name, each in value.items()
            if not (name in {"minimum", "maximum"} and isinstance(each, float) and abs(each) >= FINITE)
        }
    if isinstance(value, list):
        return [without_infinity(each) for each in value]
    return value
