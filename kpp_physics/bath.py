"""The water as a source of heat: its temperature, and the finite bath that cools."""

import math

from kpp_physics import coefficients as co
from kpp_physics import exergy, hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.air import relaxation, sampled_mean
from kpp_physics.compiled import inlined
from kpp_physics.state import Vector


@inlined
def water_temperature(c: Vector, x: Vector) -> float:
    """Temperature of the water [K]: that of the surroundings, or that of the finite bath."""
    if c[co.BATH_CAPACITY] > 0.0:
        # The energy counts from the first temperature, so that a large bath loses no digits to its own heat content.
        return float(x[st.BATH_START] + x[st.BATH_ENERGY] / c[co.BATH_CAPACITY])
    return float(c[co.WATER_TEMPERATURE])


@inlined
def heat_conductance(c: Vector, x: Vector) -> float:
    """UA between a pocket and the water [W/K]: its own, or that of the spray of H2."""
    if c[co.H2_MODE] == hypotheses.PHYSICAL and x[st.CLAIMS_ACTIVE] != 0.0:
        return float(c[co.H2_UA])
    return float(c[co.POCKET_UA])


@inlined
def cool_bath(c: Vector, x: Vector, flow: Vector, sampled: Vector, destroyed: Vector, heat: float, h: float) -> None:
    """The finite bath gives the pockets' heat [J] and exchanges heat with the surroundings."""
    capacity, T0 = c[co.BATH_CAPACITY], c[co.AMBIENT_TEMPERATURE]
    T_w = water_temperature(c, x)
    stiffness = c[co.BATH_UA] * h / capacity
    # Heat from the surroundings in closed form: a small bath may come to their temperature within a step.
    share = relaxation(stiffness)
    lost = capacity * (T_w - T0) * share
    # C_w dT_w = -sum Q - UA_w (T_w - T0) dt; both are positive out of the bath. An infinite bath never comes here.
    change = -(heat + lost)
    x[st.BATH_ENERGY], x[st.BATH_ENERGY_LOW] = ledger.add(x[st.BATH_ENERGY], x[st.BATH_ENERGY_LOW], change)
    flow[ledger.BATH] += change
    sampled[ledger.BATH] -= heat + c[co.BATH_UA] * sampled_mean(T_w - T0, stiffness, share) * h
    # Heat that crosses a difference in temperature destroys exergy in either direction: the sum is never negative.
    destroyed[exergy.BATH] += lost + T0 * capacity * math.log1p(-lost / (capacity * T_w))
