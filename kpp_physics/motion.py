"""The implicit step of a moving mass against dry friction, viscous and quadratic losses, and the water it drags along.

One solver serves the chain, the shaft, and both locked together. Dry friction and brake act with the speed at the end
of the step (a stiff force must not bounce), everything else with the mean speed, so that force times path closes the
energy exactly.
"""

import math

from kpp_physics.compiled import inlined
from kpp_physics.water import coflow_correction, drag

_SATURATED = 20.0  # tanh(20) is 1 to double precision

PASSES = 120
"""Most passes of a solver: a bracket as wide as the step's change is halved to rounding in about sixty."""

RESIDUAL = 1e-9
"""Force left over, over the sum of the forces' magnitudes, above which a solution is none."""

TINY = 1e-250
"""Force so small that doubles near it lose digits, and no balance to `RESIDUAL` of it can be asked for [N or N m]."""

ROUNDING = 4e-16
"""The same at which no pass can make it better; likewise of a correction over the speed."""


@inlined
def dry_friction(speed: float, force: float, scale: float) -> float:
    """Regularised dry friction force tanh(speed/scale) [N or N m, as `force`], > 0 against forward motion.

    Args:
        speed, scale: present speed, and the speed below which the friction fades [m/s or rad/s].
        force: of full friction [N or N m].
    """
    x = speed / scale
    if x > _SATURATED:
        return force
    if x < -_SATURATED:
        return -force
    return force * math.tanh(x)


@inlined
def _dry_friction_slope(speed: float, force: float, scale: float) -> float:
    x = speed / scale
    if abs(x) > _SATURATED:
        return 0.0
    tangent = math.tanh(x)
    return force / scale * (1.0 - tangent * tangent)


@inlined
def mean_coflow(
    estimate: float,
    start: float,
    speed: float,
    drag_coefficient: float,
    bulk_coefficient: float,
    mass: float,
    h: float,
    lift: float = 0.0,
) -> tuple[float, float, bool]:
    """Mean co-flow speed over a step at a given mean chain speed.

    The equation is monotone, so Newton's corrections converge. Returns the speed [m/s], its sensitivity to the chain
    speed [-], and whether it settled to rounding.

    Args:
        estimate, start: mean co-flow speed guessed, and co-flow speed at the start of the step [m/s].
        speed: mean chain speed over the step [m/s].
        drag_coefficient, bulk_coefficient: k_d and 1/2 rho (A_s/2) K_w [kg/m].
        mass: water in the shaft M_w [kg].
        h: step [s].
        lift: airlift of gas F_a, against the co-flow [N].
    """
    sensitivity = 0.0
    settled = False
    for _ in range(PASSES):
        corrected, sensitivity = coflow_correction(
            estimate, start, speed, drag_coefficient, bulk_coefficient, mass, h, lift
        )
        change = abs(corrected - estimate)
        estimate = corrected
        settled = change <= 1e-13 * abs(estimate) + 1e-20
        if change <= 1e-16 * abs(estimate) + 1e-20:
            break
    return estimate, sensitivity, settled


@inlined
def end_speed(
    start: float,
    guess: float,
    mass: float,
    driving: float,
    linear: float,
    quadratic: float,
    dry: float,
    dry_scale: float,
    second_dry: float,
    second_scale: float,
    drag_coefficient: float,
    coflow_on: float,
    coflow: float,
    coflow_mean: float,
    bulk_coefficient: float,
    coflow_mass: float,
    h: float,
    lift: float = 0.0,
    paid: float = 1.0,
) -> tuple[float, float, bool]:
    """Speed after a step: mass (v1 - v0)/h = driving - losses, solved to rounding.

    Args:
        start, guess: speed at the start and a guess of the speed at the end [m/s or rad/s].
        mass: mass or inertia [kg or kg m2].
        driving: constant force, > 0 accelerates [N or N m].
        linear, quadratic: coefficients of losses with the mean speed [N s/m, N s2/m2].
        dry, dry_scale, second_dry, second_scale: two dry frictions with their speed scales [N, m/s].
        drag_coefficient: k_d of the water [kg/m], 0 without water.
        coflow_on: 1 if the water is dragged along, else 0.
        coflow, coflow_mean: co-flow speed at the start, and a guess of its mean [m/s].
        bulk_coefficient, coflow_mass: of the co-flow [kg/m, kg].
        h: step [s].
        lift: airlift of gas against the co-flow [N].
        paid: share of the drag that the chain pays; the water always receives all of it [-].

    Returns:
        Speed at the end and mean co-flow speed [m/s], and whether the forces balance to `RESIDUAL`.
    """
    change = guess - start
    inertia = mass / h
    low = high = 0.0
    bracketed = converged = False
    settled = True
    before = math.inf
    for _ in range(PASSES):
        mean = start + 0.5 * change
        end = start + change
        sensitivity = 0.0
        if coflow_on != 0.0:
            coflow_mean, sensitivity, settled = mean_coflow(
                coflow_mean, coflow, mean, drag_coefficient, bulk_coefficient, coflow_mass, h, lift
            )
        relative = mean - coflow_mean
        first, second = dry_friction(end, dry, dry_scale), dry_friction(end, second_dry, second_scale)
        water = paid * drag(relative, drag_coefficient)
        losses = linear * mean + quadratic * mean * abs(mean)
        residual = inertia * change - driving + losses + water + first + second
        slope = (
            inertia
            + 0.5 * linear
            + quadratic * abs(mean)
            + paid * drag_coefficient * abs(relative) * (1.0 - sensitivity)
            + _dry_friction_slope(end, dry, dry_scale)
            + _dry_friction_slope(end, second_dry, second_scale)
        )
        # The residual rises everywhere at least as steeply as the inertia, so one value of it brackets the root.
        # A hair wider, since in a very short part the slope is that of the inertia to rounding.
        reach = residual / inertia * (1.0 + RESIDUAL)
        if not bracketed:
            low, high = min(change, change - reach), max(change, change - reach)
            bracketed = True
        elif residual > 0.0:
            high = change
        else:
            low = change
        scale = abs(inertia * change) + abs(driving) + abs(losses) + abs(water) + abs(first) + abs(second)
        correction = -residual / slope
        # What cannot change the speed by a rounding error of a rounding error is in balance, too.
        least = ROUNDING * ROUNDING * abs(end)
        converged = settled and (abs(residual) <= RESIDUAL * scale + TINY or abs(correction) <= least)
        # At rounding the sign of the residual is noise and must steer nothing any more.
        if converged and (abs(residual) <= ROUNDING * scale or abs(correction) <= ROUNDING * abs(end) + 1e-20):
            break
        # Newton alone can jump to and fro across the knee of a stiff brake: when it leaves the bracket, or does not
        # halve its own correction, the bracket is halved instead.
        if not low <= change + correction <= high or abs(correction) > 0.5 * before:
            correction = 0.5 * (low + high) - change
        before = abs(correction)
        change += correction
        coflow_mean += 0.5 * sensitivity * correction
    return start + change, coflow_mean, converged
