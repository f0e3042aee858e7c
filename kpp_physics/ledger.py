"""The energy ledger: what went in, what came out, what is stored, and what does not close.

Every line is the sum of the very fluxes that changed the states, never of a second formula. Energies of air count from
ambient: h = cp (T - T0), u = cv (T - T0) - R T0. Totals are summed with compensation (Neumaier), so that the residual
shows missing bookings and not the rounding of long sums.
"""

from typing import Final

from kpp_physics.compiled import inlined

INPUTS: Final = ("compressor", "auxiliary", "heat_from_water", "unsourced", "parameter_change")
"""Lines that bring energy in, J."""

OUTPUTS: Final = (
    "grid",
    "aftercooler",
    "receiver_heat",
    "vent",
    "drag_local",
    "drag_bulk",
    "water_exchange",
    "chain_friction",
    "brake",
    "gearbox",
    "flywheel_windage",
    "clutch",
    "generator_copper",
    "generator_iron",
    "generator_mechanical",
    "generator_stray",
    "converter",
    "auxiliary_heat",
    "jet_wake",
    "h1_slip",
)
"""Lines that take energy out, J."""

COUNTERS: Final = (
    "buoyancy",
    "shell",
    "shaft",
    "drag",
    "air_intake",
    "air_valve",
    "air_vented",
    "water_expelled",
    "water_ingested",
    "chain_travel",
    "shaft_angle",
    "tension_peak_time",
)
"""Sums that are metered but are no line of the balance: J, kg, m, rad, N s."""

LINES: Final = INPUTS + OUTPUTS + COUNTERS
COUNT: Final = len(LINES)
INPUT_COUNT: Final = len(INPUTS)
BALANCE_COUNT: Final = len(INPUTS) + len(OUTPUTS)

# fmt: off
(COMPRESSOR, AUXILIARY, HEAT_FROM_WATER, UNSOURCED, PARAMETER_CHANGE,
 GRID, AFTERCOOLER, RECEIVER_HEAT, VENT, DRAG_LOCAL, DRAG_BULK, WATER_EXCHANGE, CHAIN_FRICTION,
 BRAKE, GEARBOX, FLYWHEEL_WINDAGE, CLUTCH, GENERATOR_COPPER, GENERATOR_IRON, GENERATOR_MECHANICAL,
 GENERATOR_STRAY, CONVERTER, AUXILIARY_HEAT, JET_WAKE, H1_SLIP,
 BUOYANCY, SHELL, SHAFT, DRAG, AIR_INTAKE, AIR_VALVE, AIR_VENTED, WATER_EXPELLED,
 WATER_INGESTED, CHAIN_TRAVEL, SHAFT_ANGLE, TENSION_PEAK_TIME) = range(COUNT)
# fmt: on

STORES: Final = ("receiver", "pockets", "chain", "shaft", "water", "shell", "magnetic", "dc_link")
"""Where energy is stored, J."""

STORE_COUNT: Final = len(STORES)

(
    STORED_RECEIVER,
    STORED_POCKETS,
    STORED_CHAIN,
    STORED_SHAFT,
    STORED_WATER,
    STORED_SHELL,
    STORED_MAGNETIC,
    STORED_DC_LINK,
) = range(STORE_COUNT)


@inlined
def add(total: float, remainder: float, term: float) -> tuple[float, float]:
    """Compensated sum: the new total and the rounding that it could not hold (Neumaier 1974)."""
    new = total + term
    if abs(total) >= abs(term):
        return new, remainder + ((total - new) + term)
    return new, remainder + ((term - new) + total)
