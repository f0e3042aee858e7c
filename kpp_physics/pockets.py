"""One step of the pockets of air: heat, spill, vent, and the exchange of water that follows from their volumes."""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, exergy, hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.air import bucket_volume
from kpp_physics.bath import cool_bath, heat_conductance, water_temperature
from kpp_physics.buoyancy import AIR_VOLUME, COSINE, INDEX, PRESSURE, PROGRESS, SINE, SUMS
from kpp_physics.chain import moving_mass
from kpp_physics.compiled import inlined, merged
from kpp_physics.geometry import place, tilt_capacity
from kpp_physics.jet import limit_thrust
from kpp_physics.pocket_air import (
    AIR,
    CAPTURED,
    COLDEST,
    EXPELLED,
    HEAT,
    HEAT_LOSS,
    INGESTED,
    LOST,
    SAMPLED_HEAT,
    SAMPLED_VENT,
    VENT_LOSS,
    VENTED,
    Around,
    Bucket,
    Pocket,
    pass_step,
)
from kpp_physics.state import Vector


@inlined
def pockets(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    lap: Vector,
    work: Vector,
    vent: bool,
    missed: float,
    behind: float,
    h: float,
) -> int:
    """Heat, spill, vent and exchange of water of every pocket on the up half; packs those that hold air.

    Args:
        work: filled: a column for each pocket with air (`buoyancy`), and the sums.
        vent: True while every pocket is let out.
        missed, behind: air that passed the valve and missed its pocket [kg], and its pressure [Pa].

    Returns:
        Number of pockets that hold air.
    """
    count, pitch = f.shape[1], c[co.PITCH]
    sums = work[SUMS]
    sums[:] = 0.0
    sums[COLDEST] = st.EMPTY_LOW
    # The jet belongs to the floater that is being filled; all the others let their water out by the mouth.
    jet_of = int(x[st.FILLED]) if c[co.JET_MODE] != hypotheses.OFF else -1
    # Air that leaves deeper than the hood's edge rises into it; what spills above goes to the atmosphere.
    hood = c[co.RECOVERY_PRESSURE] if c[co.RECOVERY_CAPTURE] > 0.0 else math.inf
    sums[CAPTURED] = missed if behind >= hood else 0.0
    jet_pays = c[co.JET_MODE] == hypotheses.PHYSICAL
    around = Around(water_temperature(c, x), heat_conductance(c, x), hood, x[st.JET_FLOW], jet_of, jet_pays, vent)
    # The valve's own finding is kept in `around`; from here on these are what the pocket of this step makes of it.
    x[st.JET_FLOW] = x[st.JET_THRUST] = x[st.JET_POWER] = 0.0
    position, quarter = x[st.POSITION], 0.5 * math.pi * c[co.RADIUS]
    # One floater beyond each apex is looked at too: it may have passed it in the last step and must empty.
    first = math.ceil((-quarter - position) / pitch) - 1
    last = math.floor((c[co.STRAIGHT_LENGTH] + quarter - position) / pitch) + 1
    # A short chain in a low shaft: each floater is looked at once, even if all of them are on this side.
    if last - first >= count:
        last = first + count - 1
    active = 0
    i = first % count
    for j in range(first, last + 1):
        filling = i == int(x[st.FILLED]) and x[st.INFLOW] > 0.0
        if f[st.MASS, i] != 0.0 or f[st.VOLUME, i] != 0.0 or filling:
            active = _pocket(c, x, f, destroyed, work, sums, around, i, position + j * pitch, filling, active, h)
        # The water that a floater took in counts for one step: its impulse has been given.
        elif f[st.INGESTED, i] != 0.0:
            f[st.INGESTED, i] = 0.0
        i += 1
        if i == count:
            i = 0
    _book(c, x, flow, sampled, destroyed, lap, sums, around.water, h)
    if c[co.SURFACE_AREA] > 0.0 and sums[AIR] > 0.0:
        _raise_level(c, x, f, work, active, sums[AIR])
    return active


@merged
def _pocket(
    c: Vector,
    x: Vector,
    f: Vector,
    destroyed: Vector,
    work: Vector,
    sums: Vector,
    around: Around,
    i: int,
    progress: float,
    filling: bool,
    active: int,
    h: float,
) -> int:
    """Take one floater through the step, pack it if it holds air, and book the water that it gives or takes.

    Args:
        i, progress: the floater and its place on the loop [m].
        filling: True if air enters it in this step.
        active: pockets that are packed so far.

    Returns:
        Pockets that are packed then.
    """
    before, volume = f[st.VOLUME, i], 0.0
    if f[st.MASS, i] != 0.0 or filling:
        z, cosine, sine = place(progress, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        # p = p0 + rho g (H - z) at the point of attachment, under a surface that the air may have raised.
        roof = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * (c[co.WATER_DEPTH] + x[st.LEVEL] - z)
        energy, stiffness = f[st.ENTHALPY, i], f[st.STIFFNESS, i]
        enthalpy, held = energy, 0.0
        if stiffness != 0.0 or i == around.jet_of:
            held = bucket_volume(energy, roof, c[co.GAS_EXPONENT], stiffness)
            enthalpy += 0.5 * stiffness * held * held
        limit, widening = _room(c, x, progress, cosine, sine, h)
        # `before` is the volume at the last exchange of water, and `held` what the air has now: the difference is what
        # the motion of the last step has made of it. Only a jet asks for it.
        bucket = Bucket(i, filling, roof, stiffness, limit, widening, held, (held - before) / h)
        mass, vented = f[st.MASS, i], sums[VENTED]
        pocket = pass_step(c, x, destroyed, sums, around, bucket, Pocket(mass, enthalpy, energy, held), h)
        volume = pocket.volume
        # What the pocket's mass could not hold of a small flow stays with the receiver, which keeps remainders: a flow
        # that is the same for hours is rounded the same way in every step, and would make air or lose it.
        entered = x[st.INFLOW] if filling else 0.0
        x[st.RECEIVER_MASS_LOW] += entered - (pocket.mass - mass) - (sums[VENTED] - vented)
        f[st.MASS, i], f[st.ENTHALPY, i] = pocket.mass, pocket.energy
        # Packed side by side for the motion, which goes over them several times in a step. An empty floater drops out:
        # it has neither buoyancy nor work.
        if pocket.mass != 0.0:
            work[INDEX, active], work[PROGRESS, active] = i, progress
            work[PRESSURE, active], work[AIR_VOLUME, active] = roof, volume
            work[COSINE, active], work[SINE, active] = cosine, sine
            active += 1
            if pocket.mass >= constants.HEAT_MINIMUM_MASS:
                sums[COLDEST] = min(sums[COLDEST], pocket.enthalpy / (pocket.mass * c[co.CP_AIR]))
    if c[co.EXCHANGE_ON] == 0.0:  # in verification cases that leave the exchange of water out
        volume = before
    if i == around.jet_of and around.jet_pays:
        moved = moving_mass(c[co.DRY_MASS], c[co.WATER_DENSITY], c[co.FLOATER_VOLUME], f[st.VOLUME])
        limit_thrust(c, x, volume - before, moved, h)
    _exchange_water(c, f, sums, i, volume)
    sums[AIR] += volume
    return active


@inlined
def _exchange_water(c: Vector, f: Vector, sums: Vector, i: int, volume: float) -> None:
    """What air does not fill, water does: it leaves or comes with the change of the volume since the last exchange."""
    change = c[co.WATER_DENSITY] * (volume - f[st.VOLUME, i])
    f[st.VOLUME, i] = volume
    # Expelled and ingested are summed apart: each has its own speed, and none is netted against another.
    if change >= 0.0:
        sums[EXPELLED] += change
        f[st.INGESTED, i] = 0.0
    else:
        sums[INGESTED] -= change
        f[st.INGESTED, i] = -change


@inlined
def _room(c: Vector, x: Vector, progress: float, cosine: float, sine: float, h: float) -> tuple[float, float]:
    """Volume that a tilted bucket can hold [m3], and its rate while it comes upright [m3/s], else 0.

    Air leaves a bucket that tilts all the time: what it can hold in the middle of the step is right for heat and
    buoyancy, where the end would be wrong by half a step's spill. In one that comes upright the air is held against
    what it can hold at the same moment: what spills too early does not come back.
    """
    capacity = c[co.FLOATER_VOLUME]
    if sine == 0.0:
        return float(capacity), 0.0
    speed, aspect = x[st.SPEED], c[co.BUCKET_ASPECT]
    until = h if sine * speed < 0.0 else 0.5 * h
    _, coming_cosine, coming_sine = place(progress + speed * until, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
    limit = capacity * tilt_capacity(coming_cosine, coming_sine, aspect)
    if until != h:
        return float(limit), 0.0
    return float(limit), float((limit - capacity * tilt_capacity(cosine, sine, aspect)) / h)


@inlined
def _book(
    c: Vector,
    x: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    lap: Vector,
    sums: Vector,
    T_w: float,
    h: float,
) -> None:
    """Book the sums over all pockets; T_w is the temperature [K] of the water that gave the heat."""
    T0, heat = c[co.AMBIENT_TEMPERATURE], sums[HEAT]
    # Signs: heat into the air is positive, vented enthalpy out of it; either may be negative, a line of destroyed
    # exergy never.
    flow[ledger.HEAT_FROM_WATER] += heat
    flow[ledger.AIR_VENTED] += sums[VENTED]
    flow[ledger.VENT] += sums[LOST]
    flow[ledger.WATER_EXPELLED] += sums[EXPELLED]
    flow[ledger.WATER_INGESTED] += sums[INGESTED]
    sampled[ledger.HEAT_FROM_WATER] += sums[SAMPLED_HEAT]
    sampled[ledger.VENT] += sums[SAMPLED_VENT]
    # T0 times what the entropy of the air rises by, less what that of the water falls by.
    destroyed[exergy.POCKET_HEAT] += T0 * (sums[HEAT_LOSS] - heat / T_w)
    destroyed[exergy.VENT] += sums[VENT_LOSS]
    x[st.COLDEST] = sums[COLDEST]
    lap[st.LAP_COLDEST] = min(lap[st.LAP_COLDEST], sums[COLDEST])
    if c[co.RECOVERY_CAPTURE] > 0.0:
        _recover(c, x, destroyed, c[co.RECOVERY_CAPTURE] * sums[CAPTURED], h)
    # A finite bath gives the heat from its own store; an infinite one from outside, with the exergy that its
    # temperature gives it.
    if c[co.BATH_CAPACITY] > 0.0:
        cool_bath(c, x, flow, sampled, destroyed, heat, h)
    else:
        destroyed[exergy.HEAT_EXERGY] += heat * (1.0 - T0 / T_w)
        flow[ledger.HEAT_EXERGY] += heat * (1.0 - T0 / T_w)


@inlined
def _recover(c: Vector, x: Vector, destroyed: Vector, captured: float, h: float) -> None:
    """Fill the suction buffer with captured air [kg]; it passes air on with a time constant of 10 s."""
    # The buffer holds m = flow tau, and dm/dt = captured - m/tau. First out, then in: air that is caught in this step
    # leaves in the next at the earliest.
    out = x[st.RECOVERED_FLOW] * h
    destroyed[exergy.VENT] -= captured * c[co.RECOVERY_WORK]
    destroyed[exergy.RECOVERY] += out * c[co.RECOVERY_WORK]
    x[st.RECOVERED_FLOW] += (captured - out) / hypotheses.RECOVERY_TIME


@inlined
def _raise_level(c: Vector, x: Vector, f: Vector, work: Vector, active: int, air: float) -> None:
    """Raise the free surface by the air's volume; the pockets receive the work of the higher water on them."""
    # y = sum V/A, and every pocket gets V rho g dy: together the change of rho g A y^2/2, which the store `surface` has
    # with the other sign.
    level = air / c[co.SURFACE_AREA]
    # Half of old and new level: the pockets get the mean of the pressures before and after, which closes the work.
    rise = c[co.SPECIFIC_WEIGHT] * (level - x[st.LEVEL]) * 0.5 * (x[st.LEVEL] * c[co.SURFACE_AREA] + air) / air
    for a in range(active):
        f[st.ENTHALPY, int(work[INDEX, a])] += rise * work[AIR_VOLUME, a]
    x[st.LEVEL] = level
