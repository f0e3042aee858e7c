"""Sprocket, gearbox and one-way clutch."""

from kpp_physics.compiled import inlined


@inlined
def locking_impulse(
    slip: float, chain_mass: float, inertia: float, shaft_per_chain: float, efficiency: float
) -> tuple[float, float, float]:
    """The inelastic lock of the one-way clutch when the sprocket side is faster than the shaft.

    The torque impulse P on the shaft makes both sides equal; the chain gives shaft_per_chain P/efficiency.

    Args:
        slip: shaft speed minus geared chain speed before [rad/s], <= 0.
        chain_mass: moving mass M of the chain [kg].
        inertia: shaft inertia J [kg m2].
        shaft_per_chain: G/R_s [rad/m].
        efficiency: load efficiency of the gearbox [-].

    Returns:
        Change of chain speed [m/s], change of shaft speed [rad/s], clutch loss |slip| P/2 [J] (for efficiency 1 it
        is 1/2 J1 J2/(J1 + J2) slip^2 with both inertias on one shaft). All 0 at zero slip.
    """
    # The gearbox loses its share of an impulse as of any torque: the chain gives 1/efficiency of what the shaft gets.
    impulse = -slip / (1.0 / inertia + shaft_per_chain * shaft_per_chain / (efficiency * chain_mass))
    return -shaft_per_chain * impulse / (efficiency * chain_mass), impulse / inertia, -0.5 * slip * impulse


@inlined
def gearbox_load_loss(torque: float, angle: float, efficiency: float) -> float:
    """Load loss of the gearbox [J].

    Args:
        torque: clutch torque on the fast side [N m].
        angle: turned by the fast side of the gearbox [rad].
        efficiency: load efficiency [-].
    """
    return torque * angle * (1.0 / efficiency - 1.0)
