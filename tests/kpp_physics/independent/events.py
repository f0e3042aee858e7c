"""Moments at which the equations change: a step ends there, so that none of them lies inside a step."""

import math

from tests.kpp_physics.independent.compiler import Vector, Whole, inner
from tests.kpp_physics.independent.loop import LAST, progress
from tests.kpp_physics.independent.machine import full_link
from tests.kpp_physics.independent.model import Model
from tests.kpp_physics.independent.pocket import WARMED, room
from tests.kpp_physics.independent.state import (
    COASTING,
    DELIVERED,
    LEVEL,
    LINK,
    LOADED,
    LOCKED,
    PHASE,
    POCKETS,
    SERVED,
    SHAFT,
    SPEED,
    STARTING,
    S,
)  # fmt: skip
from tests.kpp_physics.independent.supply import receiver

CRAWLING = 0.05
"""Chain speed below which a starting plant injects along half the up run [m/s]. No step ends there: a plant may hover
at this speed, with and without air in turn."""

NEAR = 1e-9
"""Way that counts as none [m]."""


@inner
def window(m: Model, y: Vector, phase: int) -> float:
    """Length of the injection window [m]."""
    return 0.5 * m.H_c if phase == STARTING and y[SPEED] < CRAWLING else m.l_w


@inner
def way(m: Model, y: Vector, phase: int) -> float:
    """Way to the next place where a floater's equations change, or a lap ends [m]."""
    ahead = m.L - y[S]
    length = window(m, y, phase)
    apex = m.H_c + (0.5 * math.pi - LAST) * m.Rs
    for i in range(m.N):
        x = progress(m, y[S], i)
        for place in (m.x_open, m.x_open + length, 0.0, m.H_c, apex):
            if place - x > NEAR:
                ahead = min(ahead, place - x)
    return float(ahead)


@inner
def _crossing(before: float, after: float, allowed: float) -> float:
    """Share of a step at which something rises through 0; 1 if it does not, or by no more than is allowed."""
    if before >= 0.0 or after <= allowed:
        return 1.0
    return before / (before - after)


@inner
def earliest(
    m: Model, y: Vector, end: Vector, ahead: float, clutch: tuple[float, float], switches: Whole, full: Vector,
    active: Whole,
) -> float:  # fmt: skip
    """Share of the step from y to `end` at which the first of all changes happens, 1 for none."""
    first = _crossing(-ahead, end[S] - y[S] - ahead, 1e-8)
    p, q = receiver(m, y)[0], receiver(m, end)[0]
    if switches[LOADED] == 1:
        first = min(first, _crossing(p - m.p_unload, q - m.p_unload, 1e-8 * p))
    else:
        first = min(first, _crossing(m.p_load - p, m.p_load - q, 1e-8 * p))
    if m.E_link > 0.0:
        most = full_link(m)
        first = min(first, _crossing(y[LINK] - most, end[LINK] - most, 1e-8 * most))
    if switches[PHASE] == STARTING:
        half = 0.5 * m.w_set
        first = min(first, _crossing(y[SHAFT] - half, end[SHAFT] - half, 1e-8 * half))
    if switches[LOCKED] == 1:
        first = min(first, _crossing(-clutch[0], -clutch[1], 1e-5 * m.tau_r))
    else:
        turn = m.G / m.Rs
        slip = turn * y[SPEED] - y[SHAFT], turn * end[SPEED] - end[SHAFT]
        first = min(first, _crossing(slip[0], slip[1], 1e-8 * m.w_set))
    if switches[SERVED] >= 0:
        first = min(first, _crossing(y[DELIVERED] - m.m_t, end[DELIVERED] - m.m_t, 1e-9 * m.m_t))
    for a in range(1, active[0] + 1):
        i = active[a]
        held, later = y[POCKETS + i] - WARMED, end[POCKETS + i] - WARMED
        side = 1.0 if held < 0.0 else -1.0
        first = min(first, _crossing(side * held, side * later, 1e-6 * WARMED))
        if full[i] == 0.0:
            V, limit = room(m, progress(m, y[S], i), y[POCKETS + m.N + i], y[LEVEL])
            then, room_later = room(m, progress(m, end[S], i), end[POCKETS + m.N + i], end[LEVEL])
            first = min(first, _crossing(V - limit, then - room_later, 1e-8 * m.V))
    return first


@inner
def serve(m: Model, y: Vector, switches: Whole, inside: Vector, given: Vector) -> None:
    """Which floaters are in the window, and which of them is filled: the first that is not complete."""
    length = window(m, y, switches[PHASE])
    served, best = -1, -1e9
    for i in range(m.N):
        x = progress(m, y[S], i)
        now = x >= m.x_open - NEAR and x < m.x_open + length - NEAR
        if now and inside[i] == 0.0:
            given[i] = 0.0
        inside[i] = 1.0 if now else 0.0
        if now and given[i] < m.m_t * (1.0 - 1e-8) and x > best:
            served, best = i, x
    switches[SERVED] = -1 if switches[PHASE] == COASTING else served


@inner
def occupied(m: Model, y: Vector, served: int, active: Whole) -> None:
    """List the floaters that hold air or receive it."""
    active[0] = 0
    for i in range(m.N):
        if y[POCKETS + i] > 0.0 or i == served:
            active[0] += 1
            active[active[0]] = i
