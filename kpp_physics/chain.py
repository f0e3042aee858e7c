"""The endless chain: tension around the loop, and the shells' own weight and buoyancy."""

import math

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
    half = straight + math.pi * radius
    total = 0.0
    for i in range(count):
        s = position + i * pitch
        s -= math.floor(s / (2.0 * half)) * 2.0 * half
        sign = 1.0
        if s >= half:
            s -= half
            sign = -1.0
        _, cosine, sine = place(s, straight, radius)
        total += sign * mean_slope(s, ds, cosine, sine, straight, radius)
    return total


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

    Going round in the running direction, the tension changes by m_i dv/dt - f_i at a floater, by the drivetrain's
    force, the brake's and half the friction at the top apex, and by half the friction at the bottom apex. The
    length-weighted mean is the pretension.

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
    first = math.ceil(-position / pitch)
    own_drag = drag_force / count
    T = integral = last = 0.0
    highest, lowest = EMPTY_HIGH, EMPTY_LOW
    top_passed = bottom_passed = False
    for j in range(first, first + count):
        s = position + j * pitch
        if not top_passed and s >= top:
            integral += T * (top - last)
            last = top
            T += pto_force + brake_force + 0.5 * friction_force
            highest, lowest = max(highest, T), min(lowest, T)
            top_passed = True
        if not bottom_passed and s >= bottom:
            integral += T * (bottom - last)
            last = bottom
            T += 0.5 * friction_force
            highest, lowest = max(highest, T), min(lowest, T)
            bottom_passed = True
        integral += T * (s - last)
        last = s
        i = j % count
        _, cosine = place_on_loop(s, straight, radius)
        force = (weight * volume[i] + shell_force) * cosine - own_drag - ingested[i] * speed / h
        T += (dry_mass + density * (floater_volume - volume[i])) * acceleration - force
        highest, lowest = max(highest, T), min(lowest, T)
    if not bottom_passed:
        integral += T * (bottom - last)
        last = bottom
        T += 0.5 * friction_force
        highest, lowest = max(highest, T), min(lowest, T)
    integral += T * (2.0 * half - last)
    shift = pretension - integral / (2.0 * half)
    return highest + shift, lowest + shift


@inlined
def descending(position: float, count: int, pitch: float, straight: float, radius: float) -> float:
    """Sum of max(0, -cos theta) over the floaters [-]: how many hang in the down shaft, tilted ones in part."""
    total = 0.0
    loop = 2.0 * (straight + math.pi * radius)
    for i in range(count):
        s = position + i * pitch
        if s >= loop:
            s -= loop
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
