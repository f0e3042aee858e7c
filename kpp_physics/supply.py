"""One step of the air supply: relief valve, compressor, wall of the receiver, and injection valve."""

from kpp_physics import coefficients as co
from kpp_physics import ledger
from kpp_physics import state as st
from kpp_physics.compiled import inlined
from kpp_physics.compressor import compress, enable
from kpp_physics.injection import charge_floater
from kpp_physics.receiver import cool_receiver, relieve
from kpp_physics.state import Vector


@inlined
def air_supply(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    books: Vector,
    lap: Vector,
    h: float,
) -> tuple[float, float]:
    """Relief valve, compressor, wall of the receiver, and injection valve: one step, each after the other.

    Each process begins from what the one before it left and can be integrated exactly; run side by side from the same
    start they would take more than there is from a small receiver. In every other step the last three run in the
    opposite order: what one sees too much of another then cancels, and the splitting is of second order.

    Returns:
        Air that left the receiver at the pressure of a pocket and missed it [kg], and its pressure [Pa].
    """
    R = c[co.GAS_CONSTANT]
    mass, energy = x[st.RECEIVER_MASS], x[st.RECEIVER_ENERGY]
    capacity = (c[co.CP_AIR] - R) * c[co.RECEIVER_VOLUME] / R
    mode = enable(c, x, energy / capacity)
    relieved, blown = relieve(c, flow, sampled, destroyed, mass, energy)
    dm, dU = -relieved, -blown
    missed = behind = 0.0
    odd = x[st.STEPS] * c[co.STEP] / h % 2.0 != 0.0
    most = c[co.COMPRESSOR_FLOW] * h * c[co.CP_AIR] * c[co.COOLER_TEMPERATURE]
    # A compressor that may have to switch in this step comes last, and knows how far the rest has brought the pressure.
    last = odd or mode == st.COMPRESSOR_IDLE or energy + most >= capacity * c[co.UNLOAD_PRESSURE]
    # Order of the three: even steps compress, cool, charge; odd steps charge, cool, compress; an even step in which the
    # compressor must come last cools, charges, compresses. What each sees of the others' effects is wrong by half a
    # step in one order, and by as much the other way in the opposite one (Strang 1968).
    for turn in range(3):
        if turn == (2 if last else 0):
            taken, brought = compress(
                c, x, flow, sampled, destroyed, books, lap, mode, energy - blown, mass + dm, energy + dU, h
            )
            dm += taken
            dU += brought
        elif turn == (0 if odd else 1 if last else 2):
            charge, left, missed, behind = charge_floater(c, x, f, flow, sampled, destroyed, mass + dm, energy + dU, h)
            dm -= charge
            dU -= left
        else:
            dU -= cool_receiver(c, flow, sampled, destroyed, mass + dm, energy + dU, h)
    # A step moves less than a millionth of what a large receiver holds: without remainders rounding would add up.
    x[st.RECEIVER_MASS], x[st.RECEIVER_MASS_LOW] = ledger.carry(mass, x[st.RECEIVER_MASS_LOW], dm)
    x[st.RECEIVER_ENERGY], x[st.RECEIVER_ENERGY_LOW] = ledger.carry(energy, x[st.RECEIVER_ENERGY_LOW], dU)
    return missed, behind
