"""One step of the air supply: compressor, aftercooler, receiver, injection window and valve."""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, exergy, hypotheses, ledger, plc
from kpp_physics import state as st
from kpp_physics.air import compression_work, relaxation, relief_share, sampled_mean, valve_flow
from kpp_physics.compiled import inlined
from kpp_physics.geometry import place
from kpp_physics.state import Vector

EQUALISING_SHARE = 1e-3
"""Share of the receiver's air in one step from which on the charge is limited to equal pressures."""


@inlined
def window(c: Vector, x: Vector, f: Vector, enabled: bool) -> tuple[int, float]:
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
def _switch(c: Vector, x: Vector, books: Vector, lap: Vector, pressure: float, h: float) -> int:
    """Load and unload the compressor; keeps the switching times for the meters. Returns its mode."""
    mode = int(x[st.COMPRESSOR_MODE])
    if not plc.compressor_enabled(int(x[st.PLC_STATE])):
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
    return mode


@inlined
def _work(c: Vector, pressure: float, taken: float, recovered: float) -> float:
    """Electric work to compress `taken` kg, of which `recovered` kg come from the suction buffer [J]."""
    factor, exponent, isothermal = c[co.COMPRESSOR_WORK_FACTOR], c[co.GAS_EXPONENT], c[co.COMPRESSOR_ISOTHERMAL]
    ratio = max(1.0, pressure / c[co.AMBIENT_PRESSURE])  # into a vacuum it sucks for nothing, but earns nothing
    work = (taken - recovered) * compression_work(ratio, factor, exponent, isothermal)
    if recovered > 0.0:
        ratio = max(1.0, pressure / c[co.RECOVERY_PRESSURE])
        work += recovered * compression_work(ratio, factor, exponent, isothermal)
    return work


@inlined
def _through_valve(c: Vector, pressure: float, temperature: float, behind: float) -> float:
    """Flow through the open valve into a pocket at the pressure `behind` [kg/s].

    With a physical jet the outlet of the bucket adds its own pressure, which depends on the flow: the root of a
    falling function, found by bisection.
    """
    conductance, critical = c[co.VALVE_CONDUCTANCE], c[co.VALVE_CRITICAL_RATIO]
    flow = valve_flow(pressure, temperature, behind / pressure, conductance, critical)
    if c[co.JET_MODE] != hypotheses.PHYSICAL or flow == 0.0:
        return flow
    low, high = 0.0, flow
    per_mass = c[co.GAS_CONSTANT] * temperature * c[co.CAPTURE_EFFICIENCY] / behind
    for _ in range(40):
        flow = 0.5 * (low + high)
        against = behind + hypotheses.jet_pressure(
            flow * per_mass, c[co.WATER_DENSITY], c[co.JET_AREA], c[co.JET_DISCHARGE]
        )
        if valve_flow(pressure, temperature, against / pressure, conductance, critical) > flow:
            low = flow
        else:
            high = flow
    return low


@inlined
def air_supply(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    books: Vector,
    lap: Vector,
    h: float,
) -> tuple[float, float]:
    """Compressor, aftercooler, receiver and injection valve: one step of their fluxes.

    Returns:
        Air that left the receiver at the pressure of a pocket and missed it [kg], and its pressure [Pa].
    """
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    cv = cp - R
    mass = x[st.RECEIVER_MASS]
    energy = x[st.RECEIVER_ENERGY]
    temperature = energy / (mass * cv)
    pressure = mass * R * temperature / c[co.RECEIVER_VOLUME]
    state = int(x[st.PLC_STATE])
    mode = _switch(c, x, books, lap, pressure, h)
    cooler = c[co.COOLER_TEMPERATURE]
    relieved_pressure = min(pressure, c[co.RELIEF_PRESSURE])  # what is above it leaves first

    dm = dU = taken = recovered = work = 0.0
    if mode == st.COMPRESSOR_LOADED:
        taken = c[co.COMPRESSOR_FLOW] * h
        recovered = min(taken, x[st.RECOVERED_FLOW] * h)
        middle = relieved_pressure + 0.5 * taken * cp * cooler * R / (cv * c[co.RECEIVER_VOLUME])
        work = _work(c, middle, taken, recovered)
        cooler = min(cooler, T0 + work / (taken * cp))  # a cooler cannot heat what a low pressure left cold
        dm += taken
        dU += taken * cp * cooler
        flow[ledger.AIR_INTAKE] += taken
        flow[ledger.AFTERCOOLER] += work - taken * cp * (cooler - T0)
        minimum = R * T0 * math.log(middle / p0) + exergy.thermal_exergy(cooler, T0, cp)
        destroyed[exergy.COMPRESSOR] += work - taken * minimum + recovered * c[co.RECOVERY_WORK]
        destroyed[exergy.RECOVERY] -= recovered * c[co.RECOVERY_WORK]
        flow[ledger.AIR_RECOVERED] += recovered
    elif mode == st.COMPRESSOR_IDLE:
        work = _work(c, c[co.UNLOAD_PRESSURE], c[co.IDLE_FLOW] * h, 0.0)
        flow[ledger.AFTERCOOLER] += work
        destroyed[exergy.COMPRESSOR] += work
    free = c[co.RECOVERY_CLAIMED] * work
    flow[ledger.COMPRESSOR] += work - free
    flow[ledger.UNSOURCED_RECOVERY] += free

    stiffness = c[co.RECEIVER_UA] * h / (mass * cv)
    wall = relaxation(stiffness)
    lost = mass * cv * (temperature - T0) * wall
    dU -= lost
    flow[ledger.RECEIVER_HEAT] += lost
    # Heat leaves while the air goes from T to T - (T - T0) wall; both ends lie on the same side of T0.
    after = temperature - (temperature - T0) * wall
    destroyed[exergy.RECEIVER_WALL] += lost * (1.0 - 0.5 * T0 * (1.0 / temperature + 1.0 / after))

    relieved = 0.0
    if pressure > c[co.RELIEF_PRESSURE]:
        relieved = mass * relief_share(pressure, c[co.RELIEF_PRESSURE], c[co.GAS_EXPONENT])
        dm -= relieved
        dU -= relieved * cp * temperature
        flow[ledger.AIR_VENTED] += relieved
        flow[ledger.VENT] += relieved * cp * (temperature - T0)
        destroyed[exergy.RELIEF] += relieved * (
            exergy.thermal_exergy(temperature, T0, cp)
            + 0.5 * R * T0 * math.log(pressure * c[co.RELIEF_PRESSURE] / (p0 * p0))  # the pressure falls as it blows
        )

    by_hand = x[st.MANUAL_PULSES] > 0.0 and state in (plc.RUNNING, plc.COASTING)
    automatic = plc.injection_enabled(state) and not (state == plc.RUNNING and c[co.MANUAL_INJECTION] != 0.0)
    before = int(x[st.SERVED])
    served, progress = window(c, x, f, automatic or by_hand)
    if by_hand and before >= 0 and served != before:  # the floater left the window: the pulse is over
        x[st.MANUAL_PULSES] -= 1.0
        if x[st.MANUAL_PULSES] <= 0.0 and not automatic:
            served = -1
    x[st.SERVED] = served
    x[st.SERVED_FLOW] = 0.0
    x[st.SPOOL] += ((1.0 if served >= 0 else 0.0) - x[st.SPOOL]) * c[co.SPOOL_RELAXATION]
    charge = missed = behind = 0.0
    leaving = temperature  # of the air in the valve
    if served >= 0:
        z, _, _ = place(progress, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        behind = p0 + c[co.SPECIFIC_WEIGHT] * (c[co.WATER_DEPTH] + x[st.LEVEL] - z)
        behind += c[co.BUCKET_STIFFNESS] * f[st.VOLUME, served]
        charge = x[st.SPOOL] * h * _through_valve(c, pressure, temperature, behind)
        if charge > EQUALISING_SHARE * mass:  # a wide valve on a small receiver must not draw it below the pocket
            charge = min(charge, mass * relief_share(pressure, behind, c[co.GAS_EXPONENT]))
        missing = c[co.TARGET_MASS] - f[st.DELIVERED, served]
        if charge >= missing:  # the pulse ends inside this step: exactly the target and not a gram more
            charge = missing
            f[st.DELIVERED, served] = c[co.TARGET_MASS]
            x[st.PULSES] += 1.0
            if by_hand:
                x[st.MANUAL_PULSES] -= 1.0
                x[st.SERVED] = -1.0
        else:
            f[st.DELIVERED, served] += charge
        caught = charge * c[co.CAPTURE_EFFICIENCY]
        missed = charge - caught
        leaving -= 0.5 * temperature * R / cv * charge / mass  # the air left behind expands and cools meanwhile
        if charge > 0.0:
            middle = pressure * (1.0 - 0.5 * cp / cv * charge / mass)
            drop = R * T0 * math.log(max(1.0, middle / behind))
            destroyed[exergy.VALVE] += charge * drop
            mixed = f[st.MASS, served]
            if mixed > 0.0 and caught > 0.0:
                # mdot cp T0 (ln(T_i/T_r) + T_r/T_i - 1) integrated over the mixing, at constant pressure
                stiff = c[co.BUCKET_STIFFNESS] * f[st.VOLUME, served] * f[st.VOLUME, served]
                first = (f[st.ENTHALPY, served] + 0.5 * stiff) / (mixed * cp)
                last = (mixed * first + caught * leaving) / (mixed + caught)
                destroyed[exergy.POCKET_MIXING] += (
                    T0 * cp * (mixed * math.log(last / first) + caught * math.log(last / leaving))
                )
            if missed > 0.0:
                flow[ledger.AIR_VENTED] += missed
                flow[ledger.VENT] += missed * cp * (leaving - T0)
                destroyed[exergy.VENT] += missed * (
                    exergy.thermal_exergy(leaving, T0, cp) + R * T0 * math.log(behind / p0)
                )
        f[st.MASS, served] += caught
        f[st.ENTHALPY, served] += caught * cp * leaving
        x[st.SERVED_FLOW] = charge / h
        dm -= charge
        dU -= charge * cp * leaving
        flow[ledger.AIR_VALVE] += charge

    x[st.RECEIVER_MASS], x[st.RECEIVER_MASS_LOW] = carry(mass, x[st.RECEIVER_MASS_LOW], dm)
    x[st.RECEIVER_ENERGY], x[st.RECEIVER_ENERGY_LOW] = carry(energy, x[st.RECEIVER_ENERGY_LOW], dU)

    end_temperature = x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * cv)
    end_pressure = x[st.RECEIVER_ENERGY] * R / (cv * c[co.RECEIVER_VOLUME])
    mean = 0.5 * (after + end_temperature)
    if mode == st.COMPRESSOR_LOADED:
        work = 0.5 * (_work(c, relieved_pressure, taken, recovered) + _work(c, end_pressure, taken, recovered))
        destroyed[exergy.RECEIVER_MIXING] += taken * exergy.mixing_loss(mean, cooler, T0, cp)
    free = c[co.RECOVERY_CLAIMED] * work
    sampled[ledger.COMPRESSOR] += work - free
    sampled[ledger.UNSOURCED] += free
    sampled[ledger.AFTERCOOLER] += work - taken * cp * (cooler - T0)
    sampled[ledger.RECEIVER_HEAT] += c[co.RECEIVER_UA] * sampled_mean(temperature - T0, stiffness) * h
    sampled[ledger.VENT] += (relieved + missed) * cp * (mean - T0)
    return missed, behind


@inlined
def carry(value: float, low: float, change: float) -> tuple[float, float]:
    """value + low + change as a rounded value and what it could not hold."""
    term = change + low
    new = value + term
    return new, term - (new - value)
