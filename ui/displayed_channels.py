"""What the page shows of a state: numbers by name, with the unit that people read and the number of decimals.

SI units and meanings come from the bus's own declarations, so that a label cannot drift away from the message.
"""

import math
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from bus.protocol.messages import State

_READ_AS: dict[str, tuple[str, float, float]] = {
    "W": ("kW", 1e-3, 0.0),
    "J": ("kWh", 1.0 / 3.6e6, 0.0),
    "Pa": ("bar", 1e-5, 0.0),
    "K": ("°C", 1.0, -273.15),
    "N": ("kN", 1e-3, 0.0),
    "1": ("", 1.0, 0.0),
}
"""Unit on the page, factor and offset by SI unit; units that are not listed are shown as they are."""


@dataclass(frozen=True)
class DisplayChannel:
    """One number of the state as the page shows it: shown = value * factor + offset."""

    path: str
    """Group and field of the state, with a dot between them."""
    unit: str
    """Unit on the page."""
    factor: float
    offset: float
    decimals: int
    meaning: str

    @property
    def part(self) -> str:
        """Group of the state that holds it."""
        return self.path.split(".")[0]


@cache
def _definitions() -> dict[str, Any]:
    """JSON Schema of the state and its groups; made once, because making it delays every start of the dashboard."""
    definitions: dict[str, Any] = msgspec.json.schema(State)["$defs"]
    return definitions


def _declared(path: str) -> tuple[str, str]:
    """SI unit and meaning of a field of the state."""
    part, field = path.split(".")
    owner = _definitions()["State"]["properties"][part]["$ref"].rpartition("/")[2]
    schema = _definitions()[owner]["properties"][field]
    return _find(schema, "unit"), _find(schema, "description")


def _find(schema: dict[str, Any], key: str) -> str:
    """An annotation of a field; that of a nullable field is in one of the alternatives of its schema."""
    for place in (schema, *schema.get("anyOf", ())):
        if key in place:
            return str(place[key])
    return ""


def _channel(path: str, decimals: int) -> DisplayChannel:
    si, meaning = _declared(path)
    unit, factor, offset = _READ_AS.get(si, (si, 1.0, 0.0))
    return DisplayChannel(path, unit, factor, offset, decimals, meaning)


def _channels(table: dict[str, int]) -> tuple[DisplayChannel, ...]:
    return tuple(_channel(path, decimals) for path, decimals in table.items())


SERIES = _channels(
    {
        "grid.import_power": 1,
        "grid.export_power": 1,
        "grid.net_power": 1,
        "powers.shaft": 1,
        "chain.speed": 3,
        "drivetrain.shaft_speed_rpm": 1,
        "receiver.pressure": 2,
        "grid.import_energy": 3,
        "grid.export_energy": 3,
        "compressor.power": 1,
        "compressor.mass_flow": 3,
        "valve.mass_flow": 3,
        "receiver.temperature": 1,
        "powers.buoyancy": 1,
        "powers.unsourced": 2,
        "generator.torque": 0,
        "generator.winding_temperature": 1,
        "chain.tension_max": 2,
        "chain.tension_min": 2,
    }
)
"""Channels that are kept and plotted over simulated time; their order is that of the values in a display frame."""

_DECIMALS = {
    "W": 1, "J": 3, "Pa": 2, "K": 1, "N": 2, "rpm": 1, "m/s": 3, "rad/s": 3, "kg/s": 3, "kg": 3, "N m": 0, "A": 1,
    "V": 1, "Hz": 2, "m": 2, "m3/s": 3, "s": 1,
}  # fmt: skip
"""Decimals on the page by SI unit; numbers of other units have three, whole numbers none."""


def _scalars() -> dict[str, int]:
    """Every single number of the state, with its decimals; lists are left out."""
    found = {}
    for part, place in _definitions()["State"]["properties"].items():
        owner = place.get("$ref", "").rpartition("/")[2]
        for field, schema in _definitions().get(owner, {}).get("properties", {}).items():
            kinds = {each.get("type") for each in (schema, *schema.get("anyOf", ()))}
            if kinds & {"number", "integer"}:
                unit = _find(schema, "unit")
                found[f"{part}.{field}"] = 0 if "integer" in kinds else _DECIMALS.get(unit, 3)
    return found


READINGS = _channels({path: n for path, n in _scalars().items() if path not in {each.path for each in SERIES}})
"""Channels of which the page shows only the newest value; their order is that of the values in a display frame."""

# One getter for all paths at a time: the first of them runs for each state, up to a thousand times a second.
_READ_SERIES = attrgetter(*(channel.path for channel in SERIES))
_READ_READINGS = attrgetter(*(channel.path for channel in READINGS))


def series(state: State) -> tuple[float, ...]:
    """The plotted numbers of one state in SI units, in the order of SERIES."""
    row: tuple[float, ...] = _READ_SERIES(state)
    return row


def readings(state: State) -> list[float]:
    """The other numbers of one state in SI units, in the order of READINGS.

    NaN stands for a value that does not exist; it is free for that, since it never travels on the bus.
    """
    return [math.nan if value is None else float(value) for value in _READ_READINGS(state)]


def table(channels: tuple[DisplayChannel, ...]) -> list[dict[str, Any]]:
    """The channels as plain data for the page."""
    return [
        {
            "path": channel.path,
            "unit": channel.unit,
            "factor": channel.factor,
            "offset": channel.offset,
            "decimals": channel.decimals,
            "meaning": channel.meaning,
        }
        for channel in channels
    ]
