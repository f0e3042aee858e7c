"""One step of the pockets of air: heat, spill, vent, exchange of water, and the work of their buoyancy.

With a finite bucket the interface lies V/A_f below the roof, at a pressure p = p_roof + c V, c = rho g/A_f. The state
kept is then E = H - c V^2/2: heat, air and buoyancy work change E exactly as they change H in a point pocket.
"""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, exergy, hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.air import (
    adiabatic_mean,
    bucket_volume,
    heat_from_water,
    heat_while_filling,
    relative_gain,
    relaxation,
    sampled_mean,
)
from kpp_physics.compiled import inlined
from kpp_physics.geometry import mean_slope, place, tilt_capacity
from kpp_physics.jet import outlet_flow
from kpp_physics.state import Vector

# Rows of the work array: the pockets that hold air, packed.
INDEX, PROGRESS, PRESSURE, AIR_VOLUME, COSINE, SINE, FORCE = range(7)
WORK_ROWS = 7


@inlined
def water_temperature(c: Vector, x: Vector) -> float:
    """Temperature of the water [K]: that of the surroundings, or that of the finite bath."""
    if c[co.BATH_CAPACITY] > 0.0:
        return float(x[st.BATH_START] + x[st.BATH_ENERGY] / c[co.BATH_CAPACITY])
    return float(c[co.WATER_TEMPERATURE])


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
    caught: float,
    incoming: float,
    filling: float,
    h: float,
) -> int:
    """Heat, spill, vent and exchange of water of every pocket on the up half; packs those that hold air.

    Args:
        missed, behind: air that passed the valve and missed its pocket [kg], and its pressure [Pa].
        caught, incoming, filling: air that entered the served pocket, its temperature, and how long [kg, K, s].

    Returns:
        Number of pockets that hold air.
    """
    count = f.shape[1]
    pitch, straight, radius = c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS]
    weight, depth, p0 = c[co.SPECIFIC_WEIGHT], c[co.WATER_DEPTH] + x[st.LEVEL], c[co.AMBIENT_PRESSURE]
    k, cp, R, T0 = c[co.GAS_EXPONENT], c[co.CP_AIR], c[co.GAS_CONSTANT], c[co.AMBIENT_TEMPERATURE]
    rho, capacity, aspect = c[co.WATER_DENSITY], c[co.FLOATER_VOLUME], c[co.BUCKET_ASPECT]
    T_w = water_temperature(c, x)
    UA = c[co.POCKET_UA]
    if c[co.H2_MODE] == hypotheses.PHYSICAL and x[st.CLAIMS_ACTIVE] != 0.0:
        UA = c[co.H2_UA]
    exchange_on = c[co.EXCHANGE_ON]  # 0 in verification cases that leave the exchange of water out
    position = x[st.POSITION]
    served = int(x[st.FILLED])
    jet_of = int(x[st.SERVED]) if c[co.JET_MODE] != hypotheses.OFF else -1
    hood = c[co.RECOVERY_PRESSURE] if c[co.RECOVERY_CAPTURE] > 0.0 else math.inf
    captured = missed if behind >= hood else 0.0
    x[st.JET_FLOW] = 0.0
    quarter = 0.5 * math.pi * radius
    # One floater beyond each apex is looked at too: it may have passed it in the last step and must empty.
    first = math.ceil((-quarter - position) / pitch) - 1
    last = math.floor((straight + quarter - position) / pitch) + 1
    if last - first >= count:
        last = first + count - 1
    active = 0
    heat = sampled_heat = heat_loss = vented = lost = sampled_vent = vent_loss = expelled = ingested = air = 0.0
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
                roof = p0 + weight * (depth - z)
                energy, stiffness = f[st.ENTHALPY, i], f[st.STIFFNESS, i]
                H = energy
                if stiffness != 0.0:
                    volume = bucket_volume(energy, roof, k, stiffness)
                    H += 0.5 * stiffness * volume * volume
                limit = capacity * (1.0 if sine == 0.0 else tilt_capacity(cosine, sine, aspect))
                # A pocket that is being filled goes through two phases: it takes heat while air comes in, and what it
                # cannot hold spills at once; then it takes heat for the rest of the step with what it holds.
                first = 0 if i == served and caught > 0.0 else 1
                for phase in range(first, 2):
                    capacity_rate = m * cp
                    if phase == 0:
                        q, seen = heat_while_filling(m, H, caught, incoming, T_w, UA, cp, filling)
                        sampled_heat += seen
                    else:
                        left = h - filling if first == 0 else h
                        q = heat_from_water(m, H, T_w, UA, cp, left)
                        if q != 0.0:
                            seen = sampled_mean(T_w - H / capacity_rate, UA * left / capacity_rate)
                            sampled_heat += UA * seen * left
                    if q != 0.0:
                        heat_loss += capacity_rate * relative_gain(q / H) - q / T_w
                        H += q
                        energy += q
                        heat += q
                    if i == jet_of and phase == first:
                        # The jet's work comes out of the pressure behind the valve, at the pocket's temperature.
                        per_work = T0 * capacity_rate / H
                        available = destroyed[exergy.VALVE] / per_work
                        x[st.JET_FLOW], paid = outlet_flow(c, energy, roof, stiffness, before, limit, available, h)
                        destroyed[exergy.VALVE] -= paid * per_work
                        energy -= paid
                        H -= paid
                    volume = k * H / roof if stiffness == 0.0 else bucket_volume(energy, roof, k, stiffness)
                    kept = 1.0
                    if vent and phase == 1:
                        kept = math.exp(-h / constants.VENT_TIME) if m > constants.MASS_ZERO else 0.0
                    if volume * kept > limit or kept < 1.0:
                        pressure = roof + stiffness * volume
                        room = min(volume * kept, limit)
                        kept = room / volume
                        temperature = H / capacity_rate
                        m_kept = m * kept
                        energy_kept = H * kept
                        gone = m - m_kept
                        if stiffness != 0.0 and room > 0.0:  # what stays expands to the lower pressure at the interface
                            energy_kept = room * (roof + stiffness * room) / k - 0.5 * stiffness * room * room
                            gone = (energy - energy_kept) / (cp * temperature)
                            m_kept = m - gone
                        vented += gone
                        lost += (energy - energy_kept) - cp * T0 * gone
                        sampled_vent += gone * cp * (temperature - T0)
                        thermal = exergy.thermal_exergy(temperature, T0, cp)
                        vent_loss += gone * (thermal + R * T0 * math.log(pressure / p0))
                        if pressure >= hood:
                            captured += gone
                        volume = room
                        m, energy, H = m_kept, energy_kept, energy_kept + 0.5 * stiffness * room * room
                    if m == 0.0:
                        break
                f[st.MASS, i] = m
                f[st.ENTHALPY, i] = energy
                if m != 0.0:
                    work[INDEX, active] = i
                    work[PROGRESS, active] = progress
                    work[PRESSURE, active] = roof
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
    sampled[ledger.HEAT_FROM_WATER] += sampled_heat
    sampled[ledger.VENT] += sampled_vent
    destroyed[exergy.POCKET_HEAT] += T0 * heat_loss
    destroyed[exergy.VENT] += vent_loss
    x[st.COLDEST] = coldest
    lap[st.LAP_COLDEST] = min(lap[st.LAP_COLDEST], coldest)
    if c[co.RECOVERY_CAPTURE] > 0.0:
        _recover(c, x, destroyed, c[co.RECOVERY_CAPTURE] * captured, h)
    if c[co.BATH_CAPACITY] > 0.0:
        _cool_bath(c, x, flow, sampled, destroyed, heat, h)
    else:
        destroyed[exergy.HEAT_EXERGY] += heat * (1.0 - T0 / T_w)
        flow[ledger.HEAT_EXERGY] += heat * (1.0 - T0 / T_w)
    if c[co.SURFACE_AREA] > 0.0 and air > 0.0:
        _raise_level(c, x, f, work, active, air)
    return active


@inlined
def _recover(c: Vector, x: Vector, destroyed: Vector, captured: float, h: float) -> None:
    """Fill the suction buffer with captured air [kg]; it passes air on with a time constant of 10 s."""
    out = x[st.RECOVERED_FLOW] * h
    destroyed[exergy.VENT] -= captured * c[co.RECOVERY_WORK]
    destroyed[exergy.RECOVERY] += out * c[co.RECOVERY_WORK]
    x[st.RECOVERED_FLOW] += (captured - out) / hypotheses.RECOVERY_TIME


@inlined
def _cool_bath(c: Vector, x: Vector, flow: Vector, sampled: Vector, destroyed: Vector, heat: float, h: float) -> None:
    """The finite bath gives the pockets' heat [J] and exchanges heat with the surroundings."""
    capacity, T0 = c[co.BATH_CAPACITY], c[co.AMBIENT_TEMPERATURE]
    T_w = water_temperature(c, x)
    lost = capacity * (T_w - T0) * relaxation(c[co.BATH_UA] * h / capacity)
    x[st.BATH_ENERGY] -= heat + lost
    flow[ledger.BATH] -= heat + lost
    sampled[ledger.BATH] -= heat + c[co.BATH_UA] * (0.5 * (T_w + water_temperature(c, x)) - T0) * h
    destroyed[exergy.BATH] += lost * (1.0 - T0 / T_w)


@inlined
def _raise_level(c: Vector, x: Vector, f: Vector, work: Vector, active: int, air: float) -> None:
    """Raise the free surface by the air's volume; the pockets receive the work of the higher water on them."""
    level = air / c[co.SURFACE_AREA]
    rise = c[co.SPECIFIC_WEIGHT] * (level - x[st.LEVEL]) * 0.5 * (x[st.LEVEL] * c[co.SURFACE_AREA] + air) / air
    for a in range(active):
        f[st.ENTHALPY, int(work[INDEX, a])] += rise * work[AIR_VOLUME, a]
    x[st.LEVEL] = level


@inlined
def refresh(c: Vector, x: Vector, f: Vector, work: Vector, active: int) -> None:
    """Bring the packed pockets up to the present position, for the second part of a divided step."""
    depth = c[co.WATER_DEPTH] + x[st.LEVEL]
    for a in range(active):
        i = int(work[INDEX, a])
        z, work[COSINE, a], work[SINE, a] = place(work[PROGRESS, a], c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        work[PRESSURE, a] = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * (depth - z)
        work[AIR_VOLUME, a] = bucket_volume(
            f[st.ENTHALPY, i], work[PRESSURE, a], c[co.GAS_EXPONENT], f[st.STIFFNESS, i]
        )


@inlined
def mean_buoyancy(c: Vector, f: Vector, work: Vector, active: int, ds: float) -> float:
    """Sum of the mean buoyancy forces over a path ds [N]; leaves each pocket's force in the work array.

    Force times path is exactly the enthalpy that the pocket loses in adiabatic expansion (a discrete gradient); with a
    finite bucket it is the trapezoid of the volumes at both ends, and the pocket loses force times path all the same.
    """
    straight, radius = c[co.STRAIGHT_LENGTH], c[co.RADIUS]
    weight, exponent = c[co.SPECIFIC_WEIGHT], c[co.GAS_EXPONENT]
    total = 0.0
    for a in range(active):
        slope = mean_slope(work[PROGRESS, a], ds, work[COSINE, a], work[SINE, a], straight, radius)
        volume = work[AIR_VOLUME, a]
        stiffness = f[st.STIFFNESS, int(work[INDEX, a])]
        if stiffness == 0.0:
            epsilon = -weight * slope * ds / work[PRESSURE, a]
            force = weight * volume * slope * adiabatic_mean(epsilon, exponent)
        else:
            energy = f[st.ENTHALPY, int(work[INDEX, a])]
            roof = work[PRESSURE, a] - weight * slope * ds
            force = weight * volume * slope
            for _ in range(2):
                end = bucket_volume(energy - force * ds, roof, exponent, stiffness)
                force = weight * slope * 0.5 * (volume + end)
        work[FORCE, a] = force
        total += force
    return total
