"""What the chain does in a part of a step, with the shaft if that is locked to it: on its way, or brought to rest."""

import math
from typing import NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import constants
from kpp_physics import state as st
from kpp_physics.buoyancy import mean_buoyancy
from kpp_physics.chain import shell_slope
from kpp_physics.compiled import inlined, merged
from kpp_physics.motion import PASSES, RESIDUAL, ROUNDING, Resistances, Water, dry_friction, end_speed, mean_coflow
from kpp_physics.state import Vector
from kpp_physics.water import drag

UNNOTICED = 1e-12
"""Work of a friction on the wrong side of rest that no ledger shows [J]."""

FADED = 4.0
"""Speed over the scale of a dry friction, below which the friction fades towards rest."""

SAME_PATH = 1e-9
"""Path within which the buoyancy is the same [m]: a nanometre moves the pressure, and the force, by 1e-10 of them."""


class Acting(NamedTuple):
    """What acts on chain and shaft during a whole step."""

    mass: float
    """Moving mass of chain, floaters and the water in and around them [kg]."""
    extra: float
    """Forces of the hypotheses along the chain [N]."""
    gain: float
    """Factor on the buoyancy [-]: above 1 by the share that H2 claims."""
    dry: float
    """Friction of the chain and its brake [N]."""
    torque: float
    """Mean air-gap torque of the generator [N m], > 0 brakes."""
    shaft_dry: float
    """Hysteresis of the iron and stray loss, which fade towards rest [N m]."""
    ingested: float
    """Water taken in [kg], which gets the chain's speed."""
    lift: float
    """Airlift of gas, against the co-flow [N]."""
    paid: float
    """Share of the drag that the chain pays [-]."""


class PartStart(NamedTuple):
    """Where a part of a step begins."""

    speed: float
    """Speed of the chain [m/s]."""
    shaft: float
    """Speed of the shaft [rad/s]."""
    coflow: float
    """Speed of the water that the chain drags along [m/s]."""
    travel: float
    """Path of the chain in the step so far [m]."""
    left: float
    """Time left in the step [s]."""
    soak: float
    """Time, from the beginning of the step, in which the water that is taken in gets its impulse [s]."""
    first: bool
    """True for the first part of a step."""
    backwards: bool
    """True if the chain runs backwards, or did last."""
    locked: bool
    """True if the clutch joins chain and shaft."""


class ChainEnd(NamedTuple):
    """How the chain comes out of a part of a step."""

    found: bool
    """False if no solution was found, and nothing else here counts."""
    step: float
    """Length of the part [s]."""
    speed: float
    """Speed of the chain at its end [m/s]."""
    coflow: float
    """Mean co-flow speed [m/s]."""
    buoyancy: float
    """Mean force of the pockets [N]; each one's own is in the work array."""
    shell: float
    """Mean force of the shells' own weight and buoyancy [N]."""
    braking: float
    """Force that gives the water taken in its speed [N]."""
    stops: bool
    """True if dry friction acts as at the start, up to rest or to where it fades."""


@merged
def chain_load(c: Vector, acting: Acting, locked: bool, referred: float) -> Resistances:
    """What the chain works against, buoyancy, shells and taken water left out; a locked shaft is referred to it.

    A torque T on the shaft is a force referred T on the chain, an inertia J a mass J ratio referred, and a loss that
    scales with the shaft's speed one with ratio times the chain's.

    Args:
        acting: what acts during the step.
        referred: chain force per unit of clutch torque [1/m].
    """
    linear = c[co.NOLOAD_COEFFICIENT]
    if not locked:
        return Resistances(acting.mass, acting.extra, linear, 0.0, acting.dry, constants.STANDSTILL_SPEED, 0.0, 1.0)
    # Power is the same on both sides of the gearbox but for its loss: hence ratio once for a force, twice for what goes
    # with the speed, and a third time for the windage, which scales with its square.
    ratio = c[co.SHAFT_PER_CHAIN]
    return Resistances(
        acting.mass + c[co.SHAFT_INERTIA] * ratio * referred,
        acting.extra - referred * acting.torque,
        linear + referred * ratio * (c[co.IRON_EDDY_COEFFICIENT] + c[co.MECHANICAL_COEFFICIENT]),
        referred * ratio * ratio * c[co.WINDAGE_COEFFICIENT],
        acting.dry,
        constants.STANDSTILL_SPEED,
        referred * acting.shaft_dry,
        constants.SHAFT_STANDSTILL_SPEED / ratio,
    )


@merged
def _shells(c: Vector, x: Vector, f: Vector, travel: float, ds: float) -> float:
    """Mean force of the shells over the next path ds, after a path [N, m, m]; even numbers of floaters balance."""
    # Conservative: over a whole lap the shells do no work, whatever their number.
    if f.shape[1] % 2 == 0:
        return 0.0
    slope = shell_slope(x[st.POSITION] + travel, ds, f.shape[1], c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS])
    return float(c[co.SHELL_FORCE] * slope)


@merged
def run_chain(
    c: Vector,
    x: Vector,
    f: Vector,
    work: Vector,
    active: int,
    acting: Acting,
    load: Resistances,
    water: Water,
    start: PartStart,
    guess: float,
    coflow: float,
    braking: float,
    step: float,
) -> ChainEnd:
    """The chain on its way for the whole of a part: the speed at its end, with the mean forces over its path.

    The buoyancy belongs to a path, and the path to the speed at the end. Two passes are enough: energy closes for any
    path, since the pockets lose what is booked, and over what the second pass still moves the path (a small part of
    what a step's buoyancy changes the speed) the pressure, and the force with it, changes by less than rounding.

    Args:
        active: pockets that are packed in `work`.
        acting, load, water: what acts during the step, from `chain_load`, and from the water.
        start: where the part begins.
        guess, coflow: of the speed at the end and of the mean co-flow [m/s].
        braking: force that gives the water taken in its speed [N].
        step: length of the part [s].
    """
    v1, force, shell, found = guess, 0.0, 0.0, False
    for _ in range(2):
        ds = 0.5 * (start.speed + v1) * step
        # Buoyancy over the path that the last guess gives; each pocket's own force stays in the work array for the
        # booking.
        force = mean_buoyancy(c, f, work, active, ds)
        shell = _shells(c, x, f, start.travel, ds)
        # Buoyancy is the only force that a claim may raise: shells and frictions are what they are.
        driven = Resistances(
            load.inertia,
            acting.gain * force + shell + load.driving - braking,
            load.linear,
            load.quadratic,
            load.dry,
            load.dry_scale,
            load.second_dry,
            load.second_scale,
        )
        v1, coflow, found = end_speed(start.speed, v1, driven, water, coflow, step)
        if abs(0.5 * (start.speed + v1) * step - ds) <= SAME_PATH:
            break
    return ChainEnd(found, step, v1, coflow, force, shell, braking, False)


@inlined
def stop_chain(
    c: Vector,
    x: Vector,
    f: Vector,
    work: Vector,
    active: int,
    acting: Acting,
    load: Resistances,
    water: Water,
    start: PartStart,
    end: ChainEnd,
) -> ChainEnd:
    """The same part if dry friction has a say in its end: up to rest, or up to where the friction fades.

    Friction fades close to rest: the step is divided where that begins, and again at rest.

    Args:
        active, acting, load, water, start: as for `run_chain`.
        end: what `run_chain` found; it is returned as it is where the friction does not fade before it.
    """
    v0, v1 = start.speed, end.speed
    # Without dry friction nothing fades, and the chain passes through rest as through any other speed.
    fading = FADED * constants.STANDSTILL_SPEED if load.dry > 0.0 else 0.0
    if load.second_dry > 0.0:
        fading = max(fading, FADED * load.second_scale)
    outside = abs(v0) > fading * (1.0 + RESIDUAL)
    if not ((load.dry > 0.0 and v0 * v1 < 0.0) or (outside and abs(v1) < fading)):
        return end
    # From outside the step ends where the friction begins to fade, from inside at rest: two parts, and both have
    # friction as it is at their start.
    edge = math.copysign(fading, v0) if outside else 0.0
    rest = _rest(c, x, f, work, active, acting, load, water, start, edge, end.step)
    if rest.found:
        return rest
    # Forces that balance while the speed dies away have no moment of rest. Friction that pushes for less than can be
    # seen in any ledger is let go; more is a fault.
    rub = dry_friction(v1, load.dry, load.dry_scale) + dry_friction(v1, load.second_dry, load.second_scale)
    ds = 0.5 * (v0 + v1) * end.step
    force = mean_buoyancy(c, f, work, active, ds)
    return ChainEnd(abs(rub * ds) <= UNNOTICED, end.step, v1, end.coflow, force, end.shell, end.braking, False)


@inlined
def _rest(
    c: Vector,
    x: Vector,
    f: Vector,
    work: Vector,
    active: int,
    acting: Acting,
    load: Resistances,
    water: Water,
    start: PartStart,
    edge: float,
    longest: float,
) -> ChainEnd:
    """The part of a step in which dry friction brings the chain to rest, or to where the friction fades.

    An implicit friction acts with the speed at the end of the step. Where the chain would pass through rest it would
    then push in the direction of the path, and give energy instead of taking it; where the chain ends almost at rest
    it would take hardly any. So the step is divided there, and up to there the friction acts as it did at the start.
    The speeds at both ends are given, and the time is sought: t = m (v1 - v0)/pull. The water taken in receives its
    impulse in this part whole.

    Args:
        edge: speed at the end [m/s].
        longest: that the part can be [s].
    """
    v0, mean = start.speed, 0.5 * (start.speed + edge)
    ingested = acting.ingested if start.first else 0.0
    rub = dry_friction(v0, load.dry, load.dry_scale) + dry_friction(edge, load.second_dry, load.second_scale)
    # The fixed point is a contraction: a shorter part has a shorter path, and buoyancy hardly knows the difference.
    part, coflow, force, shell, change = longest, start.coflow, 0.0, 0.0, longest
    for _ in range(PASSES):
        ds = mean * part
        force = mean_buoyancy(c, f, work, active, ds)
        shell = _shells(c, x, f, start.travel, ds)
        if water.coflow_on != 0.0:
            coflow, _, _ = mean_coflow(coflow, water.coflow, mean, water.drag, water.bulk, water.mass, part, water.lift)
        pull = acting.gain * force + shell + load.driving - load.linear * mean - load.quadratic * mean * abs(mean) - rub
        pull -= water.paid * drag(mean - coflow, water.drag)
        # Impulse: the mass gives up its speed, the ingested water takes up what the chain has at the start.
        following = (load.inertia * (edge - v0) + ingested * v0) / pull
        # A pull that does not brake, or brakes too weakly: there is no rest in this part.
        if not 0.0 < following <= longest * (1.0 + RESIDUAL):
            return ChainEnd(False, part, edge, coflow, force, shell, 0.0, True)
        following = min(following, longest)
        change = abs(following - part)
        part = following
        if change <= ROUNDING * longest:
            break
    # Large forces that nearly balance leave a pull of few digits, and the length goes to and fro by its last ones.
    found = change <= max(RESIDUAL * part, ROUNDING * longest)
    braking = ingested * v0 / part if start.first else 0.0
    return ChainEnd(found, part, edge, coflow, force, shell, braking, True)
