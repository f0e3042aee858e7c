"""The air of one pocket in a step: it comes in, takes heat, pays for a jet, and spills what the bucket cannot hold.

With a finite bucket the interface lies V/A_f below the roof, at a pressure p = p_roof + c V, c = rho g/A_f. The state
kept is then E = H - c V^2/2: heat, air and buoyancy work change E exactly as they change H in a point pocket.
"""

import math
from typing import NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import constants, exergy
from kpp_physics import state as st
from kpp_physics.air import bucket_volume, heat_from_water, heat_while_filling, relative_gain, relaxation
from kpp_physics.buoyancy import SUMS_WIDTH
from kpp_physics.compiled import inlined, merged
from kpp_physics.jet import SHORTEST, claimed_spout, paid_spout
from kpp_physics.state import Vector

(HEAT, SAMPLED_HEAT, HEAT_LOSS, VENTED, LOST, SAMPLED_VENT, VENT_LOSS, CAPTURED, EXPELLED, INGESTED, AIR, COLDEST) = (
    range(SUMS_WIDTH)
)
"""Sums over the pockets of a step: heat from the water and its sample [J], entropy that heat makes [J/K]; air that is
vented [kg], its energy and the sample [J], its exergy [J], what of it a hood catches [kg]; water expelled and ingested
[kg]; volume of the air [m3]; and the lowest temperature [K]."""

INFLOW_SHARE = 0.05
"""Air that enters a pocket at a time, over what it holds."""

SPILLING_SHARE = 0.0025
"""The same when the pocket overflows, since what spills is mixed with the whole of a part."""

NEARLY_FULL = 0.8
"""Share of the capacity, at the temperature of the inflow, below which a pocket is not expected to overflow."""

SPILT_PARTS = 512.0
"""Parts in which the enthalpy of air that leaves a narrow bucket is summed, for each unit of its relative fall in
temperature."""

MOST_PARTS = 400
"""Most parts of an inflow: a charge as large as the capacity in one step, of which `substeps` lets a hundredth through.

Beyond that the mean of what spills becomes coarser; mass and enthalpy are kept whatever the number."""


class Around(NamedTuple):
    """What is the same for every pocket in a step."""

    water: float
    """Temperature of the water [K]."""
    conductance: float
    """UA between a pocket and the water [W/K]."""
    hood: float
    """Pressure from which on the hood for recovery is above an air that spills [Pa]; infinite without a hood."""
    valve_jet: float
    """Flow through the jet's outlet that the valve of this step found [m3/s]."""
    jet_of: int
    """Floater that has the jet, -1 for none."""
    jet_pays: bool
    """True for a physical jet, False for a claimed one."""
    vent: bool
    """True while every pocket is let out."""


class Bucket(NamedTuple):
    """Where a pocket is in a step, and what its bucket can hold there."""

    floater: int
    filling: bool
    """True if air enters it in this step."""
    roof: float
    """Absolute pressure at the roof [Pa]."""
    stiffness: float
    """Rise of the interface's pressure with the volume [Pa/m3], 0 for a point pocket."""
    limit: float
    """Volume that the tilted bucket can hold [m3], at the end of the step if it widens."""
    widening: float
    """Rate of that volume in a bucket that comes upright [m3/s], else 0."""
    held: float
    """Volume of the air at the start [m3], known for a narrow bucket and for a jet's."""
    expansion: float
    """Rate of the volume that the way up has added [m3/s]."""


class Pocket(NamedTuple):
    """The air of a pocket."""

    mass: float
    """[kg]"""
    enthalpy: float
    """H = m cp T [J]."""
    energy: float
    """E = H - 1/2 c V^2 [J], which is kept."""
    volume: float
    """[m3]"""


@inlined
def _inflow_parts(inflow: float, held: float, most: float) -> int:
    """Parts in which air enters a pocket: each a small share of what the pocket holds when it is full or filled.

    Args:
        inflow: air that enters in the step [kg].
        held: air that is there before [kg].
        most: air that the pocket can hold [kg].
    """
    share = INFLOW_SHARE if held + inflow < NEARLY_FULL * most else SPILLING_SHARE
    # The pocket counts as full or filled, whichever is less; a tiny one must not ask for more parts than there are.
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
    # Cooling makes a full pocket smaller, so that nothing spills: one part.
    if warmer <= 0.0:
        return 1
    return min(MOST_PARTS, 1 + int(relaxation(conductance * h / (mass * cp)) * warmer / (SPILLING_SHARE * enthalpy)))


@inlined
def _part_of_inflow(x: Vector, part: int, parts: int, exponent: float, T0: float) -> tuple[float, float]:
    """Mean temperature of one part of the inflow [K], and the mean of ln(T/T0) in it [-].

    The receiver cools while the air leaves: T varies as its mass to the power gamma - 1, the first part is the warmest.

    Args:
        part, parts: number of the part, and of all.
        exponent: gamma - 1 = R/cv [-].
        T0: ambient temperature [K].
    """
    first, last = x[st.INFLOW_SHARE] * part / parts, x[st.INFLOW_SHARE] * (part + 1) / parts
    start = x[st.INFLOW_START]
    # Small shares as a series: the differences of powers below would lose their digits.
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
    # Entropy at constant pressure depends on cp ln T alone: the pressures of both sides cancel.
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
    it leaves later.

    Args:
        mass, temperature, volume: of the pocket before [kg, K, m3].
        room: its volume afterwards [m3], less.
        roof, stiffness: absolute pressure at the roof and stiffness of the bucket [Pa, Pa/m3].
        k, cp: R/cp [-] and heat capacity [J/(kg K)].
    """
    # Isentropic along the way: T varies as p to the power R/cp, and what is left with pV/T.
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
        # Trapezoid over the air that leaves in this part.
        spared += 0.5 * (left - stays) * (fallen + cooler)
        left, fallen = stays, cooler
    return gone, cp * temperature * spared


@inlined
def _warming_parts(
    around: Around, bucket: Bucket, mass: float, enthalpy: float, k: float, cp: float, h: float
) -> tuple[int, int]:
    """Parts in which a pocket takes heat, and whether what is too much spills in the middle of it (1, else 0).

    What the last step's rise has made too large spills in the middle of the heat. At the end of it it would be warmer
    than it leaves, by half a step's heat: little, but so is what it is warmer, or colder, than the surroundings, and
    that is what counts as lost.
    """
    full = k * enthalpy > NEARLY_FULL * bucket.limit * bucket.roof
    if mass < constants.HEAT_MINIMUM_MASS or not full or around.vent:
        return 1, 0
    warming = _heating_parts(mass, enthalpy, around.water, around.conductance, cp, h)
    too_large = k * enthalpy > bucket.limit * (bucket.roof + bucket.stiffness * bucket.limit)
    return warming, 1 if too_large and not bucket.filling else 0


@merged
def _let_in(
    c: Vector,
    x: Vector,
    destroyed: Vector,
    sums: Vector,
    around: Around,
    pocket: Pocket,
    part: int,
    parts: int,
    remaining: float,
) -> tuple[Pocket, float, float, float]:
    """One part of the inflow mixes with what is there and takes heat at once.

    Args:
        part, parts: number of the part, and of all.
        remaining: mass times temperature of the inflow that is still to come [kg K].

    Returns:
        The pocket without the heat, what still remains, and the heat [J] with its sample.
    """
    R, cp, T0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE]
    # Parts of equal mass, so that the temperature of each follows from its number alone.
    entering = x[st.INFLOW] / parts
    incoming, mean_log = _part_of_inflow(x, part, parts, R / (cp - R), T0)
    if part == parts - 1:  # together the parts bring what left the receiver, to the last bit
        incoming = remaining / entering
    remaining -= entering * incoming
    # Mixing at constant pressure makes entropy and no heat: enthalpy in is enthalpy there.
    made = cp * _mixing(pocket.mass, pocket.enthalpy, entering, incoming, mean_log, T0, cp)
    m = pocket.mass + entering
    H = pocket.enthalpy + entering * cp * incoming
    energy = pocket.energy + entering * cp * incoming
    lasted = x[st.INFLOW_TIME] / parts
    q, seen, crossed = heat_while_filling(m, H, entering, incoming, around.water, around.conductance, cp, lasted)
    # What mixing and heat make together is known exactly, what the heat makes on its way from samples; the rest is the
    # mixing's, and neither may be negative.
    made += m * cp * relative_gain(q / H) - q / around.water
    crossed = max(0.0, min(crossed, made))
    destroyed[exergy.POCKET_MIXING] += T0 * (made - crossed)
    sums[HEAT_LOSS] += crossed + q / around.water
    return Pocket(m, H, energy, pocket.volume), remaining, q, seen


@merged
def _spill(
    c: Vector, sums: Vector, around: Around, bucket: Bucket, pocket: Pocket, kept: float, limit: float
) -> Pocket:
    """Let out of a pocket what is vented and what the bucket cannot hold.

    Args:
        kept: share that the vent leaves [-].
        limit: volume that the bucket can hold now [m3].
    """
    R, cp, T0, k = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.GAS_EXPONENT]
    roof, stiffness, volume, m = bucket.roof, bucket.stiffness, pocket.volume, pocket.mass
    # Air leaves at the pressure of the interface, not at that of the roof: in a narrow bucket it is the higher of the
    # two.
    pressure = roof + stiffness * volume
    room = min(volume * kept, limit)
    kept = room / volume
    temperature = pocket.enthalpy / (m * cp)
    gone, energy_kept = m - m * kept, pocket.enthalpy * kept
    spared = 0.0  # what the air that leaves has less than at the temperature at first [J]
    if stiffness != 0.0 and volume > 0.0:  # what stays expands to the lower pressure there
        energy_kept = room * (roof + stiffness * room) / k - 0.5 * stiffness * room * room
        gone, spared = spilt_narrow(m, temperature, volume, room, roof, stiffness, k, cp)
    # Lost is what leaves less what the same air is worth at ambient temperature, from which the ledger counts.
    bare = (pocket.energy - energy_kept) - cp * T0 * gone
    sums[VENTED] += gone
    sums[LOST] += bare
    sums[SAMPLED_VENT] += gone * cp * (temperature - T0) - spared
    thermal = exergy.thermal_exergy(temperature, T0, cp)
    if spared != 0.0:  # its entropy is that at first: what goes later expands for itself
        thermal += bare / gone - cp * (temperature - T0)
    sums[VENT_LOSS] += gone * (thermal + R * T0 * math.log(pressure / c[co.AMBIENT_PRESSURE]))
    if pressure >= around.hood:
        sums[CAPTURED] += gone
    return Pocket(m - gone, energy_kept + 0.5 * stiffness * room * room, energy_kept, room)


@merged
def _pay(
    c: Vector,
    x: Vector,
    destroyed: Vector,
    around: Around,
    bucket: Bucket,
    pocket: Pocket,
    limit: float,
    spilt: float,
    h: float,
) -> Pocket:
    """Have a pocket pay for a physical jet out of the pressure behind the valve, at the pocket's temperature.

    While it pays the air cools at constant pressure, and loses the entropy m cp ln(H/(H - paid)).

    Args:
        spilt: energy that has left the pocket in this step [J].
    """
    capacity, T0 = pocket.mass * c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE]
    # The second law sets the most that the jet may take: what the valve has destroyed so far could have been work.
    available = pocket.enthalpy * -math.expm1(-destroyed[exergy.VALVE] / (T0 * capacity))
    span = max(x[st.INFLOW_TIME], SHORTEST * h) if bucket.filling else h
    paid = paid_spout(
        c,
        x,
        pocket.energy + spilt,
        bucket.roof,
        bucket.stiffness,
        bucket.held,
        limit,
        bucket.widening,
        bucket.expansion,
        available,
        around.valve_jet,
        span,
        h,
    )
    destroyed[exergy.VALVE] += T0 * capacity * math.log1p(-paid / pocket.enthalpy)
    return Pocket(pocket.mass, pocket.enthalpy - paid, pocket.energy - paid, pocket.volume)


@inlined
def _expanded(c: Vector, bucket: Bucket, pocket: Pocket) -> Pocket:
    """The pocket with the volume that its energy and the water's pressure give it."""
    if bucket.stiffness == 0.0:
        volume = c[co.GAS_EXPONENT] * pocket.enthalpy / bucket.roof
        return Pocket(pocket.mass, pocket.enthalpy, pocket.energy, volume)
    # The interface has moved, and its pressure with it.
    volume = bucket_volume(pocket.energy, bucket.roof, c[co.GAS_EXPONENT], bucket.stiffness)
    return Pocket(pocket.mass, pocket.energy + 0.5 * bucket.stiffness * volume * volume, pocket.energy, volume)


@merged
def pass_step(
    c: Vector, x: Vector, destroyed: Vector, sums: Vector, around: Around, bucket: Bucket, pocket: Pocket, h: float
) -> Pocket:
    """Take the air of one pocket through a step; books heat, mixing and spill.

    Air enters a pocket that is being filled in parts: each mixes with what is there, takes heat while it comes in, and
    what the pocket cannot hold spills at once. In one go a pocket that overflows would give away air that never came,
    and a small one would not feel the water. Then, for what is left of the step, it takes heat with what it holds; all
    others do just that. Into a floater that enters the window in this step the air comes at the end of it.

    Args:
        around: what is the same for every pocket.
        bucket: where this one is, and what its bucket can hold there.
        pocket: its air at the start of the step.
        h: step [s].

    Returns:
        Its air at the end; an empty one has no mass, energy or volume.
    """
    k, cp = c[co.GAS_EXPONENT], c[co.CP_AIR]
    # How many parts depends on what the pocket holds and gets, never on what earlier steps did: same state, same bits.
    filling, parts = bucket.filling, 0
    if filling:
        most = bucket.limit * bucket.roof / (c[co.GAS_CONSTANT] * x[st.INFLOW_TEMPERATURE])
        parts = _inflow_parts(x[st.INFLOW], pocket.mass, most)
    warming, split = _warming_parts(around, bucket, pocket.mass, pocket.enthalpy, k, cp, h)
    # Parts of the inflow first, parts of the heat after them; for a floater that comes into the window in this step the
    # other way round. `phase` is below `parts` while air enters.
    late = filling and x[st.INFLOW_LATE] != 0.0
    has_jet = bucket.floater == around.jet_of
    remaining = x[st.INFLOW] * x[st.INFLOW_TEMPERATURE]
    elapsed = spilt = 0.0
    for turn in range(parts + warming + split):
        phase = turn
        if late:
            phase = turn - warming if turn >= warming else parts
        if phase < parts:
            lasted = x[st.INFLOW_TIME] / parts
            pocket, remaining, q, seen = _let_in(c, x, destroyed, sums, around, pocket, phase, parts, remaining)
        else:
            lasted = (h - x[st.INFLOW_TIME] if filling else h) / warming
            if split == 1 and turn in (0, warming):
                lasted *= 0.5
            q, seen = heat_from_water(pocket.mass, pocket.enthalpy, around.water, around.conductance, cp, lasted)
            if q != 0.0:
                sums[HEAT_LOSS] += pocket.mass * cp * relative_gain(q / pocket.enthalpy)
        # Times of the parts add up to the step, whichever order they come in.
        elapsed += lasted
        sums[SAMPLED_HEAT] += seen
        if q != 0.0:
            pocket = Pocket(pocket.mass, pocket.enthalpy + q, pocket.energy + q, pocket.volume)
            sums[HEAT] += q
        # A bucket that comes upright can hold less now than at the end of the step.
        limit = bucket.limit
        if bucket.widening > 0.0:
            limit -= bucket.widening * max(0.0, h - elapsed)
        # The jet is paid for once, with the last part of the inflow: `paid_spout` finds the flow from the volumes
        # before and after all of it.
        if has_jet and around.jet_pays and phase == max(0, parts - 1):
            pocket = _pay(c, x, destroyed, around, bucket, pocket, limit, spilt, h)
        displaced = pocket.volume
        pocket = _expanded(c, bucket, pocket)
        if has_jet and not around.jet_pays:
            claimed_spout(c, x, displaced, pocket.volume, limit, bucket.widening, bucket.expansion, lasted, h)
        # Vent-all: m falls with exp(-t/1 s). The last of it goes at once, or the pocket would never count as empty.
        kept = 1.0
        if around.vent:
            kept = math.exp(-h / constants.VENT_TIME) if pocket.mass > constants.MASS_ZERO else 0.0
        # A pocket whose heat is split spills in its middle and not again.
        if (pocket.volume * kept > limit and (split == 0 or turn < warming)) or kept < 1.0:
            # Spilt energy is summed for the jet: it has left the pocket, but the air did push water before it went.
            before = pocket.energy
            pocket = _spill(c, sums, around, bucket, pocket, kept, limit)
            spilt += before - pocket.energy
        # An empty pocket takes no heat. One into which air comes late is not done yet.
        if pocket.mass == 0.0 and turn >= parts - 1 and not late:
            break
    return pocket
