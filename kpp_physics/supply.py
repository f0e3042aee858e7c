"""One step of the air supply: compressor, aftercooler, receiver, injection window and valve."""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, exergy, hypotheses, ledger, plc
from kpp_physics import state as st
from kpp_physics.air import (
    bucket_volume,
    compression_work,
    relative_gain,
    relaxation,
    relief_share,
    sampled_mean,
    valve_flow,
)
from kpp_physics.bath import heat_conductance, water_temperature
from kpp_physics.compiled import inlined
from kpp_physics.geometry import place, tilt_capacity
from kpp_physics.jet import SHORTEST, filled_after, valve_against_outlet
from kpp_physics.state import Vector

FULL = 1e-9
"""Share by which a bucket that is full may hold less: rounding."""

RELIEF_INTERVALS = 32
"""Pairs of intervals in the re-integration of a blow-off: exact to 1e-9 when the pressure falls to a quarter,
and good for the vessel that a fork has made a tenth as large."""


@inlined
def window(c: Vector, x: Vector, f: Vector, enabled: bool, h: float) -> tuple[int, float, float, bool]:
    """Follow floaters into and out of the injection window.

    A floater that comes in during the step is served for the rest of it, one that leaves for the part before: at a
    steady speed many floaters pass at the same phase of a step, and whole steps would be wrong alike in each pulse.

    Returns:
        The floater to be served (-1: none), its progress [m], for how long it is in the window in this step [s], and
        whether another one waits there for air.
    """
    count = f.shape[1]
    pitch = c[co.PITCH]
    length = c[co.WINDOW_LENGTH]
    state = int(x[st.PLC_STATE])
    if state == plc.STARTING and x[st.SPEED] < constants.START_WINDOW_SPEED:
        length = 0.5 * c[co.STRAIGHT_LENGTH]
    apex = c[co.STRAIGHT_LENGTH] + 0.5 * math.pi * c[co.RADIUS]  # beyond it a floater's mouth is up: it holds no air
    end = min(c[co.WINDOW_START] + length, apex)
    way = max(0.0, x[st.SPEED]) * h
    first = math.ceil((c[co.WINDOW_START] - way - x[st.POSITION]) / pitch)
    inside = 0
    served = -1
    waits = False
    served_progress = 0.0
    progress = x[st.POSITION] + first * pitch
    while progress < end and inside < count:
        i = (first + inside) % count
        if f[st.IN_WINDOW, i] == 0.0:
            f[st.IN_WINDOW, i] = 1.0
            f[st.DELIVERED, i] = 0.0
            x[st.WINDOW_COUNT] += 1.0
        if f[st.DELIVERED, i] < c[co.TARGET_MASS]:
            waits = served >= 0
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
    if not enabled or served < 0:
        return -1, 0.0, 0.0, False
    lasts = h
    if way > 0.0:
        lasts = min(
            h, (served_progress + way - c[co.WINDOW_START]) / x[st.SPEED], (end - served_progress) / x[st.SPEED]
        )
    return served, served_progress, lasts if lasts > SHORTEST * h else 0.0, waits


@inlined
def _enable(c: Vector, x: Vector, pressure: float) -> int:
    """Mode of the compressor at the beginning of a step, kept: whether it works at all."""
    mode = int(x[st.COMPRESSOR_MODE])
    if not plc.compressor_enabled(int(x[st.PLC_STATE])):
        mode = st.COMPRESSOR_OFF
    elif mode == st.COMPRESSOR_OFF:
        mode = st.COMPRESSOR_LOADED if pressure < c[co.UNLOAD_PRESSURE] else st.COMPRESSOR_IDLE
    x[st.COMPRESSOR_MODE] = mode
    return mode


@inlined
def _loaded_share(c: Vector, start: float, end: float, mode: int) -> float:
    """Share of a step in which the compressor is loaded [-]: it switches when the pressure is there, not a step later.

    A small receiver crosses a good part of its band in a step, and whole steps would widen the band at both its ends.

    Args:
        start: energy of the air in the receiver at the start of the step [J].
        end: at its end if the compressor stays in its mode [J].
        mode: loaded or idle.
    """
    energy = (c[co.CP_AIR] - c[co.GAS_CONSTANT]) * c[co.RECEIVER_VOLUME] / c[co.GAS_CONSTANT]
    if mode == st.COMPRESSOR_LOADED:
        limit = energy * c[co.UNLOAD_PRESSURE]
        if start >= limit:  # a lower pressure was set
            return 0.0
        return (limit - start) / (end - start) if end >= limit else 1.0
    limit = energy * c[co.LOAD_PRESSURE]
    if start <= limit:
        return 1.0
    return (limit - end) / (start - end) if end <= limit else 0.0


@inlined
def _note_load(x: Vector, lap: Vector, time: float, used: float) -> None:
    """Keep when the compressor was loaded [s], and its energy until then [J], for the means over load cycles."""
    if lap[st.LOADS] == 0.0:
        lap[st.FIRST_LOAD_TIME] = time
        lap[st.FIRST_LOAD_ENERGY] = used
    lap[st.LAST_LOAD_TIME] = time
    lap[st.LAST_LOAD_ENERGY] = used
    lap[st.LOADS] += 1.0
    x[st.COMPRESSOR_MODE] = st.COMPRESSOR_LOADED


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
def discharge_integral(share: float) -> float:
    """q + (1 - q) ln(1 - q) for a share q of the air that leaves [-], in [0, 1): q^2/2 + q^3/6 + ...

    While a vessel discharges isentropically its pressure falls with m^gamma; times gamma, and times the air that was
    there, this is what the integral of ln(p1/p) over the air that leaves amounts to.
    """
    if share < 1e-3:
        return share * share * (0.5 + share * (1.0 / 6.0 + share * (1.0 / 12.0 + share / 20.0)))
    return share + (1.0 - share) * math.log1p(-share)


@inlined
def _relieve(
    c: Vector, flow: Vector, sampled: Vector, destroyed: Vector, mass: float, energy: float
) -> tuple[float, float]:
    """Open the relief valve above its pressure: what stays expands isentropically to it, what leaves carries U1 - U2.

    Returns:
        Air that leaves [kg] and its energy [J].
    """
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    cv = cp - R
    pressure = energy * R / (cv * c[co.RECEIVER_VOLUME])
    limit = c[co.RELIEF_PRESSURE]
    if pressure <= limit:
        return 0.0, 0.0
    temperature = energy / (mass * cv)
    relieved = mass * relief_share(pressure, limit, c[co.GAS_EXPONENT])
    blown = energy * (1.0 - limit / pressure)  # U = p V cv/R, and V stays
    flow[ledger.AIR_VENTED] += relieved
    flow[ledger.VENT] += blown - relieved * cp * T0
    # Every part of it leaves with the entropy that the air had at the start.
    specific = cp * math.log(temperature / T0) - R * math.log(pressure / p0)
    destroyed[exergy.RELIEF] += blown - relieved * (cp * T0 + T0 * specific)
    # For the second ledger: h dm by Simpson's rule over the air that leaves, T going with m^(gamma - 1).
    end = 1.0 - relieved / mass
    enthalpy = 0.0
    for node in range(2 * RELIEF_INTERVALS + 1):
        weight = 1.0 if node in (0, 2 * RELIEF_INTERVALS) else 4.0 if node % 2 == 1 else 2.0
        left = 1.0 + (end - 1.0) * node / (2 * RELIEF_INTERVALS)
        enthalpy += weight * math.exp(R / cv * math.log(left))
    enthalpy *= cp * temperature / (6.0 * RELIEF_INTERVALS)
    sampled[ledger.VENT] += relieved * (enthalpy - cp * T0)
    return relieved, blown


@inlined
def _cooled(c: Vector, energy: float, taken: float, recovered: float) -> tuple[float, float, float]:
    """Compress `taken` kg into a receiver that holds `energy` J.

    Returns:
        Electric work [J], temperature behind the aftercooler [K], and the pressure against which it works [Pa].
    """
    cp, T0 = c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE]
    per_energy = c[co.GAS_CONSTANT] / ((cp - c[co.GAS_CONSTANT]) * c[co.RECEIVER_VOLUME])
    cooler = c[co.COOLER_TEMPERATURE]
    middle = per_energy * (energy + 0.5 * taken * cp * cooler)
    work = _work(c, middle, taken, recovered)
    if taken * cp * (cooler - T0) > work:  # a cooler cannot heat what a low pressure left cold
        cooler = T0 + work / (taken * cp)
        middle = per_energy * (energy + 0.5 * taken * cp * cooler)
        work = _work(c, middle, taken, recovered)
        cooler = min(cooler, T0 + work / (taken * cp))
    return work, cooler, middle


@inlined
def _idle(c: Vector, flow: Vector, sampled: Vector, destroyed: Vector, lasts: float) -> float:
    """Compressor that runs idle for some time [s]; returns its electric work [J]."""
    work = _work(c, c[co.UNLOAD_PRESSURE], c[co.IDLE_FLOW] * lasts, 0.0)
    flow[ledger.AFTERCOOLER] += work
    sampled[ledger.AFTERCOOLER] += work
    destroyed[exergy.COMPRESSOR] += work
    return float(work)


@inlined
def _load(
    c: Vector,
    x: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    mass: float,
    energy: float,
    lasts: float,
) -> tuple[float, float, float, float]:
    """Compressor that is loaded for some time [s], and its aftercooler.

    Returns:
        Air that enters the receiver [kg] and its energy [J]; electric work, and the same re-integrated [J].
    """
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    cv = cp - R
    per_energy = R / (cv * c[co.RECEIVER_VOLUME])
    taken = c[co.COMPRESSOR_FLOW] * lasts
    recovered = min(taken, x[st.RECOVERED_FLOW] * lasts)
    work, cooler, middle = _cooled(c, energy, taken, recovered)
    brought = taken * cp * cooler
    minimum = R * T0 * math.log(middle / p0) + exergy.thermal_exergy(cooler, T0, cp)
    destroyed[exergy.COMPRESSOR] += work - taken * minimum + recovered * c[co.RECOVERY_WORK]
    destroyed[exergy.RECOVERY] -= recovered * c[co.RECOVERY_WORK]
    half = (energy + 0.5 * brought) / ((mass + 0.5 * taken) * cv)  # the receiver's temperature when half is in
    destroyed[exergy.RECEIVER_MIXING] += taken * exergy.mixing_loss(half, cooler, T0, cp)
    flow[ledger.AIR_INTAKE] += taken
    flow[ledger.AIR_RECOVERED] += recovered
    flow[ledger.AFTERCOOLER] += work - taken * cp * (cooler - T0)
    start, end = per_energy * energy, per_energy * (energy + brought)
    seen = 0.5 * (_work(c, start, taken, recovered) + _work(c, end, taken, recovered))
    sampled[ledger.AFTERCOOLER] += seen - taken * cp * (cooler - T0)
    return taken, brought, work, seen


@inlined
def _compress(
    c: Vector,
    x: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    books: Vector,
    lap: Vector,
    mode: int,
    start: float,
    mass: float,
    energy: float,
    h: float,
) -> tuple[float, float]:
    """Compressor and aftercooler over one step.

    Args:
        mode: at the beginning of the step.
        start: energy of the air in the receiver then [J].
        mass, energy: of the air there now [kg, J]: after the rest of the step if the compressor is to switch in it.

    Returns:
        Air that enters the receiver [kg] and its energy [J].
    """
    if mode == st.COMPRESSOR_OFF:
        return 0.0, 0.0
    end = energy
    if mode == st.COMPRESSOR_LOADED:
        taken = c[co.COMPRESSOR_FLOW] * h
        end = energy + taken * c[co.CP_AIR] * c[co.COOLER_TEMPERATURE]  # at most; worth knowing close to the limit
        capacity = (c[co.CP_AIR] - c[co.GAS_CONSTANT]) * c[co.RECEIVER_VOLUME] / c[co.GAS_CONSTANT]
        if end >= capacity * c[co.UNLOAD_PRESSURE]:
            cooler = _cooled(c, energy, taken, min(taken, x[st.RECOVERED_FLOW] * h))[1]
            end = energy + taken * c[co.CP_AIR] * cooler
    share = _loaded_share(c, start, end, mode)
    free = c[co.RECOVERY_CLAIMED]
    taken = brought = work = seen = 0.0
    if mode == st.COMPRESSOR_IDLE and share < 1.0:
        work = seen = _idle(c, flow, sampled, destroyed, (1.0 - share) * h)
    if mode == st.COMPRESSOR_IDLE and share > 0.0:
        used = books[0, ledger.COMPRESSOR] + books[1, ledger.COMPRESSOR] + (1.0 - free) * work
        _note_load(x, lap, (x[st.STEPS] + (1.0 - share) * h / c[co.STEP]) * c[co.STEP], used)
    if share > 0.0:
        taken, brought, loaded, resampled = _load(c, x, flow, sampled, destroyed, mass, energy, share * h)
        work += loaded
        seen += resampled
    if mode == st.COMPRESSOR_LOADED and share < 1.0:
        x[st.COMPRESSOR_MODE] = st.COMPRESSOR_IDLE
        idle = _idle(c, flow, sampled, destroyed, (1.0 - share) * h)
        work += idle
        seen += idle
    flow[ledger.COMPRESSOR] += work - free * work
    flow[ledger.UNSOURCED_RECOVERY] += free * work
    sampled[ledger.COMPRESSOR] += seen - free * seen
    sampled[ledger.UNSOURCED] += free * seen
    return taken, brought


@inlined
def _cool(c: Vector, flow: Vector, sampled: Vector, destroyed: Vector, mass: float, energy: float, h: float) -> float:
    """Heat through the wall of the receiver in one step [J], > 0 to the surroundings: exact, however stiff."""
    T0 = c[co.AMBIENT_TEMPERATURE]
    capacity = mass * (c[co.CP_AIR] - c[co.GAS_CONSTANT])
    temperature = energy / capacity
    stiffness = c[co.RECEIVER_UA] * h / capacity
    difference = temperature - T0
    share = relaxation(stiffness)
    lost = capacity * difference * share
    flow[ledger.RECEIVER_HEAT] += lost
    sampled[ledger.RECEIVER_HEAT] += c[co.RECEIVER_UA] * sampled_mean(difference, stiffness, share) * h
    # Heat leaves while the air goes from T to T'; both lie on the same side of T0: Q - T0 C ln(T/T').
    destroyed[exergy.RECEIVER_WALL] += lost + T0 * capacity * relative_gain(-lost / energy)
    return float(lost)


@inlined
def _valve(
    c: Vector,
    x: Vector,
    f: Vector,
    served: int,
    pressure: float,
    temperature: float,
    roof: float,
    behind: float,
    progress: float,
    cosine: float,
    sine: float,
    opening: float,
    lasts: float,
    h: float,
) -> float:
    """Flow through the valve from a receiver at a pressure [Pa] and temperature [K] into the served floater [kg/s]."""
    conductance, critical = c[co.VALVE_CONDUCTANCE], c[co.VALVE_CRITICAL_RATIO]
    if c[co.JET_MODE] == hypotheses.PHYSICAL:
        limit = full = c[co.FLOATER_VOLUME]
        if sine != 0.0:  # as in `pockets`: what a bucket that comes upright holds more pushes water out as well
            full = limit * tilt_capacity(cosine, sine, c[co.BUCKET_ASPECT])
            until = lasts if sine * x[st.SPEED] < 0.0 else 0.5 * lasts
            _, cosine, sine = place(progress + x[st.SPEED] * until, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
            limit *= tilt_capacity(cosine, sine, c[co.BUCKET_ASPECT])
        held = bucket_volume(f[st.ENTHALPY, served], roof, c[co.GAS_EXPONENT], f[st.STIFFNESS, served])
        growing = held < full * (1.0 - FULL)
        mass_flow, out = valve_against_outlet(
            c, pressure, temperature, behind, opening, f[st.MASS, served], f[st.ENTHALPY, served], roof,
            f[st.STIFFNESS, served], f[st.VOLUME, served], math.inf if growing else limit, water_temperature(c, x),
            heat_conductance(c, x), lasts, h,
        )  # fmt: skip
        x[st.JET_FLOW] = math.inf
        if not growing:
            return float(mass_flow)
        # Air pushes against the outlet as long as the bucket takes it all, and then against what water still leaves. In
        # the step in which the bucket gets full, a flow in between would pass the outlet's pressure too easily, and the
        # jet's power goes with the cube of it.
        expansion = (held - f[st.VOLUME, served]) / h
        _, following = filled_after(limit - held, out - expansion, (limit - full) / lasts, lasts)
        if following > 0.0:
            x[st.JET_FLOW] = out
            later = max(0.0, expansion + (limit - full) / lasts)
            outlet = hypotheses.jet_pressure(later, c[co.WATER_DENSITY], c[co.JET_AREA], c[co.JET_DISCHARGE])
            freed = opening * valve_flow(pressure, temperature, (behind + outlet) / pressure, conductance, critical)
            mass_flow += (freed - mass_flow) * following / lasts
        return float(mass_flow)
    return float(opening * valve_flow(pressure, temperature, behind / pressure, conductance, critical))


@inlined
def _no_further(c: Vector, charge: float, mass: float, pressure: float, behind: float) -> float:
    """A charge [kg] that does not draw the receiver, with `mass` kg at `pressure` Pa, below the pressure `behind`."""
    # Less than this cannot, since 1 - q^(1/gamma) > (1 - q)/gamma, and most charges are far less.
    if charge * c[co.CP_AIR] * pressure > mass * (c[co.CP_AIR] - c[co.GAS_CONSTANT]) * (pressure - behind):
        return min(charge, mass * relief_share(pressure, behind, c[co.GAS_EXPONENT]))
    return charge


@inlined
def _fill(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    served: int,
    progress: float,
    mass: float,
    energy: float,
    opening: float,
    lasts: float,
    h: float,
) -> tuple[float, float, float, float, bool]:
    """Let air from the receiver into the served floater in one step.

    Args:
        served, progress: the floater and its place [m].
        mass, energy: of the air in the receiver [kg, J].
        opening: of the valve, its mean [-].
        lasts: time that the floater is in the window [s], > 0 and at most the step.
        h: step [s].

    Returns:
        Air that leaves the receiver [kg] and its energy [J]; what missed the pocket [kg] and the pressure there [Pa];
        whether the pulse is complete. What enters the pocket stands in x[INFLOW...] for `pockets`.
    """
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    cv = cp - R
    temperature = energy / (mass * cv)
    pressure = energy * R / (cv * c[co.RECEIVER_VOLUME])
    if f[st.MASS, served] == 0.0:
        f[st.STIFFNESS, served] = c[co.BUCKET_STIFFNESS]
    stiffness = f[st.STIFFNESS, served]
    z, cosine, sine = place(progress, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
    roof = p0 + c[co.SPECIFIC_WEIGHT] * (c[co.WATER_DEPTH] + x[st.LEVEL] - z)
    behind = roof + stiffness * f[st.VOLUME, served]
    # The receiver's pressure falls while the air leaves: the flow is that in the middle, which a first one foretells.
    charge = lasts * _valve(
        c, x, f, served, pressure, temperature, roof, behind, progress, cosine, sine, opening, lasts, h
    )
    charge = _no_further(c, charge, mass, pressure, behind)
    if charge > 0.0:
        left = 1.0 - 0.5 * charge / mass
        middle, cooled = pressure * math.pow(left, cp / cv), temperature * math.pow(left, R / cv)
        charge = lasts * _valve(
            c, x, f, served, middle, cooled, roof, behind, progress, cosine, sine, opening, lasts, h
        )
        charge = _no_further(c, charge, mass, pressure, behind)
    held, k = f[st.ENTHALPY, served], c[co.GAS_EXPONENT]
    filled = c[co.CAPTURE_EFFICIENCY] * cp * temperature
    if stiffness != 0.0:  # the water in a narrow bucket sinks, and its pressure rises, while the air comes in
        limit = c[co.FLOATER_VOLUME] * tilt_capacity(cosine, sine, c[co.BUCKET_ASPECT])
        risen = roof + stiffness * min(limit, bucket_volume(held + filled * charge, roof, k, stiffness))
        charge = _no_further(c, charge, mass, pressure, min(risen, pressure))
    missing = c[co.TARGET_MASS] - f[st.DELIVERED, served]
    complete = charge >= missing
    lasted = lasts * missing / charge if complete and charge > 0.0 else lasts
    if complete:  # the pulse ends inside this step: exactly the target and not a gram more
        charge = missing
        f[st.DELIVERED, served] = c[co.TARGET_MASS]
    else:
        f[st.DELIVERED, served] += charge
    if charge <= 0.0:
        return 0.0, 0.0, 0.0, behind, complete
    # What stays in the receiver expands isentropically; the air in the valve goes from T to T2 with it.
    share = charge / mass
    taken = -energy * math.expm1(cp / cv * math.log1p(-share))
    leaving = taken / (charge * cp)
    fallen = mass * discharge_integral(share)
    mean_log = math.log(temperature / T0) - R / cv * fallen / charge  # mean of ln(T/T0) of the air that leaves
    caught = charge * c[co.CAPTURE_EFFICIENCY]
    missed = charge - caught
    destroyed[exergy.VALVE] += R * T0 * (charge * math.log(pressure / behind) - cp / cv * fallen)
    if stiffness != 0.0:
        before = bucket_volume(held, roof, k, stiffness)
        after = bucket_volume(held + caught * cp * leaving, roof, k, stiffness)
        space = 0.5 * (before + after)
        if after > limit:  # from when the bucket is full the air enters against the same pressure, and spills
            growing = max(0.0, limit - before)
            space = limit - 0.5 * growing * growing / (after - before)
        mean = roof + stiffness * space
        destroyed[exergy.VALVE] -= R * T0 * caught * math.log(mean / behind)
    if missed > 0.0:
        flow[ledger.AIR_VENTED] += missed
        flow[ledger.VENT] += missed * cp * (leaving - T0)
        end = temperature * math.exp(R / cv * math.log1p(-share))
        sampled[ledger.VENT] += missed * cp * (0.5 * (temperature + end) - T0)
        destroyed[exergy.VENT] += missed * (cp * (leaving - T0) - cp * T0 * mean_log + R * T0 * math.log(behind / p0))
    x[st.INFLOW], x[st.INFLOW_TIME] = caught, lasted
    x[st.INFLOW_LATE] = 1.0 if progress < c[co.WINDOW_START] else 0.0
    x[st.INFLOW_TEMPERATURE], x[st.INFLOW_START], x[st.INFLOW_SHARE] = leaving, temperature, share
    flow[ledger.AIR_VALVE] += charge
    return charge, taken, missed, behind, complete


@inlined
def spool_opening(c: Vector, share: float) -> tuple[float, float]:
    """How far the closed valve opens in a share of a step [-], in (0, 1]: at its end, and in its mean."""
    opened, mean = c[co.SPOOL_RELAXATION], c[co.SPOOL_MEAN]
    if share == 1.0:
        return opened, mean
    constant = (1.0 - mean) / opened  # the time constant over the step, from the mean 1 - opened tau/h
    opened = 1.0 - math.pow(1.0 - opened, share)
    return opened, 1.0 - opened * constant / share


@inlined
def _closing(c: Vector, spool: float, share: float) -> float:
    """Place of the spool [-] after it has been closing for a share of a step [-], in [0, 1]."""
    if share == 1.0:
        return float(spool - spool * c[co.SPOOL_RELAXATION])
    return float(spool * math.pow(1.0 - c[co.SPOOL_RELAXATION], share)) if share > 0.0 else spool


@inlined
def _charge(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    mass: float,
    energy: float,
    h: float,
) -> tuple[float, float, float, float]:
    """Serve the floater in the window through the valve, in one step.

    Args:
        mass, energy: of the air in the receiver [kg, J].

    Returns:
        Air that leaves the receiver [kg] and its energy [J]; what missed the pocket [kg] and the pressure there [Pa].
    """
    state = int(x[st.PLC_STATE])
    by_hand = x[st.MANUAL_PULSES] > 0.0 and state in (plc.RUNNING, plc.COASTING)
    automatic = plc.injection_enabled(state) and not (state == plc.RUNNING and c[co.MANUAL_INJECTION] != 0.0)
    last = int(x[st.SERVED])
    served, progress, lasts, waits = window(c, x, f, automatic or by_hand, h)
    if by_hand and last >= 0 and served != last:  # the floater left the window: the pulse is over
        x[st.MANUAL_PULSES] -= 1.0
        if x[st.MANUAL_PULSES] <= 0.0 and not automatic:
            served = -1
    # The spool moves from where it is; what flows goes with its mean, not with its place at the end of the step.
    # It opens while a floater is served, and closes before and after, in the step in which that begins or ends as well;
    # but not when the next one is waiting.
    opening, before = 0.0, h
    if served >= 0 and lasts > 0.0:
        before = h - lasts if progress < c[co.WINDOW_START] else 0.0
    x[st.SPOOL] = _closing(c, x[st.SPOOL], before / h)
    if before < h:
        opening = x[st.SPOOL] + (1.0 - x[st.SPOOL]) * spool_opening(c, lasts / h)[1]
    x[st.SERVED] = x[st.FILLED] = served
    x[st.SERVED_FLOW] = x[st.INFLOW] = 0.0
    x[st.JET_FLOW] = math.inf  # until `pockets` has it: what leaves while the bucket takes all the air, if that ends
    if served < 0 or lasts <= 0.0:
        return 0.0, 0.0, 0.0, 0.0
    charge, left, missed, behind, complete = _fill(
        c, x, f, flow, sampled, destroyed, served, progress, mass, energy, opening, lasts, h
    )
    x[st.SERVED_FLOW] = charge / h
    opened = lasts
    if waits:
        opened = h - before
    elif charge > 0.0:  # a pulse may be complete before the floater leaves
        opened = x[st.INFLOW_TIME]
    if opened > 0.0:
        x[st.SPOOL] += (1.0 - x[st.SPOOL]) * spool_opening(c, opened / h)[0]
    x[st.SPOOL] = _closing(c, x[st.SPOOL], max(0.0, h - before - opened) / h)
    if complete:
        x[st.PULSES] += 1.0
        if by_hand:
            x[st.MANUAL_PULSES] -= 1.0
            x[st.SERVED] = -1.0
    return charge, left, missed, behind


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
    """Relief valve, compressor, wall of the receiver, and injection valve: one step, each after the other.

    Each process begins from what the one before it left and can be integrated exactly; run side by side from the same
    start they would take more than there is from a small receiver. In every other step the last three run in the
    opposite order: what one sees too much of another then cancels, and the splitting is of second order.

    Returns:
        Air that left the receiver at the pressure of a pocket and missed it [kg], and its pressure [Pa].
    """
    R = c[co.GAS_CONSTANT]
    mass, energy = x[st.RECEIVER_MASS], x[st.RECEIVER_ENERGY]
    capacity = (c[co.CP_AIR] - R) * c[co.RECEIVER_VOLUME] / R
    mode = _enable(c, x, energy / capacity)
    relieved, blown = _relieve(c, flow, sampled, destroyed, mass, energy)
    dm, dU = -relieved, -blown
    missed = behind = 0.0
    odd = x[st.STEPS] * c[co.STEP] / h % 2.0 != 0.0
    most = c[co.COMPRESSOR_FLOW] * h * c[co.CP_AIR] * c[co.COOLER_TEMPERATURE]
    # A compressor that may have to switch in this step comes last, and knows how far the rest has brought the pressure.
    last = odd or mode == st.COMPRESSOR_IDLE or energy + most >= capacity * c[co.UNLOAD_PRESSURE]
    for turn in range(3):
        if turn == (2 if last else 0):
            taken, brought = _compress(
                c, x, flow, sampled, destroyed, books, lap, mode, energy - blown, mass + dm, energy + dU, h
            )
            dm += taken
            dU += brought
        elif turn == (0 if odd else 1 if last else 2):
            charge, left, missed, behind = _charge(c, x, f, flow, sampled, destroyed, mass + dm, energy + dU, h)
            dm -= charge
            dU -= left
        else:
            dU -= _cool(c, flow, sampled, destroyed, mass + dm, energy + dU, h)
    x[st.RECEIVER_MASS], x[st.RECEIVER_MASS_LOW] = carry(mass, x[st.RECEIVER_MASS_LOW], dm)
    x[st.RECEIVER_ENERGY], x[st.RECEIVER_ENERGY_LOW] = carry(energy, x[st.RECEIVER_ENERGY_LOW], dU)
    return missed, behind


@inlined
def carry(value: float, low: float, change: float) -> tuple[float, float]:
    """value + low + change as a rounded value and what it could not hold."""
    term = change + low
    new = value + term
    return new, term - (new - value)
