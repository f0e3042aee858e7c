"""JSON Schemas of messages as readers want them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from bus.protocol.schema import FINITE


def schemas(kinds: Iterable[Any], reference: str) -> dict[str, Any]:
    """Schemas of messages and of the structures in them, by name.

    Args:
        kinds: message classes.
        reference: form of the references between them, with `{name}` in it.
    """
    _, components = msgspec.json.schema_components(list(kinds), ref_template=reference)
    found: dict[str, Any] = without_infinity(components)
    return found


def without_infinity(value: Any) -> Any:
    """A schema without the limits that only mean "finite", since every number of JSON is."""
    if isinstance(value, dict):
        return {
            name: without_infinity(each)
            for name, each in value.items()
            if not (name in {"minimum", "maximum"} and isinstance(each, float) and abs(each) >= FINITE)
        }
    if isinstance(value, list):
        return [without_infinity(each) for each in value]
    return value
