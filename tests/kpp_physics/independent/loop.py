"""The loop of the chain: where a floater is, how it is tilted and how much air it can hold there."""

import math

from tests.kpp_physics.independent.compiler import inner
from tests.kpp_physics.independent.model import Model

LAST = 1e-5
"""Angle before the apex at which a floater counts as empty [rad]: it could hold a hundred-thousandth of its volume."""


@inner
def progress(m: Model, s: float, i: int) -> float:
    """Way of floater i from the start of the up run, -L/2 to L/2 [m]."""
    along = (s + i * m.L / m.N) % m.L
    return along if along <= 0.5 * m.L else along - m.L


@inner
def height(m: Model, x: float) -> float:
    """z of a floater at progress x, anywhere on the loop [m]."""
    if x >= 0.0:
        if x < m.H_c:
            return m.Rs + x
        if x < m.H_c + math.pi * m.Rs:
            return m.Rs + m.H_c + m.Rs * math.sin((x - m.H_c) / m.Rs)
        return 2.0 * m.H_c + m.Rs * (1.0 + math.pi) - x
    if x >= -math.pi * m.Rs:
        return m.Rs + m.Rs * math.sin(x / m.Rs)
    return 2.0 * m.H_c + m.Rs * (1.0 + math.pi) - x - m.L


@inner
def direction(m: Model, x: float) -> float:
    """cos(theta) at progress x: dz/ds."""
    if x >= 0.0:
        if x < m.H_c:
            return 1.0
        if x < m.H_c + math.pi * m.Rs:
            return math.cos((x - m.H_c) / m.Rs)
        return -1.0
    if x >= -math.pi * m.Rs:
        return math.cos(x / m.Rs)
    return -1.0


@inner
def tilt(m: Model, x: float) -> float:
    """Angle of the bucket against upright, 0 to pi."""
    if 0.0 <= x <= m.H_c:
        return 0.0
    return min(math.pi, (x - m.H_c) / m.Rs if x > 0.0 else -x / m.Rs)


@inner
def emptied(m: Model, x: float) -> bool:
    """Whether a floater there holds no air any more."""
    return tilt(m, x) >= 0.5 * math.pi - LAST * (1.0 + 1e-9)


@inner
def capacity(m: Model, x: float) -> tuple[float, float]:
    """Air that the tilted bucket holds [m3], and its change along the loop [m2]."""
    angle = tilt(m, x)
    if angle == 0.0:
        return m.V, 0.0
    if emptied(m, x):
        return 0.0, 0.0
    t = math.tan(angle)
    turn = (1.0 if x > 0.0 else -1.0) / m.Rs
    if t * m.b_over_h <= 1.0:
        return m.V * (1.0 - 0.5 * m.b_over_h * t), -0.5 * m.V * m.b_over_h * (1.0 + t * t) * turn
    return m.V * 0.5 / (m.b_over_h * t), -0.5 * m.V / m.b_over_h * (1.0 + 1.0 / (t * t)) * turn
