"""Mechanical powers sampled at both ends of a part of a step, for the re-integration that checks the bookings."""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.compiled import inlined
from kpp_physics.generator import iron_torque
from kpp_physics.motion import dry_friction
from kpp_physics.state import Vector
from kpp_physics.water import drag


@inlined
def rubbing_power(v0: float, v1: float, force: float) -> float:
    """Sum of the powers of a dry friction at two speeds [W].

    Args:
        v0, v1: speeds [m/s].
        force: of full friction [N].
    """
    # Friction has the sign of the speed, so that its power is never negative; half of this sum is the trapezoid.
    scale = constants.STANDSTILL_SPEED
    return dry_friction(v0, force, scale) * v0 + dry_friction(v1, force, scale) * v1


@inlined
def sampled_dry(w0: float, w1: float, force: float, all_dry: float, end: float, inertia: float, step: float) -> float:
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
    # Over how many time constants the friction acts; none on a shaft that stands.
    stiffness = dry_friction(w0, all_dry, scale) / w0 * step / inertia if w0 != 0.0 else 0.0
    if stiffness < 1.0:
        return 0.5 * step * (first + last)
    # w^2 dies with exp(-2 t/T) from `first` to `last`: the mean of that over the part, in closed form.
    return step * (last + (first - last) * -math.expm1(-2.0 * stiffness) / (2.0 * stiffness))


@inlined
def sample(
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
    # Trapezoid: half of the part with the speeds at its start, half with those at its end. The bookings use mean
    # speeds, so the two agree only as far as the part is short enough, which is what this check is for.
    v, u, w = v0, u0, w0
    for _ in range(2):
        pull = drag(v - u, c[co.DRAG_COEFFICIENT])
        dragged += pull * v
        sampled[ledger.DRAG_LOCAL] += half * pull * (v - u)
        sampled[ledger.DRAG_BULK] += half * drag(u, c[co.BULK_COEFFICIENT]) * u
        # 1/2 m v^2, half of it with the speed at either end.
        sampled[ledger.WATER_EXCHANGE] += 0.25 * exchanged * v * v
        # A loss in either direction of the chain, hence its magnitude.
        load = clutch * ratio * abs(v) * (1.0 / efficiency - 1.0)
        sampled[ledger.GEARBOX] += half * (c[co.NOLOAD_COEFFICIENT] * v * v + load)
        sampled[ledger.FLYWHEEL_WINDAGE] += half * c[co.WINDAGE_COEFFICIENT] * w * w * abs(w)
        sampled[ledger.GENERATOR_IRON] += (
            half * w * iron_torque(w, w, c[co.IRON_HYSTERESIS_TORQUE], c[co.IRON_EDDY_COEFFICIENT])
        )
        sampled[ledger.GENERATOR_MECHANICAL] += half * c[co.MECHANICAL_COEFFICIENT] * w * w
        v, u, w = x[st.SPEED], x[st.COFLOW], x[st.SHAFT_SPEED]
    # Forces of hypotheses are constant in the step, and the sample is the force over the path.
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
