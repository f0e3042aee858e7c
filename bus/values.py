"""Free-form command arguments: plain data of bounded size and depth."""

import math
from typing import Any

Arguments = dict[str, Any]
"""Arguments by name: numbers, text, flags, null, lists and maps of them."""

MAX_DEPTH = 6
MAX_ITEMS = 1024


def check_arguments(args: Arguments) -> None:
    """Accept plain, finite, bounded data.

    Raises:
        ValueError: naming the limit, when nested deeper than MAX_DEPTH, of more than MAX_ITEMS values in all, when a
            number is not finite, or when a value is of another kind (bytes, extension types).
    """
    items = 0
    level: list[Any] = [args]
    for _depth in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                if not all(isinstance(key, str) for key in value):
                    raise ValueError("args: names must be text")
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, float):
                if not math.isfinite(value):
                    raise ValueError("args: a number is NaN or infinite: send a finite number")
            elif not isinstance(value, str | int | None):
                raise ValueError(f"args: {type(value).__name__} is no plain value: send numbers, text, lists or maps")  # noqa: TRY004  # a bad value from outside, not a bug
        items += len(below)
        if items > MAX_ITEMS:
            raise ValueError(f"args: more than {MAX_ITEMS} values: send fewer")
        if not below:
            return
        level = below
    raise ValueError(f"args: nested deeper than {MAX_DEPTH} levels: send flat arguments")
