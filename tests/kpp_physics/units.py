"""A small algebra of units: what a unit is worth when kilogram, metre, second, kelvin and ampere are replaced."""

import math
import re
from typing import Final

BASE: Final = ("kg", "m", "s", "K", "A")
DERIVED: Final = {
    "-": "", "rad": "", "deg": "", "Hz": "1/s", "rpm": "1/s", "N": "kg m/s2", "Pa": "kg/(m s2)", "J": "kg m2/s2",
    "W": "kg m2/s3", "V": "kg m2/(s3 A)", "Wb": "kg m2/(s2 A)", "H": "kg m2/(s2 A2)", "ohm": "kg m2/(s3 A2)",
    "F": "s4 A2/(kg m2)", "us": "s",
}  # fmt: skip


def dimension(unit: str) -> tuple[int, ...]:
    """Exponents of kg, m, s, K, A in a unit such as "J/(kg K)", "N m s2" or "1/s".

    Raises:
        ValueError: when a part of it is no unit.
    """
    total = [0] * len(BASE)
    above, _, below = unit.replace(" peak", "").partition("/")
    for side, sign in ((above, 1), (below.strip("()"), -1)):
        for part in side.split():
            found = re.fullmatch(r"([A-Za-z-]+)(\d*)", part)
            if part == "1":
                continue
            if not found or (found[1] not in BASE and found[1] not in DERIVED):
                raise ValueError(f"{part!r} in {unit!r} is no unit")
            power = sign * int(found[2] or 1)
            own = [int(name == found[1]) for name in BASE] if found[1] in BASE else list(dimension(DERIVED[found[1]]))
            total = [old + power * new for old, new in zip(total, own, strict=True)]
    return tuple(total)


def worth(unit: str, scales: tuple[float, ...]) -> float:
    """Factor of a number in this unit when the base units shrink by `scales`."""
    return math.prod(scale**power for scale, power in zip(scales, dimension(unit), strict=True))
