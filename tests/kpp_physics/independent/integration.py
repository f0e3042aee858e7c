"""An independent integration of the plant, as an oracle for the kernel's lap averages.

Written from the equations alone: an embedded Runge-Kutta method of the fifth order on the differential equations, with
steps as long as their error allows (the kernel has a fixed step and a discrete gradient). Every step ends where the
equations change: edges of the injection window, ends of pulses, a bucket that gets full, switching of compressor and
clutch. Rates of volume are closed forms (the kernel takes differences), and a full bucket is a constraint.
"""

import math
from typing import NamedTuple

import numpy as np

from kpp_physics.parameters import Parameters
from tests.kpp_physics.independent.balance import received, stored
from tests.kpp_physics.independent.compiler import Vector, Whole, inner
from tests.kpp_physics.independent.events import earliest, occupied, serve, way
from tests.kpp_physics.independent.model import Model, model, record
from tests.kpp_physics.independent.rates import rates
from tests.kpp_physics.independent.spill import spill
from tests.kpp_physics.independent.state import (
    BATH,
    BOOKED,
    BOOKS,
    CLUTCH,
    COASTING,
    COMPRESSOR,
    CONTROL,
    DELIVERED,
    LOADED,
    LOCKED,
    M_R,
    PHASE,
    POCKETS,
    RUNNING,
    SERVED,
    SHAFT,
    SPEED,
    SPOOL,
    STARTING,
    U_R,
    S,
)  # fmt: skip
from tests.kpp_physics.independent.stepper import FINEST, STAGES, error, scales, step
from tests.kpp_physics.independent.supply import receiver, supply

LONGEST_STEP = 0.02
"""Longest step [s]."""

SHORTEST_STEP = 1e-9
"""Step that is taken whatever its error, and in which nothing is located any more [s]."""


class Found(NamedTuple):
    """Means over whole laps, W, m/s and kg/s by name, and how many laps and load cycles they are of.

    unbalanced is what went in, less what came out and what is stored more, as a power over the whole run [W].
    """

    laps: int
    load_cycles: int
    means: dict[str, float]
    unbalanced: float


@inner
def _fill(m: Model, y: Vector, longest: float) -> float:
    """Fill the receiver from ambient, by Heun's method; returns the time it takes [s]."""
    first, second, then = np.zeros(POCKETS), np.zeros(POCKETS), y.copy()
    t = 0.0
    while t < longest:
        p = receiver(m, y)[0]
        if p >= m.p_unload:
            break
        first[:], second[:] = 0.0, 0.0
        supply(m, y, first, True, 0.0)
        rising = m.R / (m.cp - m.R) / m.V_r * first[U_R]
        h = min(0.01, 1e-3 * p / max(1.0, abs(rising)))
        if rising > 0.0:
            h = min(h, max(SHORTEST_STEP, (m.p_unload - p) / rising))
        then[:POCKETS] = y[:POCKETS] + h * first
        supply(m, then, second, True, 0.0)
        for j in (M_R, U_R):
            y[j] += 0.5 * h * (first[j] + second[j])
        t += h
    return t


@inner
def _switch(m: Model, y: Vector, k: Vector, clutch: float, timer: float, switches: Whole, full: Vector,
            active: Whole) -> float:  # fmt: skip
    """Controller, compressor and clutch at the beginning of a step; returns the time since the last change by H3."""
    p_r = receiver(m, y)[0]
    if switches[LOADED] == 1 and p_r >= m.p_unload:
        switches[LOADED] = 0
    elif switches[LOADED] == 0 and p_r <= m.p_load:
        switches[LOADED] = 1
    if switches[PHASE] == STARTING and y[SHAFT] >= 0.5 * m.w_set:
        switches[PHASE] = RUNNING
        y[CONTROL] = 0.0
        timer = 0.0
    if m.h3 == 1 and switches[PHASE] == RUNNING and timer >= m.t_on - SHORTEST_STEP:
        switches[PHASE], timer = COASTING, 0.0
    elif m.h3 == 1 and switches[PHASE] == COASTING and timer >= m.t_off - SHORTEST_STEP:
        switches[PHASE], timer = RUNNING, 0.0
    turn = m.G / m.Rs
    if switches[LOCKED] == 1 and clutch < 0.0:
        switches[LOCKED] = 0
    elif switches[LOCKED] == 0 and turn * y[SPEED] >= y[SHAFT]:
        switches[LOCKED] = 1
        if rates(m, y, k, switches, full, active) < 0.0:
            switches[LOCKED] = 0
        else:
            slip = turn * y[SPEED] - y[SHAFT]
            y[SHAFT] += slip  # located to 1e-8 of the speed
            y[CLUTCH] += 0.5 * m.J * slip * slip
    return timer


@inner
def weight(t: float, begin: float, end: float) -> float:
    """Weight of a moment in a smooth mean from `begin` to `end` [-]: a squared sine, with a mean of a half."""
    return math.sin(math.pi * (t - begin) / (end - begin)) ** 2 if begin < t < end else 0.0


@inner
def _integrate(
    m: Model, scale: Vector, warmup: int, laps: int, longest: float, begin_time: float, end_time: float
) -> Vector:
    """Means of all integrals, then of the speed; laps, load cycles and the time.

    The means are over laps, or smooth ones from `begin_time` to `end_time` if that is above 0.
    """
    N = m.N
    size = POCKETS + 2 * N
    y, trial, start = np.zeros(size), np.zeros(size), np.zeros(size)
    y[M_R] = m.p0 * m.V_r / (m.R * m.T0)
    y[U_R] = y[M_R] * (m.cp - m.R) * m.T0
    y[BATH] = m.T_w
    if m.spool_time == 0.0:
        y[SPOOL] = 1.0
    k = np.zeros((STAGES, size))
    given, inside, full = np.zeros(N), np.zeros(N), np.zeros(N)
    active = np.zeros(N + 1, dtype=np.int64)
    switches = np.array([STARTING, 0, 1, -1])
    result = np.zeros(POCKETS + 5)
    t = _fill(m, y, longest)
    if m.C_w > 0.0:
        y[BATH] = m.T0 + (m.T_w - m.T0) * math.exp(-m.UA_w / m.C_w * t)
    before_all = y[:POCKETS].copy()
    held = stored(m, y)
    timer = 0.0
    clutch = 0.0
    usual = 1e-3
    turned, begin, loads = 0, -1, 0
    start_time = mark_time = last_time = mark_energy = last_energy = -1.0
    then, weighted, weights = np.zeros(POCKETS), np.zeros(POCKETS), 0.0
    while t < longest:
        then[:] = y[:POCKETS]
        phase, loaded = switches[PHASE], switches[LOADED]
        timer = _switch(m, y, k[1], clutch, timer, switches, full, active)
        if phase == STARTING and switches[PHASE] == RUNNING:
            begin = turned + 1
        if start_time >= 0.0 and loaded == 0 and switches[LOADED] == 1:
            if loads == 0:
                mark_time, mark_energy = t, y[COMPRESSOR]
            last_time, last_energy = t, y[COMPRESSOR]
            loads += 1
        serve(m, y, switches, inside, given)
        if switches[SERVED] >= 0:
            y[DELIVERED] = given[switches[SERVED]]
        occupied(m, y, switches[SERVED], active)

        ahead = way(m, y, switches[PHASE])
        h = min(usual, LONGEST_STEP)
        if m.h3 == 1 and switches[PHASE] != STARTING:
            h = min(h, max(SHORTEST_STEP, (m.t_on if switches[PHASE] == RUNNING else m.t_off) - timer))
        if y[SPEED] > 0.0:
            h = min(h, ahead / y[SPEED] + SHORTEST_STEP)
        before = rates(m, y, k[0], switches, full, active)
        while True:
            h = max(h, SHORTEST_STEP)
            clutch = step(m, y, h, k, trial, switches, full, active)
            if h <= SHORTEST_STEP:
                break
            wrong = error(m, h, k, scale, active)
            if not wrong <= 1.0:
                usual = h = h * max(0.1, 0.9 * wrong**-0.2) if wrong < 1e30 else 0.1 * h
                continue
            share = earliest(m, y, trial, ahead, (before, clutch), switches, full, active)
            if share >= 1.0 - 1e-7:
                usual = max(usual, h * min(4.0, 0.9 * max(wrong, 1e-6) ** -0.2))
                break
            h *= share + 1e-9
        usual = min(usual, LONGEST_STEP)
        y[:POCKETS] = trial[:POCKETS]
        for a in range(1, active[0] + 1):
            i = POCKETS + active[a]
            y[i], y[i + N] = trial[i], trial[i + N]
        t += h
        timer += h
        if switches[SERVED] >= 0:
            given[switches[SERVED]] = y[DELIVERED]
        spill(m, y, full, active)

        if end_time > 0.0:
            share = weight(t - 0.5 * h, begin_time, end_time)
            weights += share * h
            for j in range(POCKETS):
                weighted[j] += share * (y[j] - then[j])
            if t >= end_time:
                result[:POCKETS] = weighted / weights
                result[POCKETS], result[POCKETS + 2], result[POCKETS + 3] = turned, result[S], t
                result[POCKETS + 4] = (received(y) - received(before_all) - stored(m, y) + held) / t
                return result
        if y[S] >= m.L - 1e-9:
            y[S] -= m.L
            turned += 1
            if end_time > 0.0:
                continue
            if begin >= 0 and start_time < 0.0 and turned >= begin + warmup:
                start[:] = y
                start_time, begin = t, turned
            elif start_time >= 0.0 and turned == begin + laps:
                span = t - start_time
                result[:POCKETS] = (y[:POCKETS] - start[:POCKETS]) / span
                if loads > 1:
                    result[COMPRESSOR] = (last_energy - mark_energy) / (last_time - mark_time)
                result[POCKETS], result[POCKETS + 1] = laps, max(loads - 1, 0)
                result[POCKETS + 2], result[POCKETS + 3] = m.L * laps / span, t
                result[POCKETS + 4] = (received(y) - received(before_all) - stored(m, y) + held) / t
                return result
    return result


def integrate(
    parameters: Parameters,
    warmup: int = 3,
    laps: int = 3,
    longest: float = 6000.0,
    begin: float = 0.0,
    end: float = 0.0,
    finest: float = FINEST,
) -> Found:
    """Lap averages of a cold start through the controller.

    Args:
        parameters: of the plant.
        warmup: complete laps discarded after running.
        laps: laps in the means.
        longest: simulated time after which it is given up [s].

    Raises:
        RuntimeError: when the laps are not reached in that time.
    """
    plant = model(parameters)
    found = _integrate(record(plant), scales(plant, finest), warmup, laps, longest, begin, end)
    if found[POCKETS] == 0:
        raise RuntimeError(f"{laps} laps are not complete after {longest:g} s")
    means = dict(zip(BOOKED, found[BOOKS:POCKETS].tolist(), strict=True))
    means["chain_speed"] = float(found[POCKETS + 2])
    return Found(int(found[POCKETS]), int(found[POCKETS + 1]), means, float(found[POCKETS + 4]))
