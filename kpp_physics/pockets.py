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
from kpp_physics.chain import moving_mass
from kpp_physics.compiled import inlined
from kpp_physics.geometry import mean_slope, place, tilt_capacity
from kpp_physics.jet import SHORTEST, claimed_spout, limit_thrust, paid_spout
from kpp_physics.state import Vector

# Rows of the work array: the pockets that hold air, packed.
INDEX, PROGRESS, PRESSURE, AIR_VOLUME, COSINE, SINE, FORCE = range(7)
WORK_ROWS = 7

INFLOW_SHARE = 0.05
"""Air that enters a pocket at a time, over what it holds."""

SPILLING_SHARE = 0.0025
"""The same when the pocket overflows, since what spills is mixed with the whole of a part."""

NEARLY_FULL = 0.8
"""Share of the capacity, at the temperature of the inflow, below which a pocket is not expected to overflow."""

SPILT_PARTS = 512.0
"""Parts in which the heat of air that leaves a narrow bucket is summed, times the fall of its temperature over it."""

MOST_PARTS = 400
"""Most parts of an inflow: a charge as large as the capacity in one step."""


@inlined
def water_temperature(c: Vector, x: Vector) -> float:
    """Temperature of the water [K]: that of the surroundings, or that of the finite bath."""
    if c[co.BATH_CAPACITY] > 0.0:
        return float(x[st.BATH_START] + x[st.BATH_ENERGY] / c[co.BATH_CAPACITY])
    return float(c[co.WATER_TEMPERATURE])


@inlined
def heat_conductance(c: Vector, x: Vector) -> float:
    """UA between a pocket and the water [W/K]: its own, or that of the spray of H2."""
    if c[co.H2_MODE] == hypotheses.PHYSICAL and x[st.CLAIMS_ACTIVE] != 0.0:
        return float(c[co.H2_UA])
    return float(c[co.POCKET_UA])


@inlined
def _inflow_parts(inflow: float, held: float, most: float) -> int:
    """Parts in which air enters a pocket: each a small share of what the pocket holds when it is full or filled.

    Args:
        inflow: air that enters in the step [kg].
        held: air that is there before [kg].
        most: air that the pocket can hold [kg].
    """
    share = INFLOW_SHARE if held + inflow < NEARLY_FULL * most else SPILLING_SHARE
    room = max(min(held + inflow, most), share * inflow)
    return min(MOST_PARTS, 1 + int(inflow / (share * room)))


@inlined
def _heating_parts(mass: float, enthalpy: float, water: float, conductance: float, cp: float, h: float) -> int:
    """Parts in which a full pocket takes heat: what each makes it spill is a small share of what it holds.

    In one go the air would spill as warm as it is at the end, and be heated after it has left.

    Args:
        mass, enthalpy: of the pocket [kg, J].
        water, conductance, cp: temperature of the water, UA of the pocket and heat capacity [K, W/K, J/(kg K)].
        h: step [s].
    """
    warmer = water * mass * cp - enthalpy
    if warmer <= 0.0:
        return 1
    return min(MOST_PARTS, 1 + int(relaxation(conductance * h / (mass * cp)) * warmer / (SPILLING_SHARE * enthalpy)))


@inlined
def _part_of_inflow(x: Vector, part: int, parts: int, exponent: float, T0: float) -> tuple[float, float]:
    """Mean temperature of one part of the inflow [K], and the mean of ln(T/T0) in it [-].

    The receiver cools while the air leaves: T goes with its mass to the power gamma - 1, the first part is the warmest.

    Args:
        part, parts: number of the part, and of all.
        exponent: gamma - 1 = R/cv [-].
        T0: ambient temperature [K].
    """
    first, last = x[st.INFLOW_SHARE] * part / parts, x[st.INFLOW_SHARE] * (part + 1) / parts
    start = x[st.INFLOW_START]
    if last < 1e-3:
        linear, square = 0.5 * (first + last), (first * first + first * last + last * last) / 6.0
        mean = start * (1.0 - exponent * linear + exponent * (exponent - 1.0) * square)
        return mean, math.log(start / T0) - exponent * (linear + square)
    high, low = 1.0 - first, 1.0 - last
    gamma = 1.0 + exponent
    mean = start / gamma * (math.pow(high, gamma) - math.pow(low, gamma)) / (high - low)
    fallen = 1.0 - (high * math.log(high) - (low * math.log(low) if low > 0.0 else 0.0)) / (high - low)
    return mean, math.log(start / T0) - exponent * fallen


@inlined
def _mixing(
    mass: float, enthalpy: float, entering: float, incoming: float, mean_log: float, T0: float, cp: float
) -> float:
    """Entropy of mixing in a pocket over cp [kg]: of what enters and of what is there, at constant pressure.

    Args:
        mass, enthalpy: of what is there [kg, J].
        entering, incoming, mean_log: what enters, its mean temperature and its mean of ln(T/T0) [kg, K, -].
        T0, cp: ambient temperature and heat capacity [K, J/(kg K)].
    """
    last = (enthalpy + entering * cp * incoming) / ((mass + entering) * cp)
    gained = entering * (math.log(last / T0) - mean_log)
    if mass > 0.0:  # by the rise itself: the quotient of two temperatures would drown a small inflow in rounding errors
        held = enthalpy / (mass * cp)
        gained += mass * math.log1p(entering * (incoming - held) / ((mass + entering) * held))
    return float(gained)


@inlined
def spilt_narrow(
    mass: float, temperature: float, volume: float, room: float, roof: float, stiffness: float, k: float, cp: float
) -> tuple[float, float]:
    """Air that leaves a narrow bucket [kg], and how much less than at the first temperature it takes with it [J].

    The interface rises while air leaves, and its pressure falls: what stays expands isentropically and is colder when
    it leaves in its turn.

    Args:
        mass, temperature, volume: of the pocket before [kg, K, m3].
        room: its volume afterwards [m3], less.
        roof, stiffness: absolute pressure at the roof and stiffness of the bucket [Pa, Pa/m3].
        k, cp: R/cp [-] and heat capacity [J/(kg K)].
    """
    high, low = roof + stiffness * volume, roof + stiffness * room
    colder = -math.expm1(k * math.log(low / high))  # over the temperature
    held = mass * (room * low) / (volume * high) / (1.0 - colder)
    gone = max(0.0, mass - held)
    spared = fallen = 0.0
    left, parts = mass, 1 + int(SPILT_PARTS * colder)
    for part in range(1, parts + 1):
        space = volume + (room - volume) * part / parts
        pressure = roof + stiffness * space
        cooler = colder if part == parts else -math.expm1(k * math.log(pressure / high))
        stays = mass * (space * pressure) / (volume * high) / (1.0 - cooler)
        spared += 0.5 * (left - stays) * (fallen + cooler)
        left, fallen = stays, cooler
    return gone, cp * temperature * spared


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
        missed, behind: air that passed the valve and missed its pocket [kg], and its pressure [Pa].

    Returns:
        Number of pockets that hold air.
    """
    count = f.shape[1]
    pitch, straight, radius = c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS]
    weight, depth, p0 = c[co.SPECIFIC_WEIGHT], c[co.WATER_DEPTH] + x[st.LEVEL], c[co.AMBIENT_PRESSURE]
    k, cp, R, T0 = c[co.GAS_EXPONENT], c[co.CP_AIR], c[co.GAS_CONSTANT], c[co.AMBIENT_TEMPERATURE]
    rho, capacity, aspect = c[co.WATER_DENSITY], c[co.FLOATER_VOLUME], c[co.BUCKET_ASPECT]
    T_w = water_temperature(c, x)
    UA = heat_conductance(c, x)
    exchange_on = c[co.EXCHANGE_ON]  # 0 in verification cases that leave the exchange of water out
    position = x[st.POSITION]
    served = int(x[st.FILLED])
    jet_of = served if c[co.JET_MODE] != hypotheses.OFF else -1
    hood = c[co.RECOVERY_PRESSURE] if c[co.RECOVERY_CAPTURE] > 0.0 else math.inf
    captured = missed if behind >= hood else 0.0
    jet_pays = c[co.JET_MODE] == hypotheses.PHYSICAL
    at_first = x[st.JET_FLOW]  # from the valve of this step
    x[st.JET_FLOW] = x[st.JET_THRUST] = x[st.JET_POWER] = 0.0
    quarter = 0.5 * math.pi * radius
    speed = x[st.SPEED]
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
        filling = i == served and x[st.INFLOW] > 0.0
        if m != 0.0 or before != 0.0 or filling:
            volume = 0.0
            if m != 0.0 or filling:
                progress = position + j * pitch
                z, cosine, sine = place(progress, straight, radius)
                roof = p0 + weight * (depth - z)
                energy, stiffness = f[st.ENTHALPY, i], f[st.STIFFNESS, i]
                H, held = energy, 0.0
                if stiffness != 0.0 or i == jet_of:
                    volume = held = bucket_volume(energy, roof, k, stiffness)
                    H += 0.5 * stiffness * volume * volume
                # Air leaves a bucket that tilts all the time: what it can hold in the middle of the step is right for
                # heat and buoyancy, where the end would be wrong by half a step's spill. In one that comes upright the
                # air is held against what it can hold at the same moment: what spills too early does not come back.
                limit, widening = capacity, 0.0
                if sine != 0.0:
                    until = h if sine * speed < 0.0 else 0.5 * h
                    _, coming_cosine, coming_sine = place(progress + speed * until, straight, radius)
                    limit *= tilt_capacity(coming_cosine, coming_sine, aspect)
                    if until == h:
                        widening = (limit - capacity * tilt_capacity(cosine, sine, aspect)) / h
                final = limit
                # Air enters a pocket that is being filled in parts: each mixes with what is there, takes heat while it
                # comes in, and what the pocket cannot hold spills at once. In one go a pocket that overflows would
                # give away air that never came, and a small one would not feel the water. Then, for what is left of
                # the step, it takes heat with what it holds; all others do just that.
                parts = _inflow_parts(x[st.INFLOW], m, limit * roof / (R * x[st.INFLOW_TEMPERATURE])) if filling else 0
                remaining = x[st.INFLOW] * x[st.INFLOW_TEMPERATURE]
                warming, split = 1, 0
                if m >= constants.HEAT_MINIMUM_MASS and k * H > NEARLY_FULL * limit * roof and not vent:
                    warming = _heating_parts(m, H, T_w, UA, cp, h)
                    # What the last step's rise has made too large spills in the middle of the heat. At the end of it
                    # it would be warmer than it leaves, by half a step's heat: little, but so is what it is warmer, or
                    # colder, than the surroundings, and that is what counts as lost.
                    if not filling and k * H > limit * (roof + stiffness * limit):
                        split = 1
                # Into a floater that enters the window in this step the air comes at the end of it.
                late = filling and x[st.INFLOW_LATE] != 0.0
                elapsed = spilt = 0.0
                for turn in range(parts + warming + split):
                    phase = turn
                    if late:
                        phase = turn - warming if turn >= warming else parts
                    if phase < parts:
                        entering = x[st.INFLOW] / parts
                        incoming, mean_log = _part_of_inflow(x, phase, parts, R / (cp - R), T0)
                        if phase == parts - 1:  # together the parts bring what left the receiver, to the last bit
                            incoming = remaining / entering
                        remaining -= entering * incoming
                        made = cp * _mixing(m, H, entering, incoming, mean_log, T0, cp)
                        m += entering
                        H += entering * cp * incoming
                        energy += entering * cp * incoming
                        lasted = x[st.INFLOW_TIME] / parts
                        q, seen, crossed = heat_while_filling(m, H, entering, incoming, T_w, UA, cp, lasted)
                        # The air mixes and takes heat at once. What both make together is known exactly, what the
                        # heat makes on its way from samples; the rest is the mixing's, and neither may be negative.
                        made += m * cp * relative_gain(q / H) - q / T_w
                        crossed = max(0.0, min(crossed, made))
                        destroyed[exergy.POCKET_MIXING] += T0 * (made - crossed)
                        heat_loss += crossed + q / T_w
                    else:
                        lasted = (h - x[st.INFLOW_TIME] if filling else h) / warming
                        if split == 1 and turn in (0, warming):
                            lasted *= 0.5
                        q, seen = heat_from_water(m, H, T_w, UA, cp, lasted)
                        if q != 0.0:
                            heat_loss += m * cp * relative_gain(q / H)
                    elapsed += lasted
                    sampled_heat += seen
                    capacity_rate = m * cp
                    if q != 0.0:
                        H += q
                        energy += q
                        heat += q
                    if widening > 0.0:
                        limit = final - widening * max(0.0, h - elapsed)
                    if i == jet_of and jet_pays and phase == max(0, parts - 1):
                        # The jet's work comes out of the pressure behind the valve, at the pocket's temperature.
                        # While it pays the air cools at constant pressure, and loses the entropy m cp ln(H/(H - paid)).
                        available = H * -math.expm1(-destroyed[exergy.VALVE] / (T0 * capacity_rate))
                        span = max(x[st.INFLOW_TIME], SHORTEST * h) if filling else h
                        paid = paid_spout(
                            c, x, energy + spilt, roof, stiffness, held, limit, widening, (held - before) / h,
                            available, at_first, span, h,
                        )  # fmt: skip
                        destroyed[exergy.VALVE] += T0 * capacity_rate * math.log1p(-paid / H)
                        energy -= paid
                        H -= paid
                    displaced = volume
                    volume = k * H / roof if stiffness == 0.0 else bucket_volume(energy, roof, k, stiffness)
                    if stiffness != 0.0:  # the interface has moved, and its pressure with it
                        H = energy + 0.5 * stiffness * volume * volume
                    if i == jet_of and not jet_pays:
                        claimed_spout(c, x, displaced, volume, limit, widening, (held - before) / h, lasted, h)
                    kept = 1.0
                    if vent:
                        kept = math.exp(-h / constants.VENT_TIME) if m > constants.MASS_ZERO else 0.0
                    if (volume * kept > limit and (split == 0 or turn < warming)) or kept < 1.0:
                        pressure = roof + stiffness * volume
                        room = min(volume * kept, limit)
                        kept = room / volume
                        temperature = H / capacity_rate
                        gone, energy_kept = m - m * kept, H * kept
                        spared = 0.0  # what the air that leaves has less than at the temperature at first [J]
                        if stiffness != 0.0 and volume > 0.0:  # what stays expands to the lower pressure there
                            energy_kept = room * (roof + stiffness * room) / k - 0.5 * stiffness * room * room
                            gone, spared = spilt_narrow(m, temperature, volume, room, roof, stiffness, k, cp)
                        bare = (energy - energy_kept) - cp * T0 * gone
                        vented += gone
                        spilt += energy - energy_kept
                        lost += bare
                        sampled_vent += gone * cp * (temperature - T0) - spared
                        thermal = exergy.thermal_exergy(temperature, T0, cp)
                        if spared != 0.0:  # its entropy is that at first: what goes later expands for itself
                            thermal += bare / gone - cp * (temperature - T0)
                        vent_loss += gone * (thermal + R * T0 * math.log(pressure / p0))
                        if pressure >= hood:
                            captured += gone
                        volume = room
                        m, energy, H = m - gone, energy_kept, energy_kept + 0.5 * stiffness * room * room
                    if m == 0.0 and turn >= parts - 1 and not late:
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
            if i == jet_of and jet_pays:
                limit_thrust(c, x, volume - before, moving_mass(c[co.DRY_MASS], rho, capacity, f[st.VOLUME]), h)
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
    destroyed[exergy.POCKET_HEAT] += T0 * (heat_loss - heat / T_w)
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
    stiffness = c[co.BATH_UA] * h / capacity
    share = relaxation(stiffness)
    lost = capacity * (T_w - T0) * share
    change = -(heat + lost)
    x[st.BATH_ENERGY], x[st.BATH_ENERGY_LOW] = ledger.add(x[st.BATH_ENERGY], x[st.BATH_ENERGY_LOW], change)
    flow[ledger.BATH] += change
    sampled[ledger.BATH] -= heat + c[co.BATH_UA] * sampled_mean(T_w - T0, stiffness, share) * h
    destroyed[exergy.BATH] += lost + T0 * capacity * math.log1p(-lost / (capacity * T_w))


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
