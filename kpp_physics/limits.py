"""Limits as the controller tells them beside a warning or a trip: number and SI unit in one text."""

from kpp_physics import constants, plc
from kpp_physics.parameters import Parameters


def limit_text(value: float, unit: str) -> str:
    """A limit for people and programs, such as `403.15 K`; the unit "-" is left out."""
    return f"{value:.6g}" if unit == "-" else f"{value:.6g} {unit}"


def trip_limit(trip: int, p: Parameters) -> str | None:
    """The limit that a trip is for, None for no trip."""
    return {
        plc.TRIP_SHAFT_SPEED: limit_text(constants.SHAFT_TRIP_RATIO * p.generator_rated_speed, "rpm"),
        plc.TRIP_CHAIN_SPEED: limit_text(constants.SPEED_TRIP, "m/s"),
        plc.TRIP_PRESSURE: limit_text(p.trip_pressure, "Pa"),
        plc.TRIP_TENSION: limit_text(p.chain_tension_limit, "N"),
        plc.TRIP_SLACK: limit_text(0.0, "N"),
        plc.TRIP_WINDING: limit_text(constants.WINDING_TRIP_TEMPERATURE, "K"),
        plc.TRIP_RECEIVER_TEMPERATURE: limit_text(constants.RECEIVER_TRIP_TEMPERATURE, "K"),
    }.get(trip)
