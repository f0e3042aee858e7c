"""Air through the injection valve into the served floater, in one step: how much, at what temperature, at what loss."""

import math
from typing import NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import exergy, hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.air import bucket_volume, valve_flow
from kpp_physics.bath import heat_conductance, water_temperature
from kpp_physics.compiled import inlined
from kpp_physics.geometry import place, tilt_capacity
from kpp_physics.jet import filled_after, valve_against_outlet
from kpp_physics.receiver import discharge_integral, no_further
from kpp_physics.state import Vector

FULL = 1e-9
"""Share by which a bucket that is full may hold less: rounding."""


class Source(NamedTuple):
    """The air in the receiver before the charge."""

    mass: float
    """m [kg], > 0."""
    energy: float
    """m cv T [J], > 0."""
    pressure: float
    """Absolute pressure p [Pa]."""
    temperature: float
    """T [K]."""


class Served(NamedTuple):
    """The floater at the valve, and how the valve is open to it in this step."""

    floater: int
    """Its number."""
    progress: float
    """Where it is at the start of the step [m]."""
    cosine: float
    """Cosine of its direction there [-]."""
    sine: float
    """Sine of its direction there [-]."""
    roof: float
    """Absolute pressure at the roof of its bucket [Pa]."""
    stiffness: float
    """Stiffness of its bucket [Pa/m3], 0 for a point pocket."""
    behind: float
    """Absolute pressure of its air, against which the valve works [Pa]."""
    opening: float
    """Opening of the valve, mean over the time in which it is open [-]."""
    lasts: float
    """Time for which it is open [s], > 0 and at most the step."""


class Charge(NamedTuple):
    """What went through the valve in one step."""

    mass: float
    """Air that left the receiver [kg], >= 0."""
    energy: float
    """Energy that this air took from the receiver [J]."""
    missed: float
    """Part of the mass that missed the pocket [kg]."""
    behind: float
    """Absolute pressure of the pocket [Pa]."""
    complete: bool
    """Whether the floater has its target mass, so that the pulse is over."""


@inlined
def _source(c: Vector, mass: float, energy: float) -> Source:
    """The receiver with `mass` kg of air of m cv T = `energy` J: p = U R/(cv V)."""
    R = c[co.GAS_CONSTANT]
    cv = c[co.CP_AIR] - R
    return Source(mass, energy, energy * R / (cv * c[co.RECEIVER_VOLUME]), energy / (mass * cv))


@inlined
def _served(c: Vector, x: Vector, f: Vector, floater: int, progress: float, opening: float, lasts: float) -> Served:
    """The served floater; an empty one takes the bucket model that is in force now."""
    if f[st.MASS, floater] == 0.0:
        f[st.STIFFNESS, floater] = c[co.BUCKET_STIFFNESS]
    # The model stays with the air: changed under it, it would change the energy that is stored.
    stiffness = f[st.STIFFNESS, floater]
    z, cosine, sine = place(progress, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
    roof = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * (c[co.WATER_DEPTH] + x[st.LEVEL] - z)
    # A point pocket has the pressure of the roof throughout; in a narrow bucket the air pushes the interface down, and
    # the valve has to work against the pressure there.
    behind = roof + stiffness * f[st.VOLUME, floater]
    return Served(floater, progress, cosine, sine, roof, stiffness, behind, opening, lasts)


@inlined
def _flow_against_jet(
    c: Vector, x: Vector, f: Vector, to: Served, pressure: float, temperature: float, h: float
) -> float:
    """Flow into a floater whose water leaves through the outlet of a physical jet, mean while the valve is open [kg/s].

    While the bucket takes all the air, the air pushes against the outlet; once the bucket is full, only against the
    water that still leaves. In the step in which that changes, one mean flow would meet too little pressure at the
    outlet, and the jet's power scales with the cube of the flow. So both flows are found, each with its time; the first
    stands in x[JET_FLOW] for `pockets`, if it ends in this step.
    """
    limit = full = c[co.FLOATER_VOLUME]
    if to.sine != 0.0:  # as in `pockets`: what a bucket that comes upright holds more pushes water out as well
        full = limit * tilt_capacity(to.cosine, to.sine, c[co.BUCKET_ASPECT])
        until = to.lasts if to.sine * x[st.SPEED] < 0.0 else 0.5 * to.lasts
        _, cosine, sine = place(to.progress + x[st.SPEED] * until, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        limit *= tilt_capacity(cosine, sine, c[co.BUCKET_ASPECT])
    enthalpy, volume = f[st.ENTHALPY, to.floater], f[st.VOLUME, to.floater]
    held = bucket_volume(enthalpy, to.roof, c[co.GAS_EXPONENT], to.stiffness)
    growing = held < full * (1.0 - FULL)
    # A bucket that still grows takes all of the air, without a limit; one that is full pushes out only what it gains as
    # it comes upright.
    mass_flow, out = valve_against_outlet(
        c,
        pressure,
        temperature,
        to.behind,
        to.opening,
        f[st.MASS, to.floater],
        enthalpy,
        to.roof,
        to.stiffness,
        volume,
        math.inf if growing else limit,
        water_temperature(c, x),
        heat_conductance(c, x),
        to.lasts,
        h,
    )
    # Infinite: one flow for the whole step, as `pockets` finds it.
    x[st.JET_FLOW] = math.inf
    if not growing:
        return float(mass_flow)
    expansion = (held - volume) / h
    # `following`: how long, in this step, the bucket is full already; 0 if it does not get full.
    _, following = filled_after(limit - held, out - expansion, (limit - full) / to.lasts, to.lasts)
    if following > 0.0:
        x[st.JET_FLOW] = out
        later = max(0.0, expansion + (limit - full) / to.lasts)
        outlet = hypotheses.jet_pressure(later, c[co.WATER_DENSITY], c[co.JET_AREA], c[co.JET_DISCHARGE])
        freed = to.opening * valve_flow(
            pressure, temperature, (to.behind + outlet) / pressure, c[co.VALVE_CONDUCTANCE], c[co.VALVE_CRITICAL_RATIO]
        )
        # The mean over the time in which the valve is open.
        mass_flow += (freed - mass_flow) * following / to.lasts
    return float(mass_flow)


@inlined
def _flow(c: Vector, x: Vector, f: Vector, to: Served, pressure: float, temperature: float, h: float) -> float:
    """Flow through the valve [kg/s] from air at a pressure [Pa] and temperature [K]; 0 against a higher pressure."""
    if c[co.JET_MODE] == hypotheses.PHYSICAL:
        return _flow_against_jet(c, x, f, to, pressure, temperature, h)
    # ISO 6358; a check valve: nothing flows back from a pocket of higher pressure.
    ratio = to.behind / pressure
    flow = valve_flow(pressure, temperature, ratio, c[co.VALVE_CONDUCTANCE], c[co.VALVE_CRITICAL_RATIO])
    return float(to.opening * flow)


@inlined
def _drawn(c: Vector, x: Vector, f: Vector, source: Source, to: Served, h: float) -> float:
    """Air that the valve lets through while it is open [kg], whatever the target.

    The receiver's pressure falls while the air leaves. The flow taken is that in the middle of the charge, predicted
    with the pressure at the start: the midpoint rule, of second order. However small the receiver is, its pressure does
    not fall below that of the pocket.
    """
    # Powers of what is left: p varies as m^gamma, gamma = cp/cv, and T as m^(gamma - 1), gamma - 1 = R/cv.
    R, cp = c[co.GAS_CONSTANT], c[co.CP_AIR]
    cv = cp - R
    charge = to.lasts * _flow(c, x, f, to, source.pressure, source.temperature, h)
    # A small receiver may be emptied to the pocket's pressure within the step, and gives no more than that.
    charge = no_further(c, charge, source.mass, source.pressure, to.behind)
    if charge > 0.0:
        left = 1.0 - 0.5 * charge / source.mass
        middle, cooled = source.pressure * math.pow(left, cp / cv), source.temperature * math.pow(left, R / cv)
        charge = to.lasts * _flow(c, x, f, to, middle, cooled, h)
        charge = no_further(c, charge, source.mass, source.pressure, to.behind)
    if to.stiffness != 0.0:  # the water in a narrow bucket sinks, and its pressure rises, while the air comes in
        limit = c[co.FLOATER_VOLUME] * tilt_capacity(to.cosine, to.sine, c[co.BUCKET_ASPECT])
        filled = c[co.CAPTURE_EFFICIENCY] * cp * source.temperature
        energy = f[st.ENTHALPY, to.floater] + filled * charge
        risen = to.roof + to.stiffness * min(limit, bucket_volume(energy, to.roof, c[co.GAS_EXPONENT], to.stiffness))
        charge = no_further(c, charge, source.mass, source.pressure, min(risen, source.pressure))
    return float(charge)


@inlined
def _delivered(c: Vector, f: Vector, to: Served, charge: float) -> tuple[float, float, bool]:
    """End the pulse exactly at the target mass, inside the step if need be.

    Returns:
        Charge [kg]; for how long air flowed [s]; whether the target is reached.
    """
    # d_i counts from zero when the floater enters the window, so that a pulse that had to wait for pressure goes on
    # where it was.
    missing = c[co.TARGET_MASS] - f[st.DELIVERED, to.floater]
    complete = charge >= missing
    # At a constant flow within the step mass is proportional to time; the rest of the step is without inflow.
    lasted = to.lasts * missing / charge if complete and charge > 0.0 else to.lasts
    if complete:
        charge = missing
        f[st.DELIVERED, to.floater] = c[co.TARGET_MASS]
    else:
        f[st.DELIVERED, to.floater] += charge
    return charge, lasted, complete


@inlined
def _book_throttling(
    c: Vector,
    f: Vector,
    destroyed: Vector,
    source: Source,
    to: Served,
    charge: float,
    caught: float,
    leaving: float,
    fallen: float,
) -> None:
    """Book the exergy that the valve destroys, R T0 ln(p_r/p_i) for every kilogram, while the receiver's p_r falls.

    In a narrow bucket p_i rises with the volume: what counts is its mean over the air that comes in.

    Args:
        charge, caught: air that left the receiver, and of it what enters the pocket [kg].
        leaving: mean temperature of the air in the valve [K].
        fallen: integral of ln(m1/m) over the air that leaves [kg], `discharge_integral`.
    """
    # Isenthalpic: an ideal gas keeps its temperature, and its entropy rises by R ln(p_r/p_i). That is never negative,
    # since nothing flows against a higher pressure.
    R, cp, T0, k = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.GAS_EXPONENT]
    cv = cp - R
    # The integral of R T0 ln(p_r/p_i) dm with p_r ~ m^gamma is the value at the start less gamma times `fallen`.
    destroyed[exergy.VALVE] += R * T0 * (charge * math.log(source.pressure / to.behind) - cp / cv * fallen)
    if to.stiffness != 0.0:
        held = f[st.ENTHALPY, to.floater]
        limit = c[co.FLOATER_VOLUME] * tilt_capacity(to.cosine, to.sine, c[co.BUCKET_ASPECT])
        before = bucket_volume(held, to.roof, k, to.stiffness)
        after = bucket_volume(held + caught * cp * leaving, to.roof, k, to.stiffness)
        # The volume grows nearly in proportion to the air: its mean over the air is the middle.
        space = 0.5 * (before + after)
        if after > limit:  # from when the bucket is full the air enters against the same pressure, and spills
            growing = max(0.0, limit - before)
            space = limit - 0.5 * growing * growing / (after - before)
        mean = to.roof + to.stiffness * space
        destroyed[exergy.VALVE] -= R * T0 * caught * math.log(mean / to.behind)


@inlined
def _book_missed(
    c: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    source: Source,
    to: Served,
    missed: float,
    leaving: float,
    mean_log: float,
    share: float,
) -> None:
    """Book the air that misses the pocket: vented at the pocket's pressure, with the temperature behind the valve.

    Args:
        missed: [kg], > 0.
        leaving, mean_log: mean of T [K] and of ln(T/T0) [-] of the air in the valve.
        share: of the receiver's air that left [-].
    """
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    # It bubbles up beside the floater without doing any work: its enthalpy and all of its exergy are lost.
    flow[ledger.AIR_VENTED] += missed
    flow[ledger.VENT] += missed * cp * (leaving - T0)
    end = source.temperature * math.exp(R / (cp - R) * math.log1p(-share))
    # Trapezoid of the temperatures at both ends, for the second ledger.
    sampled[ledger.VENT] += missed * cp * (0.5 * (source.temperature + end) - T0)
    destroyed[exergy.VENT] += missed * (cp * (leaving - T0) - cp * T0 * mean_log + R * T0 * math.log(to.behind / p0))


@inlined
def fill(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    floater: int,
    progress: float,
    mass: float,
    energy: float,
    opening: float,
    lasts: float,
    h: float,
) -> Charge:
    """Let air from the receiver into the served floater in one step.

    What stays in the receiver expands isentropically; the valve is isenthalpic, and the air that leaves goes from the
    receiver's first temperature to its last. What enters the pocket stands in x[INFLOW...] for `pockets`.

    Args:
        floater, progress: number of the floater, and its place [m].
        mass, energy: of the air in the receiver [kg, J], both > 0.
        opening: of the valve, its mean [-].
        lasts: time that the floater is in the window [s], > 0 and at most the step.
        h: step [s].
    """
    R, cp = c[co.GAS_CONSTANT], c[co.CP_AIR]
    cv = cp - R
    source = _source(c, mass, energy)
    to = _served(c, x, f, floater, progress, opening, lasts)
    charge, lasted, complete = _delivered(c, f, to, _drawn(c, x, f, source, to, h))
    if charge <= 0.0:
        return Charge(0.0, 0.0, 0.0, to.behind, complete)
    # In the order of the air's way: what the receiver gives, what the valve destroys, what misses, what is left for the
    # pocket.
    share = charge / mass
    taken = -energy * math.expm1(cp / cv * math.log1p(-share))  # U varies as m^gamma
    # No heat passes on the way out, so that U falls by the enthalpy that leaves: `taken` is the sum of cp T dm.
    leaving = taken / (charge * cp)
    fallen = mass * discharge_integral(share)
    mean_log = math.log(source.temperature / c[co.AMBIENT_TEMPERATURE]) - R / cv * fallen / charge
    # The split is by mass, before anything spills; what misses never enters the pocket's balance.
    caught = charge * c[co.CAPTURE_EFFICIENCY]
    missed = charge - caught
    # Before the pocket has the air: the bookings need it as it was.
    _book_throttling(c, f, destroyed, source, to, charge, caught, leaving, fallen)
    if missed > 0.0:
        _book_missed(c, flow, sampled, destroyed, source, to, missed, leaving, mean_log, share)
    x[st.INFLOW], x[st.INFLOW_TIME] = caught, lasted
    x[st.INFLOW_LATE] = 1.0 if progress < c[co.WINDOW_START] else 0.0
    x[st.INFLOW_TEMPERATURE], x[st.INFLOW_START], x[st.INFLOW_SHARE] = leaving, source.temperature, share
    flow[ledger.AIR_VALVE] += charge
    return Charge(charge, taken, missed, to.behind, complete)
