"""Warnings of a plant in operation: each with what is measured and the limit that it passed."""

from typing import Final

from kpp_physics import constants, ledger
from kpp_physics import state as st
from kpp_physics.limits import Limit, PlcCondition
from kpp_physics.parameters import Parameters

FREEZING: Final = 273.15
"""Temperature below which a finite bath would freeze, K."""

ENTROPY_TOLERANCE: Final = 1e-6
"""What rounding may take off a line of destroyed exergy in one step, J."""

TENSION_SHARE: Final = 0.9
"""Share of the chain's limit above which its tension is warned of."""

MISSED_SHARE: Final = 0.1
"""Share of the pulses that may miss their target mass."""


def active_warnings(
    p: Parameters, x: list[float], missed: float, pulses: float, residuals: list[float]
) -> list[PlcCondition]:
    """Every warning in force.

    Args:
        p: parameters.
        x: scalars of the state.
        missed, pulses: over the last complete laps, those below their target mass and all [-].
        residuals: R_A, R_B, R_C over the energy scale [-].
    """
    return [*_temperatures(p, x), *_loads(p, x, missed, pulses), *_books(x, residuals)]


def _temperatures(p: Parameters, x: list[float]) -> list[PlcCondition]:
    """Ice in pockets or bath, of which the model knows nothing, and a hot winding."""
    found = []
    if x[st.COLDEST] < constants.ICING_TEMPERATURE:
        text = f"coldest pocket at {x[st.COLDEST]:.1f} K, below {constants.ICING_TEMPERATURE} K"
        found.append(_warning("icing", text, x[st.COLDEST], Limit(constants.ICING_TEMPERATURE, "K")))
    if p.bath_heat_capacity > 0 and x[st.BATH_START] + x[st.BATH_ENERGY] / p.bath_heat_capacity < FREEZING:
        cold = x[st.BATH_START] + x[st.BATH_ENERGY] / p.bath_heat_capacity
        text = f"water at {cold:.1f} K, below {FREEZING} K: the model knows no ice"
        found.append(_warning("bath", text, cold, Limit(FREEZING, "K")))
    if x[st.WINDING_TEMPERATURE] > constants.WINDING_WARNING_TEMPERATURE:
        limit = constants.WINDING_WARNING_TEMPERATURE
        text = f"at {x[st.WINDING_TEMPERATURE]:.1f} K, above {limit} K"
        found.append(_warning("winding", text, x[st.WINDING_TEMPERATURE], Limit(limit, "K")))
    return found


def _loads(p: Parameters, x: list[float], missed: float, pulses: float) -> list[PlcCondition]:
    """A chain close to its limit, and charges that stay too small."""
    found = []
    if x[st.TENSION_MAX] > TENSION_SHARE * p.chain_tension_limit:
        limit = p.chain_tension_limit / 1e3
        text = f"{x[st.TENSION_MAX] / 1e3:.1f} kN, above {TENSION_SHARE * 100:g} % of {limit:g} kN"
        found.append(
            _warning("chain tension", text, x[st.TENSION_MAX], Limit(TENSION_SHARE * p.chain_tension_limit, "N"))
        )
    # Without pulses neither side is above 0: a plant that injects nothing misses nothing.
    if missed > MISSED_SHARE * pulses:
        text = f"{missed:.0f} of {pulses:.0f} missed their target mass, more than {MISSED_SHARE * 100:g} %"
        found.append(_warning("missed pulses", text, missed / pulses, Limit(MISSED_SHARE, "-")))
    return found


def _books(x: list[float], residuals: list[float]) -> list[PlcCondition]:
    """Ledgers that do not close, which is a fault of the model and not of the plant."""
    found = []
    gates = (ledger.GATE_A, ledger.GATE_B, ledger.GATE_C)
    for name, residual, gate in zip(("R_A", "R_B", "R_C"), residuals, gates, strict=True):
        if abs(residual) > gate:
            text = f"{residual:.2e} of the energy scale, above its gate {gate:g}"
            found.append(_warning(f"ledger residual {name}", text, residual, Limit(gate, "-")))
    if x[st.ENTROPY_LOW] < -ENTROPY_TOLERANCE:
        text = f"a line of destroyed exergy fell to {x[st.ENTROPY_LOW]:.2e} J in one step"
        found.append(_warning("second law", text, x[st.ENTROPY_LOW], Limit(-ENTROPY_TOLERANCE, "J")))
    return found


def _warning(name: str, text: str, value: float, limit: Limit) -> PlcCondition:
    return PlcCondition(name.lower().replace(" ", "_"), "low", name, f"{name}: {text}", value, limit)
