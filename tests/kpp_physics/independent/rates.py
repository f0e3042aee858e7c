"""The right side of all equations."""

import math

from tests.kpp_physics.independent.claims import auxiliaries, bubbles, claimed_share, shells, thrust
from tests.kpp_physics.independent.compiler import Vector, Whole, inner
from tests.kpp_physics.independent.injection import injected
from tests.kpp_physics.independent.loop import capacity, direction, progress
from tests.kpp_physics.independent.machine import braking, control, converter
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.pocket import WARMED, free_rate, roof_pressure, spilt, temperature, volume
from tests.kpp_physics.independent.pocket import slope as roof_slope
from tests.kpp_physics.independent.state import (
    AIR,
    BATH,
    BUFFER,
    BULK,
    BUOYANCY,
    COFLOW,
    DELIVERED,
    DRAG,
    EXCHANGE,
    FRICTION,
    GEARBOX,
    HEAT,
    LEVEL,
    LOADED,
    LOCAL,
    LOCKED,
    PHASE,
    POCKETS,
    SERVED,
    SHAFT,
    SPEED,
    SPOOL,
    UNSOURCED,
    VENT,
    VENTED,
    S,
)  # fmt: skip
from tests.kpp_physics.independent.supply import receiver, supply

UNBOUNDED = 1e9
"""Rate of volume that a floater has room for while it is not full [m3/s]."""

PASSES = 6
"""Most solutions of the level's rate, which every volume's rate depends on: each is some hundred times nearer."""


@inner
def _pockets(
    m: Model, y: Vector, d: Vector, served: int, full: Vector, active: Whole, rise: float
) -> tuple[float, float, float, float, float, float]:
    """Rates of all pockets into d, with a surface that rises at `rise` [m/s].

    Returns:
        Force of the air [N], its volume [m3], water expelled and taken in [kg/s], flow of the jet [m3/s], and the rate
        at which the surface really rises [m/s].
    """
    v = y[SPEED]
    p_r, T_r = receiver(m, y)
    UA = m.h2_ua if m.h2 == 1 else m.UA
    hood = m.p0 + m.rho * m.g * m.d_h
    k = m.R / m.cp
    force = air = out = taken = jet = heat = share = total = 0.0
    d[AIR] = d[DELIVERED] = d[VENT] = d[VENTED] = d[BUFFER] = 0.0
    for a in range(1, active[0] + 1):
        i = active[a]
        mass, H = y[POCKETS + i], y[POCKETS + m.N + i]
        x = progress(m, y[S], i)
        roof = roof_pressure(m, x, y[LEVEL])
        dp = roof_slope(m, x, v, rise)
        limit, edge = capacity(m, x)
        V = volume(m, H, roof)
        most = UNBOUNDED
        if full[i] != 0.0:
            V = min(V, limit)
            most = edge * v
        T = temperature(m, mass, H, T_r)
        Q = UA * (y[BATH] - T) if mass >= WARMED else 0.0
        supplied, caught, through = Q, 0.0, 0.0
        if i == served:
            flow, through = injected(m, p_r, T_r, roof + m.stiffness * V, y[SPOOL], Q, dp, V, most, T)
            caught = m.eta_cap * flow
            supplied += caught * m.cp * T_r - 0.5 * m.rho * through**3 / (m.C_D * m.A_o) ** 2
            d[AIR] = d[DELIVERED] = flow
            d[VENT] += (flow - caught) * m.cp * (T_r - m.T0)
            d[VENTED] += flow - caught
            if m.recovery == 1 and roof + m.stiffness * V >= hood:
                d[BUFFER] += m.f_c * (flow - caught)
        rate = free_rate(m, supplied, dp, V, roof)
        lost = 0.0
        if rate > most:
            rate = most
            lost = spilt(m, supplied, dp, V, roof, T, rate)
            d[VENT] += lost * m.cp * (T - m.T0)
            d[VENTED] += lost
            if m.recovery == 1 and roof + m.stiffness * V >= hood:
                d[BUFFER] += m.f_c * lost
        else:
            share += (1.0 - k) * V * m.rho * m.g / (roof + (2.0 - k) * m.stiffness * V)
        if i == served and m.jet != 0:
            jet = max(through if m.jet == 1 else rate, 0.0)
        d[POCKETS + i] = caught - lost
        d[POCKETS + m.N + i] = supplied - lost * m.cp * T + V * (dp + m.stiffness * rate)
        force += m.rho * m.g * V * direction(m, x)
        air += V
        heat += Q
        total += rate
        out += m.rho * max(rate, 0.0)
        taken += m.rho * max(-rate, 0.0)
    d[HEAT] = heat
    rises = (total + share * rise) / (m.A_surface + share) if m.A_surface > 0.0 else 0.0
    return force, air, out, taken, jet, rises


@inner
def rates(m: Model, y: Vector, d: Vector, switches: Whole, full: Vector, active: Whole) -> float:
    """Right side of all equations into d; returns the torque of the clutch [N m].

    Args:
        switches: see state.PHASE and what follows it.
        full: 1 for pockets that stand at their capacity, whose volume follows the bucket.
        active: number of pockets that hold air or receive it, and their floaters.
    """
    d[:POCKETS] = 0.0
    served = switches[SERVED]
    v, u = y[SPEED], y[COFLOW]
    force, air, out, taken, jet, rise = _pockets(m, y, d, served, full, active, 0.0)
    if m.A_surface > 0.0:
        for _ in range(PASSES):
            before = rise
            force, air, out, taken, jet, rise = _pockets(m, y, d, served, full, active, rise)
            if abs(rise - before) <= 1e-7 * abs(rise) + 1e-12:
                break
        d[LEVEL] = rise
    supply(m, y, d, switches[LOADED] == 1, d[AIR])
    if m.spool_time > 0.0:
        d[SPOOL] = ((1.0 if served >= 0 else 0.0) - y[SPOOL]) / m.spool_time
    if m.C_w > 0.0:
        d[BATH] = (m.UA_w * (m.T0 - y[BATH]) - d[HEAT]) / m.C_w

    auxiliaries(m, d)
    shell, sinking = shells(m, y[S])
    H1, lift = bubbles(m, y, d, sinking)
    drag = m.k_d * (v - u) * abs(v - u)
    friction = m.F_f * math.tanh(v / 1e-3)
    boost = m.h2_boost * force if m.h2 == 2 else 0.0
    d[UNSOURCED] += boost * v
    pull = force + boost + shell + H1 + thrust(m, d, v, jet) - claimed_share(m, d, v, drag, friction) - taken * v
    bulk = 0.25 * m.rho * m.A_s * m.K_w * u * abs(u)
    if m.coflow_on == 1:
        d[COFLOW] = (drag - bulk - lift) / (m.rho * m.A_s * m.H_c)
    d[BUOYANCY] = force * v
    d[DRAG], d[LOCAL], d[BULK] = drag * v, drag * (v - u), bulk * u
    d[FRICTION] = friction * v
    d[EXCHANGE] = 0.5 * (out + taken) * v * v

    turn = m.G / m.Rs
    idle = m.P_g0 * (turn / m.w_r) ** 2 * v
    braked = braking(m, y, d)
    M = moving_mass(m, air)
    if switches[LOCKED] == 1:
        d[SPEED] = (pull - idle - turn / m.eta_g * braked) / (M + m.J * turn * turn / m.eta_g)
        d[SHAFT] = turn * d[SPEED]
        clutch = m.J * d[SHAFT] + braked
    else:
        d[SPEED] = (pull - idle) / M
        d[SHAFT] = -braked / m.J
        clutch = 0.0
    d[GEARBOX] = idle * v + clutch * turn * v * (1.0 / m.eta_g - 1.0)
    d[S] = v
    control(m, y, d, switches[PHASE])
    converter(m, y, d)
    return float(clutch)


@inner
def moving_mass(m: Model, air: float) -> float:
    """What the chain moves while its floaters hold `air` [m3], in kg."""
    return m.N * m.m_f + m.m_chain + m.rho * (m.N * m.V - air) + m.C_a * m.rho * m.V * m.N
