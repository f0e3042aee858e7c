"""The energy ledger: what went in, what came out, what is stored, and what does not close.

Every line is the sum of the very fluxes that changed the states, never of a second formula. Energies of air count from
ambient: h = cp (T - T0), u = cv (T - T0) - R T0. Totals are summed with compensation (Neumaier), so that the residual
shows missing bookings and not the rounding of long sums.
"""

from typing import Final

from kpp_physics.compiled import inlined

INPUTS: Final = ("compressor", "auxiliary", "heat_from_water", "unsourced", "environment", "reference", "bath")
"""Lines that bring energy in, J. `environment` is the work of surroundings that change, `reference` what the stored air
counts more because the ambient temperature, from which it counts, fell. `bath` is the net heat into a finite
water bath: from outside, less the pockets'."""

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
    "chopper",
    "dump_load",
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
    "air_recovered",
    "water_expelled",
    "water_ingested",
    "chain_travel",
    "shaft_angle",
    "tension_peak_time",
    "unsourced_h1",
    "unsourced_h2",
    "unsourced_h3",
    "unsourced_jet",
    "unsourced_recovery",
    "heat_exergy",
    "environment_exergy",
)
"""Sums that are metered but are no line of the balance: J, kg, m, rad, N s."""

LINES: Final = INPUTS + OUTPUTS + COUNTERS
COUNT: Final = len(LINES)
INPUT_COUNT: Final = len(INPUTS)
BALANCE_COUNT: Final = len(INPUTS) + len(OUTPUTS)

# fmt: off
(COMPRESSOR, AUXILIARY, HEAT_FROM_WATER, UNSOURCED, ENVIRONMENT, REFERENCE, BATH,
 GRID, AFTERCOOLER, RECEIVER_HEAT, VENT, DRAG_LOCAL, DRAG_BULK, WATER_EXCHANGE, CHAIN_FRICTION,
 BRAKE, GEARBOX, FLYWHEEL_WINDAGE, CLUTCH, GENERATOR_COPPER, GENERATOR_IRON, GENERATOR_MECHANICAL,
 GENERATOR_STRAY, CONVERTER, CHOPPER, DUMP_LOAD, AUXILIARY_HEAT, JET_WAKE, H1_SLIP,
 BUOYANCY, SHELL, SHAFT, DRAG, AIR_INTAKE, AIR_VALVE, AIR_VENTED, AIR_RECOVERED, WATER_EXPELLED,
 WATER_INGESTED, CHAIN_TRAVEL, SHAFT_ANGLE, TENSION_PEAK_TIME,
 UNSOURCED_H1, UNSOURCED_H2, UNSOURCED_H3, UNSOURCED_JET, UNSOURCED_RECOVERY,
 HEAT_EXERGY, ENVIRONMENT_EXERGY) = range(COUNT)
# fmt: on

FIRST_LOSS: Final = DRAG_LOCAL
"""From here to the end of the balance every line is work lost as heat at ambient temperature."""

STORES: Final = (
    "receiver",
    "pockets",
    "chain",
    "shaft",
    "water",
    "shell",
    "magnetic",
    "dc_link",
    "bath",
    "surface",
)
"""Where energy is stored, J."""

STORE_COUNT: Final = len(STORES)

EXERGY_STORES: Final = (*STORES, "recovered")
"""Where exergy is stored, J: the same stores, and air held above ambient pressure for recovery."""

EXERGY_COUNT: Final = len(EXERGY_STORES)

# fmt: off
(STORED_RECEIVER, STORED_POCKETS, STORED_CHAIN, STORED_SHAFT, STORED_WATER, STORED_SHELL, STORED_MAGNETIC,
 STORED_DC_LINK, STORED_BATH, STORED_SURFACE) = range(STORE_COUNT)
# fmt: on

GATE_A: Final = 1e-9
GATE_B: Final = 1e-4
GATE_C: Final = 1e-3
"""Highest residuals over the energy scale: bookings, re-integrated powers, exergy."""


@inlined
def add(total: float, remainder: float, term: float) -> tuple[float, float]:
    """Compensated sum: the new total and the rounding that it could not hold (Neumaier 1974)."""
    new = total + term
    if abs(total) >= abs(term):
        return new, remainder + ((total - new) + term)
    return new, remainder + ((term - new) + total)
