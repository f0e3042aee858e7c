"""The endless chain: tension around the loop, and the shells' own weight and buoyancy."""

import math
from typing import NamedTuple

from kpp_physics.compiled import inlined
from kpp_physics.geometry import mean_slope, place, place_on_loop
from kpp_physics.state import EMPTY_HIGH, EMPTY_LOW, Vector


@inlined
def shell_slope(position: float, ds: float, count: int, pitch: float, straight: float, radius: float) -> float:
    """Sum of the mean rises over path of all floaters [-]; 0 for an even number.

    Args:
        position: of floater 0 along the loop [m].
        ds: path [m].
        count: number of floaters.
        pitch, straight, radius: of the loop [m].
    """
    # For an even number every floater has one opposite to it, and the sum is 0 to rounding: callers leave it out.
    half = straight + math.pi * radius
    total = 0.0
    for i in range(count):
        s = position + i * pitch
        # Round the loop as often as need be: `position` may have passed its end within the step.
        s -= math.floor(s / (2.0 * half)) * 2.0 * half
        sign = 1.0
        # The down half is the up half turned by 180 degrees.
        if s >= half:
            s -= half
            sign = -1.0
        _, cosine, sine = place(s, straight, radius)
        total += sign * mean_slope(s, ds, cosine, sine, straight, radius)
    return total


class _Walk(NamedTuple):
    """Tension along the loop as far as it has been followed, from an unknown one at the start that counts as 0."""

    tension: float
    """Behind the last place [N]."""
    integral: float
    """Of the tension over the length so far [N m]."""
    place: float
    """Where the tension changed last [m]."""
    highest: float
    """Highest tension so far [N]."""
    lowest: float
    """Lowest tension so far [N]."""


@inlined
def _walk_to(walk: _Walk, place: float, jump: float) -> _Walk:
    """Go on to a place [m] at which the tension changes by a jump [N]; up to there it stays what it is."""
    # Nothing acts on the chain between two places, so that the tension is a staircase: its extremes are the values
    # after the jumps, and its integral a sum of rectangles.
    integral = walk.integral + walk.tension * (place - walk.place)
    tension = walk.tension + jump
    return _Walk(tension, integral, place, max(walk.highest, tension), min(walk.lowest, tension))


@inlined
def tension(
    volume: Vector,
    ingested: Vector,
    position: float,
    speed: float,
    acceleration: float,
    drag_force: float,
    friction_force: float,
    brake_force: float,
    pto_force: float,
    pitch: float,
    straight: float,
    radius: float,
    dry_mass: float,
    density: float,
    floater_volume: float,
    weight: float,
    shell_force: float,
    pretension: float,
    h: float,
) -> tuple[float, float]:
    """Highest and lowest tension of a chain on fixed centres [N]; the lowest is below 0 where the chain is slack.

    Going round in running direction, the tension changes by m_i dv/dt - f_i at a floater, by the forces of drivetrain,
    brake and half the friction at the top apex, and by half the friction at the bottom apex.

    Args:
        volume: air in each floater [m3].
        ingested: water each floater took in during the last step [kg].
        position, speed, acceleration: of the chain [m, m/s, m/s2].
        drag_force, friction_force, brake_force, pto_force: on the whole chain, > 0 brakes [N].
        pitch, straight, radius: of the loop [m].
        dry_mass: floater, its share of the chain and its added mass [kg].
        density: of water [kg/m3].
        floater_volume: [m3].
        weight: rho g [N/m3].
        shell_force: (rho/rho_f - 1) m_f g [N].
        pretension: [N].
        h: step [s].
    """
    count = volume.shape[0]
    half = straight + math.pi * radius
    top, bottom = straight + 0.5 * math.pi * radius, 2.0 * half - 0.5 * math.pi * radius
    first = math.ceil(-position / pitch)  # the first floater behind the start of the up run, where the walk begins
    own_drag = drag_force / count
    # The level is free: an endless chain has no loose end. It follows from the mean at the end.
    walk = _Walk(0.0, 0.0, 0.0, EMPTY_HIGH, EMPTY_LOW)
    top_passed = bottom_passed = False
    for j in range(first, first + count):
        s = position + j * pitch
        # A force that brakes at a sprocket raises the tension beyond it: there the chain pulls the sprocket round.
        if not top_passed and s >= top:
            walk = _walk_to(walk, top, pto_force + brake_force + 0.5 * friction_force)
            top_passed = True
        if not bottom_passed and s >= bottom:
            walk = _walk_to(walk, bottom, 0.5 * friction_force)
            bottom_passed = True
        i = j % count
        _, cosine = place_on_loop(s, straight, radius)
        # Water that is taken in comes from rest and gets the chain's speed: a force against it.
        # Newton for one floater, T_after - T_before = m_i dv/dt - f_i: buoyancy on the up run lowers it.
        force = (weight * volume[i] + shell_force) * cosine - own_drag - ingested[i] * speed / h
        walk = _walk_to(walk, s, (dry_mass + density * (floater_volume - volume[i])) * acceleration - force)
    # Half of the loop lies beyond the top apex, and a floater always stands there; beyond the bottom apex lies a
    # quarter of a circle, where there may be none.
    if not bottom_passed:
        walk = _walk_to(walk, bottom, 0.5 * friction_force)
    # On fixed centres the chain's length, and so the mean of its tension over the length, stays what it is.
    integral = walk.integral + walk.tension * (2.0 * half - walk.place)
    shift = pretension - integral / (2.0 * half)
    return walk.highest + shift, walk.lowest + shift


@inlined
def descending(position: float, count: int, pitch: float, straight: float, radius: float) -> float:
    """Sum of max(0, -cos theta) over the floaters [-]: how many hang in the down shaft, tilted ones in part.

    Args:
        position: of floater 0 along the loop [m].
        count: number of floaters.
        pitch, straight, radius: of the loop [m].
    """
    total = 0.0
    loop = 2.0 * (straight + math.pi * radius)
    for i in range(count):
        s = position + i * pitch
        if s >= loop:
            s -= loop
        # One that hangs upside down has the lighter water inside and around it; on the arcs it has part of it.
        _, cosine = place_on_loop(s, straight, radius)
        total += max(0.0, -cosine)
    return total


@inlined
def moving_mass(dry: float, density: float, capacity: float, volumes: Vector) -> float:
    """Mass that the chain moves: itself, its floaters and the water in them [kg].

    Args:
        dry: chain and floaters, with the water that goes along outside them [kg].
        density, capacity: of the water and of a floater [kg/m3, m3].
        volumes: air in every floater [m3].
    """
    air = 0.0
    for i in range(volumes.shape[0]):
        air += volumes[i]
    return float(dry + density * (volumes.shape[0] * capacity - air))
