"""Warnings of a plant in operation: each with what is measured and the limit that it passed."""

from typing import Final, NamedTuple

from kpp_physics import constants, ledger
from kpp_physics import state as st
from kpp_physics.limits import limit_text
from kpp_physics.parameters import Parameters

FREEZING: Final = 273.15
"""Temperature below which a finite bath would freeze, K."""

ENTROPY_TOLERANCE: Final = 1e-6
"""What rounding may take off a line of destroyed exergy in one step, J."""

TENSION_SHARE: Final = 0.9
"""Share of the chain's limit above which its tension is warned of."""

MISSED_SHARE: Final = 0.1
"""Share of the pulses that may miss their target mass."""


class ActiveWarning(NamedTuple):
    """A warning in force. What stands before the colon of its text names it; the numbers behind change all the time."""

    text: str
    value: float
    limit: str


def active_warnings(
    p: Parameters, x: list[float], missed: float, pulses: float, residuals: list[float]
) -> list[ActiveWarning]:
    """Every warning in force.

    Args:
        p: parameters.
        x: scalars of the state.
        missed, pulses: over the last complete laps, those below their target mass and all [-].
        residuals: R_A, R_B, R_C over the energy scale [-].
    """
    return [*_temperatures(p, x), *_loads(p, x, missed, pulses), *_books(x, residuals)]


def _temperatures(p: Parameters, x: list[float]) -> list[ActiveWarning]:
    """Ice in pockets or bath, of which the model knows nothing, and a hot winding."""
    found = []
    if x[st.COLDEST] < constants.ICING_TEMPERATURE:
        text = f"icing: coldest pocket at {x[st.COLDEST]:.1f} K, below {constants.ICING_TEMPERATURE} K"
        found.append(ActiveWarning(text, x[st.COLDEST], limit_text(constants.ICING_TEMPERATURE, "K")))
    if p.bath_heat_capacity > 0 and x[st.BATH_START] + x[st.BATH_ENERGY] / p.bath_heat_capacity < FREEZING:
        cold = x[st.BATH_START] + x[st.BATH_ENERGY] / p.bath_heat_capacity
        text = f"bath: water at {cold:.1f} K, below {FREEZING} K: the model knows no ice"
        found.append(ActiveWarning(text, cold, limit_text(FREEZING, "K")))
    if x[st.WINDING_TEMPERATURE] > constants.WINDING_WARNING_TEMPERATURE:
        limit = constants.WINDING_WARNING_TEMPERATURE
        text = f"winding: at {x[st.WINDING_TEMPERATURE]:.1f} K, above {limit} K"
        found.append(ActiveWarning(text, x[st.WINDING_TEMPERATURE], limit_text(limit, "K")))
    return found


def _loads(p: Parameters, x: list[float], missed: float, pulses: float) -> list[ActiveWarning]:
    """A chain close to its limit, and charges that stay too small."""
    found = []
    if x[st.TENSION_MAX] > TENSION_SHARE * p.chain_tension_limit:
        limit = p.chain_tension_limit / 1e3
        text = f"chain tension: {x[st.TENSION_MAX] / 1e3:.1f} kN, above {TENSION_SHARE * 100:g} % of {limit:g} kN"
        found.append(ActiveWarning(text, x[st.TENSION_MAX], limit_text(TENSION_SHARE * p.chain_tension_limit, "N")))
    if missed > MISSED_SHARE * pulses:
        text = (
            f"missed pulses: {missed:.0f} of {pulses:.0f} missed their target mass, more than {MISSED_SHARE * 100:g} %"
        )
        found.append(ActiveWarning(text, missed / pulses, limit_text(MISSED_SHARE, "-")))
    return found


def _books(x: list[float], residuals: list[float]) -> list[ActiveWarning]:
    """Ledgers that do not close, which is a fault of the model and not of the plant."""
    found = []
    gates = (ledger.GATE_A, ledger.GATE_B, ledger.GATE_C)
    for name, residual, gate in zip(("R_A", "R_B", "R_C"), residuals, gates, strict=True):
        if abs(residual) > gate:
            text = f"ledger residual {name}: {residual:.2e} of the energy scale, above its gate {gate:g}"
            found.append(ActiveWarning(text, residual, limit_text(gate, "-")))
    if x[st.ENTROPY_LOW] < -ENTROPY_TOLERANCE:
        text = f"second law: a line of destroyed exergy fell to {x[st.ENTROPY_LOW]:.2e} J in one step"
        found.append(ActiveWarning(text, x[st.ENTROPY_LOW], limit_text(-ENTROPY_TOLERANCE, "J")))
    return found
