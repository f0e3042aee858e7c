"""One step of everything that moves: chain, water, sprocket, clutch and fast shaft."""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.chain import descending, moving_mass, shell_slope
from kpp_physics.compiled import inlined
from kpp_physics.drivetrain import gearbox_load_loss, locking_impulse
from kpp_physics.faults import NOT_CONVERGED, OK, TIME_LEFT
from kpp_physics.generator import iron_torque
from kpp_physics.motion import PASSES, RESIDUAL, ROUNDING, dry_friction, end_speed, mean_coflow
from kpp_physics.pockets import FORCE, INDEX, PROGRESS, mean_buoyancy, refresh
from kpp_physics.state import Vector
from kpp_physics.water import drag, exchange_force

PARTS = 256
"""Most parts of a step: it may end in a lock of the clutch, where friction fades, and in rest; each time it goes on."""

JOLT = 0.005
SHAFT_JOLT = 0.1
"""Change of the speed of the chain and of a shaft that turns by itself in a part of a step [m/s, rad/s]: a claimed jet
can push with a hundred meganewtons, and losses that go with the speed can stop a light plant in a step."""

JOLT_SHARE = 0.025
"""The same over the speed at the start of the part, where that is more."""

JOLTS = 128
"""Share of a step, one over this, that is not divided further for that."""

UNNOTICED = 1e-12
"""Work of a friction on the wrong side of rest that no ledger shows [J]."""

NO_SLIP = 1e-30
"""Slip that is none, whatever the speed [rad/s]: a shaft that died away has no digits left to divide a step by."""

FADED = 4.0
"""Speed over the scale of a dry friction, below which the friction fades towards rest."""

SAME_PATH = 1e-9
"""Path within which the buoyancy is the same [m]: a nanometre moves the pressure, and the force, by 1e-10 of them."""

ATTEMPTS = 40
"""Most tries at one part: it is shortened for a jolt, by a third at least, to 1/128 of the step; the clutch may open
and lock, the chain turn back, the part end in a lock or in rest."""


@inlined
def claimed_forces(c: Vector, x: Vector, count: int) -> None:
    """Forces of the hypotheses at the start of the step: bubbles, airlift and jet."""
    x[st.H1_FORCE] = x[st.AIRLIFT] = x[st.BUBBLE_VOID] = x[st.JET_FORCE] = 0.0
    if c[co.H1_MODE] != hypotheses.OFF and x[st.CLAIMS_ACTIVE] != 0.0:
        weight = c[co.SPECIFIC_WEIGHT]
        sinking = descending(x[st.POSITION], count, c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        if c[co.H1_MODE] == hypotheses.CLAIMED:
            x[st.BUBBLE_VOID] = c[co.H1_VOID]
            x[st.H1_FORCE] = hypotheses.bubble_force(
                c[co.H1_VOID], weight, c[co.FLOATER_VOLUME], c[co.SHELL_VOLUME], sinking
            )
        else:
            gas = c[co.H1_GAS_FLUX]
            share = hypotheses.void_fraction(gas, x[st.COFLOW])
            x[st.BUBBLE_VOID] = share
            x[st.AIRLIFT] = share * weight * c[co.AIRLIFT_AREA]
            force = hypotheses.bubble_force(share, weight, c[co.H1_VOLUME], c[co.SHELL_VOLUME], sinking)
            if share > 0.0 and x[st.SPEED] > 0.0:  # the chain cannot gain more than the bubbles give
                force = min(force, x[st.AIRLIFT] * max(gas / share + x[st.COFLOW], 0.0) / x[st.SPEED])
            x[st.H1_FORCE] = force
    if x[st.JET_FLOW] > 0.0:
        x[st.JET_FORCE] = x[st.JET_THRUST] * (c[co.JET_GAIN] if c[co.JET_MODE] == hypotheses.CLAIMED else 1.0)


@inlined
def _book_claims(
    c: Vector,
    x: Vector,
    flow: Vector,
    dragged: float,
    rubbed: float,
    buoyed: float,
    travel: float,
    lifted: float,
    h: float,
) -> None:
    """Book what the hypotheses did: paid where they are physical, without a source where they are claimed.

    Args:
        dragged, rubbed, buoyed: work of drag, chain friction and buoyancy [J].
        travel: path of the chain [m].
        lifted: path of the co-flow [m].
        h: step [s].
    """
    if c[co.H1_MODE] == hypotheses.CLAIMED:
        flow[ledger.UNSOURCED_H1] += x[st.H1_FORCE] * travel + c[co.H1_DRAG_RELIEF] * dragged
    elif c[co.H1_MODE] == hypotheses.PHYSICAL:
        paid = c[co.H1_GAS_POWER] * h
        flow[ledger.AUXILIARY] += paid
        flow[ledger.H1_SLIP] += paid + x[st.AIRLIFT] * lifted - x[st.H1_FORCE] * travel
    flow[ledger.UNSOURCED_H2] += c[co.BUOYANCY_GAIN] * buoyed
    flow[ledger.UNSOURCED_H3] += (1.0 - c[co.H3_DUTY]) * ((1.0 - c[co.H1_DRAG_RELIEF]) * dragged + rubbed)


@inlined
def _transfer(efficiency: float, backwards: bool) -> float:
    """Chain force over clutch torque times ratio [-]: 1/efficiency, and the same loss when the chain runs backwards.

    The clutch's torque brakes a chain that runs forwards, so the gearbox takes its loss from the chain. Backwards the
    torque drives the chain, and the loss has to come off what arrives; without the distinction it would be a gain.
    """
    return 1.0 + (1.0 - 1.0 / efficiency if backwards else 1.0 / efficiency - 1.0)


@inlined
def _rubbing_power(v0: float, v1: float, force: float) -> float:
    """Sum of the powers of a dry friction at two speeds [W]."""
    scale = constants.STANDSTILL_SPEED
    return dry_friction(v0, force, scale) * v0 + dry_friction(v1, force, scale) * v1


@inlined
def _sampled_dry(w0: float, w1: float, force: float, all_dry: float, end: float, inertia: float, step: float) -> float:
    """Work of one dry friction on the shaft over a part of a step, from powers [J].

    One that stops the shaft in less than the part acts as long as the shaft turns, and its power falls with the square
    of the speed: the mean of the powers at both ends would count far more than the shaft has.

    Args:
        w0, w1: speed at both ends [rad/s].
        force, all_dry: of this friction, and of all together [N m].
        end: torque of this friction at the end [N m].
        inertia: of what moves [kg m2].
        step: length of the part [s].
    """
    scale = constants.SHAFT_STANDSTILL_SPEED
    first, last = dry_friction(w0, force, scale) * w0, end * w1
    stiffness = dry_friction(w0, all_dry, scale) / w0 * step / inertia if w0 != 0.0 else 0.0
    if stiffness < 1.0:
        return 0.5 * step * (first + last)
    return step * (last + (first - last) * -math.expm1(-2.0 * stiffness) / (2.0 * stiffness))


@inlined
def _rest_step(
    c: Vector,
    x: Vector,
    f: Vector,
    work: Vector,
    active: int,
    travel: float,
    v0: float,
    v1: float,
    mass: float,
    ingested: float,
    constant: float,
    gain: float,
    linear: float,
    quadratic: float,
    rub: float,
    u0: float,
    lift: float,
    paid: float,
    step: float,
) -> tuple[float, float, float, float, bool]:
    """The part of a step in which dry friction brings the chain to rest, or to where the friction fades.

    An implicit friction acts with the speed at the end of the step. Where the chain would pass through rest it would
    then push in the direction of the path, and give energy instead of taking it; where the chain ends almost at rest
    it would take hardly any. So the step is divided there, and up to there the friction acts as it did at the start.
    The water taken in receives its impulse in this part whole.

    Args:
        v0, v1: speed at the start and at the end of the part [m/s].
        mass: of what moves, shaft included if it is locked [kg].
        ingested: water taken in during the step [kg].
        constant: forces that do not depend on the path [N].
        gain: on the buoyancy [-].
        linear, quadratic: as for `end_speed`.
        rub: friction and brake at the start [N].
        step: longest that the part can be [s].

    Returns:
        Length of the part [s], mean co-flow [m/s], buoyancy and shell force [N], and whether it was found.
    """
    mean = 0.5 * (v0 + v1)
    part, u_mean, force, shell, change = step, u0, 0.0, 0.0, step
    for _ in range(PASSES):
        ds = mean * part
        force = mean_buoyancy(c, f, work, active, ds)
        if f.shape[1] % 2 == 1:
            shell = c[co.SHELL_FORCE] * shell_slope(
                x[st.POSITION] + travel, ds, f.shape[1], c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS]
            )
        if c[co.COFLOW_ON] != 0.0:
            u_mean, _, _ = mean_coflow(
                u_mean, u0, mean, c[co.DRAG_COEFFICIENT], c[co.BULK_COEFFICIENT], c[co.COFLOW_MASS], part, lift
            )
        pull = gain * force + shell + constant - linear * mean - quadratic * mean * abs(mean) - rub
        pull -= paid * drag(mean - u_mean, c[co.DRAG_COEFFICIENT])
        following = (mass * (v1 - v0) + ingested * v0) / pull
        if not 0.0 < following <= step * (1.0 + RESIDUAL):
            return part, u_mean, force, shell, False
        following = min(following, step)
        change = abs(following - part)
        part = following
        if change <= ROUNDING * step:
            break
    # Large forces that nearly balance leave a pull of few digits, and the length goes to and fro by its last ones.
    return part, u_mean, force, shell, change <= max(RESIDUAL * part, ROUNDING * step)


@inlined
def _halt(w0: float, inertia: float, torque: float, linear: float, quadratic: float, dry: float) -> float:
    """Time in which a shaft that turns by itself comes to rest [s], infinite if it does not.

    Args:
        w0: its speed [rad/s].
        inertia, torque: its own, and what brakes it while it turns forwards [kg m2, N m].
        linear, quadratic, dry: its losses, as for `end_speed`; the dry friction as it is at the start.
    """
    mean = 0.5 * w0
    pull = torque + linear * mean + quadratic * mean * abs(mean)
    pull += dry_friction(w0, dry, constants.SHAFT_STANDSTILL_SPEED)
    return inertia * w0 / pull if w0 * pull > 0.0 else math.inf


@inlined
def move(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    work: Vector,
    active: int,
    brake: float,
    stray: float,
    h: float,
) -> int:
    """Motion of chain, water and shaft over one step, divided where the clutch locks and where the chain comes to rest.

    Reads x[TORQUE] (mean air-gap torque) and flow[WATER_INGESTED]; books every work and loss.

    Args:
        brake: force of the brake on the chain [N].
        stray: torque of the stray loss on the shaft [N m].

    Returns:
        OK or a fault, see `faults`.
    """
    count = f.shape[1]
    mass = moving_mass(c[co.DRY_MASS], c[co.WATER_DENSITY], c[co.FLOATER_VOLUME], f[st.VOLUME])
    ratio, inertia = c[co.SHAFT_PER_CHAIN], c[co.SHAFT_INERTIA]
    noload = c[co.NOLOAD_COEFFICIENT]
    hysteresis = c[co.IRON_HYSTERESIS_TORQUE]
    eddy, mechanical, windage = c[co.IRON_EDDY_COEFFICIENT], c[co.MECHANICAL_COEFFICIENT], c[co.WINDAGE_COEFFICIENT]
    friction, k_d = c[co.FRICTION_FORCE], c[co.DRAG_COEFFICIENT]
    coflow_on, k_w, water_mass = c[co.COFLOW_ON], c[co.BULK_COEFFICIENT], c[co.COFLOW_MASS]
    odd = count % 2 == 1

    claimed_forces(c, x, count)
    claims = x[st.CLAIMS_ACTIVE] != 0.0
    extra, lift = x[st.H1_FORCE] + x[st.JET_FORCE], x[st.AIRLIFT]
    gain = 1.0 + c[co.BUOYANCY_GAIN] if claims else 1.0
    duty = c[co.H3_DUTY] if claims else 1.0
    paid = duty * (1.0 - c[co.H1_DRAG_RELIEF]) if claims else 1.0
    dry = duty * friction + brake

    torque = x[st.TORQUE]
    ingested, expelled = flow[ledger.WATER_INGESTED], flow[ledger.WATER_EXPELLED]
    start_speed = x[st.SPEED]
    locked = x[st.LOCKED] != 0.0
    rest = soak = h  # soak: time in which the water that is taken in gets its impulse
    buoyancy_work = shell_work = drag_work = exchange_work = friction_work = brake_work = 0.0
    shaft_work = clutch_impulse = clutch_pull = shaft_angle = travel = lifted = 0.0
    backwards = x[st.SPEED] < 0.0
    transfer = _transfer(c[co.GEARBOX_EFFICIENCY], backwards)

    for part in range(PARTS):
        if part > 0:
            refresh(c, x, f, work, active)
        v0, w0, u0 = x[st.SPEED], x[st.SHAFT_SPEED], x[st.COFLOW]
        if v0 != 0.0:
            backwards = v0 < 0.0
        step = longest = rest
        jolt, shaft_jolt = max(JOLT, JOLT_SHARE * abs(v0)), max(SHAFT_JOLT, JOLT_SHARE * abs(w0))
        v1 = v0 + x[st.ACCELERATION] * step
        w1 = w0
        u_mean = u0
        force = shell = clutch = braking = 0.0
        final = ends_in_lock = stops = turned = found = driven = False
        halt, halted = math.inf, False  # time in which the shaft by itself comes to rest; whether this part ends so
        for _attempt in range(ATTEMPTS):
            transfer = _transfer(c[co.GEARBOX_EFFICIENCY], backwards != driven)
            referred = ratio * transfer  # chain force per unit of clutch torque
            braking = exchange_force(ingested, v0, soak) if h - rest < soak * (1.0 - RESIDUAL) else 0.0
            stops = False
            moving, constant, linear, quadratic, second, scale = mass, extra, noload, 0.0, 0.0, 1.0
            if locked:
                moving += inertia * ratio * referred
                constant -= referred * torque
                linear += referred * ratio * (eddy + mechanical)
                quadratic = referred * ratio * ratio * windage
                second = referred * (hysteresis + stray)
                scale = constants.SHAFT_STANDSTILL_SPEED / ratio
            for _pass in range(2):
                ds = 0.5 * (v0 + v1) * step
                force = mean_buoyancy(c, f, work, active, ds)
                if odd:
                    shell = c[co.SHELL_FORCE] * shell_slope(
                        x[st.POSITION] + travel, ds, count, c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS]
                    )
                v1, u_mean, found = end_speed(
                    v0,
                    v1,
                    moving,
                    gain * force + shell + constant - braking,
                    linear,
                    quadratic,
                    dry,
                    constants.STANDSTILL_SPEED,
                    second,
                    scale,
                    k_d,
                    coflow_on,
                    u0,
                    u_mean,
                    k_w,
                    water_mass,
                    step,
                    lift,
                    paid,
                )
                if abs(0.5 * (v0 + v1) * step - ds) <= SAME_PATH:
                    break
            if not found:
                return NOT_CONVERGED
            if abs(v1 - v0) > 1.5 * jolt and longest > h / JOLTS:
                step = longest = max(step * jolt / abs(v1 - v0), h / JOLTS)
                if part == 0:  # the water has the chain's speed at once, and brakes it while that is the speed
                    soak = longest
                found = ends_in_lock = False
                continue
            # Friction fades close to rest: the step is divided where that begins, and again at rest.
            fading = FADED * constants.STANDSTILL_SPEED if dry > 0.0 else 0.0
            if locked and second > 0.0:
                fading = max(fading, FADED * scale)
            outside = abs(v0) > fading * (1.0 + RESIDUAL)
            if (dry > 0.0 and v0 * v1 < 0.0) or (outside and abs(v1) < fading):
                edge = math.copysign(fading, v0) if outside else 0.0
                rub = dry_friction(v0, dry, constants.STANDSTILL_SPEED) + dry_friction(edge, second, scale)
                until, u_there, push, tilt, stops = _rest_step(
                    c, x, f, work, active, travel, v0, edge, moving, ingested if part == 0 else 0.0, constant, gain,
                    linear, quadratic, rub, u0, lift, paid, step,
                )  # fmt: skip
                if stops:
                    step, u_mean, force, shell, v1 = until, u_there, push, tilt, edge
                    braking = ingested * v0 / step if part == 0 else 0.0
                else:
                    # Forces that balance while the speed dies away have no moment of rest. Friction that pushes for
                    # less than can be seen in any ledger is let go; more is a fault.
                    rub = dry_friction(v1, dry, constants.STANDSTILL_SPEED) + dry_friction(v1, second, scale)
                    ds = 0.5 * (v0 + v1) * step
                    if abs(rub * ds) > UNNOTICED:
                        return NOT_CONVERGED
                    force = mean_buoyancy(c, f, work, active, ds)
            elif v0 == 0.0 and (v1 > 0.0 if backwards else v1 < 0.0) and not turned:
                backwards, turned = not backwards, True
                continue
            if locked:
                w1 = ratio * v1
                w_mean = 0.5 * (w0 + w1)
                clutch = (
                    inertia * (w1 - w0) / step
                    + torque
                    + mechanical * w_mean
                    + iron_torque(w1, w_mean, hysteresis + stray, eddy)
                    + windage * w_mean * abs(w_mean)
                )
                if final and clutch < 0.0 and not driven:
                    # Stiff frictions on both sides can leave the clutch no torque of its own sign, locked or free. It
                    # stays locked, and the gearbox takes its loss from the shaft that drives.
                    driven, found = True, False
                    continue
                if clutch >= 0.0 or final:
                    found = True
                    break
                locked = found = False
                step = longest
                continue
            clutch = 0.0
            if step == halt:
                w1 = 0.0
                overtake = ratio * v1
                if overtake <= 0.0:
                    found = halted = True
                    ends_in_lock = False
                    break
            w1, _, found = end_speed(
                w0,
                w1,
                inertia,
                -torque,
                eddy + mechanical,
                windage,
                hysteresis + stray,
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
            if not found:
                return NOT_CONVERGED
            if abs(w1 - w0) > 1.5 * shaft_jolt and longest > h / JOLTS:
                step = longest = max(step * shaft_jolt / abs(w1 - w0), h / JOLTS)
                found = ends_in_lock = False
                continue
            if w0 * w1 < 0.0 and hysteresis + stray > 0.0:
                # As for the chain: a dry friction that acts with the speed beyond rest would give energy.
                halt = _halt(w0, inertia, torque, eddy + mechanical, windage, hysteresis + stray)
                if halt < step:
                    step, found = halt, False
                    continue
            overtake = ratio * v1 - w1
            if overtake <= 0.0 or (ends_in_lock and not stops):
                ends_in_lock = ends_in_lock and not stops
                break
            found = False
            gap = w0 - ratio * v0
            if gap <= 1e-12 * abs(w0) + NO_SLIP:  # locks at once
                locked = True
                final = True
                step = longest
                continue
            step *= gap / (gap + overtake)  # locks at this part of the step
            v1 = v0 + (v1 - v0) * gap / (gap + overtake)
            ends_in_lock = True
        if not found:
            return NOT_CONVERGED

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
        turning = w0 if halted else w1
        iron = iron_torque(turning, w_mean, hysteresis, eddy)
        dissipated = dry_friction(turning, stray, constants.SHAFT_STANDSTILL_SPEED)
        windage_torque = windage * w_mean * abs(w_mean)
        own_loss = noload * 0.5 * (v0 + v1) * ds
        rubbing = v0 if stops else v1
        buoyancy_work += force * ds
        shell_work += shell * ds
        drag_work += drag_force * 0.5 * (v0 + v1) * step
        flow[ledger.DRAG_LOCAL] += drag_force * relative * step
        flow[ledger.DRAG_BULK] += drag(u_mean, k_w) * u_mean * step
        exchange_work += braking * ds
        # A brake may stop a light chain in a fraction of the step, so these are sampled at the ends of every part.
        sampled[ledger.BRAKE] += 0.5 * step * _rubbing_power(v0, v1, brake)
        turned = moving / (ratio * referred) if locked else inertia  # what the shaft moves, at its speed [kg m2]
        sampled[ledger.GENERATOR_STRAY] += _sampled_dry(w0, w1, stray, hysteresis + stray, dissipated, turned, step)
        friction_work += dry_friction(rubbing, friction, constants.STANDSTILL_SPEED) * ds
        brake_work += dry_friction(rubbing, brake, constants.STANDSTILL_SPEED) * ds
        flow[ledger.GEARBOX] += own_loss + gearbox_load_loss(clutch, ratio * ds, 1.0 / transfer)
        flow[ledger.FLYWHEEL_WINDAGE] += windage_torque * angle
        flow[ledger.GENERATOR_IRON] += iron * angle
        flow[ledger.GENERATOR_MECHANICAL] += mechanical * w_mean * angle
        flow[ledger.GENERATOR_STRAY] += dissipated * angle
        shaft_work += (torque + dissipated + iron + mechanical * w_mean) * angle
        clutch_impulse += clutch * step
        clutch_pull += ratio * transfer * clutch * step
        shaft_angle += angle
        travel += ds
        lifted += u_mean * step
        rest -= step
        rubbed = 0.5 * step * _rubbing_power(v0, v1, friction)
        sampled[ledger.CHAIN_FRICTION] += rubbed
        exchanged = (expelled + ingested) * step / h
        _sample(c, x, sampled, v0, u0, w0, clutch, rubbed, exchanged, step)
        if ends_in_lock:
            lock(x, flow, sampled, mass, inertia, ratio, 1.0 / transfer)
            locked = True
        if rest <= 1e-12 * h:
            break
    if rest > 1e-12 * h:
        return TIME_LEFT

    x[st.LOCKED] = 1.0 if locked else 0.0
    x[st.ACCELERATION] = (x[st.SPEED] - start_speed) / h
    x[st.CLUTCH_TORQUE] = clutch_impulse / h
    # Expelled water leaves with its kinetic energy; ingested water has received half of what the chain spent on it.
    flow[ledger.WATER_EXCHANGE] += exchange_work + 0.5 * (expelled - ingested) * start_speed * start_speed
    flow[ledger.BUOYANCY] += buoyancy_work
    flow[ledger.SHELL] += shell_work
    flow[ledger.DRAG] += drag_work
    flow[ledger.CHAIN_FRICTION] += friction_work
    flow[ledger.BRAKE] += brake_work
    flow[ledger.SHAFT] += shaft_work
    flow[ledger.SHAFT_ANGLE] += shaft_angle
    flow[ledger.CHAIN_TRAVEL] += travel
    if claims:
        _book_claims(c, x, flow, drag_work, friction_work, buoyancy_work, travel, lifted, h)
    if x[st.JET_POWER] != 0.0:  # not the force: a jet without thrust has been paid for all the same
        thrust_work = x[st.JET_FORCE] * travel
        if c[co.JET_MODE] == hypotheses.CLAIMED:
            flow[ledger.UNSOURCED_JET] += thrust_work
        else:
            flow[ledger.JET_WAKE] += x[st.JET_POWER] * h - thrust_work

    x[st.POSITION] += travel
    x[st.BUOYANCY_FORCE] = force
    x[st.SHELL_FORCE] = shell
    x[st.DRAG_FORCE] = drag_force
    x[st.EXCHANGE_FORCE] = braking
    x[st.FRICTION_FORCE] = dry_friction(x[st.SPEED], friction, constants.STANDSTILL_SPEED)
    x[st.BRAKE_FORCE] = dry_friction(x[st.SPEED], brake, constants.STANDSTILL_SPEED)
    x[st.PTO_FORCE] = clutch_pull / h + noload * travel / h
    x[st.SHAFT_TORQUE] = torque + dissipated + iron + mechanical * w_mean
    return OK


@inlined
def _sample(
    c: Vector,
    x: Vector,
    sampled: Vector,
    v0: float,
    u0: float,
    w0: float,
    clutch: float,
    rubbed: float,
    exchanged: float,
    h: float,
) -> None:
    """Mechanical powers as products of force and speed at both ends of a part of the step, for the re-integration.

    Args:
        v0, u0, w0: speeds of chain, co-flow and shaft at its start [m/s, m/s, rad/s]; those at its end are in x.
        clutch: torque of the clutch in it [N m].
        rubbed: work of the chain's friction in it, sampled [J].
        exchanged: water exchanged in it [kg].
        h: length of the part [s].
    """
    half = 0.5 * h
    ratio, efficiency = c[co.SHAFT_PER_CHAIN], c[co.GEARBOX_EFFICIENCY]
    claims = x[st.CLAIMS_ACTIVE] != 0.0
    dragged = 0.0
    v, u, w = v0, u0, w0
    for _ in range(2):
        pull = drag(v - u, c[co.DRAG_COEFFICIENT])
        dragged += pull * v
        sampled[ledger.DRAG_LOCAL] += half * pull * (v - u)
        sampled[ledger.DRAG_BULK] += half * drag(u, c[co.BULK_COEFFICIENT]) * u
        sampled[ledger.WATER_EXCHANGE] += 0.25 * exchanged * v * v
        load = clutch * ratio * abs(v) * (1.0 / efficiency - 1.0)
        sampled[ledger.GEARBOX] += half * (c[co.NOLOAD_COEFFICIENT] * v * v + load)
        sampled[ledger.FLYWHEEL_WINDAGE] += half * c[co.WINDAGE_COEFFICIENT] * w * w * abs(w)
        sampled[ledger.GENERATOR_IRON] += (
            half * w * iron_torque(w, w, c[co.IRON_HYSTERESIS_TORQUE], c[co.IRON_EDDY_COEFFICIENT])
        )
        sampled[ledger.GENERATOR_MECHANICAL] += half * c[co.MECHANICAL_COEFFICIENT] * w * w
        v, u, w = x[st.SPEED], x[st.COFLOW], x[st.SHAFT_SPEED]
    speeds, flows = half * (v0 + v), half * (u0 + u)
    if claims:
        if c[co.H1_MODE] == hypotheses.CLAIMED:
            sampled[ledger.UNSOURCED] += x[st.H1_FORCE] * speeds + c[co.H1_DRAG_RELIEF] * half * dragged
        elif c[co.H1_MODE] == hypotheses.PHYSICAL:
            sampled[ledger.AUXILIARY] += c[co.H1_GAS_POWER] * h
            sampled[ledger.H1_SLIP] += c[co.H1_GAS_POWER] * h + x[st.AIRLIFT] * flows - x[st.H1_FORCE] * speeds
        sampled[ledger.UNSOURCED] += c[co.BUOYANCY_GAIN] * x[st.BUOYANCY_FORCE] * speeds
        relief = (1.0 - c[co.H1_DRAG_RELIEF]) * half * dragged + rubbed
        sampled[ledger.UNSOURCED] += (1.0 - c[co.H3_DUTY]) * relief
    if x[st.JET_POWER] != 0.0:
        thrust = x[st.JET_FORCE] * speeds
        if c[co.JET_MODE] == hypotheses.CLAIMED:
            sampled[ledger.UNSOURCED] += thrust
        else:
            sampled[ledger.JET_WAKE] += x[st.JET_POWER] * h - thrust


@inlined
def lock(
    x: Vector, flow: Vector, sampled: Vector, mass: float, inertia: float, ratio: float, efficiency: float
) -> None:
    """Join chain and shaft inelastically and book what that costs; an impulse has no power to sample."""
    slip = x[st.SHAFT_SPEED] - ratio * x[st.SPEED]
    dv, dw, loss = locking_impulse(slip, mass, inertia, ratio, efficiency)
    turned = ratio * (x[st.SPEED] + 0.5 * dv)
    transmitted = gearbox_load_loss(inertia * dw, turned, efficiency)
    flow[ledger.CLUTCH] += loss
    flow[ledger.GEARBOX] += transmitted
    sampled[ledger.CLUTCH] += loss
    sampled[ledger.GEARBOX] += transmitted
    x[st.SPEED] += dv
    x[st.SHAFT_SPEED] = ratio * x[st.SPEED]
