"""What the page shows of a state frame: numbers by name, with the unit people read and its decimals.

SI units and meanings come from the bus's own declarations, so that a label cannot drift from the message.
"""

import math
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from bus.messages import State

_READ_AS: dict[str, tuple[str, float, float]] = {
    "W": ("kW", 1e-3, 0.0),
    "J": ("kWh", 1.0 / 3.6e6, 0.0),
    "Pa": ("bar", 1e-5, 0.0),
    "K": ("°C", 1.0, -273.15),
    "N": ("kN", 1e-3, 0.0),
    "1": ("", 1.0, 0.0),
}
"""SI unit -> unit on the page, factor, offset; units that are not listed are shown as they are."""


@dataclass(frozen=True)
class Channel:
    """One number of the state frame as the page shows it: shown = value * factor + offset."""

    path: str
    unit: str
    factor: float
    offset: float
    decimals: int
    meaning: str

    @property
    def part(self) -> str:
        """Attribute of the state frame that holds it."""
        return self.path.split(".")[0]


@cache
def _definitions() -> dict[str, Any]:
    """JSON Schema of the state frame and its parts; made once, since a restart waits for it."""
    definitions: dict[str, Any] = msgspec.json.schema(State)["$defs"]
    return definitions


def _declared(path: str) -> tuple[str, str]:
    """Unit and meaning of a field of the state frame."""
    part, field = path.split(".")
    owner = _definitions()["State"]["properties"][part]["$ref"].rpartition("/")[2]
    schema = _definitions()[owner]["properties"][field]
    return _find(schema, "unit"), _find(schema, "description")


def _find(schema: dict[str, Any], key: str) -> str:
    """An annotation, which of a nullable field stands in one of its alternatives."""
    for place in (schema, *schema.get("anyOf", ())):
        if key in place:
            return str(place[key])
    return ""


def _channel(path: str, decimals: int) -> Channel:
    si, meaning = _declared(path)
    unit, factor, offset = _READ_AS.get(si, (si, 1.0, 0.0))
    return Channel(path, unit, factor, offset, decimals, meaning)


def _channels(table: dict[str, int]) -> tuple[Channel, ...]:
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
    }
)
"""Channels that are kept and plotted over simulated time."""

READINGS = _channels(
    {
        "compressor.power": 1,
        "compressor.mass_flow": 3,
        "valve.mass_flow": 3,
        "valve.delivered": 3,
        "valve.target": 3,
        "generator.power": 1,
        "converter.loss": 1,
        "drivetrain.sprocket_speed": 3,
        "plc.speed_setpoint_rpm": 1,
        "chain.coflow_speed": 3,
        "chain.loop_length": 2,
        "receiver.temperature": 1,
        "grid.frequency": 2,
        "powers.unsourced": 2,
        "powers.buoyancy": 1,
        "powers.vent": 1,
        "meters.laps": 0,
        "meters.net_power": 1,
        "meters.grid_power": 1,
        "meters.compressor_power": 1,
        "meters.auxiliary_power": 1,
        "meters.shaft_power": 1,
        "meters.cop": 3,
        "meters.chain_speed": 3,
        "meters.generator_rpm": 1,
        "meters.receiver_pressure_min": 2,
        "meters.receiver_pressure_max": 2,
        "meters.unsourced_power": 2,
        "ledger.compressor": 3,
        "ledger.auxiliary": 3,
        "ledger.heat_from_water": 3,
        "ledger.unsourced": 3,
        "ledger.parameter_change": 3,
        "ledger.grid": 3,
        "ledger.aftercooler": 3,
        "ledger.receiver_heat": 3,
        "ledger.vent": 3,
        "ledger.drag_local": 3,
        "ledger.drag_bulk": 3,
        "ledger.water_exchange": 3,
        "ledger.jet_wake": 3,
        "ledger.h1_slip": 3,
        "ledger.chain_friction": 3,
        "ledger.brake": 3,
        "ledger.gearbox": 3,
        "ledger.flywheel_windage": 3,
        "ledger.clutch": 3,
        "ledger.generator_copper": 3,
        "ledger.generator_iron": 3,
        "ledger.generator_mechanical": 3,
        "ledger.generator_stray": 3,
        "ledger.converter": 3,
        "ledger.auxiliary_heat": 3,
        "ledger.bath": 3,
        "ledger.chopper": 3,
        "ledger.dump_load": 3,
        "ledger.residual": 3,
        "ledger.r_a": 3,
    }
)
"""Channels of which the page shows the newest value only."""

_READ_SERIES = attrgetter(*(channel.path for channel in SERIES))
_READ_READINGS = attrgetter(*(channel.path for channel in READINGS))


def series(state: State) -> tuple[float, ...]:
    """The plotted numbers of one state, SI."""
    row: tuple[float, ...] = _READ_SERIES(state)
    return row


def readings(state: State) -> list[float]:
    """The other numbers of one state, SI; NaN, which never travels on the bus, marks one that does not exist."""
    return [math.nan if value is None else float(value) for value in _READ_READINGS(state)]


def table(channels: tuple[Channel, ...]) -> list[dict[str, Any]]:
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
