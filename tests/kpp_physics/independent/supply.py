"""Compressor, receiver, relief valve and injection valve."""

import math

from tests.kpp_physics.independent.compiler import Vector, inner
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.state import (
    AFTERCOOLER,
    BUFFER,
    COMPRESSOR,
    M_R,
    RECEIVER_HEAT,
    U_R,
    UNSOURCED,
    VENT,
    VENTED,
)

AVERAGED = 10.0
"""Time over which the flow from the recovery hood is averaged [s]."""

RELIEVED = 1e-3
"""Time in which the relief valve takes back a pressure above its own [s]."""


@inner
def receiver(m: Model, y: Vector) -> tuple[float, float]:
    """Pressure [Pa] and temperature [K]."""
    T = y[U_R] / (y[M_R] * (m.cp - m.R))
    return y[M_R] * m.R * T / m.V_r, T


@inner
def compression(m: Model, p: float, start: float) -> float:
    """Electric work of the compressor from `start` to p [J/kg]."""
    if m.isothermal_on == 1:
        return m.R * m.T0 * math.log(max(1.0, p / start))
    return float(m.cp * m.T0 * (max(1.0, p / start) ** (m.R / m.cp) - 1.0) / m.eta_is)


@inner
def valve(m: Model, p_r: float, T_r: float, p: float) -> float:
    """Flow through the open injection valve against p, ISO 6358 [kg/s]."""
    q = p / p_r
    if q >= 1.0:
        return 0.0
    if q <= m.b:
        psi = 1.0
    elif q <= 0.999:
        psi = math.sqrt(1.0 - ((q - m.b) / (1.0 - m.b)) ** 2)
    else:
        psi = math.sqrt(1.0 - ((0.999 - m.b) / (1.0 - m.b)) ** 2) * (1.0 - q) / 0.001
    return float(p_r * m.C * 1.185 * math.sqrt(293.15 / T_r) * psi)


@inner
def supply(m: Model, y: Vector, d: Vector, loaded: bool, drawn: float) -> None:
    """Rates of receiver, suction buffer and their books into d; `drawn` leaves through the injection valve [kg/s]."""
    p_r, T_r = receiver(m, y)
    T_c = m.T0
    flow = 0.0
    returned = y[BUFFER] / AVERAGED
    d[BUFFER] -= returned
    if loaded:
        flow = m.mdot_c
        returned = min(returned, flow)
        work = (flow - returned) * compression(m, p_r, m.p0)
        if returned > 0.0:
            work += returned * compression(m, p_r, m.p0 + m.rho * m.g * m.d_h)
        T_c += min(m.approach, work / (flow * m.cp))  # no warmer than the compressor makes it
    else:
        work = m.f_idle * m.mdot_c * compression(m, m.p_unload, m.p0)
    free = m.recovery_claimed * work if m.recovery == 2 else 0.0
    d[COMPRESSOR] = work - free
    d[UNSOURCED] += free
    d[AFTERCOOLER] = work - flow * m.cp * (T_c - m.T0)
    wall = m.UA_r * (T_r - m.T0)
    d[RECEIVER_HEAT] = wall
    d[M_R] = flow - drawn
    d[U_R] = flow * m.cp * T_c - drawn * m.cp * T_r - wall
    if p_r >= m.p_relief:
        # Isentropic for what stays: dp = -gamma R T_r/V_r dm.
        rising = m.R / (m.cp - m.R) / m.V_r * d[U_R] + (p_r - m.p_relief) / RELIEVED
        relieved = max(0.0, rising * m.V_r * (m.cp - m.R) / (m.cp * m.R * T_r))
        d[M_R] -= relieved
        d[U_R] -= relieved * m.cp * T_r
        d[VENT] += relieved * m.cp * (T_r - m.T0)
        d[VENTED] += relieved
