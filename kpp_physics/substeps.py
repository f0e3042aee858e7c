"""In how many parts a step is computed."""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, hypotheses
from kpp_physics import state as st
from kpp_physics.compiled import inlined
from kpp_physics.state import Vector

LARGEST_CHARGE = 1.0 / 128.0
LARGEST_PAID_CHARGE = 1.0 / 256.0
"""Air that the valve may let through in a part of a step, over what the pocket gets or the receiver holds [-]; and the
same where it pays for a jet, whose power scales with the cube of the flow."""

MOST = 64
"""Most parts, a power of two, as every number of parts is: the time at which they end is exact."""

LARGEST_DECAY = 0.25
"""Length of a part over the time in which the receiver would come to the pocket's pressure [-]."""

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
    # No air, no division: most steps end here, and cost a comparison.
    if x[st.SERVED] < 0.0 and not enters:
        return 1
    R, cv = c[co.GAS_CONSTANT], c[co.CP_AIR] - c[co.GAS_CONSTANT]
    pressure = x[st.RECEIVER_ENERGY] * R / (cv * c[co.RECEIVER_VOLUME])
    charge = _sonic(c, pressure) * c[co.STEP]
    # The last step's flow tells more than the sonic one, but not about a pulse that is about to begin.
    if not enters:  # a receiver as low as the pocket's pressure gives far less
        charge = min(charge, GROWTH * x[st.SERVED_FLOW] * c[co.STEP])
    behind = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * c[co.WATER_DEPTH]
    # A pocket can hold no more than its volume, whatever the target: a target far above it would hide how fast it
    # fills.
    capacity = c[co.FLOATER_VOLUME] * behind / (R * c[co.AMBIENT_TEMPERATURE])
    share = charge / min(c[co.TARGET_MASS], capacity, x[st.RECEIVER_MASS])
    largest = LARGEST_PAID_CHARGE if c[co.JET_MODE] == hypotheses.PHYSICAL else LARGEST_CHARGE
    decay = _decay(c, x, pressure)
    # Powers of two: their reciprocals are exact, so that the parts of a step end where it ends, to the bit. `MOST` is a
    # bound of the cost and no fault: a valve so large that it would ask for more is computed less exactly, and closes
    # its ledgers all the same, since every part books what it moves.
    parts = 1
    while (share > largest * parts or decay > LARGEST_DECAY * parts) and parts < MOST:
        parts *= 2
    return parts


@inlined
def _decay(c: Vector, x: Vector, pressure: float) -> float:
    """A step over the time constant with which the receiver comes to the pressure behind the valve [-].

    Near that pressure the flow scales with the root of the difference, and the less there is of it the faster it ends:
    ISO 6358 gives y = sqrt(1 - u^2) of the sonic flow, u = (r - b)/(1 - b), so that -dy/dr = u/(y (1 - b)). A step
    longer than the time constant takes too much, the next one too little, and so on.
    """
    sonic = x[st.SPOOL] * _sonic(c, pressure)
    if x[st.SERVED_FLOW] <= 0.0 or x[st.SERVED_FLOW] >= sonic:
        return 0.0
    y = x[st.SERVED_FLOW] / sonic
    return float(
        sonic * c[co.STEP] / x[st.RECEIVER_MASS] * math.sqrt(1.0 - y * y) / (y * (1.0 - c[co.VALVE_CRITICAL_RATIO]))
    )


@inlined
def _sonic(c: Vector, pressure: float) -> float:
    """Flow through the open valve into a pocket of low pressure [kg/s], from a receiver at ambient temperature."""
    return float(pressure * c[co.VALVE_CONDUCTANCE] * constants.VALVE_REFERENCE_DENSITY)
