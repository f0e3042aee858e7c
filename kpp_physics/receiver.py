"""The receiver: its relief valve, the heat through its wall, and what a discharge does to the air that stays."""

import math

from kpp_physics import coefficients as co
from kpp_physics import exergy, ledger
from kpp_physics.air import relative_gain, relaxation, relief_share, sampled_mean
from kpp_physics.compiled import inlined
from kpp_physics.state import Vector

RELIEF_INTERVALS = 32
"""Pairs of intervals in the re-integration of a blow-off: exact to 1e-9 when the pressure falls to a quarter,
and good for the vessel that a fork has made a tenth as large."""


@inlined
def discharge_integral(share: float) -> float:
    """q + (1 - q) ln(1 - q) for a share q of the air that leaves [-], in [0, 1): q^2/2 + q^3/6 + ...

    While a vessel discharges isentropically its pressure falls with m^gamma; times gamma, and times the air that was
    there, this is what the integral of ln(p1/p) over the air that leaves amounts to.
    """
    # q and ln(1 - q) cancel to the square of q for a small share: series.
    if share < 1e-3:
        return share * share * (0.5 + share * (1.0 / 6.0 + share * (1.0 / 12.0 + share / 20.0)))
    return share + (1.0 - share) * math.log1p(-share)


@inlined
def relieve(
    c: Vector, flow: Vector, sampled: Vector, destroyed: Vector, mass: float, energy: float
) -> tuple[float, float]:
    """Open the relief valve above its pressure: what stays expands isentropically to it, what leaves carries U1 - U2.

    Returns:
        Air that leaves [kg] and its energy [J].
    """
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    cv = cp - R
    pressure = energy * R / (cv * c[co.RECEIVER_VOLUME])
    limit = c[co.RELIEF_PRESSURE]
    if pressure <= limit:
        return 0.0, 0.0
    temperature = energy / (mass * cv)
    relieved = mass * relief_share(pressure, limit, c[co.GAS_EXPONENT])
    blown = energy * (1.0 - limit / pressure)  # U = p V cv/R, and V stays
    flow[ledger.AIR_VENTED] += relieved
    flow[ledger.VENT] += blown - relieved * cp * T0
    # Every part of it leaves with the entropy that the air had at the start.
    specific = cp * math.log(temperature / T0) - R * math.log(pressure / p0)
    destroyed[exergy.RELIEF] += blown - relieved * (cp * T0 + T0 * specific)
    # For the second ledger: h dm by Simpson's rule over the air that leaves, T going with m^(gamma - 1).
    end = 1.0 - relieved / mass
    enthalpy = 0.0
    for node in range(2 * RELIEF_INTERVALS + 1):
        weight = 1.0 if node in (0, 2 * RELIEF_INTERVALS) else 4.0 if node % 2 == 1 else 2.0
        left = 1.0 + (end - 1.0) * node / (2 * RELIEF_INTERVALS)
        enthalpy += weight * math.exp(R / cv * math.log(left))
    enthalpy *= cp * temperature / (6.0 * RELIEF_INTERVALS)
    sampled[ledger.VENT] += relieved * (enthalpy - cp * T0)
    return relieved, blown


@inlined
def cool_receiver(
    c: Vector, flow: Vector, sampled: Vector, destroyed: Vector, mass: float, energy: float, h: float
) -> float:
    """Heat through the wall of the receiver in one step [J], > 0 to the surroundings: exact, however stiff.

    Args:
        mass, energy: of the air in the receiver [kg, J], both > 0.
        h: step [s].
    """
    T0 = c[co.AMBIENT_TEMPERATURE]
    capacity = mass * (c[co.CP_AIR] - c[co.GAS_CONSTANT])
    temperature = energy / capacity
    stiffness = c[co.RECEIVER_UA] * h / capacity
    difference = temperature - T0
    # T - T0 decays with exp(-UA h/C) at constant mass, so that no wall can cool the air below ambient.
    share = relaxation(stiffness)
    lost = capacity * difference * share
    flow[ledger.RECEIVER_HEAT] += lost
    sampled[ledger.RECEIVER_HEAT] += c[co.RECEIVER_UA] * sampled_mean(difference, stiffness, share) * h
    # Heat leaves while the air goes from T to T'; both lie on the same side of T0: Q - T0 C ln(T/T').
    destroyed[exergy.RECEIVER_WALL] += lost + T0 * capacity * relative_gain(-lost / energy)
    return float(lost)


@inlined
def no_further(c: Vector, charge: float, mass: float, pressure: float, behind: float) -> float:
    """A charge [kg] that does not draw the receiver, with `mass` kg at `pressure` Pa, below the pressure `behind`."""
    # Less than this cannot, since 1 - q^(1/gamma) > (1 - q)/gamma, and most charges are far less.
    if charge * c[co.CP_AIR] * pressure > mass * (c[co.CP_AIR] - c[co.GAS_CONSTANT]) * (pressure - behind):
        return min(charge, mass * relief_share(pressure, behind, c[co.GAS_EXPONENT]))
    return charge
