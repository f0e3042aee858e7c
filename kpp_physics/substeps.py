"""In how many parts a step is computed."""

from kpp_physics import coefficients as co
from kpp_physics import constants, hypotheses
from kpp_physics import state as st
from kpp_physics.compiled import inlined
from kpp_physics.state import Vector

LARGEST_CHARGE = 1.0 / 128.0
LARGEST_PAID_CHARGE = 1.0 / 256.0
"""Air that the valve may let through in a part of a step, over what the pocket gets or the receiver holds [-]; and the
same where it pays for a jet, whose power goes with the cube of the flow."""

MOST = 64
"""Most parts, a power of two, as every number of parts is: the time at which they end is exact."""

GROWTH = 2.0
"""Factor by which the flow into a pocket may grow from one step to the next: the spool opens, a bucket gets full."""


@inlined
def substeps(c: Vector, x: Vector) -> int:
    """Number of equal parts of the coming step: more than one while air enters a pocket fast.

    Valve, pocket, chain and water act one after the other in a step. What they do to each other within it is as wrong
    as the share of the pocket that a step fills.
    """
    ahead = (c[co.WINDOW_START] - x[st.POSITION]) % c[co.PITCH]
    enters = ahead <= GROWTH * x[st.SPEED] * c[co.STEP]  # or may, if the chain gains speed
    if x[st.SERVED] < 0.0 and not enters:
        return 1
    R, cv = c[co.GAS_CONSTANT], c[co.CP_AIR] - c[co.GAS_CONSTANT]
    pressure = x[st.RECEIVER_ENERGY] * R / (cv * c[co.RECEIVER_VOLUME])
    charge = pressure * c[co.VALVE_CONDUCTANCE] * constants.VALVE_REFERENCE_DENSITY * c[co.STEP]  # sonic
    if not enters:  # a receiver as low as the pocket's pressure gives far less
        charge = min(charge, GROWTH * x[st.SERVED_FLOW] * c[co.STEP])
    behind = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * c[co.WATER_DEPTH]
    capacity = c[co.FLOATER_VOLUME] * behind / (R * c[co.AMBIENT_TEMPERATURE])
    share = charge / min(c[co.TARGET_MASS], capacity, x[st.RECEIVER_MASS])
    largest = LARGEST_PAID_CHARGE if c[co.JET_MODE] == hypotheses.PHYSICAL else LARGEST_CHARGE
    parts = 1
    while share > largest * parts and parts < MOST:
        parts *= 2
    return parts
