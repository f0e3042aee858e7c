"""The compiled 1 ms step of one plant, composed of the functions of the other files.

Order of a step: control; fluxes of air and heat, each moved out of one volume and into another by the same number;
exchange of water; motion of chain and shaft with the adiabatic work of the pockets; electrics; ledger. This file is
long because a step is one sequence; what it computes stands in the files it imports.
"""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, ledger, plc
from kpp_physics import state as st
from kpp_physics.air import (
    adiabatic_mean,
    compression_work,
    heat_from_water,
    relaxation,
    relief_share,
    valve_flow,
)
from kpp_physics.chain import shell_slope, tension
from kpp_physics.compiled import compiled, inlined
from kpp_physics.drivetrain import gearbox_load_loss, locking_impulse
from kpp_physics.generator import current_step, iron_torque, lag_weights, stray_torque, winding_step
from kpp_physics.geometry import mean_slope, place, place_on_loop, tilt_capacity
from kpp_physics.grid import converter_power
from kpp_physics.motion import dry_friction, end_speed
from kpp_physics.state import Vector
from kpp_physics.water import drag, exchange_force

# Rows of the work array: the pockets that hold air, packed.
INDEX, PROGRESS, PRESSURE, AIR_VOLUME, COSINE, SINE, FORCE = range(7)
WORK_ROWS = 7

OK, NOT_FINITE, RECEIVER_EMPTY = range(3)
FAULTS = ("", "the state is no longer finite", "the receiver holds no air")


@inlined
def _window(c: Vector, x: Vector, f: Vector, enabled: bool) -> tuple[int, float]:
    """Follow floaters into and out of the injection window.

    Returns:
        The floater to be served (-1: none) and its progress [m].
    """
    count = f.shape[1]
    pitch = c[co.PITCH]
    length = c[co.WINDOW_LENGTH]
    state = int(x[st.PLC_STATE])
    if state == plc.STARTING and x[st.SPEED] < constants.START_WINDOW_SPEED:
        length = 0.5 * c[co.STRAIGHT_LENGTH]
    end = min(c[co.WINDOW_START] + length, 0.5 * c[co.LOOP_LENGTH])
    first = math.ceil((c[co.WINDOW_START] - x[st.POSITION]) / pitch)
    inside = 0
    served = -1
    served_progress = 0.0
    progress = x[st.POSITION] + first * pitch
    while progress < end and inside < count:
        i = (first + inside) % count
        if f[st.IN_WINDOW, i] == 0.0:
            f[st.IN_WINDOW, i] = 1.0
            f[st.DELIVERED, i] = 0.0
            x[st.WINDOW_COUNT] += 1.0
        if f[st.DELIVERED, i] < c[co.TARGET_MASS]:
            served = i
            served_progress = progress
        inside += 1
        progress = x[st.POSITION] + (first + inside) * pitch
    if inside != x[st.WINDOW_COUNT]:
        for i in range(count):
            if f[st.IN_WINDOW, i] != 0.0 and (i - first) % count >= inside:
                f[st.IN_WINDOW, i] = 0.0
                x[st.WINDOW_COUNT] -= 1.0
                if enabled and state == plc.RUNNING and f[st.DELIVERED, i] < c[co.TARGET_MASS]:
                    x[st.MISSED] += 1.0
    return (served, served_progress) if enabled else (-1, 0.0)


@inlined
def _air_supply(c: Vector, x: Vector, f: Vector, flow: Vector, books: Vector, lap: Vector, h: float) -> None:
    """Compressor, aftercooler, receiver and injection valve: one step of their fluxes."""
    R, cp, T0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE]
    cv = cp - R
    mass = x[st.RECEIVER_MASS]
    energy = x[st.RECEIVER_ENERGY]
    temperature = energy / (mass * cv)
    pressure = mass * R * temperature / c[co.RECEIVER_VOLUME]
    state = int(x[st.PLC_STATE])

    mode = int(x[st.COMPRESSOR_MODE])
    if not plc.compressor_enabled(state):
        mode = st.COMPRESSOR_OFF
    elif mode == st.COMPRESSOR_OFF:
        mode = st.COMPRESSOR_LOADED if pressure < c[co.UNLOAD_PRESSURE] else st.COMPRESSOR_IDLE
    elif mode == st.COMPRESSOR_LOADED and pressure >= c[co.UNLOAD_PRESSURE]:
        mode = st.COMPRESSOR_IDLE
    elif mode == st.COMPRESSOR_IDLE and pressure <= c[co.LOAD_PRESSURE]:
        mode = st.COMPRESSOR_LOADED
        used = books[0, ledger.COMPRESSOR] + books[1, ledger.COMPRESSOR]
        if lap[st.LOADS] == 0.0:
            lap[st.FIRST_LOAD_TIME] = x[st.STEPS] * h
            lap[st.FIRST_LOAD_ENERGY] = used
        lap[st.LAST_LOAD_TIME] = x[st.STEPS] * h
        lap[st.LAST_LOAD_ENERGY] = used
        lap[st.LOADS] += 1.0
    x[st.COMPRESSOR_MODE] = mode

    dm = 0.0
    dU = 0.0
    if mode == st.COMPRESSOR_LOADED:
        taken = c[co.COMPRESSOR_FLOW] * h
        work = taken * compression_work(
            pressure / c[co.AMBIENT_PRESSURE],
            c[co.COMPRESSOR_WORK_FACTOR],
            c[co.GAS_EXPONENT],
            c[co.COMPRESSOR_ISOTHERMAL],
        )
        dm += taken
        dU += taken * cp * c[co.COOLER_TEMPERATURE]
        flow[ledger.AIR_INTAKE] += taken
        flow[ledger.COMPRESSOR] += work
        flow[ledger.AFTERCOOLER] += work - taken * cp * (c[co.COOLER_TEMPERATURE] - T0)
    elif mode == st.COMPRESSOR_IDLE:
        work = (
            h
            * c[co.IDLE_FLOW]
            * compression_work(
                c[co.UNLOAD_PRESSURE] / c[co.AMBIENT_PRESSURE],
                c[co.COMPRESSOR_WORK_FACTOR],
                c[co.GAS_EXPONENT],
                c[co.COMPRESSOR_ISOTHERMAL],
            )
        )
        flow[ledger.COMPRESSOR] += work
        flow[ledger.AFTERCOOLER] += work
    flow[ledger.AUXILIARY] += c[co.AUXILIARY_POWER] * h
    flow[ledger.AUXILIARY_HEAT] += c[co.AUXILIARY_POWER] * h

    lost = mass * cv * (temperature - T0) * relaxation(c[co.RECEIVER_UA] * h / (mass * cv))
    dU -= lost
    flow[ledger.RECEIVER_HEAT] += lost

    if pressure > c[co.RELIEF_PRESSURE]:
        out = mass * relief_share(pressure, c[co.RELIEF_PRESSURE], c[co.GAS_EXPONENT])
        dm -= out
        dU -= out * cp * temperature
        flow[ledger.AIR_VENTED] += out
        flow[ledger.VENT] += out * cp * (temperature - T0)

    served, progress = _window(c, x, f, plc.injection_enabled(state))
    x[st.SERVED] = served
    x[st.SERVED_FLOW] = 0.0
    x[st.SPOOL] += ((1.0 if served >= 0 else 0.0) - x[st.SPOOL]) * c[co.SPOOL_RELAXATION]
    if served >= 0:
        z, _, _ = place(progress, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        behind = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * (c[co.WATER_DEPTH] - z)
        charge = (
            x[st.SPOOL]
            * h
            * valve_flow(pressure, temperature, behind / pressure, c[co.VALVE_CONDUCTANCE], c[co.VALVE_CRITICAL_RATIO])
        )
        missing = c[co.TARGET_MASS] - f[st.DELIVERED, served]
        if charge >= missing:  # the pulse ends inside this step: exactly the target and not a gram more
            charge = missing
            f[st.DELIVERED, served] = c[co.TARGET_MASS]
            x[st.PULSES] += 1.0
        else:
            f[st.DELIVERED, served] += charge
        caught = charge * c[co.CAPTURE_EFFICIENCY]
        f[st.MASS, served] += caught
        f[st.ENTHALPY, served] += caught * cp * temperature
        x[st.SERVED_FLOW] = charge / h
        dm -= charge
        dU -= charge * cp * temperature
        flow[ledger.AIR_VALVE] += charge
        flow[ledger.AIR_VENTED] += charge - caught
        flow[ledger.VENT] += (charge - caught) * cp * (temperature - T0)

    x[st.RECEIVER_MASS], x[st.RECEIVER_MASS_LOW] = _carry(mass, x[st.RECEIVER_MASS_LOW], dm)
    x[st.RECEIVER_ENERGY], x[st.RECEIVER_ENERGY_LOW] = _carry(energy, x[st.RECEIVER_ENERGY_LOW], dU)


@inlined
def _carry(value: float, low: float, change: float) -> tuple[float, float]:
    """value + low + change as a rounded value and what it could not hold."""
    term = change + low
    new = value + term
    return new, term - (new - value)


@inlined
def _pockets(c: Vector, x: Vector, f: Vector, flow: Vector, lap: Vector, work: Vector, vent: bool, h: float) -> int:
    """Heat, spill, vent and exchange of water of every pocket on the up half; packs those that hold air.

    Returns:
        Number of pockets that hold air.
    """
    count = f.shape[1]
    pitch, straight, radius = c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS]
    weight, depth, p0 = c[co.SPECIFIC_WEIGHT], c[co.WATER_DEPTH], c[co.AMBIENT_PRESSURE]
    k, cp, T0, T_w, UA = (
        c[co.GAS_EXPONENT],
        c[co.CP_AIR],
        c[co.AMBIENT_TEMPERATURE],
        c[co.WATER_TEMPERATURE],
        c[co.POCKET_UA],
    )
    rho, capacity, aspect = c[co.WATER_DENSITY], c[co.FLOATER_VOLUME], c[co.BUCKET_ASPECT]
    exchange_on = c[co.EXCHANGE_ON]  # 0 in verification cases that leave the exchange of water out
    position = x[st.POSITION]
    quarter = 0.5 * math.pi * radius
    # One floater beyond each apex is looked at too: it may have passed it in the last step and must empty.
    first = math.ceil((-quarter - position) / pitch) - 1
    last = math.floor((straight + quarter - position) / pitch) + 1
    if last - first >= count:
        last = first + count - 1
    active = 0
    heat = vented = lost = expelled = ingested = air = 0.0
    coldest = st.EMPTY_LOW
    i = first % count
    for j in range(first, last + 1):
        m = f[st.MASS, i]
        before = f[st.VOLUME, i]
        if m != 0.0 or before != 0.0:
            volume = 0.0
            if m != 0.0:
                progress = position + j * pitch
                z, cosine, sine = place(progress, straight, radius)
                pressure = p0 + weight * (depth - z)
                H = f[st.ENTHALPY, i]
                q = heat_from_water(m, H, T_w, UA, cp, h)
                H += q
                heat += q
                kept = 1.0
                if vent:
                    kept = math.exp(-h / constants.VENT_TIME) if m > constants.MASS_ZERO else 0.0
                limit = capacity * (1.0 if sine == 0.0 else tilt_capacity(cosine, sine, aspect))
                volume = k * H / pressure * kept
                if volume > limit:
                    kept *= limit / volume
                    volume = limit
                if kept < 1.0:
                    m_kept = m * kept
                    H_kept = H * kept
                    vented += m - m_kept
                    lost += (H - H_kept) - cp * T0 * (m - m_kept)
                    m, H = m_kept, H_kept
                f[st.MASS, i] = m
                f[st.ENTHALPY, i] = H
                if m != 0.0:
                    work[INDEX, active] = i
                    work[PROGRESS, active] = progress
                    work[PRESSURE, active] = pressure
                    work[AIR_VOLUME, active] = volume
                    work[COSINE, active] = cosine
                    work[SINE, active] = sine
                    active += 1
                    if m >= constants.HEAT_MINIMUM_MASS:
                        coldest = min(coldest, H / (m * cp))
            if exchange_on == 0.0:
                volume = before
            change = rho * (volume - before)
            f[st.VOLUME, i] = volume
            if change >= 0.0:
                expelled += change
                f[st.INGESTED, i] = 0.0
            else:
                ingested -= change
                f[st.INGESTED, i] = -change
            air += volume
        elif f[st.INGESTED, i] != 0.0:
            f[st.INGESTED, i] = 0.0
        i += 1
        if i == count:
            i = 0
    flow[ledger.HEAT_FROM_WATER] += heat
    flow[ledger.AIR_VENTED] += vented
    flow[ledger.VENT] += lost
    flow[ledger.WATER_EXPELLED] += expelled
    flow[ledger.WATER_INGESTED] += ingested
    x[st.COLDEST] = coldest
    lap[st.LAP_COLDEST] = min(lap[st.LAP_COLDEST], coldest)
    return active


@inlined
def _refresh(c: Vector, f: Vector, work: Vector, active: int) -> None:
    """Bring the packed pockets up to the present position, for the second part of a divided step."""
    for a in range(active):
        i = int(work[INDEX, a])
        progress = work[PROGRESS, a]
        z, work[COSINE, a], work[SINE, a] = place(progress, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        work[PRESSURE, a] = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * (c[co.WATER_DEPTH] - z)
        work[AIR_VOLUME, a] = c[co.GAS_EXPONENT] * f[st.ENTHALPY, i] / work[PRESSURE, a]


@inlined
def _mean_buoyancy(c: Vector, work: Vector, active: int, ds: float) -> float:
    """Sum of the mean buoyancy forces over a path ds [N]; leaves each pocket's force in the work array.

    Force times path is exactly the enthalpy that the pocket loses in adiabatic expansion (a discrete gradient).
    """
    straight, radius = c[co.STRAIGHT_LENGTH], c[co.RADIUS]
    weight, exponent = c[co.SPECIFIC_WEIGHT], c[co.GAS_EXPONENT]
    total = 0.0
    for a in range(active):
        slope = mean_slope(work[PROGRESS, a], ds, work[COSINE, a], work[SINE, a], straight, radius)
        epsilon = -weight * slope * ds / work[PRESSURE, a]
        force = weight * work[AIR_VOLUME, a] * slope * adiabatic_mean(epsilon, exponent)
        work[FORCE, a] = force
        total += force
    return total


@inlined
def _move(c: Vector, x: Vector, f: Vector, flow: Vector, work: Vector, active: int, brake: float, h: float) -> None:
    """Motion of chain, water and shaft over one step, divided where the clutch locks.

    Reads x[TORQUE] (mean air-gap torque) and flow[WATER_INGESTED]; books every work and loss.
    """
    count = f.shape[1]
    air = 0.0
    for i in range(count):
        air += f[st.VOLUME, i]
    mass = c[co.DRY_MASS] + c[co.WATER_DENSITY] * (count * c[co.FLOATER_VOLUME] - air)
    ratio, efficiency, inertia = c[co.SHAFT_PER_CHAIN], c[co.GEARBOX_EFFICIENCY], c[co.SHAFT_INERTIA]
    referred = ratio / efficiency  # chain force per unit of clutch torque
    noload = c[co.NOLOAD_COEFFICIENT]
    hysteresis = c[co.IRON_HYSTERESIS_TORQUE]
    eddy, mechanical, windage = c[co.IRON_EDDY_COEFFICIENT], c[co.MECHANICAL_COEFFICIENT], c[co.WINDAGE_COEFFICIENT]
    friction, k_d = c[co.FRICTION_FORCE], c[co.DRAG_COEFFICIENT]
    coflow_on, k_w, water_mass = c[co.COFLOW_ON], c[co.BULK_COEFFICIENT], c[co.COFLOW_MASS]
    odd = count % 2 == 1

    torque = x[st.TORQUE]
    stray = stray_torque(torque, c[co.RATED_TORQUE], c[co.STRAY_TORQUE])
    ingested = flow[ledger.WATER_INGESTED]
    start_speed = x[st.SPEED]
    locked = x[st.LOCKED] != 0.0
    rest = h
    buoyancy_work = shell_work = drag_work = exchange_work = friction_work = brake_work = pto_work = 0.0
    shaft_work = clutch_impulse = shaft_angle = travel = 0.0

    if x[st.SHAFT_SPEED] < ratio * x[st.SPEED]:  # only a change of parameters leaves the sprocket ahead
        _lock(x, flow, mass, inertia, ratio, efficiency)
        locked = True

    for part in range(4):
        if part > 0:
            _refresh(c, f, work, active)
        v0, w0, u0 = x[st.SPEED], x[st.SHAFT_SPEED], x[st.COFLOW]
        braking = exchange_force(ingested, v0, h)
        step = rest
        v1 = v0 + x[st.ACCELERATION] * step
        w1 = w0
        u_mean = u0
        force = shell = clutch = 0.0
        final = False
        ends_in_lock = False
        for _attempt in range(4):
            for _pass in range(2):
                ds = 0.5 * (v0 + v1) * step
                force = _mean_buoyancy(c, work, active, ds)
                if odd:
                    shell = c[co.SHELL_FORCE] * shell_slope(
                        x[st.POSITION] + travel, ds, count, c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS]
                    )
                if locked:
                    v1, u_mean = end_speed(
                        v0,
                        v1,
                        mass + inertia * ratio * referred,
                        force + shell - braking - referred * (torque + stray),
                        noload + referred * ratio * (eddy + mechanical),
                        referred * ratio * ratio * windage,
                        friction + brake,
                        constants.STANDSTILL_SPEED,
                        referred * hysteresis,
                        constants.SHAFT_STANDSTILL_SPEED / ratio,
                        k_d,
                        coflow_on,
                        u0,
                        u_mean,
                        k_w,
                        water_mass,
                        step,
                    )
                else:
                    v1, u_mean = end_speed(
                        v0,
                        v1,
                        mass,
                        force + shell - braking,
                        noload,
                        0.0,
                        friction + brake,
                        constants.STANDSTILL_SPEED,
                        0.0,
                        1.0,
                        k_d,
                        coflow_on,
                        u0,
                        u_mean,
                        k_w,
                        water_mass,
                        step,
                    )
            if locked:
                w1 = ratio * v1
                w_mean = 0.5 * (w0 + w1)
                clutch = (
                    inertia * (w1 - w0) / step
                    + torque
                    + stray
                    + mechanical * w_mean
                    + iron_torque(w1, w_mean, hysteresis, eddy)
                    + windage * w_mean * abs(w_mean)
                )
                if clutch >= 0.0 or final:
                    break
                locked = False
                continue
            clutch = 0.0
            w1, _ = end_speed(
                w0,
                w1,
                inertia,
                -torque - stray,
                eddy + mechanical,
                windage,
                hysteresis,
                constants.SHAFT_STANDSTILL_SPEED,
                0.0,
                1.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                1.0,
                step,
            )
            overtake = ratio * v1 - w1
            if overtake <= 0.0 or ends_in_lock:
                break
            gap = w0 - ratio * v0
            if gap <= 1e-12 * abs(w0):  # locks at once
                locked = True
                final = True
                continue
            step *= gap / (gap + overtake)  # locks at this part of the step
            v1 = v0 + (v1 - v0) * gap / (gap + overtake)
            ends_in_lock = True

        ds = 0.5 * (v0 + v1) * step
        w_mean = 0.5 * (w0 + w1)
        angle = w_mean * step
        relative = 0.5 * (v0 + v1) - u_mean
        drag_force = drag(relative, k_d)
        for a in range(active):
            f[st.ENTHALPY, int(work[INDEX, a])] -= work[FORCE, a] * ds
            work[PROGRESS, a] += ds
        x[st.SPEED], x[st.SHAFT_SPEED] = v1, w1
        if coflow_on != 0.0:
            x[st.COFLOW] = 2.0 * u_mean - u0
        iron = iron_torque(w1, w_mean, hysteresis, eddy)
        windage_torque = windage * w_mean * abs(w_mean)
        own_loss = noload * 0.5 * (v0 + v1) * ds
        buoyancy_work += force * ds
        shell_work += shell * ds
        drag_work += drag_force * 0.5 * (v0 + v1) * step
        flow[ledger.DRAG_LOCAL] += drag_force * relative * step
        flow[ledger.DRAG_BULK] += drag(u_mean, k_w) * u_mean * step
        exchange_work += braking * ds
        friction_work += dry_friction(v1, friction, constants.STANDSTILL_SPEED) * ds
        brake_work += dry_friction(v1, brake, constants.STANDSTILL_SPEED) * ds
        pto_work += referred * clutch * ds + own_loss
        flow[ledger.GEARBOX] += own_loss + gearbox_load_loss(clutch, ratio * ds, efficiency)
        flow[ledger.FLYWHEEL_WINDAGE] += windage_torque * angle
        flow[ledger.GENERATOR_IRON] += iron * angle
        flow[ledger.GENERATOR_MECHANICAL] += mechanical * w_mean * angle
        flow[ledger.GENERATOR_STRAY] += stray * angle
        shaft_work += (torque + stray + iron + mechanical * w_mean) * angle
        clutch_impulse += clutch * step
        shaft_angle += angle
        travel += ds
        rest -= step
        if ends_in_lock:
            _lock(x, flow, mass, inertia, ratio, efficiency)
            locked = True
        if rest <= 1e-12 * h:
            break

    x[st.LOCKED] = 1.0 if locked else 0.0
    x[st.ACCELERATION] = (x[st.SPEED] - start_speed) / h
    x[st.CLUTCH_TORQUE] = clutch_impulse / h
    # Expelled water leaves with its kinetic energy; ingested water has received half of what the chain spent on it.
    flow[ledger.WATER_EXCHANGE] += (
        exchange_work + 0.5 * (flow[ledger.WATER_EXPELLED] - ingested) * start_speed * start_speed
    )
    flow[ledger.BUOYANCY] += buoyancy_work
    flow[ledger.SHELL] += shell_work
    flow[ledger.DRAG] += drag_work
    flow[ledger.CHAIN_FRICTION] += friction_work
    flow[ledger.BRAKE] += brake_work
    flow[ledger.SHAFT] += shaft_work
    flow[ledger.SHAFT_ANGLE] += shaft_angle
    flow[ledger.CHAIN_TRAVEL] += travel

    mean = travel / h
    x[st.POSITION] += travel
    x[st.BUOYANCY_FORCE] = force
    x[st.SHELL_FORCE] = shell
    x[st.DRAG_FORCE] = drag_force
    x[st.EXCHANGE_FORCE] = braking
    x[st.FRICTION_FORCE] = dry_friction(x[st.SPEED], friction, constants.STANDSTILL_SPEED)
    x[st.BRAKE_FORCE] = dry_friction(x[st.SPEED], brake, constants.STANDSTILL_SPEED)
    x[st.PTO_FORCE] = referred * x[st.CLUTCH_TORQUE] + noload * mean
    x[st.SHAFT_TORQUE] = torque + stray + iron + mechanical * w_mean


@inlined
def _lock(x: Vector, flow: Vector, mass: float, inertia: float, ratio: float, efficiency: float) -> None:
    """Join chain and shaft inelastically and book what that costs."""
    slip = x[st.SHAFT_SPEED] - ratio * x[st.SPEED]
    dv, dw, loss = locking_impulse(slip, mass, inertia, ratio, efficiency)
    turned = ratio * (x[st.SPEED] + 0.5 * dv)
    flow[ledger.CLUTCH] += loss
    flow[ledger.GEARBOX] += gearbox_load_loss(inertia * dw, turned, efficiency)
    x[st.SPEED] += dv
    x[st.SHAFT_SPEED] = ratio * x[st.SPEED]


@inlined
def _control(c: Vector, x: Vector, h: float) -> float:
    """Automatic transitions and set-point; returns the torque command [N m]."""
    state = int(x[st.PLC_STATE])
    R = c[co.GAS_CONSTANT]
    pressure = R * x[st.RECEIVER_ENERGY] / ((c[co.CP_AIR] - R) * c[co.RECEIVER_VOLUME])
    nominal = c[co.SPEED_SETPOINT]
    following = plc.next_state(state, pressure, c[co.UNLOAD_PRESSURE], x[st.SHAFT_SPEED], nominal, x[st.SPEED])
    if following != state:
        x[st.PLC_STATE] = following
        if following == plc.RUNNING:
            x[st.SPEED_INTEGRAL] = 0.0
            x[st.ARMED_LAP] = x[st.LAPS] + 1.0 + x[st.POSITION] / c[co.LOOP_LENGTH]
        state = following
    if state == plc.STOPPING:
        x[st.SETPOINT] = max(0.0, x[st.SETPOINT] - nominal * h / constants.STOP_RAMP_TIME)
    else:
        x[st.SETPOINT] = nominal
    if state in (plc.RUNNING, plc.STOPPING):
        command, x[st.SPEED_INTEGRAL] = plc.speed_control(
            x[st.SHAFT_SPEED],
            x[st.SETPOINT],
            x[st.SPEED_INTEGRAL],
            c[co.SPEED_GAIN],
            c[co.INTEGRAL_GAIN],
            c[co.MAX_TORQUE],
            h,
        )
        return command
    if plc.vent_open(state) and x[st.SHAFT_SPEED] > 0.2 * nominal:
        return float(c[co.MAX_TORQUE])
    return 0.0


@inlined
def _electrics(
    c: Vector,
    x: Vector,
    flow: Vector,
    start_current: float,
    mean: float,
    mean_square: float,
    winding_relaxation: float,
    h: float,
) -> None:
    """Energies of generator and converter over the step, from the currents and the shaft's mechanical work."""
    mechanical = x[st.TORQUE] * flow[ledger.SHAFT_ANGLE]
    copper = 1.5 * c[co.RESISTANCE] * mean_square * h
    end = x[st.CURRENT]
    magnetic = 0.75 * c[co.INDUCTANCE] * (end - start_current) * (end + start_current)
    if x[st.CONVERTER_ON] != 0.0:
        power = (mechanical - copper - magnetic) / h
        dc, grid, loss = converter_power(
            power,
            mean,
            c[co.RATED_CURRENT],
            c[co.CONVERTER_RATING],
            c[co.CONVERTER_C0],
            c[co.CONVERTER_C1],
            c[co.CONVERTER_C2],
        )
        x[st.GENERATOR_POWER] = power
        x[st.DC_POWER] = dc
        flow[ledger.CONVERTER] += loss * h
        flow[ledger.GRID] += grid * h
    else:
        copper = mechanical - magnetic  # no current, or the last microampere dying in the winding
        x[st.GENERATOR_POWER] = 0.0
        x[st.DC_POWER] = 0.0
    flow[ledger.GENERATOR_COPPER] += copper
    x[st.WINDING_TEMPERATURE] = winding_step(
        x[st.WINDING_TEMPERATURE],
        copper / h,
        c[co.AMBIENT_TEMPERATURE],
        c[co.WINDING_THERMAL_RESISTANCE],
        winding_relaxation,
    )


@inlined
def _watch(c: Vector, x: Vector, f: Vector, flow: Vector, lap: Vector, h: float) -> None:
    """Chain tension at its interval, and the trips.

    Slack and receiver temperature are armed in running after the first lap. Filling a receiver from ambient heats its
    air above the limit by itself (the first law allows no less: 293 K to about 380 K), so a plant could never start.
    """
    travelled = x[st.LAPS] + x[st.POSITION] / c[co.LOOP_LENGTH]
    armed = x[st.PLC_STATE] == plc.RUNNING and travelled >= x[st.ARMED_LAP]
    if x[st.STEPS] % constants.TENSION_INTERVAL == 0.0:
        high, low = tension(
            f[st.VOLUME],
            f[st.INGESTED],
            x[st.POSITION],
            x[st.SPEED],
            x[st.ACCELERATION],
            x[st.DRAG_FORCE],
            x[st.FRICTION_FORCE],
            x[st.BRAKE_FORCE],
            x[st.PTO_FORCE],
            c[co.PITCH],
            c[co.STRAIGHT_LENGTH],
            c[co.RADIUS],
            c[co.FLOATER_DRY_MASS],
            c[co.WATER_DENSITY],
            c[co.FLOATER_VOLUME],
            c[co.SPECIFIC_WEIGHT],
            c[co.SHELL_FORCE],
            c[co.PRETENSION],
            h,
        )
        x[st.TENSION_MAX], x[st.TENSION_MIN] = high, low
        lap[st.LAP_TENSION_MAX] = max(lap[st.LAP_TENSION_MAX], high)
        lap[st.LAP_TENSION_MIN] = min(lap[st.LAP_TENSION_MIN], low)
        lasted = constants.TENSION_INTERVAL * h
        x[st.TENSION_TIME] = x[st.TENSION_TIME] + lasted if high > c[co.TENSION_LIMIT] else 0.0
        x[st.SLACK_TIME] = x[st.SLACK_TIME] + lasted if armed and low < 0.0 else 0.0
    flow[ledger.TENSION_PEAK_TIME] += x[st.TENSION_MAX] * h
    R = c[co.GAS_CONSTANT]
    cv = c[co.CP_AIR] - R
    pressure = R * x[st.RECEIVER_ENERGY] / (cv * c[co.RECEIVER_VOLUME])
    lap[st.LAP_PRESSURE_MAX] = max(lap[st.LAP_PRESSURE_MAX], pressure)
    lap[st.LAP_PRESSURE_MIN] = min(lap[st.LAP_PRESSURE_MIN], pressure)
    if x[st.PLC_STATE] != plc.TRIPPED:
        air = x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * cv) if armed else 0.0
        cause = plc.trip_cause(
            x[st.SHAFT_SPEED],
            c[co.RATED_SPEED],
            x[st.SPEED],
            pressure,
            c[co.TRIP_PRESSURE],
            x[st.TENSION_TIME],
            x[st.SLACK_TIME],
            x[st.WINDING_TEMPERATURE],
            air,
        )
        if cause != plc.NO_TRIP:
            x[st.TRIP] = cause
            x[st.PLC_STATE] = plc.TRIPPED


@inlined
def _turn_lap(c: Vector, x: Vector, books: Vector, lap: Vector, ring: Vector, h: float) -> None:
    """Wrap the position; when a lap is completed for the first time, keep its record and begin the next."""
    if x[st.POSITION] < 0.0:
        x[st.POSITION] += c[co.LOOP_LENGTH]
        x[st.LAPS] -= 1.0
    elif x[st.POSITION] >= c[co.LOOP_LENGTH]:
        x[st.POSITION] -= c[co.LOOP_LENGTH]
        x[st.LAPS] += 1.0
        if x[st.LAPS] > x[st.RECORDED_LAPS]:
            x[st.RECORDED_LAPS] = x[st.LAPS]
            for line in range(ledger.COUNT):
                lap[line] = books[0, line] + books[1, line]
            lap[st.LAP_TIME] = (x[st.STEPS] + 1.0) * h
            lap[st.LAP_PULSES] = x[st.PULSES]
            lap[st.LAP_MISSED] = x[st.MISSED]
            ring[int(x[st.LAPS]) % st.LAP_RING, :] = lap
            _begin_lap(lap)


@inlined
def _begin_lap(lap: Vector) -> None:
    """Clear what belongs to one lap alone."""
    lap[:] = 0.0
    lap[st.LAP_TENSION_MAX] = st.EMPTY_HIGH
    lap[st.LAP_TENSION_MIN] = st.EMPTY_LOW
    lap[st.LAP_PRESSURE_MAX] = st.EMPTY_HIGH
    lap[st.LAP_PRESSURE_MIN] = st.EMPTY_LOW
    lap[st.LAP_COLDEST] = st.EMPTY_LOW


@compiled(
    "int64(float64[::1], float64[::1], float64[:,::1], float64[:,::1], float64[::1], float64[:,::1], "
    "float64[:,::1], int64)"
)
def advance(c: Vector, x: Vector, f: Vector, books: Vector, lap: Vector, ring: Vector, work: Vector, n: int) -> int:
    """Advance one plant by n steps, in place.

    Args:
        c: coefficients (`coefficients.NAMES`).
        x, f, books, lap, ring: the plant's memory (`state.Memory`).
        work: scratch, [WORK_ROWS, N]; carries nothing from step to step.
        n: number of steps.

    Returns:
        OK, or the number of a fault (`FAULTS`) after which the memory must not be used.
    """
    h = c[co.STEP]
    end, mean, square = lag_weights(c[co.CURRENT_BANDWIDTH], h)
    winding_relaxation = relaxation(h / (c[co.WINDING_HEAT_CAPACITY] * c[co.WINDING_THERMAL_RESISTANCE]))
    flow = books[2]
    for _ in range(n):
        for line in range(ledger.COUNT):
            flow[line] = 0.0
        command = _control(c, x, h)
        state = int(x[st.PLC_STATE])
        _air_supply(c, x, f, flow, books, lap, h)
        active = _pockets(c, x, f, flow, lap, work, plc.vent_open(state), h)

        start_current = x[st.CURRENT]
        mean_current = mean_square = 0.0
        enabled = plc.converter_enabled(state, abs(x[st.SPEED]) < constants.REST_SPEED)
        if enabled or start_current > constants.CURRENT_ZERO:
            x[st.CONVERTER_ON] = 1.0
            wanted = command / c[co.TORQUE_PER_CURRENT] if enabled else 0.0
            x[st.CURRENT], mean_current, mean_square = current_step(start_current, wanted, end, mean, square)
        else:
            x[st.CONVERTER_ON] = 0.0
            x[st.CURRENT] = 0.0
        x[st.CURRENT_SLOPE] = (x[st.CURRENT] - start_current) / h
        x[st.TORQUE] = c[co.TORQUE_PER_CURRENT] * mean_current

        _move(c, x, f, flow, work, active, c[co.BRAKE_FORCE] if plc.brake_set(state) else 0.0, h)
        _electrics(c, x, flow, start_current, mean_current, mean_square, winding_relaxation, h)
        _watch(c, x, f, flow, lap, h)
        for line in range(ledger.COUNT):
            books[0, line], books[1, line] = ledger.add(books[0, line], books[1, line], flow[line])
        _turn_lap(c, x, books, lap, ring, h)
        x[st.STEPS] += 1.0
        if not math.isfinite(
            x[st.SPEED]
            + x[st.SHAFT_SPEED]
            + x[st.COFLOW]
            + x[st.RECEIVER_ENERGY]
            + x[st.POSITION]
            + x[st.CURRENT]
            + x[st.WINDING_TEMPERATURE]
        ):
            return NOT_FINITE
        if x[st.RECEIVER_MASS] <= 0.0 or x[st.RECEIVER_ENERGY] <= 0.0:
            return RECEIVER_EMPTY
    return OK


# Rows of the floater survey.
SURVEY_POSITION, SURVEY_HEIGHT, SURVEY_FILL, SURVEY_MASS, SURVEY_TEMPERATURE = range(5)
SURVEY_ROWS = 5


@compiled(
    "void(float64[::1], float64[::1], float64[:,::1], float64[:,::1], float64[:,::1], float64[::1], float64[:,::1])"
)
def survey(c: Vector, x: Vector, f: Vector, books: Vector, floaters: Vector, stores: Vector, lines: Vector) -> None:
    """What an observer sees of the floaters, the stored energies, and the balance of the ledger.

    Args:
        c, x, f, books: as for `advance`.
        floaters: filled, [SURVEY_ROWS, N]: m, m, -, kg, K (NaN for an empty pocket).
        stores: filled, `ledger.STORES` [J], then their sum and the residual stored(t) - stored(0) - (in - out) [J].
        lines: filled, [2, lines]: totals [J], and rates over the last step [W].
    """
    count = f.shape[1]
    cp, T0 = c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE]
    heights = pockets = air = 0.0
    for i in range(count):
        s = x[st.POSITION] + i * c[co.PITCH]
        if s >= c[co.LOOP_LENGTH]:
            s -= c[co.LOOP_LENGTH]
        z, _ = place_on_loop(s, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        heights += z
        m = f[st.MASS, i]
        pockets += f[st.ENTHALPY, i] - m * cp * T0
        air += f[st.VOLUME, i]
        floaters[SURVEY_POSITION, i] = s
        floaters[SURVEY_HEIGHT, i] = z
        floaters[SURVEY_FILL, i] = f[st.VOLUME, i] / c[co.FLOATER_VOLUME]
        floaters[SURVEY_MASS, i] = m
        floaters[SURVEY_TEMPERATURE, i] = f[st.ENTHALPY, i] / (m * cp) if m > 0.0 else math.nan
    mass = c[co.DRY_MASS] + c[co.WATER_DENSITY] * (count * c[co.FLOATER_VOLUME] - air)
    low = x[st.RECEIVER_ENERGY_LOW] - x[st.RECEIVER_MASS_LOW] * cp * T0
    stores[ledger.STORED_RECEIVER] = x[st.RECEIVER_ENERGY] - x[st.RECEIVER_MASS] * cp * T0 + low
    stores[ledger.STORED_POCKETS] = pockets
    stores[ledger.STORED_CHAIN] = 0.5 * mass * x[st.SPEED] * x[st.SPEED]
    stores[ledger.STORED_SHAFT] = 0.5 * c[co.SHAFT_INERTIA] * x[st.SHAFT_SPEED] * x[st.SHAFT_SPEED]
    stores[ledger.STORED_WATER] = 0.5 * c[co.COFLOW_MASS] * x[st.COFLOW] * x[st.COFLOW]
    stores[ledger.STORED_SHELL] = -c[co.SHELL_FORCE] * heights
    stores[ledger.STORED_MAGNETIC] = 0.75 * c[co.INDUCTANCE] * x[st.CURRENT] * x[st.CURRENT]
    stores[ledger.STORED_DC_LINK] = 0.0
    total = low = 0.0
    for store in range(ledger.STORE_COUNT):
        total, low = ledger.add(total, low, stores[store])
    stores[ledger.STORE_COUNT] = total + low
    total, low = ledger.add(total, low, -x[st.STORED_INITIAL])
    for line in range(ledger.COUNT):
        sign = -1.0 if line < ledger.INPUT_COUNT else 1.0
        if line < ledger.BALANCE_COUNT:
            total, low = ledger.add(total, low, sign * books[0, line])
            total, low = ledger.add(total, low, sign * books[1, line])
        lines[0, line] = books[0, line] + books[1, line]
        lines[1, line] = books[2, line] / c[co.STEP]
    stores[ledger.STORE_COUNT + 1] = total + low


@compiled("void(float64[::1])")
def clear_lap(lap: Vector) -> None:
    """Begin the record of a lap."""
    _begin_lap(lap)
