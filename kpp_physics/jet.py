"""The water jet: what leaves a served bucket through its outlet while air pushes it out."""

import math

from kpp_physics import coefficients as co
from kpp_physics import hypotheses
from kpp_physics.air import bucket_volume, heat_from_water, heat_while_filling, valve_flow
from kpp_physics.compiled import inlined
from kpp_physics.state import Vector

HALVINGS = 52
"""Bisections of a flow: its bracket shrinks to a rounding error."""


@inlined
def expelled(
    c: Vector, energy: float, roof: float, stiffness: float, before: float, limit: float, paid: float, h: float
) -> float:
    """Water that a pocket pushes out in a step, max(dV/dt, 0) [m3/s].

    Args:
        energy: E = H - 1/2 c V^2 of the pocket before it pays for the jet [J].
        roof, stiffness: absolute pressure at the roof and stiffness of the bucket [Pa, Pa/m3].
        before: volume at the last exchange of water [m3].
        limit: most that the tilted bucket can hold; what is more spills and pushes no water [m3].
        paid: what the pocket pays for the jet in the step [J].
        h: step [s].
    """
    volume = bucket_volume(max(0.0, energy - paid), roof, c[co.GAS_EXPONENT], stiffness)
    return max(0.0, min(volume, limit) - before) / h


@inlined
def outlet_flow(
    c: Vector,
    energy: float,
    roof: float,
    stiffness: float,
    before: float,
    limit: float,
    available: float,
    h: float,
) -> tuple[float, float]:
    """Flow through the outlet [m3/s] and what the pocket pays for it in the step [J].

    It is the flow that is left after the pocket has paid for it: the root of a falling function. The pressure behind
    the valve is what pushes; more than its loss cannot be turned into a jet (the second law), and what exceeds that
    leaves by the mouth, for nothing.

    Args:
        energy, roof, stiffness, before, limit, h: as for `expelled`; before the pocket pays.
        available: most that it can pay [J].
    """
    flow = expelled(c, energy, roof, stiffness, before, limit, 0.0, h)
    if c[co.JET_MODE] != hypotheses.PHYSICAL or flow == 0.0:
        return flow, 0.0
    rho, area, discharge = c[co.WATER_DENSITY], c[co.JET_AREA], c[co.JET_DISCHARGE]
    low, high = 0.0, flow
    for _ in range(HALVINGS):
        flow = 0.5 * (low + high)
        paid = hypotheses.jet_power(flow, rho, area, discharge) * h
        if expelled(c, energy, roof, stiffness, before, limit, paid, h) < flow:
            high = flow
        else:
            low = flow
    flow = low
    paid = hypotheses.jet_power(flow, rho, area, discharge) * h
    if paid > available:
        flow *= math.pow(max(0.0, available) / paid, 1.0 / 3.0)  # the power goes with the cube of the flow
        paid = hypotheses.jet_power(flow, rho, area, discharge) * h
    return flow, paid


@inlined
def _received(
    c: Vector,
    mass: float,
    enthalpy: float,
    entering: float,
    incoming: float,
    water: float,
    conductance: float,
    h: float,
) -> float:
    """Enthalpy that a pocket gets in a step from the air that enters and, meanwhile, from the water [J].

    Args:
        mass, enthalpy: of what is there before [kg, J].
        entering, incoming: air that enters and its temperature [kg, K].
        water, conductance: temperature of the water and UA of the pocket [K, W/K].
        h: step [s].
    """
    cp = c[co.CP_AIR]
    if entering <= 0.0:
        heat, _ = heat_from_water(mass, enthalpy, water, conductance, cp, h)
        return float(heat)
    brought = entering * cp * incoming
    heat, _ = heat_while_filling(mass + entering, enthalpy + brought, entering, incoming, water, conductance, cp, h)
    return float(brought + heat)


@inlined
def valve_against_outlet(
    c: Vector,
    pressure: float,
    temperature: float,
    behind: float,
    opening: float,
    mass: float,
    energy: float,
    roof: float,
    stiffness: float,
    before: float,
    limit: float,
    water: float,
    conductance: float,
    h: float,
) -> float:
    """Flow through the valve into a pocket whose outlet adds its own pressure [kg/s].

    The outlet's pressure goes with the flow of water, dV/dt of the pocket, which the air and the heat of the water make
    and the jet's own take diminishes: one root for both.

    Args:
        pressure, temperature: of the receiver [Pa, K].
        behind: absolute pressure of the pocket [Pa].
        opening: of the valve [-].
        mass: air in the pocket before that of this step [kg].
        energy, roof, stiffness, before, limit, h: as for `expelled`, before the air of this step.
        water, conductance: temperature of the water and UA of the pocket [K, W/K].
    """
    area, critical = c[co.VALVE_CONDUCTANCE], c[co.VALVE_CRITICAL_RATIO]
    rho, outlet, discharge = c[co.WATER_DENSITY], c[co.JET_AREA], c[co.JET_DISCHARGE]
    caught = c[co.CAPTURE_EFFICIENCY] * h
    volume = bucket_volume(energy, roof, c[co.GAS_EXPONENT], stiffness)
    enthalpy = energy + 0.5 * stiffness * volume * volume
    mass_flow = opening * valve_flow(pressure, temperature, behind / pressure, area, critical)
    got = _received(c, mass, enthalpy, caught * mass_flow, temperature, water, conductance, h)
    low, high = 0.0, expelled(c, energy + got, roof, stiffness, before, limit, 0.0, h)
    for _ in range(HALVINGS):
        flow = 0.5 * (low + high)
        against = behind + hypotheses.jet_pressure(flow, rho, outlet, discharge)
        mass_flow = opening * valve_flow(pressure, temperature, against / pressure, area, critical)
        got = _received(c, mass, enthalpy, caught * mass_flow, temperature, water, conductance, h)
        paid = hypotheses.jet_power(flow, rho, outlet, discharge) * h
        if expelled(c, energy + got, roof, stiffness, before, limit, paid, h) < flow:
            high = flow
        else:
            low = flow
    against = behind + hypotheses.jet_pressure(high, rho, outlet, discharge)
    return opening * valve_flow(pressure, temperature, against / pressure, area, critical)
