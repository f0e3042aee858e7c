"""Air into the floater that is served, and the jet of water that it drives out."""

import math

from tests.kpp_physics.independent.compiler import inner
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.pocket import free_rate
from tests.kpp_physics.independent.supply import valve


@inner
def _expelled(
    m: Model, Q: float, p_r: float, T_r: float, p: float, opened: float, heat: float, slope: float, V: float
) -> tuple[float, float]:
    """Flow through the valve [kg/s] and rate of volume of the pocket [m3/s] when Q leaves through the outlet."""
    roof = p - m.stiffness * V
    head = 0.5 * m.rho * (Q / (m.C_D * m.A_o)) ** 2
    flow = opened * valve(m, p_r, T_r, p + head)
    rate = free_rate(m, m.eta_cap * flow * m.cp * T_r + heat - head * Q, slope, V, roof)
    return flow, rate


@inner
def _outlet(
    m: Model, p_r: float, T_r: float, p: float, opened: float, heat: float, slope: float, V: float, most: float
) -> tuple[float, float]:
    """Flow through the valve, and water that would leave through the outlet if the jet could have any power."""
    high = max(0.0, most)
    flow, rate = _expelled(m, high, p_r, T_r, p, opened, heat, slope, V)
    if rate >= high:
        return flow, high
    low = 0.0
    flow, rate = _expelled(m, 0.0, p_r, T_r, p, opened, heat, slope, V)
    if rate <= 0.0:
        return flow, 0.0
    high = min(high, rate)
    for _ in range(60):
        Q = 0.5 * (low + high)
        flow, rate = _expelled(m, Q, p_r, T_r, p, opened, heat, slope, V)
        if rate > Q:
            low = Q
        else:
            high = Q
        if high - low <= 1e-12 + 1e-10 * high:
            break
    return flow, 0.5 * (low + high)


@inner
def injected(
    m: Model,
    p_r: float,
    T_r: float,
    p: float,
    opened: float,
    heat: float,
    slope: float,
    V: float,
    most: float,
    T: float,
) -> tuple[float, float]:
    """Flow through the valve [kg/s], and water through the outlet of a physical jet [m3/s].

    The water is the rate of volume of the pocket itself, the jet's take included: Q = X(Q), and X falls with Q. Its
    power is at most what the valve's loss of pressure could have given; water beyond that leaves by the mouth.

    Args:
        p_r, T_r: receiver.
        p: pressure of the pocket.
        opened: place of the valve's spool, 0 to 1.
        heat: from the water [W].
        slope: rate of the pressure at the roof [Pa/s].
        V: volume of the pocket [m3].
        most: rate of volume that the floater has room for [m3/s].
        T: temperature of the pocket [K].
    """
    if m.jet != 1:
        return opened * valve(m, p_r, T_r, p), 0.0
    flow, Q = _outlet(m, p_r, T_r, p, opened, heat, slope, V, most)
    if Q <= 0.0:
        return flow, 0.0
    available = flow * m.R * T * math.log(p_r / p) if p_r > p else 0.0
    return flow, min(Q, (2.0 * available / m.rho * (m.C_D * m.A_o) ** 2) ** (1.0 / 3.0))
