"""An independent integration of the plant, as an oracle for the kernel's lap averages.

Written from the equations alone: classical Runge-Kutta of the fourth order on the differential equations (the kernel
uses a discrete gradient), a variable step that ends at every edge of the injection window and at the end of every
pulse, rates of volume in closed form (the kernel takes differences). Spill is a projection onto the capacity after
every short step. Steps of 0.1 to 0.2 ms.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from kpp_physics.parameters import Parameters
from tests.kpp_physics.independent.model import Model, model

Vector = NDArray[np.float64]
Step = TypeVar("Step", bound=Callable[..., Any])


def inner(function: Step) -> Step:
    """Compile a function; numba publishes no types."""
    return cast(Step, numba.njit(error_model="numpy")(function))


# State vector: what moves, the air supply, then integrals of powers, then masses and enthalpies of the pockets.
(S, SPEED, COFLOW, SHAFT, CONTROL, TORQUE, M_R, U_R, SPOOL, DELIVERED, BUFFER,
 COMPRESSOR, AUXILIARY, BUOYANCY, SHAFT_WORK, GRID, DRAG, HEAT, EXCHANGE, FRICTION, AIR, UNSOURCED,
 GEARBOX, GENERATOR, VENTED) = range(25)  # fmt: skip
STATES = 25
BOOKS = range(COMPRESSOR, STATES)
STARTING, RUNNING, COASTING = range(3)


class Found(NamedTuple):
    """Means over whole laps: W, m/s, kg/s."""

    laps: int
    load_cycles: int
    chain_speed: float
    compressor_power: float
    auxiliary_power: float
    buoyancy_power: float
    shaft_power: float
    grid_power: float
    drag_power: float
    heat_from_water: float
    water_exchange_power: float
    chain_friction_power: float
    air_mass_flow: float
    unsourced_power: float


@inner
def _progress(m: Model, s: float, i: int) -> float:
    along = (s + i * m.L / m.N) % m.L
    return along if along <= 0.5 * m.L else along - m.L


@inner
def _height(m: Model, x: float) -> float:
    """z of a floater at progress x, anywhere on the loop (-L/2 to L/2)."""
    if x >= 0.0:
        if x < m.H_c:
            return m.Rs + x
        if x < m.H_c + math.pi * m.Rs:
            return m.Rs + m.H_c + m.Rs * math.sin((x - m.H_c) / m.Rs)
    if x >= -math.pi * m.Rs:
        return m.Rs + m.Rs * math.sin(x / m.Rs)
    along = x + m.L - m.H_c - math.pi * m.Rs if x < 0.0 else x - m.H_c - math.pi * m.Rs
    return m.Rs + m.H_c - along


@inner
def _direction(m: Model, x: float) -> float:
    """cos(theta) at progress x."""
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
def _tilt(m: Model, x: float) -> float:
    """Angle of the bucket against upright, 0 to pi."""
    if 0.0 <= x <= m.H_c:
        return 0.0
    return min(math.pi, (x - m.H_c) / m.Rs if x > 0.0 else -x / m.Rs)


@inner
def _capacity(m: Model, x: float) -> float:
    """Air that the tilted bucket holds [m3]."""
    tilt = _tilt(m, x)
    if tilt >= 0.5 * math.pi - 1e-12:
        return 0.0
    t = math.tan(tilt)
    if t * m.b_over_h <= 1.0:
        return m.V * (1.0 - 0.5 * m.b_over_h * t)
    return m.V * 0.5 / (m.b_over_h * t)


@inner
def _volume(m: Model, mass: float, H: float, roof: float) -> float:
    """Volume of a pocket from its own enthalpy m cp T: p V = m R T, with p at the roof or at the interface."""
    pV = m.R / m.cp * H
    if m.bucket_on == 0:
        return pV / roof
    c = m.rho * m.g / m.A_f
    return (math.sqrt(roof * roof + 4.0 * c * pV) - roof) / (2.0 * c)


@inner
def _psi(q: float, b: float) -> float:
    if q <= b:
        return 1.0
    if q >= 1.0:
        return 0.0
    if q <= 0.999:
        return math.sqrt(1.0 - ((q - b) / (1.0 - b)) ** 2)
    return math.sqrt(1.0 - ((0.999 - b) / (1.0 - b)) ** 2) * (1.0 - q) / 0.001


@inner
def _valve(m: Model, p_r: float, T_r: float, p: float) -> float:
    return float(p_r * m.C * 1.185 * math.sqrt(293.15 / T_r) * _psi(p / p_r, m.b))


@inner
def _e_c(m: Model, p: float, start: float) -> float:
    """Electric work of the compressor from `start` to p [J/kg]."""
    if m.isothermal_on == 1:
        return m.R * m.T0 * math.log(max(1.0, p / start))
    return float(m.cp * m.T0 * (max(1.0, p / start) ** (m.R / m.cp) - 1.0) / m.eta_is)


@inner
def _served_flow(m: Model, y: Vector, i: int, p_r: float, T_r: float) -> tuple[float, float]:
    """Flow through the open valve into floater i [kg/s], and the flow of water it drives out of a jet [m3/s]."""
    roof = m.p0 + m.rho * m.g * (m.H - _height(m, _progress(m, y[S], i)))
    p = roof
    if m.bucket_on == 1:
        p += m.rho * m.g / m.A_f * _volume(m, y[STATES + i], y[STATES + m.N + i], roof)
    flow = _valve(m, p_r, T_r, p)
    if m.jet == 1:
        low, high = 0.0, flow
        for _ in range(50):
            flow = 0.5 * (low + high)
            Q = flow * m.eta_cap * m.R * T_r / p
            against = p + 0.5 * m.rho * (Q / (m.C_D * m.A_o)) ** 2
            if _valve(m, p_r, T_r, against) > flow:
                low = flow
            else:
                high = flow
    return flow * y[SPOOL], p


@inner
def _rates(
    m: Model,
    y: Vector,
    d: Vector,
    state: int,
    loaded: bool,
    locked: bool,
    served: int,
    full: Vector,
    active: Any,
    jet_before: float,
) -> tuple[float, float]:
    """Right side of all equations into d; returns clutch torque and flow of the jet.

    full: 1 for pockets that stand at their capacity, whose volume follows the bucket.
    active: number of pockets that hold air or receive it, and their floaters.
    """
    d[:STATES] = 0.0
    N, R, cp = m.N, m.R, m.cp
    cv = cp - R
    v, u, w = y[SPEED], y[COFLOW], y[SHAFT]
    T_r = y[U_R] / (y[M_R] * cv)
    p_r = y[M_R] * R * T_r / m.V_r

    # air supply
    if loaded:
        recovered = min(y[BUFFER] / 10.0, m.mdot_c)
        work = (m.mdot_c - recovered) * _e_c(m, p_r, m.p0)
        if recovered > 0.0:
            work += recovered * _e_c(m, p_r, m.p0 + m.rho * m.g * m.d_h)
        d[BUFFER] -= recovered
        d[M_R] += m.mdot_c
        d[U_R] += m.mdot_c * cp * (m.T0 + m.approach)
    else:
        d[BUFFER] -= y[BUFFER] / 10.0
        work = m.f_idle * m.mdot_c * _e_c(m, m.p_unload, m.p0)
    free = m.recovery_claimed * work if m.recovery == 2 else 0.0
    d[COMPRESSOR] = work - free
    d[UNSOURCED] += free
    d[U_R] -= m.UA_r * (T_r - m.T0)
    caught = 0.0
    jet_flow = 0.0
    if m.spool_time > 0.0:
        d[SPOOL] = ((1.0 if served >= 0 else 0.0) - y[SPOOL]) / m.spool_time
    if served >= 0:
        flow, behind = _served_flow(m, y, served, p_r, T_r)
        caught = m.eta_cap * flow
        d[M_R] -= flow
        d[U_R] -= flow * cp * T_r
        d[AIR] = d[DELIVERED] = flow
        if m.recovery == 1 and behind >= m.p0 + m.rho * m.g * m.d_h:
            d[BUFFER] += m.f_c * (flow - caught)

    # pockets
    UA = m.h2_ua if m.h2 == 1 else m.UA
    k = R / cp
    force = air = out = taken = heat = 0.0
    for a in range(1, active[0] + 1):
        i = active[a]
        mass, H = y[STATES + i], y[STATES + N + i]
        x = _progress(m, y[S], i)
        cosine = _direction(m, x)
        roof = m.p0 + m.rho * m.g * (m.H - _height(m, x))
        volume = _volume(m, mass, H, roof)
        if full[i] != 0.0:
            volume = min(volume, _capacity(m, x))
        T = H / (mass * cp) if mass > 0.0 else T_r
        Q = UA * (m.T_w - T) if mass >= 1e-3 else 0.0
        dH = Q - m.rho * m.g * volume * v * cosine
        gain = 0.0
        if i == served:
            gain = caught
            dH += caught * cp * T_r
        slope = -m.rho * m.g * cosine * v
        c = m.rho * m.g / m.A_f if m.bucket_on == 1 else 0.0
        rate = (k * dH - volume * slope) / (roof + (2.0 - k) * c * volume)
        if full[i] != 0.0:
            step = 1e-6 * m.Rs
            edge = (_capacity(m, x + step) - _capacity(m, x - step)) / (2.0 * step) * v
            rate = min(rate, edge)
        dH += c * volume * rate  # own enthalpy changes by V dp, and the volume moves its own interface
        d[STATES + i] = gain
        d[STATES + N + i] = dH
        if i == served and m.jet != 0:
            jet_flow = max(rate, 0.0)
            if m.jet == 1:
                d[STATES + N + i] -= 0.5 * m.rho * jet_before**3 / (m.C_D * m.A_o) ** 2
        force += m.rho * m.g * volume * cosine
        air += volume
        heat += Q
        out += m.rho * max(rate, 0.0)
        taken += m.rho * max(-rate, 0.0)
    d[HEAT] = heat
    d[BUOYANCY] = force * v

    # forces on the chain
    shell = (m.rho / m.rho_f - 1.0) * m.m_f * m.g
    shells = sinking = 0.0
    if N % 2 == 1 or m.h1 != 0:
        for i in range(N):
            cosine = _direction(m, _progress(m, y[S], i))
            shells += shell * cosine
            sinking += max(0.0, -cosine)
        if N % 2 == 0:
            shells = 0.0
    F_d = m.k_d * (v - u) * abs(v - u)
    F_f = m.F_f * math.tanh(v / 1e-3)
    applied = force + shells
    paid, duty = F_d, 1.0
    lift = 0.0
    d[AUXILIARY] = m.P_aux + (m.h2_pump if m.h2 == 1 else 0.0)
    if m.h1 == 2:
        F_h1 = m.h1_void * m.rho * m.g * (m.V + m.m_f / m.rho_f) * sinking
        applied += F_h1
        paid = (1.0 - m.h1_relief) * F_d
        d[UNSOURCED] += F_h1 * v + m.h1_relief * F_d * v
    elif m.h1 == 1:
        p_b = m.p0 + m.rho * m.g * m.H
        j = m.m_h1 * R * m.T0 / ((p_b - m.p0) / math.log(p_b / m.p0) * 0.5 * m.A_s)
        eps = min(0.3, j / max(1.2 * (j - u) + 0.25, 0.05))
        lift = eps * m.rho * m.g * 0.5 * m.A_s * m.H_c
        F_h1 = eps * m.rho * m.g * (m.V * (1.0 - m.x_in) + m.m_f / m.rho_f) * sinking
        if eps > 0.0 and v > 0.0:
            F_h1 = min(F_h1, lift * max(j / eps + u, 0.0) / v)
        applied += F_h1
        d[AUXILIARY] += m.m_h1 * _e_c(m, p_b + 20000.0, m.p0)
    if m.h2 == 2:
        applied += m.h2_boost * force
        d[UNSOURCED] += m.h2_boost * force * v
    if m.h3 == 2:
        duty = m.t_on / (m.t_on + m.t_off)
        d[UNSOURCED] += (1.0 - duty) * (paid + F_f) * v
    if m.jet != 0 and jet_before > 0.0:
        thrust = m.rho * jet_before**2 / m.A_o * (m.jet_gain if m.jet == 2 else 1.0)
        applied += thrust
        if m.jet == 2:
            d[UNSOURCED] += thrust * v
    d[DRAG] = F_d * v
    d[FRICTION] = F_f * v
    d[EXCHANGE] = 0.5 * (out + taken) * v * v

    # shaft and chain
    turn = m.G / m.Rs
    wr = w / m.w_r
    loss = m.P_fe0 * (0.5 * math.tanh(w / 0.05) + 0.5 * wr) + m.P_mech0 * wr + m.P_stray0 * (y[TORQUE] / m.tau_r) ** 2
    tau_gen = y[TORQUE] + loss / m.w_r
    tau_fw = m.P_fw0 * w * w / m.w_r**3
    idle = m.P_g0 * (turn / m.w_r) ** 2 * v
    M = N * m.m_f + m.m_chain + m.rho * (N * m.V - air) + m.C_a * m.rho * m.V * N
    net = applied - duty * paid - duty * F_f - taken * v - idle
    if locked:
        d[SPEED] = (net - turn / m.eta_g * (tau_gen + tau_fw)) / (M + m.J * turn * turn / m.eta_g)
        d[SHAFT] = turn * d[SPEED]
        tau_c = m.J * d[SHAFT] + tau_gen + tau_fw
    else:
        d[SPEED] = net / M
        d[SHAFT] = -(tau_gen + tau_fw) / m.J
        tau_c = 0.0
    d[GEARBOX] = idle * v + tau_c * turn * v * (1.0 / m.eta_g - 1.0)
    d[SHAFT_WORK] = tau_gen * w
    d[S] = v
    if m.coflow_on == 1:
        M_w = m.rho * m.A_s * m.H_c
        d[COFLOW] = (F_d - 0.25 * m.rho * m.A_s * m.K_w * u * abs(u) - lift) / M_w

    # control, machine, converter
    wanted = 0.0
    if state == RUNNING:
        e = w - m.w_set
        M_0 = N * m.m_f + m.m_chain + (1.0 + m.C_a) * m.rho * m.V * N
        inertia = m.J + M_0 / (turn * turn)
        raw = inertia * m.w_s * e + y[CONTROL]
        wanted = min(max(raw, 0.0), m.tau_max)
        if not ((raw > m.tau_max and e > 0.0) or (raw < 0.0 and e < 0.0)):
            d[CONTROL] = inertia * m.w_s * m.w_s / 4.0 * e
    d[TORQUE] = m.alpha * (wanted - y[TORQUE])
    current = y[TORQUE] / m.k_t
    P_gen = y[TORQUE] * w - 1.5 * m.R_st * current * current
    load = abs(current) / m.I_r
    P_dc = P_gen - 0.5 * m.P_cr * (m.c0 + m.c1 * load + m.c2 * load * load)
    load = abs(P_dc) / m.P_cr
    d[GRID] = P_dc - 0.5 * m.P_cr * (m.c0 + m.c1 * load + m.c2 * load * load)
    d[GENERATOR] = loss / m.w_r * w + 1.5 * m.R_st * current * current
    return tau_c, jet_flow


@inner
def _advance(y: Vector, rate: Vector, h: float, into: Vector, active: Any, N: int) -> None:
    for j in range(STATES):
        into[j] = y[j] + h * rate[j]
    for a in range(1, active[0] + 1):
        j = STATES + active[a]
        into[j] = y[j] + h * rate[j]
        into[j + N] = y[j + N] + h * rate[j + N]


@inner
def _integrate(m: Model, h_max: float, warmup: int, laps: int, cycles: int, longest: float) -> Vector:
    N = m.N
    cv = m.cp - m.R
    size = STATES + 2 * N
    y = np.zeros(size)
    y[M_R] = m.p_unload * m.V_r / (m.R * m.T0)
    y[U_R] = y[M_R] * cv * m.T0
    if m.spool_time == 0.0:
        y[SPOOL] = 1.0
    k1, k2, k3, k4, trial = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    given = np.zeros(N)
    inside = np.zeros(N)
    full = np.zeros(N)
    active = np.zeros(N + 1, dtype=np.int64)
    state, loaded, locked = STARTING, False, False
    t = timer = jet = 0.0
    turned = 0  # laps
    begin = -1  # lap in which it began to run
    first = -1.0
    start = np.zeros(size)
    start_time = mark_time = last_time = 0.0
    mark_energy = last_energy = 0.0
    loads = 0
    result = np.zeros(STATES + 4)
    turn = m.G / m.Rs
    pitch = m.L / N
    while t < longest:
        # controller
        p_r = y[U_R] * m.R / (cv * m.V_r)
        if loaded and p_r >= m.p_unload:
            loaded = False
        elif not loaded and p_r <= m.p_load:
            loaded = True
            if first >= 0.0:
                if loads == 0:
                    mark_time, mark_energy = t, y[COMPRESSOR]
                last_time, last_energy = t, y[COMPRESSOR]
                loads += 1
        if state == STARTING and y[SHAFT] >= 0.5 * m.w_set:
            state = RUNNING
            y[CONTROL] = 0.0
            begin = turned + 1
            timer = 0.0
        if m.h3 == 1 and state != STARTING:
            if state == RUNNING and timer >= m.t_on - 1e-9:
                state, timer = COASTING, 0.0
            elif state == COASTING and timer >= m.t_off - 1e-9:
                state, timer = RUNNING, 0.0

        # window
        length = 0.5 * m.H_c if state == STARTING and y[SPEED] < 0.05 else m.l_w
        h = h_max
        served = -1
        best = -1e9
        v = max(y[SPEED], 1e-9)
        for i in range(N):
            x = _progress(m, y[S], i)
            now = x >= m.x_open - 1e-10 and x < m.x_open + length - 1e-10
            if now and inside[i] == 0.0:
                given[i] = 0.0
            inside[i] = 1.0 if now else 0.0
            ahead = m.x_open - x if x < m.x_open - 1e-10 else m.x_open + length - x
            if ahead > 1e-10:
                h = min(h, ahead / v + 1e-12)
            if now and given[i] < m.m_t and x > best:
                served, best = i, x
        if state == COASTING:
            served = -1
        if served >= 0:
            y[DELIVERED] = given[served]
            T_r = y[U_R] / (y[M_R] * cv)
            flow, _ = _served_flow(m, y, served, p_r, T_r)
            if flow > 0.0:
                h = min(h, (m.m_t - given[served]) / flow)
        if m.h3 == 1 and state != STARTING:
            h = min(h, max(1e-9, (m.t_on if state == RUNNING else m.t_off) - timer))
        h = max(h, 1e-9)

        # step
        active[0] = 0
        for i in range(N):
            if y[STATES + i] > 0.0 or i == served:
                active[0] += 1
                active[active[0]] = i
        tau_c, flow1 = _rates(m, y, k1, state, loaded, locked, served, full, active, jet)
        _advance(y, k1, 0.5 * h, trial, active, N)
        _rates(m, trial, k2, state, loaded, locked, served, full, active, jet)
        _advance(y, k2, 0.5 * h, trial, active, N)
        _rates(m, trial, k3, state, loaded, locked, served, full, active, jet)
        _advance(y, k3, h, trial, active, N)
        _rates(m, trial, k4, state, loaded, locked, served, full, active, jet)
        _advance(y, k1, h / 6.0, y, active, N)
        _advance(y, k2, h / 3.0, y, active, N)
        _advance(y, k3, h / 3.0, y, active, N)
        _advance(y, k4, h / 6.0, y, active, N)
        jet = flow1 if served >= 0 else 0.0
        t += h
        timer += h
        if served >= 0:
            given[served] = y[DELIVERED]
            if given[served] >= m.m_t * (1.0 - 1e-6):
                given[served] = m.m_t

        # spill
        for i in range(N):
            mass = y[STATES + i]
            full[i] = 0.0
            if mass <= 0.0:
                continue
            x = _progress(m, y[S], i)
            limit = _capacity(m, x)
            roof = m.p0 + m.rho * m.g * (m.H - _height(m, x))
            volume = _volume(m, mass, y[STATES + N + i], roof)
            if volume >= limit:
                full[i] = 1.0
                pressure = roof
                room = limit / volume
                if m.bucket_on == 1:
                    c = m.rho * m.g / m.A_f
                    pressure = roof + c * volume
                    room = limit * (roof + c * limit) / (volume * pressure)
                gone = mass * (1.0 - room)
                y[STATES + i] -= gone
                y[STATES + N + i] *= room
                y[VENTED] += gone
                if m.recovery == 1 and pressure >= m.p0 + m.rho * m.g * m.d_h:
                    y[BUFFER] += m.f_c * gone
                if limit <= 0.0:
                    y[STATES + i] = y[STATES + N + i] = 0.0
                    full[i] = 0.0

        # clutch
        if locked and tau_c < 0.0:
            locked = False
        elif not locked and turn * y[SPEED] >= y[SHAFT]:
            air = 0.0
            for i in range(N):
                if y[STATES + i] > 0.0:
                    roof = m.p0 + m.rho * m.g * (m.H - _height(m, _progress(m, y[S], i)))
                    air += _volume(m, y[STATES + i], y[STATES + N + i], roof)
            M = N * m.m_f + m.m_chain + m.rho * (N * m.V - air) + m.C_a * m.rho * m.V * N
            impulse = (turn * y[SPEED] - y[SHAFT]) / (1.0 / m.J + turn * turn / (m.eta_g * M))
            y[SHAFT] += impulse / m.J
            y[SPEED] = y[SHAFT] / turn
            locked = True

        # laps
        if y[S] >= m.L:
            y[S] -= m.L
            turned += 1
            if begin >= 0 and first < 0.0 and turned >= begin + warmup:
                first = t
                start[:] = y
                start_time = t
                begin = turned
            elif first >= 0.0:
                done = turned - begin
                if done == laps:
                    for j in range(STATES):
                        result[j] = (y[j] - start[j]) / (t - start_time)
                    result[STATES] = laps
                    result[STATES + 3] = pitch * N * laps / (t - start_time)
                if done >= laps and (loads > cycles or loads == 0 or done >= 10 * laps + 40):
                    result[STATES + 1] = max(loads - 1, 0)
                    if loads > 1:
                        result[COMPRESSOR] = (last_energy - mark_energy) / (last_time - mark_time)
                    else:
                        result[COMPRESSOR] = (y[COMPRESSOR] - start[COMPRESSOR]) / (t - start_time)
                    result[STATES + 2] = t
                    return result
    return result


def integrate(
    parameters: Parameters, h: float = 2e-4, warmup: int = 6, laps: int = 5, cycles: int = 10, longest: float = 6000.0
) -> Found:
    """Lap averages of a plant that starts with a full receiver; the laps are counted as a headless run counts them.

    Args:
        parameters: of the plant.
        h: longest step [s].
        warmup: complete laps discarded after running.
        laps: laps in the means.
        cycles: load cycles in the mean of the compressor's power.
        longest: simulated time after which it is given up [s].

    Raises:
        RuntimeError: when the laps are not reached in that time.
    """
    found = _integrate(model(parameters), h, warmup, laps, cycles, longest)
    if found[STATES] == 0:
        raise RuntimeError(f"{laps} laps are not complete after {longest:g} s")
    return Found(
        laps=int(found[STATES]),
        load_cycles=int(found[STATES + 1]),
        chain_speed=float(found[STATES + 3]),
        compressor_power=float(found[COMPRESSOR]),
        auxiliary_power=float(found[AUXILIARY]),
        buoyancy_power=float(found[BUOYANCY]),
        shaft_power=float(found[SHAFT_WORK]),
        grid_power=float(found[GRID]),
        drag_power=float(found[DRAG]),
        heat_from_water=float(found[HEAT]),
        water_exchange_power=float(found[EXCHANGE]),
        chain_friction_power=float(found[FRICTION]),
        air_mass_flow=float(found[AIR]),
        unsourced_power=float(found[UNSOURCED]),
    )
