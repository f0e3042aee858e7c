"""What hypotheses add to the chain: bubbles in the down shaft, boosted buoyancy, spared drag, jets."""

import math

from tests.kpp_physics.independent.compiler import Vector, inner
from tests.kpp_physics.independent.loop import direction, progress
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.state import AUXILIARY, AUXILIARY_HEAT, COFLOW, SLIP, SPEED, UNSOURCED, WAKE
from tests.kpp_physics.independent.supply import compression


@inner
def shells(m: Model, s: float) -> tuple[float, float]:
    """Pull of the empty floaters [N], and the sum of max(0, -cos theta)."""
    pull = sinking = 0.0
    if m.N % 2 == 1 or m.h1 != 0:
        for i in range(m.N):
            cosine = direction(m, progress(m, s, i))
            pull += cosine
            sinking += max(0.0, -cosine)
    if m.N % 2 == 0:
        pull = 0.0
    return (m.rho / m.rho_f - 1.0) * m.m_f * m.g * pull, sinking


@inner
def bubbles(m: Model, y: Vector, d: Vector, sinking: float) -> tuple[float, float]:
    """H1: force on the chain and lift against the co-flow [N]; gas and slip are booked into d."""
    v, u = y[SPEED], y[COFLOW]
    if m.h1 == 2:
        force = m.h1_void * m.rho * m.g * (m.V + m.m_f / m.rho_f) * sinking
        d[UNSOURCED] += force * v
        return force, 0.0
    if m.h1 == 1:
        p_b = m.p0 + m.rho * m.g * m.H
        j = m.m_h1 * m.R * m.T0 / ((p_b - m.p0) / math.log(p_b / m.p0) * 0.5 * m.A_s)
        void = min(0.3, j / max(1.2 * (j - u) + 0.25, 0.05))
        lift = void * m.rho * m.g * 0.5 * m.A_s * m.H_c
        force = void * m.rho * m.g * (m.V * (1.0 - m.x_in) + m.m_f / m.rho_f) * sinking
        if void > 0.0 and v > 0.0:
            force = min(force, lift * max(j / void + u, 0.0) / v)
        gas = m.m_h1 * compression(m, p_b + 20000.0, m.p0)
        d[AUXILIARY] += gas
        d[SLIP] += gas + lift * u - force * v
        return force, lift
    return 0.0, 0.0


@inner
def claimed_share(m: Model, d: Vector, v: float, drag: float, friction: float) -> float:
    """What H1 and H3 leave of drag and friction for the chain to pay [N]; the rest is booked as unsourced."""
    paid = drag
    if m.h1 == 2:
        paid = (1.0 - m.h1_relief) * drag
    if m.h3 == 2:
        duty = m.t_on / (m.t_on + m.t_off)
        d[UNSOURCED] += (drag - duty * paid + (1.0 - duty) * friction) * v
        return duty * (paid + friction)
    d[UNSOURCED] += (drag - paid) * v
    return paid + friction


@inner
def thrust(m: Model, d: Vector, v: float, Q: float) -> float:
    """Force of the jet on the chain [N]; `Q` leaves through its outlet [m3/s]."""
    if m.jet == 0 or Q <= 0.0:
        return 0.0
    force = m.rho * Q * Q / m.A_o
    if m.jet == 2:
        force *= m.jet_gain
        d[UNSOURCED] += force * v
    else:
        d[WAKE] += 0.5 * m.rho * Q**3 / (m.C_D * m.A_o) ** 2 - force * v
    return force


@inner
def auxiliaries(m: Model, d: Vector) -> None:
    """Constant consumers and the pump of H2."""
    power = m.P_aux + (m.h2_pump if m.h2 == 1 else 0.0)
    d[AUXILIARY] += power
    d[AUXILIARY_HEAT] += power
