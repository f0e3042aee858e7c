"""One part of a step: how chain and shaft come out of it, locked or each by itself."""

import math
from typing import NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import constants
from kpp_physics import state as st
from kpp_physics.chain_motion import Acting, ChainEnd, PartStart, chain_load, run_chain, stop_chain
from kpp_physics.compiled import inlined, merged
from kpp_physics.generator import iron_torque
from kpp_physics.motion import DRY, RESIDUAL, Resistances, Water, dry_friction, end_speed
from kpp_physics.state import Vector
from kpp_physics.water import exchange_force

JOLT = 0.005
SHAFT_JOLT = 0.1
"""Change of the speed of the chain and of a shaft that turns by itself in a part of a step [m/s, rad/s]: a claimed jet
can push with a hundred meganewtons, and losses that scale with the speed can stop a light plant in a step."""

JOLT_SHARE = 0.025
"""The same over the speed at the start of the part, where that is more."""

JOLTS = 128
"""Share of a step, one over this, that is not divided further for that."""

NO_SLIP = 1e-30
"""Slip that counts as none at any speed [rad/s]: a shaft that died away has no digits left to divide a step by."""

ATTEMPTS = 40
"""Most tries at one part: it is shortened for a jolt, by a third at least, to 1/128 of the step; the clutch may open
and lock, the chain turn back, the part end in a lock or in rest."""


class Part(NamedTuple):
    """How chain and shaft come out of a part of a step."""

    found: bool
    """False if `ATTEMPTS` brought no solution, and nothing else here counts."""
    chain: ChainEnd
    shaft: float
    """Speed of the shaft at the end [rad/s]."""
    clutch: float
    """Torque of the clutch [N m], >= 0 unless `driven` stiff frictions left it no other."""
    transfer: float
    """Chain force over clutch torque times ratio [-]."""
    moving: float
    """What the chain moves, a locked shaft included [kg]."""
    soak: float
    """Time in which the water that is taken in gets its impulse [s]."""
    backwards: bool
    locked: bool
    halted: bool
    """True if the shaft by itself comes to rest at the end."""
    ends_in_lock: bool
    """True if the clutch locks at the end."""


@inlined
def _transfer(efficiency: float, backwards: bool) -> float:
    """Chain force over clutch torque times ratio [-]: 1/efficiency, and the same loss when the chain runs backwards.

    The clutch's torque brakes a chain that runs forwards, so the gearbox takes its loss from the chain. Backwards the
    torque drives the chain, and the loss has to come off what arrives; without the distinction it would be a gain.
    """
    # 2 - 1/eta backwards: either way the gearbox keeps tau_c (1/eta - 1) for each radian, and its loss is never
    # negative.
    return 1.0 + (1.0 - 1.0 / efficiency if backwards else 1.0 / efficiency - 1.0)


@inlined
def _halt(w0: float, load: Resistances) -> float:
    """Time in which a shaft that turns by itself comes to rest [s], infinite if it does not.

    Args:
        w0: its speed [rad/s].
        load: what it works against; the dry friction acts as it does at the start.
    """
    # J dw/dt = -pull over a fall from w0 to 0, with everything but the dry friction at the mean speed of that fall.
    mean = 0.5 * w0
    pull = -load.driving + load.linear * mean + load.quadratic * mean * abs(mean)
    # Braking forces that push against the motion only: a pull the other way never brings it to rest.
    pull += dry_friction(w0, load.dry, load.dry_scale)
    return load.inertia * w0 / pull if w0 * pull > 0.0 else math.inf


@merged
def _shortened(step: float, longest: float, change: float, jolt: float, h: float) -> float:
    """A shorter part for one that changes a speed by far more than a jolt [s]; 0 if the part may stay as it is.

    Within a factor of 1.5 it may: the next try would hardly come closer. Below a share of the step it must.
    """
    if abs(change) > 1.5 * jolt and longest > h / JOLTS:
        return max(step * jolt / abs(change), h / JOLTS)
    return 0.0


@merged
def _clutch_torque(c: Vector, acting: Acting, w0: float, w1: float, step: float) -> float:
    """Torque that takes the shaft from one speed to the other in a part [N m, rad/s, s], with what brakes it."""
    # J dw/dt = tau_c - tau_gen - tau_fw, solved for tau_c. Hysteresis and stray loss act with the speed at the end and
    # the rest with the mean, as the motion was solved: otherwise the torque would not be that of the motion.
    mean = 0.5 * (w0 + w1)
    return float(
        c[co.SHAFT_INERTIA] * (w1 - w0) / step
        + acting.torque
        + c[co.MECHANICAL_COEFFICIENT] * mean
        + iron_torque(w1, mean, acting.shaft_dry, c[co.IRON_EDDY_COEFFICIENT])
        + c[co.WINDAGE_COEFFICIENT] * mean * abs(mean)
    )


@inlined
def _stays_locked(clutch: float, final: bool, driven: bool) -> tuple[bool, bool]:
    """Whether a lock holds, and whether the shaft drives the gearbox.

    A torque below zero cannot pass a one-way clutch, so it opens. Only where it had to lock because the shaft would
    have been overtaken (`final`) can stiff frictions on both sides leave it no torque of its own sign, locked or open:
    it stays locked then, and the part is tried once more with the gearbox taking its loss from the shaft.

    Args:
        clutch: torque on the shaft [N m].
        final: True if it locked at the start of this part.
        driven: True if the shaft is taken to drive already.
    """
    drives = final and clutch < 0.0 and not driven
    return (clutch >= 0.0 or final) and not drives, driven or drives


@merged
def _shaft_load(c: Vector, acting: Acting) -> Resistances:
    """What a shaft that turns by itself works against."""
    # The clutch is open and passes no torque: the air gap brakes, and nothing drives. Its second dry friction is none,
    # with any scale above 0.
    return Resistances(
        c[co.SHAFT_INERTIA],
        -acting.torque,
        c[co.IRON_EDDY_COEFFICIENT] + c[co.MECHANICAL_COEFFICIENT],
        c[co.WINDAGE_COEFFICIENT],
        acting.shaft_dry,
        constants.SHAFT_STANDSTILL_SPEED,
        0.0,
        1.0,
    )


@merged
def _try_chain(
    c: Vector,
    x: Vector,
    f: Vector,
    work: Vector,
    active: int,
    acting: Acting,
    load: Resistances,
    start: PartStart,
    guess: float,
    coflow: float,
    soak: float,
    step: float,
    longest: float,
    h: float,
) -> tuple[ChainEnd, float]:
    """The chain in a part as long as assumed, brought to rest in it if that is where it ends.

    Returns:
        The end, and the length of a shorter part to try instead if the speed changes by too much [s], else 0.
    """
    v0 = start.speed
    water = Water(
        c[co.DRAG_COEFFICIENT],
        c[co.COFLOW_ON],
        start.coflow,
        c[co.BULK_COEFFICIENT],
        c[co.COFLOW_MASS],
        acting.lift,
        acting.paid,
    )
    # Water that was taken in gets its impulse once: over `soak`, from the beginning of the step, which is h -
    # start.left ago. A part that begins later has none of it left to give.
    braking = exchange_force(acting.ingested, v0, soak) if h - start.left < soak * (1.0 - RESIDUAL) else 0.0
    end = run_chain(c, x, f, work, active, acting, load, water, start, guess, coflow, braking, step)
    shorter = _shortened(step, longest, end.speed - v0, max(JOLT, JOLT_SHARE * abs(v0)), h)
    if end.found and shorter == 0.0:
        end = stop_chain(c, x, f, work, active, acting, load, water, start, end)
    return end, shorter


@merged
def _try_shaft(
    load: Resistances, w0: float, guess: float, step: float, longest: float, h: float
) -> tuple[float, float, float, bool]:
    """The shaft by itself in a part as long as assumed.

    Returns:
        Speed at the end [rad/s]; the length of a shorter part to try instead if it changes by too much [s], else 0; the
        time in which it comes to rest, if that is where it ends [s], else infinity; and whether it was solved.
    """
    w1, _, found = end_speed(w0, guess, load, DRY, 0.0, step)
    shorter = _shortened(step, longest, w1 - w0, max(SHAFT_JOLT, JOLT_SHARE * abs(w0)), h)
    # As for the chain: a dry friction that acts with the speed beyond rest would give energy.
    rest = _halt(w0, load) if w0 * w1 < 0.0 and load.dry > 0.0 else math.inf
    return w1, shorter, rest, found


@merged
def solve_part(
    c: Vector, x: Vector, f: Vector, work: Vector, active: int, acting: Acting, start: PartStart, h: float
) -> Part:
    """Try a part of a step until its length and what happens in it fit each other.

    The clutch can drive the shaft and never the chain: it stays locked while its torque is not negative, and locks when
    the chain would overtake the shaft. Each finding (a jolt, rest, a chain that turns back, a clutch that opens or
    locks) shortens the part or changes an assumption, and the next try starts from the speeds of the last.

    Args:
        active: pockets that are packed in `work`.
        acting, start, h: what acts during the whole step, where the part begins, and the step [s].
    """
    v0, w0, ratio, shaft_load = start.speed, start.shaft, c[co.SHAFT_PER_CHAIN], _shaft_load(c, acting)
    step = longest = start.left
    soak, backwards, locked = start.soak, start.backwards, start.locked
    # The last step's acceleration as a first guess: forces change little from one millisecond to the next.
    v1, w1, coflow = v0 + x[st.ACCELERATION] * step, w0, start.coflow
    end = ChainEnd(False, step, v1, coflow, 0.0, 0.0, 0.0, False)
    load, transfer, clutch, halt = shaft_load, 1.0, 0.0, math.inf
    found = ends_in_lock = final = turned = driven = halted = False
    for _ in range(ATTEMPTS):
        # Chain first: it drives, and its speed decides whether the clutch is locked. A shaft that drives (`driven`)
        # takes the gearbox's loss on the other side, as a chain that runs backwards does.
        transfer = _transfer(c[co.GEARBOX_EFFICIENCY], backwards != driven)
        # With the clutch locked the shaft is a mass on the chain; open, chain and shaft are solved one after the other.
        load = chain_load(c, acting, locked, ratio * transfer)
        end, shorter = _try_chain(c, x, f, work, active, acting, load, start, v1, coflow, soak, step, longest, h)
        v1, coflow = end.speed, end.coflow
        if not end.found:
            break
        if shorter > 0.0:
            step, longest, ends_in_lock = shorter, shorter, False
            soak = longest if start.first else soak  # the water has the chain's speed at once, and brakes it so long
            continue
        step = end.step
        # From rest the chain may go either way. It is turned round once only: forces that balance within the gearbox's
        # loss move it neither way, and it would be turned round without end.
        if v0 == 0.0 and (v1 > 0.0 if backwards else v1 < 0.0) and not turned:
            backwards, turned = not backwards, True
            continue
        if locked:
            # Locked, both sides have one speed, and the torque between them is what the shaft needs.
            w1 = ratio * v1
            clutch = _clutch_torque(c, acting, w0, w1, step)
            found, driven = _stays_locked(clutch, final, driven)
            if found:
                break
            # Once more locked, with the loss on the shaft's side; else the clutch opens, and the part may be as long as
            # at first.
            locked, step = (True, step) if driven and final else (False, longest)
            continue
        clutch = 0.0  # open: the shaft turns by itself
        # This part was made to end where the shaft comes to rest, so that its speed there is 0 by construction. It
        # stays at rest only where the chain does not run ahead of it: otherwise the clutch locks before that.
        if step == halt:
            w1, halted = 0.0, ratio * v1 <= 0.0
            found, ends_in_lock = halted, ends_in_lock and not halted
            if found:
                break
        w1, shorter, rest, settled = _try_shaft(shaft_load, w0, w1, step, longest, h)
        if not settled:
            break
        if shorter > 0.0:
            step, longest, ends_in_lock = shorter, shorter, False
            continue
        # The next try ends where the shaft stands still, with its friction as at the start up to there.
        if rest < step:
            step = halt = rest
            continue
        # The clutch locks where the chain is as fast as the shaft; both speeds are taken as straight lines up to there.
        overtake, gap = ratio * v1 - w1, w0 - ratio * v0
        ends_in_lock = ends_in_lock and not end.stops
        found = overtake <= 0.0 or ends_in_lock
        if found:
            break
        # Equal at the start and the chain faster at the end: there is no instant before which the clutch was open.
        if gap <= 1e-12 * abs(w0) + NO_SLIP:  # locks at once
            locked, final, step = True, True, longest
            continue
        step *= gap / (gap + overtake)  # locks at this part of the step
        v1 = v0 + (v1 - v0) * gap / (gap + overtake)
        ends_in_lock = True
    return Part(found, end, w1, clutch, transfer, load.inertia, soak, backwards, locked, halted, ends_in_lock)
