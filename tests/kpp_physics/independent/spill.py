"""Air that leaves at once: what a floater has no room for at the end of a step."""

from tests.kpp_physics.independent.compiler import Vector, Whole, inner
from tests.kpp_physics.independent.loop import emptied, progress
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.pocket import kept, roof_pressure, room, temperature
from tests.kpp_physics.independent.state import BUFFER, LEVEL, POCKETS, VENT, VENTED, S


@inner
def spill(m: Model, y: Vector, full: Vector, active: Whole) -> None:
    """Bring every pocket to its floater's capacity, and note which stand there."""
    shrunk = softness = 0.0
    k = m.R / m.cp
    for a in range(1, active[0] + 1):
        i = active[a]
        mass, H = y[POCKETS + i], y[POCKETS + m.N + i]
        x = progress(m, y[S], i)
        if mass <= 0.0 or H <= 0.0:
            full[i] = y[POCKETS + i] = y[POCKETS + m.N + i] = 0.0
            continue
        V, limit = room(m, x, H, y[LEVEL])
        roof = roof_pressure(m, x, y[LEVEL])
        softness += (1.0 - k) * V * m.rho * m.g / (roof + (2.0 - k) * m.stiffness * V)
        if limit * (1.0 - 1e-6) > V or emptied(m, x):
            full[i] = 0.0
        if limit > V:
            continue
        full[i] = 0.0 if emptied(m, x) else 1.0
        share = kept(m, x, V, limit, y[LEVEL])
        gone = mass * (1.0 - share)
        y[VENT] += gone * m.cp * (temperature(m, mass, H, m.T0) - m.T0)
        y[VENTED] += gone
        if m.recovery == 1 and roof + m.stiffness * V >= m.p0 + m.rho * m.g * m.d_h:
            y[BUFFER] += m.f_c * gone
        y[POCKETS + i] = mass - gone
        y[POCKETS + m.N + i] = H * share
        shrunk += V - limit
    if m.A_surface > 0.0 and shrunk > 0.0:
        _sink(m, y, active, shrunk / (m.A_surface + softness))


@inner
def _sink(m: Model, y: Vector, active: Whole, by: float) -> None:
    """Lower the surface; every pocket expands."""
    for a in range(1, active[0] + 1):
        j = POCKETS + m.N + active[a]
        V, _ = room(m, progress(m, y[S], active[a]), y[j], y[LEVEL])
        y[j] -= V * m.rho * m.g * by
    y[LEVEL] -= by
