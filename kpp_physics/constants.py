"""Numbers of the model that are no parameters: each with its unit and where it comes from."""

from dataclasses import dataclass
from typing import Final, TypeVar

from kpp_physics.table import Entry, Table

V = TypeVar("V", int, float)


@dataclass(frozen=True)
class Constant(Entry):
    """One number of the model."""

    value: float


TABLE: Final = Table[Constant]("the constants")
"""Every constant by its name."""


def _constant(name: str, value: V, unit: str, *, meaning: str) -> V:
    """Declare a constant; returns its value, an int where it counts whole things."""
    TABLE.declare(Constant(name, unit, meaning, value))
    return value


STEP: Final = _constant(
    "step", 1.0e-3, "s", meaning="physics step. Fixed: the trajectory must not depend on tick rate or speed-up"
)
STEP_US: Final = _constant("step_us", 1000, "us", meaning="the same in whole microseconds of simulated time")

VALVE_REFERENCE_DENSITY: Final = _constant(
    "valve_reference_density",
    1.185,
    "kg/m3",
    meaning="air at the reference state of ISO 6358: 293.15 K, 100 kPa, 65 % humidity",
)
VALVE_REFERENCE_TEMPERATURE: Final = _constant(
    "valve_reference_temperature", 293.15, "K", meaning="reference temperature of ISO 6358"
)
VALVE_LINEAR_RATIO: Final = _constant(
    "valve_linear_ratio",
    0.999,
    "-",
    meaning="pressure ratio above which the flow falls linearly: the root has infinite slope at 1 (ISO 6358-1:2013)",
)

STANDSTILL_SPEED: Final = _constant(
    "standstill_speed",
    1.0e-3,
    "m/s",
    meaning="scale of dry friction and brake: the force is F tanh(v/scale), so a held chain creeps below it",
)
SHAFT_STANDSTILL_SPEED: Final = _constant(
    "shaft_standstill_speed", 0.05, "rad/s", meaning="speed scale of the hysteresis torque of the iron"
)

HEAT_MINIMUM_MASS: Final = _constant(
    "heat_minimum_mass", 1.0e-3, "kg", meaning="a pocket with less air exchanges no heat and raises no icing warning"
)
MASS_ZERO: Final = _constant("mass_zero", 1.0e-9, "kg", meaning="a venting pocket with less air counts as empty")

START_WINDOW_SPEED: Final = _constant(
    "start_window_speed",
    0.05,
    "m/s",
    meaning="chain speed below which a starting plant injects along the lower half of the up run",
)
BRAKE_SPEED: Final = _constant(
    "brake_speed", 0.05, "m/s", meaning="chain speed below which a stopping plant sets its brake"
)
REST_SPEED: Final = _constant(
    "rest_speed",
    5.0e-3,
    "m/s",
    meaning="chain speed that counts as rest for a reset: above the brake's creep, far below motion",
)

SPEED_TRIP: Final = _constant("speed_trip", 3.0, "m/s", meaning="trip of the chain speed")
SHAFT_TRIP_RATIO: Final = _constant(
    "shaft_trip_ratio", 1.15, "-", meaning="overspeed trip over the generator's rated speed"
)
TENSION_TRIP_TIME: Final = _constant(
    "tension_trip_time", 0.1, "s", meaning="time for which the chain tension must exceed its limit before the trip"
)
SLACK_TRIP_TIME: Final = _constant(
    "slack_trip_time", 0.5, "s", meaning="time for which the chain must be slack before the trip"
)
WINDING_TRIP_TEMPERATURE: Final = _constant(
    "winding_trip_temperature", 150.0 + 273.15, "K", meaning="trip of the winding temperature"
)
WINDING_WARNING_TEMPERATURE: Final = _constant(
    "winding_warning_temperature", 130.0 + 273.15, "K", meaning="warning of the winding temperature"
)
RECEIVER_TRIP_TEMPERATURE: Final = _constant(
    "receiver_trip_temperature", 90.0 + 273.15, "K", meaning="trip of the receiver's air temperature"
)
ICING_TEMPERATURE: Final = _constant(
    "icing_temperature", 273.15, "K", meaning="pocket temperature below which icing is possible"
)

STOP_RAMP_TIME: Final = _constant(
    "stop_ramp_time",
    30.0,
    "s",
    meaning="time in which a stopping plant's set-point falls from its nominal value to zero",
)
VENT_TIME: Final = _constant(
    "vent_time", 1.0, "s", meaning="time constant with which every pocket empties while vent-all is open"
)
TENSION_INTERVAL: Final = _constant(
    "tension_interval",
    5,
    "-",
    meaning="steps between two reconstructions of the tension: 5 ms, well inside the 20 ms a trip may take",
)

CURRENT_ZERO: Final = _constant(
    "current_zero", 1.0e-6, "A", meaning="a released winding with less counts as free of current"
)
GRID_FREQUENCY: Final = _constant("grid_frequency", 50.0, "Hz", meaning="nominal grid frequency")
DC_LINK_TIME: Final = _constant(
    "dc_link_time",
    0.02,
    "s",
    meaning="time constant with which the grid side brings the energy of the DC link to its reference",
)
PRECHARGE_SHARE: Final = _constant(
    "precharge_share", 0.1, "-", meaning="power that charges the DC link from the grid, over the converter's rating"
)
CHOPPER_RATIO: Final = _constant(
    "chopper_ratio",
    1.1,
    "-",
    meaning="voltage of the DC link over its reference above which the chopper takes the excess",
)

SYNCHRONISATION_TIME: Final = _constant(
    "synchronisation_time",
    0.1,
    "s",
    meaning="time constant with which the synchroniser removes the differences in frequency and angle",
)
SYNC_FREQUENCY: Final = _constant(
    "sync_frequency", 0.2, "Hz", meaning="largest difference in frequency at which the grid breaker closes"
)
SYNC_VOLTAGE: Final = _constant(
    "sync_voltage", 0.05, "-", meaning="largest difference in voltage, over nominal, at which it closes"
)
SYNC_ANGLE: Final = _constant("sync_angle", 15.0, "deg", meaning="largest difference in angle at which it closes")
