"""The buoyancy of the pockets that hold air, packed side by side in the work array."""

from typing import Final

import numpy as np

from kpp_physics import coefficients as co
from kpp_physics import state as st
from kpp_physics.air import adiabatic_mean, bucket_volume
from kpp_physics.compiled import inlined
from kpp_physics.geometry import mean_slope, place
from kpp_physics.state import Vector

INDEX, PROGRESS, PRESSURE, AIR_VOLUME, COSINE, SINE, FORCE = range(7)
"""Rows of the work array, one column a pocket: its floater, place [m], pressure at the roof [Pa], volume [m3], cosine
and sine of its tilt, force [N]."""

SUMS: Final = 7
"""Row of the sums over the pockets of a step (`pocket_air`)."""

SUMS_WIDTH: Final = 12
_ROWS: Final = 8


def work_array(floaters: int) -> Vector:
    """The scratch of a step for at most so many floaters; it carries nothing from step to step."""
    return np.zeros((_ROWS, max(floaters, SUMS_WIDTH)))


@inlined
def refresh(c: Vector, x: Vector, f: Vector, work: Vector, active: int) -> None:
    """Bring the packed pockets up to the present position, for the second part of a divided step."""
    depth = c[co.WATER_DEPTH] + x[st.LEVEL]
    for a in range(active):
        i = int(work[INDEX, a])
        # Only the height has changed since the pockets were packed: heat, spill and exchange of water wait for the next
        # step, and the volume follows from the energy that the first part has left.
        z, work[COSINE, a], work[SINE, a] = place(work[PROGRESS, a], c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        work[PRESSURE, a] = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * (depth - z)
        work[AIR_VOLUME, a] = bucket_volume(
            f[st.ENTHALPY, i], work[PRESSURE, a], c[co.GAS_EXPONENT], f[st.STIFFNESS, i]
        )


@inlined
def mean_buoyancy(c: Vector, f: Vector, work: Vector, active: int, ds: float) -> float:
    """Sum of the mean buoyancy forces over a path ds [N]; leaves each pocket's force in the work array.

    Force times path is exactly the enthalpy that the pocket loses in adiabatic expansion (a discrete gradient); with a
    finite bucket it is the trapezoid of the volumes at both ends, and the pocket loses force times path all the same.
    """
    straight, radius = c[co.STRAIGHT_LENGTH], c[co.RADIUS]
    weight, exponent = c[co.SPECIFIC_WEIGHT], c[co.GAS_EXPONENT]
    total = 0.0
    for a in range(active):
        slope = mean_slope(work[PROGRESS, a], ds, work[COSINE, a], work[SINE, a], straight, radius)
        volume = work[AIR_VOLUME, a]
        stiffness = f[st.STIFFNESS, int(work[INDEX, a])]
        # Point pocket: dp = -rho g dz, and H varies as p^(R/cp), so that the loss of H over path is rho g V times the
        # mean slope times `adiabatic_mean`. At ds = 0 both means are 1 and cos(theta), and this is the local force rho
        # g V cos(theta). Downwards the slope is negative: the force is, too, and the pocket gains what compresses it.
        if stiffness == 0.0:
            epsilon = -weight * slope * ds / work[PRESSURE, a]
            force = weight * volume * slope * adiabatic_mean(epsilon, exponent)
        else:
            energy = f[st.ENTHALPY, int(work[INDEX, a])]
            roof = work[PRESSURE, a] - weight * slope * ds
            force = weight * volume * slope
            # The trapezoid is an equation for the force. Each turn leaves its error times weight ds/pressure, 1e-4 in a
            # step, so two of them are right to 1e-8 of the change; and energy closes for any force.
            for _ in range(2):
                end = bucket_volume(energy - force * ds, roof, exponent, stiffness)
                force = weight * slope * 0.5 * (volume + end)
        work[FORCE, a] = force
        total += force
    return total
