"""The implicit step of a moving mass against dry friction, viscous and quadratic losses, and the water it drags along.

One solver serves the chain, the shaft, and both locked together. Dry friction and brake act with the speed at the end
of the step (a stiff force must not bounce), everything else with the mean speed, so that force times path closes the
energy exactly.
"""

import math
from typing import Final, NamedTuple

from kpp_physics.compiled import inlined
from kpp_physics.water import coflow_correction, drag

_SATURATED = 20.0  # tanh(20) is 1 to double precision

PASSES = 120
"""Most passes of a solver; a bracket as wide as the step's change is halved to rounding in about sixty."""

RESIDUAL = 1e-9
"""Largest force left over in a solution, over the sum of the forces' magnitudes; above it nothing has been solved."""

TINY = 1e-250
"""Force below which doubles lose digits, so that no balance to `RESIDUAL` of it can be asked for [N or N m]."""

ROUNDING = 4e-16
"""The same at which another pass cannot improve it; and of a correction over the speed."""


class Resistances(NamedTuple):
    """What a moving mass works against in a step, all but the water; a shaft counts rad for m and N m for N."""

    inertia: float
    """Mass or moment of inertia [kg or kg m2]."""
    driving: float
    """Constant force, > 0 accelerates [N or N m]."""
    linear: float
    """Loss in proportion to the mean speed [N s/m]."""
    quadratic: float
    """Loss in proportion to its square [N s2/m2]."""
    dry: float
    """Dry friction that fades below `dry_scale` [N]."""
    dry_scale: float
    """Speed scale of that friction [m/s]."""
    second_dry: float
    """A dry friction with another scale: that of the shaft, if it is locked to the chain [N]."""
    second_scale: float
    """Speed scale of that friction [m/s], > 0 even if there is none."""


class Water(NamedTuple):
    """What the water does to the chain in a step."""

    drag: float
    """k_d = 1/2 rho N A_D chi B [kg/m], 0 without water."""
    coflow_on: float
    """1 if the chain drags the water along, else 0 [-]."""
    coflow: float
    """Co-flow speed at the start of the step [m/s]."""
    bulk: float
    """1/2 rho (A_s/2) K_w of the co-flow [kg/m]."""
    mass: float
    """Water in the shaft M_w [kg], > 0."""
    lift: float
    """Airlift of gas F_a, against the co-flow [N]."""
    paid: float
    """Share of the drag that the chain pays; the water always receives all of it [-]."""


DRY: Final = Water(0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0)
"""No water: for a shaft that turns by itself."""


@inlined
def dry_friction(speed: float, force: float, scale: float) -> float:
    """Regularised dry friction force tanh(speed/scale) [N or N m, as `force`], > 0 against forward motion.

    Args:
        speed, scale: present speed, and the speed below which the friction fades [m/s or rad/s].
        force: of full friction [N or N m].
    """
    # Below the scale the friction falls with the speed, to none at rest: a chain under any pull creeps, at the speed at
    # which pull and friction balance, and one without a pull stays where it is.
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
    # d(tanh x)/dx = 1 - tanh^2 x; full friction has no slope at all.
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
        # Relative for water that flows, absolute for water at rest.
        settled = change <= 1e-13 * abs(estimate) + 1e-20
        if change <= 1e-16 * abs(estimate) + 1e-20:
            break
    return estimate, sensitivity, settled


@inlined
def _slope(
    load: Resistances, water: Water, mean: float, end: float, relative: float, sensitivity: float, inertia: float
) -> float:
    """Derivative of the forces left over by the change of speed [N s/m], > 0 and never below the inertia over the step.

    Args:
        mean, end: speed over the step and at its end [m/s]; half of a change is in the mean, all of it at the end.
        relative: speed of the chain against the water [m/s].
        sensitivity: of the co-flow to the chain's mean speed [-], 0 to 1, so that the water's share is not negative.
        inertia: mass over the step [kg/s].
    """
    return (
        inertia
        + 0.5 * load.linear
        + load.quadratic * abs(mean)
        + water.paid * water.drag * abs(relative) * (1.0 - sensitivity)
        + _dry_friction_slope(end, load.dry, load.dry_scale)
        + _dry_friction_slope(end, load.second_dry, load.second_scale)
    )


@inlined
def end_speed(
    start: float, guess: float, load: Resistances, water: Water, coflow_mean: float, h: float
) -> tuple[float, float, bool]:
    """Speed after a step: m (v1 - v0)/h = driving - losses - water - dry frictions, solved to rounding.

    Newton's method within a bracket. Losses and water act with the mean speed (v0 + v1)/2, so that force times path is
    exactly the energy that changes hands; dry frictions act with the end speed, so that a stiff one stops the mass and
    does not throw it back.

    Args:
        start, guess: speed at the start and a guess of the speed at the end [m/s or rad/s].
        load: what the mass works against.
        water: what the water does; `DRY` for a shaft.
        coflow_mean: guess of the mean co-flow speed [m/s].
        h: step [s].

    Returns:
        Speed at the end and mean co-flow speed [m/s], and whether the forces balance to `RESIDUAL`: False after
        `PASSES` passes, of which the caller makes a fault.
    """
    # The unknown is the change and not the speed: near a steady state it has many more digits.
    change = guess - start
    inertia = load.inertia / h
    low = high = 0.0
    bracketed = converged = False
    settled = True
    before = math.inf
    for _ in range(PASSES):
        mean = start + 0.5 * change
        end = start + change
        sensitivity = 0.0
        if water.coflow_on != 0.0:
            coflow_mean, sensitivity, settled = mean_coflow(
                coflow_mean, water.coflow, mean, water.drag, water.bulk, water.mass, h, water.lift
            )
        relative = mean - coflow_mean
        # At the end speed, since a friction stiffer than the step would otherwise turn the motion round instead of
        # ending it.
        first = dry_friction(end, load.dry, load.dry_scale)
        second = dry_friction(end, load.second_dry, load.second_scale)
        # The water receives all of the drag, whatever share of it a claim lets the chain pay: that is why `mean_coflow`
        # does not know of `paid`.
        pull = water.paid * drag(relative, water.drag)
        losses = load.linear * mean + load.quadratic * mean * abs(mean)
        residual = inertia * change - load.driving + losses + pull + first + second
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
        scale = abs(inertia * change) + abs(load.driving) + abs(losses) + abs(pull) + abs(first) + abs(second)
        correction = -residual / _slope(load, water, mean, end, relative, sensitivity, inertia)
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
        # Half of the chain's correction is in its mean speed, and the co-flow follows that: a better first estimate for
        # the next pass.
        coflow_mean += 0.5 * sensitivity * correction
    return start + change, coflow_mean, converged
