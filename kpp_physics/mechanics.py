"""One step of everything that moves: chain, water, sprocket, clutch and fast shaft."""

from kpp_physics import coefficients as co
from kpp_physics import constants, ledger
from kpp_physics import state as st
from kpp_physics.buoyancy import FORCE, INDEX, PROGRESS, refresh
from kpp_physics.chain import moving_mass
from kpp_physics.chain_motion import Acting, PartStart
from kpp_physics.claims import book_claims, book_jet, claimed_forces
from kpp_physics.compiled import inlined, merged
from kpp_physics.drivetrain import gearbox_load_loss, locking_impulse
from kpp_physics.faults import NOT_CONVERGED, OK, TIME_LEFT
from kpp_physics.generator import iron_torque
from kpp_physics.motion import dry_friction
from kpp_physics.part import Part, solve_part
from kpp_physics.sampling import rubbing_power, sample, sampled_dry
from kpp_physics.state import Vector
from kpp_physics.water import drag

PARTS = 256
"""Most parts of a step. One ends where the clutch locks, where friction begins to fade, or at rest; another follows."""

DONE = 1e-12
"""Share of a step that counts as no time left: the rounding of its parts' lengths."""


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

    Reads x[TORQUE] (mean air-gap torque) and flow[WATER_INGESTED]; books every work and loss. In `flow` the lines of
    the chain are zero before: what stands there afterwards is this step's.

    Args:
        active: pockets that are packed in `work`.
        brake: force of the brake on the chain [N].
        stray: torque of the stray loss on the shaft [N m].

    Returns:
        OK or a fault, see `faults`.
    """
    # Forces that hold for the whole step come first: bubbles and jet follow from what the chain and the water do at its
    # start.
    claimed_forces(c, x, f.shape[1])
    acting = _acting(c, x, f, flow, brake, stray)
    ingested, expelled, start_speed = acting.ingested, flow[ledger.WATER_EXPELLED], x[st.SPEED]
    x[st.CLUTCH_TORQUE] = x[st.PTO_FORCE] = lifted = 0.0
    left = soak = h
    locked, backwards = x[st.LOCKED] != 0.0, start_speed < 0.0
    buoyancy = 0.0
    for number in range(PARTS):
        # The pockets are packed at the start of the step; after a part they are elsewhere, at another pressure.
        if number > 0:
            refresh(c, x, f, work, active)
        # At rest the direction is that of the last motion: which way friction and gearbox act when it moves again is
        # found in the part itself.
        v0 = x[st.SPEED]
        if v0 != 0.0:
            backwards = v0 < 0.0
        start = PartStart(
            v0, x[st.SHAFT_SPEED], x[st.COFLOW], flow[ledger.CHAIN_TRAVEL], left, soak, number == 0, backwards, locked
        )
        part = solve_part(c, x, f, work, active, acting, start, h)
        if not part.found:
            return NOT_CONVERGED
        backwards, locked, soak, buoyancy = part.backwards, part.locked, part.soak, part.chain.buoyancy
        _book_chain(c, x, f, flow, sampled, work, active, start, part, brake)
        _book_shaft(c, x, flow, sampled, acting, start, part, stray)
        rubbed = 0.5 * part.chain.step * rubbing_power(v0, part.chain.speed, c[co.FRICTION_FORCE])
        exchanged = (expelled + ingested) * part.chain.step / h
        sampled[ledger.CHAIN_FRICTION] += rubbed
        sample(c, x, sampled, v0, start.coflow, start.shaft, part.clutch, rubbed, exchanged, part.chain.step)
        # The co-flow's path, for the airlift's work: the mean speed of each part times its length.
        lifted += part.chain.coflow * part.chain.step
        left -= part.chain.step
        # The chain gives the impulse, the shaft takes it: speeds jump, and what the jump costs is the clutch's loss.
        if part.ends_in_lock:
            lock(x, flow, sampled, acting.mass, c[co.SHAFT_INERTIA], c[co.SHAFT_PER_CHAIN], 1.0 / part.transfer)
            locked = True
        if left <= DONE * h:
            break
    # What is left of a step must never be dropped: that would be energy, a little, from nowhere.
    if left > DONE * h:
        return TIME_LEFT
    x[st.LOCKED] = 1.0 if locked else 0.0
    x[st.BUOYANCY_FORCE] = buoyancy  # not before: the samples of the parts take that of the step before
    # Expelled water leaves with its kinetic energy; ingested water has received half of what the chain spent on it.
    flow[ledger.WATER_EXCHANGE] += 0.5 * (expelled - ingested) * start_speed * start_speed
    _conclude(c, x, flow, start_speed, lifted, brake, h)
    return OK


@merged
def _acting(c: Vector, x: Vector, f: Vector, flow: Vector, brake: float, stray: float) -> Acting:
    """What acts during the whole step; a claim that is active scales drag, friction or buoyancy."""
    claims = x[st.CLAIMS_ACTIVE] != 0.0
    duty = c[co.H3_DUTY] if claims else 1.0
    return Acting(
        mass=moving_mass(c[co.DRY_MASS], c[co.WATER_DENSITY], c[co.FLOATER_VOLUME], f[st.VOLUME]),
        extra=x[st.H1_FORCE] + x[st.JET_FORCE],
        gain=1.0 + c[co.BUOYANCY_GAIN] if claims else 1.0,
        dry=duty * c[co.FRICTION_FORCE] + brake,
        torque=x[st.TORQUE],
        shaft_dry=c[co.IRON_HYSTERESIS_TORQUE] + stray,
        ingested=flow[ledger.WATER_INGESTED],
        lift=x[st.AIRLIFT],
        paid=duty * (1.0 - c[co.H1_DRAG_RELIEF]) if claims else 1.0,
    )


@merged
def _book_chain(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    work: Vector,
    active: int,
    start: PartStart,
    part: Part,
    brake: float,
) -> None:
    """Move the chain by a part of a step and book the works along its path; brake [N]."""
    end, step, v0, v1 = part.chain, part.chain.step, start.speed, part.chain.speed
    ds = 0.5 * (v0 + v1) * step
    # Drag is taken at the mean speeds, as it was solved: then force times path is what chain and water exchange.
    relative = 0.5 * (v0 + v1) - end.coflow
    force = drag(relative, c[co.DRAG_COEFFICIENT])
    # A pocket loses exactly what its buoyancy does, in adiabatic expansion: no energy is made or lost on the way.
    for a in range(active):
        f[st.ENTHALPY, int(work[INDEX, a])] -= work[FORCE, a] * ds
        work[PROGRESS, a] += ds
    x[st.SPEED] = v1
    if c[co.COFLOW_ON] != 0.0:
        x[st.COFLOW] = 2.0 * end.coflow - start.coflow  # the mean is that of both ends: the implicit midpoint rule
    flow[ledger.BUOYANCY] += end.buoyancy * ds
    flow[ledger.SHELL] += end.shell * ds
    # The chain gives F_d v (a claim may spare it a share, see `claims`). F_d (v - u) of it is dissipated at the
    # floaters; F_d u goes to the co-flow, whose own resistance dissipates it in the bulk.
    flow[ledger.DRAG] += force * 0.5 * (v0 + v1) * step
    flow[ledger.DRAG_LOCAL] += force * relative * step
    flow[ledger.DRAG_BULK] += drag(end.coflow, c[co.BULK_COEFFICIENT]) * end.coflow * step
    flow[ledger.WATER_EXCHANGE] += end.braking * ds
    # Where friction brings the chain to rest it acts as it does at the start, else as at the end: as it was solved.
    rubbing = v0 if end.stops else v1
    flow[ledger.CHAIN_FRICTION] += dry_friction(rubbing, c[co.FRICTION_FORCE], constants.STANDSTILL_SPEED) * ds
    flow[ledger.BRAKE] += dry_friction(rubbing, brake, constants.STANDSTILL_SPEED) * ds
    # A brake may stop a light chain in a fraction of the step, so this is sampled at the ends of every part.
    sampled[ledger.BRAKE] += 0.5 * step * rubbing_power(v0, v1, brake)
    # The gearbox turns with the sprocket, so that it has its no-load loss with the clutch open, too; its load loss goes
    # with the torque, and is 0 then.
    own_loss = c[co.NOLOAD_COEFFICIENT] * 0.5 * (v0 + v1) * ds
    ratio = c[co.SHAFT_PER_CHAIN]
    flow[ledger.GEARBOX] += own_loss + gearbox_load_loss(part.clutch, ratio * ds, 1.0 / part.transfer)
    flow[ledger.CHAIN_TRAVEL] += ds
    x[st.CLUTCH_TORQUE] += part.clutch * step  # impulses until the end of the step
    x[st.PTO_FORCE] += ratio * part.transfer * part.clutch * step
    x[st.SHELL_FORCE], x[st.DRAG_FORCE], x[st.EXCHANGE_FORCE] = end.shell, force, end.braking


@merged
def _book_shaft(
    c: Vector, x: Vector, flow: Vector, sampled: Vector, acting: Acting, start: PartStart, part: Part, stray: float
) -> None:
    """Turn the shaft by a part of a step and book the works over its angle; stray loss [N m]."""
    step, w0, w1 = part.chain.step, start.shaft, part.shaft
    mean = 0.5 * (w0 + w1)
    angle = mean * step
    hysteresis, mechanical = c[co.IRON_HYSTERESIS_TORQUE], c[co.MECHANICAL_COEFFICIENT]
    turning = w0 if part.halted else w1
    # As for the chain, a shaft that comes to rest has had the hysteresis of its start up to there.
    iron = iron_torque(turning, mean, hysteresis, c[co.IRON_EDDY_COEFFICIENT])
    dissipated = dry_friction(turning, stray, constants.SHAFT_STANDSTILL_SPEED)
    ratio = c[co.SHAFT_PER_CHAIN]
    # What the shaft moves, at its own speed [kg m2]: with the clutch locked, the chain as well.
    moved = part.moving / (ratio * (ratio * part.transfer)) if part.locked else c[co.SHAFT_INERTIA]
    x[st.SHAFT_SPEED] = w1
    # tau_gen, what the generator takes from the shaft; the flywheel's windage is not in it.
    x[st.SHAFT_TORQUE] = acting.torque + dissipated + iron + mechanical * mean
    flow[ledger.FLYWHEEL_WINDAGE] += c[co.WINDAGE_COEFFICIENT] * mean * abs(mean) * angle
    flow[ledger.GENERATOR_IRON] += iron * angle
    flow[ledger.GENERATOR_MECHANICAL] += mechanical * mean * angle
    flow[ledger.GENERATOR_STRAY] += dissipated * angle
    flow[ledger.SHAFT] += (acting.torque + dissipated + iron + mechanical * mean) * angle
    flow[ledger.SHAFT_ANGLE] += angle
    sampled[ledger.GENERATOR_STRAY] += sampled_dry(w0, w1, stray, hysteresis + stray, dissipated, moved, step)


@merged
def _conclude(c: Vector, x: Vector, flow: Vector, start_speed: float, lifted: float, brake: float, h: float) -> None:
    """Means over the step of what was summed, the claims, and the forces that are shown.

    Args:
        start_speed: of the chain at the start of the step [m/s].
        lifted: path of the co-flow [m].
        brake: force of the brake [N].
    """
    travel = flow[ledger.CHAIN_TRAVEL]
    x[st.ACCELERATION] = (x[st.SPEED] - start_speed) / h
    x[st.CLUTCH_TORQUE] /= h
    # F_pto = [G tau_c/eta_g + no-load drag]/R_s: the second follows from the mean speed of the step.
    x[st.PTO_FORCE] = x[st.PTO_FORCE] / h + c[co.NOLOAD_COEFFICIENT] * travel / h
    if x[st.CLAIMS_ACTIVE] != 0.0:
        book_claims(
            c, x, flow, flow[ledger.DRAG], flow[ledger.CHAIN_FRICTION], flow[ledger.BUOYANCY], travel, lifted, h
        )
    book_jet(c, x, flow, travel, h)
    # The lap's end is looked for once a step, after the books: here the position may pass the loop's length.
    x[st.POSITION] += travel
    x[st.FRICTION_FORCE] = dry_friction(x[st.SPEED], c[co.FRICTION_FORCE], constants.STANDSTILL_SPEED)
    x[st.BRAKE_FORCE] = dry_friction(x[st.SPEED], brake, constants.STANDSTILL_SPEED)


@inlined
def lock(
    x: Vector, flow: Vector, sampled: Vector, mass: float, inertia: float, ratio: float, efficiency: float
) -> None:
    """Join chain and shaft inelastically and book what that costs; an impulse has no power to sample.

    Args:
        mass: what the chain moves [kg].
        inertia: of the shaft [kg m2].
        ratio: angle of the shaft per path of the chain [rad/m].
        efficiency: of the gearbox in the direction of the power [-].
    """
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
