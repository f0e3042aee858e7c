"""One step of Dormand and Prince, J. Comp. Appl. Math. 6 (1980) 19: fifth order, with an error of the fourth."""

import math
from typing import Final

import numpy as np

from tests.kpp_physics.independent.compiler import Vector, Whole, inner
from tests.kpp_physics.independent.machine import LINK_TIME
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.rates import rates
from tests.kpp_physics.independent.state import (
    BATH,
    BOOKS,
    BUFFER,
    COFLOW,
    CONTROL,
    DELIVERED,
    LEVEL,
    LINK,
    M_R,
    POCKETS,
    SHAFT,
    SPEED,
    SPOOL,
    TORQUE,
    U_R,
    S,
)  # fmt: skip

STAGES: Final = 7

WEIGHTS: Final = np.array([
    [0, 0, 0, 0, 0, 0],
    [1 / 5, 0, 0, 0, 0, 0],
    [3 / 40, 9 / 40, 0, 0, 0, 0],
    [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
])  # fmt: skip
"""Row n: how the rates before it make stage n; the last row is the step itself."""

ERROR: Final = np.array([
    71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40,
])  # fmt: skip
"""Difference to the embedded step of fourth order."""

FINEST: Final = 1e-6
"""Error of a step over the scale of a quantity."""


def scales(m: Model, finest: float = FINEST) -> Vector:
    """Size of every quantity that an error of a step is measured against; infinite for integrals."""
    found = np.full(POCKETS + 2 * m.N, np.inf)
    speed = m.w_set * m.Rs / m.G
    found[S] = m.L / m.N
    found[SPEED] = found[COFLOW] = speed
    found[SHAFT] = m.w_set
    found[TORQUE] = found[CONTROL] = 0.02 * m.tau_r
    held = m.p_unload * m.V_r / (m.R * m.T0)
    found[M_R], found[U_R] = held, held * (m.cp - m.R) * m.T0
    found[SPOOL] = 1.0
    found[DELIVERED] = m.m_t + 1e-6
    found[BUFFER] = 10.0 * m.mdot_c
    found[LEVEL] = 0.1
    found[BATH] = 1.0
    found[LINK] = m.P_cr * LINK_TIME
    found[POCKETS : POCKETS + m.N] = m.m_t + 1e-6
    found[POCKETS + m.N :] = (m.m_t + 1e-6) * m.cp * m.T0
    return finest * found


@inner
def _sum(y: Vector, k: Vector, weights: Vector, number: int, h: float, into: Vector, active: Whole, N: int) -> None:
    """The vector y + h sum(weights k) in the entries that are in use."""
    for j in range(POCKETS):
        total = 0.0
        for n in range(number):
            total += weights[n] * k[n, j]
        into[j] = y[j] + h * total
    for a in range(1, active[0] + 1):
        for j in (POCKETS + active[a], POCKETS + N + active[a]):
            total = 0.0
            for n in range(number):
                total += weights[n] * k[n, j]
            into[j] = y[j] + h * total


@inner
def step(
    m: Model, y: Vector, h: float, k: Vector, trial: Vector, switches: Whole, full: Vector, active: Whole
) -> float:
    """From y to trial in h; k[0] must hold the rates at y, and k[6] gets those at the end. Returns the clutch's torque
    at the end [N m]."""
    clutch = 0.0
    for n in range(1, STAGES):
        _sum(y, k, WEIGHTS[n], n, h, trial, active, m.N)
        clutch = rates(m, trial, k[n], switches, full, active)
    return clutch


@inner
def _share(k: Vector, scale: Vector, j: int) -> float:
    """Error of one number over what is allowed, per step length [1/s]; infinite if it is no number."""
    total = 0.0
    for n in range(STAGES):
        total += ERROR[n] * k[n, j]
    share = abs(total) / scale[j]
    return share if share < math.inf else math.inf


@inner
def error(m: Model, h: float, k: Vector, scale: Vector, active: Whole) -> float:
    """Largest error of the step over what is allowed; infinite for a step so long that a number is none."""
    worst = 0.0
    for j in range(BOOKS):
        worst = max(worst, _share(k, scale, j))
    for a in range(1, active[0] + 1):
        for j in (POCKETS + active[a], POCKETS + m.N + active[a]):
            worst = max(worst, _share(k, scale, j))
    return h * worst
