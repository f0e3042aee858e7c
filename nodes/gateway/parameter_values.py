"""Values of parameters one by one: what the declaration of each permits, whatever the others are."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from kpp_physics.parameters import DECLARATIONS, Declaration

SWITCH = "on"
"""The choice that `true` stands for, for a parameter that has this choice."""


def schema(item: Declaration) -> dict[str, Any]:
    """The permitted values of a parameter, as JSON Schema."""
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
    """An object with values of some parameters by name, as JSON Schema."""
    properties = {item.name: schema(item) for item in DECLARATIONS.values()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def allowed(name: str, value: Any) -> bool:
    """Does the declaration of a parameter permit a value? False for a parameter that does not exist."""
    item = DECLARATIONS.get(name)
    if item is None:
        return False
    if item.choices:
        return value in item.choices or (isinstance(value, bool) and SWITCH in item.choices)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False  # bool is named because to Python it is an int
    least = -math.inf if item.minimum is None else item.minimum
    most = math.inf if item.maximum is None else item.maximum
    return least <= value <= most and (not isinstance(item.default, int) or value == int(value))


def status(given: Mapping[str, Any]) -> HTTPStatus:
    """The status with which refused parameters are answered.

    Args:
        given: the values that were sent, by name.

    Returns:
        422 if the declaration of one of them does not permit its value; else 409: each value is permitted, but they
        conflict with one another or with the values in force.
    """
    right = all(allowed(name, value) for name, value in given.items())
    return HTTPStatus.CONFLICT if right else HTTPStatus.UNPROCESSABLE_ENTITY
