"""The first law of the independent integration itself: what went in is what came out and what is stored."""

from tests.kpp_physics.independent.compiler import Vector, inner
from tests.kpp_physics.independent.loop import height, progress
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.pocket import roof_pressure, volume
from tests.kpp_physics.independent.rates import moving_mass
from tests.kpp_physics.independent.state import (
    BOOKS,
    COFLOW,
    INPUTS,
    LEVEL,
    LINK,
    M_R,
    OUTPUTS,
    POCKETS,
    SHAFT,
    SPEED,
    U_R,
    S,
)  # fmt: skip

LINES_IN = len(INPUTS)
LINES = len(INPUTS) + len(OUTPUTS)


@inner
def received(y: Vector) -> float:
    """Energy that went in less energy that came out, by the integrals [J]."""
    total = 0.0
    for j in range(LINES):
        total += y[BOOKS + j] if j < LINES_IN else -y[BOOKS + j]
    return total


@inner
def stored(m: Model, y: Vector) -> float:
    """Energy of receiver, pockets, chain, shaft, water, shells, buckets, surface and DC link [J]."""
    total = y[U_R] - y[M_R] * m.cp * m.T0 + y[LINK] + 0.5 * m.J * y[SHAFT] ** 2
    if m.coflow_on == 1:
        total += 0.5 * m.rho * m.A_s * m.H_c * y[COFLOW] ** 2
    air = 0.0
    for i in range(m.N):
        mass, H = y[POCKETS + i], y[POCKETS + m.N + i]
        x = progress(m, y[S], i)
        total -= (m.rho / m.rho_f - 1.0) * m.m_f * m.g * height(m, x)
        if mass > 0.0:
            V = volume(m, H, roof_pressure(m, x, y[LEVEL]))
            total += H - mass * m.cp * m.T0 - 0.5 * m.stiffness * V * V
            air += V
    total += 0.5 * moving_mass(m, air) * y[SPEED] ** 2
    return float(total - 0.5 * m.rho * m.g * m.A_surface * y[LEVEL] ** 2)
