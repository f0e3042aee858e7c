"""Values of parameters by themselves: what each may be, and whether it is that."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from kpp_physics.parameters import DECLARATIONS, Declaration

SWITCH = "on"
"""The choice that true stands for, of a parameter that has it."""


def schema(item: Declaration) -> dict[str, Any]:
    """What a value of a parameter may be, as JSON Schema."""
    if item.choices:
        kinds: list[dict[str, Any]] = [{"type": "string", "enum": list(item.choices)}]
        kinds += [{"type": "boolean"}] if SWITCH in item.choices else []
        return {"description": item.text} | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})
    found = {
        "type": "integer" if isinstance(item.default, int) else "number",
        "description": item.text,
        "minimum": item.minimum,
        "maximum": item.maximum,
    }
    return {name: value for name, value in found.items() if value is not None}


def schemas() -> dict[str, Any]:
    """Some parameters by name, as JSON Schema."""
    properties = {item.name: schema(item) for item in DECLARATIONS.values()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def allowed(name: str, value: Any) -> bool:
    """Is a value what the declaration of its parameter allows, whatever the others are?"""
    item = DECLARATIONS.get(name)
    if item is None:
        return False
    if item.choices:
        return value in item.choices or (isinstance(value, bool) and SWITCH in item.choices)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    least = -math.inf if item.minimum is None else item.minimum
    most = math.inf if item.maximum is None else item.maximum
    return least <= value <= most and (not isinstance(item.default, int) or value == int(value))


def status(given: Mapping[str, Any]) -> HTTPStatus:
    """How a refusal of parameters is answered.

    Args:
        given: what was sent, by name.

    Returns:
        422 if one of them is not what its declaration allows; else 409: they do not go together, or not with what is
        in force.
    """
    right = all(allowed(name, value) for name, value in given.items())
    return HTTPStatus.CONFLICT if right else HTTPStatus.UNPROCESSABLE_ENTITY
