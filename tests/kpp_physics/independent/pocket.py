"""The air in one floater: volume, and how mass, enthalpy and volume change while the chain moves."""

import math

from tests.kpp_physics.independent.compiler import inner
from tests.kpp_physics.independent.loop import capacity, direction, height
from tests.kpp_physics.independent.model import Model

WARMED = 1e-3
"""Least mass that exchanges heat with the water [kg]."""

TRACE = 1e-5
"""Mass whose temperature is not taken from its own enthalpy, which is then all rounding [kg]."""


@inner
def roof_pressure(m: Model, x: float, level: float) -> float:
    """Pressure of the water where a floater is attached, with the surface raised by `level` [Pa]."""
    return m.p0 + m.rho * m.g * (m.H + level - height(m, x))


@inner
def volume(m: Model, enthalpy: float, roof: float) -> float:
    """Volume of a pocket from its enthalpy m cp T: p V = m R T with p = roof + stiffness V [m3]."""
    work = m.R / m.cp * enthalpy
    if m.stiffness == 0.0:
        return work / roof
    return 2.0 * work / (roof + math.sqrt(roof * roof + 4.0 * m.stiffness * work))


@inner
def temperature(m: Model, mass: float, enthalpy: float, otherwise: float) -> float:
    """Temperature of a pocket [K]; `otherwise` for one that holds nothing yet, or no more than a trace."""
    if mass <= 0.0:
        return otherwise
    found = enthalpy / (mass * m.cp)
    if mass < TRACE and not 100.0 < found < 600.0:
        return otherwise
    return found


@inner
def free_rate(m: Model, supplied: float, slope: float, V: float, roof: float) -> float:
    """Rate of volume of a pocket that keeps its air [m3/s].

    From p V = (R/cp) H, p = roof + stiffness V and dH = supplied + V dp.

    Args:
        supplied: enthalpy and heat that enter, less what a jet takes [W].
        slope: rate of the pressure at the roof [Pa/s].
        V, roof: volume [m3] and pressure at the roof [Pa] now.
    """
    k = m.R / m.cp
    return (k * supplied - (1.0 - k) * V * slope) / (roof + (2.0 - k) * m.stiffness * V)


@inner
def spilt(m: Model, supplied: float, slope: float, V: float, roof: float, T: float, rate: float) -> float:
    """What a pocket must lose so that its volume changes by `rate` and no faster [kg/s]; arguments as for free_rate."""
    k = m.R / m.cp
    gained = k * (supplied + V * (slope + m.stiffness * rate))
    return (gained - (roof + 2.0 * m.stiffness * V) * rate - V * slope) / (k * m.cp * T)


@inner
def room(m: Model, x: float, enthalpy: float, level: float) -> tuple[float, float]:
    """Volume of a pocket, and the capacity of its floater there [m3]."""
    limit, _ = capacity(m, x)
    return volume(m, enthalpy, roof_pressure(m, x, level)), limit


@inner
def kept(m: Model, x: float, V: float, limit: float, level: float) -> float:
    """Share of its air that a pocket of volume V keeps when the excess over `limit` leaves at once."""
    if limit <= 0.0:
        return 0.0
    roof = roof_pressure(m, x, level)
    return limit * (roof + m.stiffness * limit) / (V * (roof + m.stiffness * V))


@inner
def slope(m: Model, x: float, v: float, rise: float) -> float:
    """Rate of the pressure at the roof of a floater at speed v, with a surface that rises at `rise` [Pa/s]."""
    return m.rho * m.g * (rise - v * direction(m, x))
