"""Where a floater is on the loop: height, direction of travel, tilt and the air a tilted bucket can hold.

Coordinates: `x` is the progress along the chain in m, 0 at the start of the up run, negative on the bottom arc before
it; heights are in m above the lowest chain point; `theta` is the direction of travel against the vertical, so that
dz/ds = cos(theta). Physics specification: two straight runs of length `straight` joined by half circles of `radius`.
"""

import math

from kpp_physics.compiled import inlined


@inlined
def place(x: float, straight: float, radius: float) -> tuple[float, float, float]:
    """Height and direction of a floater on the up half of the loop or near it.

    Args:
        x: progress [m], -pi radius <= x <= straight + pi radius.
        straight: length of a straight run [m].
        radius: sprocket radius [m].

    Returns:
        Height z [m], cos(theta) [-], sin(theta) [-]. The tilt is below 90 degrees where cos(theta) > 0.
    """
    # Bottom arc: the angle x/R runs from -90 degrees at the nadir to 0 where the up run begins, and the tilt is the
    # same with the other sign.
    if x < 0.0:
        angle = x / radius
        sine = math.sin(angle)
        return radius + radius * sine, math.cos(angle), sine
    if x < straight:
        return radius + x, 1.0, 0.0
    # Top arc: a quarter of a circle to the apex, where cos(theta) passes through zero and the mouth is level; beyond it
    # the cosine is negative and the bucket holds nothing.
    angle = (x - straight) / radius
    sine = math.sin(angle)
    return radius + straight + radius * sine, math.cos(angle), sine


@inlined
def place_on_loop(s: float, straight: float, radius: float) -> tuple[float, float]:
    """Height and direction anywhere on the loop.

    Args:
        s: position along the loop [m], 0 <= s < 2 straight + 2 pi radius.
        straight: length of a straight run [m].
        radius: sprocket radius [m].

    Returns:
        Height z [m] and cos(theta) [-].
    """
    half = straight + math.pi * radius
    if s < half:
        z, cosine, _ = place(s, straight, radius)
        return z, cosine
    z, cosine, _ = place(s - half, straight, radius)  # the down half is the up half turned by 180 degrees
    return 2.0 * radius + straight - z, -cosine


@inlined
def _height_over_run_end(distance: float, radius: float) -> float:
    """Height against the end of the up run, `distance` [m] further on: straight below 0, circle above."""
    return distance if distance < 0.0 else radius * math.sin(distance / radius)


@inlined
def mean_slope(x: float, ds: float, cosine: float, sine: float, straight: float, radius: float) -> float:
    """Rise over path (z(x + ds) - z(x)) / ds of a floater, without cancellation; cos(theta) for ds = 0.

    Args:
        x: progress before the move [m].
        ds: path [m], of either sign, much shorter than the radius.
        cosine, sine: direction at x, from `place` [-].
        straight: length of a straight run [m].
        radius: sprocket radius [m].
    """
    end = x + ds
    if x >= 0.0 and x < straight and end >= 0.0 and end <= straight:
        return 1.0
    if (x < 0.0 and end <= 0.0) or (x >= straight and end >= straight):
        # On an arc the mean slope is cos(theta) in the middle times sinc(ds/2R): no difference of nearly equal heights.
        half = 0.5 * ds / radius
        # Series, exact to double precision; ds = 0 gives cos(theta) without a division by it.
        if abs(half) < 1e-2:
            square = half * half
            sine_half = half * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0)))
            cosine_half = 1.0 - square / 2.0 * (1.0 - square / 12.0 * (1.0 - square / 30.0))
            ratio = 1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0))
        else:
            sine_half = math.sin(half)
            cosine_half = math.cos(half)
            ratio = sine_half / half
        return (cosine * cosine_half - sine * sine_half) * ratio
    if x < 0.0 or end < 0.0:  # across the start of the up run: the same curve as its end, turned round
        return (_height_over_run_end(-x, radius) - _height_over_run_end(-end, radius)) / ds
    # Across the end of the up run. A difference of heights is safe here: both ends lie on either side of the corner, so
    # that ds is not zero.
    return (_height_over_run_end(end - straight, radius) - _height_over_run_end(x - straight, radius)) / ds


@inlined
def tilt_capacity(cosine: float, sine: float, aspect: float) -> float:
    """Share of its volume that a tilted prismatic bucket can hold as air, mouth backwards.

    The air fills the wedge above the horizontal through the lower edge of the mouth: with tilt th,
    1 - (aspect/2) tan th while the wedge reaches the roof, cot th/(2 aspect) beyond, 0 from 90 degrees on.

    Args:
        cosine, sine: of the bucket's axis against upright, the sign of the sine is indifferent [-].
        aspect: width in the plane of tilt over height of the bucket [-].
    """
    # Mouth up or level: nothing stays in. Continuous, since cot th falls to 0 there.
    if cosine <= 0.0:
        return 0.0
    # tan th against h_f/b without a division, so that an upright bucket (sine 0) needs no case of its own: it holds all
    # of its volume. Both branches give one half where they meet.
    opposite = aspect * abs(sine)
    if opposite <= cosine:
        return 1.0 - 0.5 * opposite / cosine
    return 0.5 * cosine / opposite
