"""Limits of the controller, and its conditions: what passes a limit now, as numbers in SI units."""

from typing import Any, Literal, NamedTuple

from kpp_physics import constants, plc
from kpp_physics.parameters import Parameters


class Limit(NamedTuple):
    """A limit and its SI unit, "-" for a share."""

    value: float
    unit: str

    @property
    def text(self) -> str:
        """The limit for people, such as `403.15 K`."""
        return f"{self.value:.6g}" if self.unit == "-" else f"{self.value:.6g} {self.unit}"


class PlcCondition(NamedTuple):
    """What the controller warns of, or why it has stopped the plant.

    Attributes:
        id: the same for the same condition in every run.
        priority: high for a trip and an emergency stop, low for a warning.
        name: what people call it.
        text: the same with its numbers, which change all the time.
        value: what is measured, in the unit of the limit; None where nothing is.
        limit: the limit that it passes; None where nothing is measured.
    """

    id: str
    priority: Literal["high", "low"]
    name: str
    text: str
    value: float | None = None
    limit: Limit | None = None

    def plain(self) -> dict[str, Any]:
        """The same as plain values; the unit of a share is empty."""
        limit, unit = (None, "") if self.limit is None else self.limit
        return {**self._asdict(), "limit": limit, "unit": "" if unit == "-" else unit}


def trip_limit(trip: int, p: Parameters) -> Limit | None:
    """The limit that a trip is for, None for no trip."""
    return {
        plc.TRIP_SHAFT_SPEED: Limit(constants.SHAFT_TRIP_RATIO * p.generator_rated_speed, "rpm"),
        plc.TRIP_CHAIN_SPEED: Limit(constants.SPEED_TRIP, "m/s"),
        plc.TRIP_PRESSURE: Limit(p.trip_pressure, "Pa"),
        plc.TRIP_TENSION: Limit(p.chain_tension_limit, "N"),
        plc.TRIP_SLACK: Limit(0.0, "N"),
        plc.TRIP_WINDING: Limit(constants.WINDING_TRIP_TEMPERATURE, "K"),
        plc.TRIP_RECEIVER_TEMPERATURE: Limit(constants.RECEIVER_TRIP_TEMPERATURE, "K"),
    }.get(trip)


def stops(state: int, trip: int, p: Parameters) -> list[PlcCondition]:
    """Why the controller has stopped the plant: the trip in force, and an emergency stop."""
    found = []
    if trip != plc.NO_TRIP:
        cause = plc.TRIPS[trip]
        found.append(PlcCondition("trip", "high", cause, f"tripped: {cause}", None, trip_limit(trip, p)))
    if state == plc.EMERGENCY_STOP:
        found.append(PlcCondition("emergency_stop", "high", "emergency stop", "emergency stop"))
    return found
