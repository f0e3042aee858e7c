"""The five claims about such plants: what physics leaves of each, and what each adds when it is taken at its word.

Every claim is off, physical or claimed. Claimed, it acts as a free force or power, and the difference to its physical
value is booked as energy without a source, continuously and completely.
"""

import math
from typing import Final

from kpp_physics.compiled import inlined

OFF, PHYSICAL, CLAIMED = range(3)
MODES: Final = ("off", "physical", "claimed")

RECOVERY_TIME = 10.0
"""Averaging time of the suction buffer of recovered air, s."""

SPARGER_PRESSURE = 20000.0
"""Pressure above the bottom at which the gas of H1 is delivered, Pa: sparger and pipe."""

VOID_LIMIT = 0.3
"""Highest void fraction of the bubbly flow: beyond it bubbles merge to slugs."""


@inlined
def gas_flux(flow: float, gas_constant: float, temperature: float, bottom: float, surface: float, area: float) -> float:
    """Superficial velocity of the gas in the down shaft j_g [m/s], at the logarithmic mean of the pressure.

    Args:
        flow: gas [kg/s].
        gas_constant, temperature: [J/(kg K), K].
        bottom, surface: absolute pressures [Pa], bottom above surface.
        area: of the down shaft [m2].
    """
    # Isothermal bubbles expand with 1/p: the mean volume flow over the depth is that at this pressure.
    mean = (bottom - surface) / math.log(bottom / surface)
    return flow * gas_constant * temperature / (mean * area)


@inlined
def void_fraction(gas: float, coflow: float) -> float:
    """Void fraction of bubbles that rise against water flowing down: drift flux, C_0 = 1.2, drift 0.25 m/s [-].

    Args:
        gas: superficial gas velocity j_g [m/s].
        coflow: speed of the water, > 0 downwards in this shaft [m/s].
    """
    # Zuber and Findlay (1965). Against fast water no bubble rises: the denominator ends at 0.05, the void at its limit.
    return min(VOID_LIMIT, gas / max(1.2 * (gas - coflow) + 0.25, 0.05))


@inlined
def bubble_force(share: float, weight: float, volume: float, shell_volume: float, descending: float) -> float:
    """Force on the chain because the descending floaters hang in lighter water [N].

    Args:
        share: void fraction [-].
        weight: rho g [N/m3].
        volume, shell_volume: water inside a floater and volume of its shell [m3].
        descending: sum of max(0, -cos theta) over the floaters [-].
    """
    return share * weight * (volume + shell_volume) * descending


@inlined
def jet_power(flow: float, density: float, area: float, discharge: float) -> float:
    """Power that pushes the expelled water through its outlet 1/2 rho Q^3/(C_D A_o)^2 [W].

    Args:
        flow: water through the outlet [m3/s].
        density: of water [kg/m3].
        area: of the outlet [m2].
        discharge: coefficient C_D [-].
    """
    # p Q with the pressure of the outlet: 1/2 rho (Q/(C_D A_o))^2 times Q.
    speed = flow / (discharge * area)
    return 0.5 * density * flow * speed * speed


@inlined
def jet_pressure(flow: float, density: float, area: float, discharge: float) -> float:
    """Pressure that the outlet adds to the pocket's 1/2 rho (Q/(C_D A_o))^2 [Pa].

    Args:
        flow: water through the outlet [m3/s].
        density: of water [kg/m3].
        area: of the outlet [m2].
        discharge: coefficient C_D [-].
    """
    speed = flow / (discharge * area)
    return 0.5 * density * speed * speed


@inlined
def jet_thrust(flow: float, density: float, area: float) -> float:
    """Thrust of the jet on the chain rho Q^2/A_o [N].

    Args:
        flow: water through the outlet [m3/s].
        density: of water [kg/m3].
        area: of the outlet [m2].
    """
    return density * flow * flow / area
