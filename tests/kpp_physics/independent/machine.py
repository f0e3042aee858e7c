"""Gearbox, fast shaft, generator with its control, converter and grid."""

import math

from tests.kpp_physics.independent.compiler import Vector, inner
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.state import (
    CHOPPER,
    CONTROL,
    CONVERTER,
    COPPER,
    DUMP,
    GRID,
    IRON,
    LINK,
    MECHANICAL,
    RUNNING,
    SHAFT,
    SHAFT_WORK,
    STRAY,
    TORQUE,
    WINDAGE,
)

LINK_TIME = 0.02
"""Time constant of the control of the DC link [s]."""


@inner
def braking(m: Model, y: Vector, d: Vector) -> float:
    """Torque of generator and windage on the fast shaft [N m]; their losses are booked into d."""
    w = y[SHAFT]
    relative = w / m.w_r
    iron = m.P_fe0 / m.w_r * (0.5 * math.tanh(w / 0.05) + 0.5 * relative)
    mechanical = m.P_mech0 / m.w_r * relative
    stray = m.P_stray0 / m.w_r * (y[TORQUE] / m.tau_r) ** 2
    windage = m.P_fw0 * w * w / m.w_r**3
    generator = y[TORQUE] + iron + mechanical + stray
    d[IRON], d[MECHANICAL], d[STRAY], d[WINDAGE] = iron * w, mechanical * w, stray * w, windage * w
    d[SHAFT_WORK] = generator * w
    return float(generator + windage)


@inner
def control(m: Model, y: Vector, d: Vector, phase: int) -> None:
    """Command, its integral, and the torque that follows as the current loop does."""
    wanted = 0.0
    if phase == RUNNING:
        if m.torque_on == 1:
            # It never motors: below a tenth of the set-point's speed the torque fades.
            wanted = min(m.tau_set, m.tau_max) * min(1.0, max(0.0, 10.0 * y[SHAFT] / m.w_set))
        else:
            e = y[SHAFT] - m.w_set
            empty = m.N * m.m_f + m.m_chain + (1.0 + m.C_a) * m.rho * m.V * m.N
            inertia = m.J + empty * (m.Rs / m.G) ** 2
            raw = inertia * m.w_s * e + y[CONTROL]
            wanted = min(max(raw, 0.0), m.tau_max)
            if not ((raw > m.tau_max and e > 0.0) or (raw < 0.0 and e < 0.0)):
                d[CONTROL] = inertia * m.w_s * m.w_s / 4.0 * e
    d[TORQUE] = m.alpha * (wanted - y[TORQUE])


@inner
def _stage(m: Model, load: float) -> float:
    """Loss of one stage of the converter at a load over its rating [W]."""
    return 0.5 * m.P_cr * (m.c0 + m.c1 * load + m.c2 * load * load)


@inner
def _link(m: Model, E: float, supplied: float) -> tuple[float, float]:
    """Power into the grid side, and power of the chopper, of a DC link that holds E and gets `supplied` [W].

    The grid side brings the link to its reference, draws no more than a tenth of the rating to charge it, and exports
    no more than the droop allows; the chopper burns what the full link cannot take.
    """
    drawn = supplied
    if m.E_link > 0.0:
        drawn += (E - m.E_link) / LINK_TIME
    drawn = max(drawn, min(0.0, supplied) - 0.1 * m.P_cr)
    if m.export_share < 1.0:
        drawn = min(drawn, max(0.0, supplied) * m.export_share)
    gained = supplied - drawn
    return drawn, gained if gained > 0.0 and full_link(m) <= E else 0.0


@inner
def full_link(m: Model) -> float:
    """Energy of the DC link at which the chopper begins [J]: 1.1 of its voltage."""
    return 1.1 * 1.1 * m.E_link


@inner
def converter(m: Model, y: Vector, d: Vector) -> None:
    """From the air gap to the grid: copper, both stages, DC link, what droop refuses, dump load."""
    current = y[TORQUE] / m.k_t
    copper = 1.5 * m.R_st * current * current
    rectifier = _stage(m, abs(current) / m.I_r)
    supplied = y[TORQUE] * y[SHAFT] - copper - rectifier
    drawn, chopped = _link(m, y[LINK], supplied)
    inverter = _stage(m, abs(drawn) / m.P_cr)
    exported = drawn - inverter
    dumped = min(max(exported, 0.0), m.P_dump)
    d[LINK] = supplied - drawn - chopped
    d[COPPER], d[CONVERTER], d[CHOPPER], d[DUMP] = copper, rectifier + inverter, chopped, dumped
    d[GRID] = exported - dumped
