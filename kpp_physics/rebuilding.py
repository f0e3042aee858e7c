"""What becomes of chain, shaft and air when a fork puts another machine around them.

It is part of the change of the machine: what it costs stands in what the change took, and in no line of the run.
"""

from kpp_physics import coefficients as co
from kpp_physics import state as st
from kpp_physics.air import bucket_volume
from kpp_physics.compiled import compiled, interpreted
from kpp_physics.drivetrain import locking_impulse
from kpp_physics.state import Vector
from kpp_physics.stores import roof


def mesh(c: Vector, x: Vector, f: Vector) -> None:
    """Bring chain and shaft together under another gear: a sprocket ahead of the shaft meets it inelastically.

    A shaft that is ahead turns freely.

    Args:
        c: coefficients of the changed plant; x, f: its scalars and floaters, changed in place.
    """
    ratio = c[co.SHAFT_PER_CHAIN]
    slip = float(x[st.SHAFT_SPEED] - ratio * x[st.SPEED])
    # The clutch has no memory of the old gear: it is open if the shaft is ahead under the new one, else it has locked.
    x[st.LOCKED] = 0.0 if slip > 0.0 else 1.0
    if slip >= 0.0:
        return
    # Water that fills the floaters moves with the chain; what air has pushed out does not.
    water = c[co.FLOATER_COUNT] * c[co.FLOATER_VOLUME] - f[st.VOLUME].sum()
    mass = float(c[co.DRY_MASS] + c[co.WATER_DENSITY] * water)
    dv, _, _ = interpreted(locking_impulse)(slip, mass, c[co.SHAFT_INERTIA], ratio, 1.0)
    x[st.SPEED] += dv
    x[st.SHAFT_SPEED] = ratio * x[st.SPEED]


@compiled("void(float64[::1], float64[::1], float64[:,::1])")
def refit(c: Vector, x: Vector, f: Vector) -> None:
    """Fit the air into the changed buckets: each pocket has the volume of its air, and what has no room is gone.

    Left to the first step, the water of a bucket that has become smaller would exceed what the chain weighs, and an
    outlet would have to let out in a millisecond what a wider mouth displaces.

    Args:
        c: coefficients of the changed plant; x, f: its scalars and floaters, changed in place.
    """
    k, room = c[co.GAS_EXPONENT], c[co.FLOATER_VOLUME]
    # Every floater, on both sides: one on the way down may still hold air that the last step has not let out.
    for i in range(f.shape[1]):
        if f[st.MASS, i] == 0.0:
            f[st.VOLUME, i] = 0.0
            continue
        stiffness, energy = f[st.STIFFNESS, i], f[st.ENTHALPY, i]
        pressure, _ = roof(c, x, x[st.POSITION] + i * c[co.PITCH])
        volume = bucket_volume(energy, pressure, k, stiffness)
        if volume > room:  # the rest leaves as warm as it is
            enthalpy = energy + 0.5 * stiffness * volume * volume
            left = room * (pressure + stiffness * room) / k
            f[st.MASS, i] *= left / enthalpy
            f[st.ENTHALPY, i] = left - 0.5 * stiffness * room * room
            volume = room
        # No exchange of water is booked: the changed plant begins with these volumes.
        f[st.VOLUME, i] = volume
