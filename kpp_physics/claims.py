"""The hypotheses that move or brake: bubbles, airlift and jet, their forces and what is booked for them.

A claimed force has no source, and its work is booked as such; a physical one is paid for by a pump, a compressor or the
pressure of the air, and what it does not bring to the chain is a loss.
"""

from kpp_physics import coefficients as co
from kpp_physics import hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.chain import descending
from kpp_physics.compiled import inlined
from kpp_physics.state import Vector


@inlined
def claimed_forces(c: Vector, x: Vector, count: int) -> None:
    """Forces of the hypotheses at the start of the step: bubbles, airlift and jet."""
    x[st.H1_FORCE] = x[st.AIRLIFT] = x[st.BUBBLE_VOID] = x[st.JET_FORCE] = 0.0
    if c[co.H1_MODE] != hypotheses.OFF and x[st.CLAIMS_ACTIVE] != 0.0:
        weight = c[co.SPECIFIC_WEIGHT]
        # Bubbles are let in on the side that goes down: less weight of water there is less buoyancy against the chain.
        sinking = descending(x[st.POSITION], count, c[co.PITCH], c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        if c[co.H1_MODE] == hypotheses.CLAIMED:
            x[st.BUBBLE_VOID] = c[co.H1_VOID]
            x[st.H1_FORCE] = hypotheses.bubble_force(
                c[co.H1_VOID], weight, c[co.FLOATER_VOLUME], c[co.SHELL_VOLUME], sinking
            )
        else:
            gas = c[co.H1_GAS_FLUX]
            # Drift flux: the more the water is dragged down with the chain, the longer the gas stays and the more of it
            # there is.
            share = hypotheses.void_fraction(gas, x[st.COFLOW])
            x[st.BUBBLE_VOID] = share
            x[st.AIRLIFT] = share * weight * c[co.AIRLIFT_AREA]
            force = hypotheses.bubble_force(share, weight, c[co.H1_VOLUME], c[co.SHELL_VOLUME], sinking)
            if share > 0.0 and x[st.SPEED] > 0.0:  # the chain cannot gain more than the bubbles give
                force = min(force, x[st.AIRLIFT] * max(gas / share + x[st.COFLOW], 0.0) / x[st.SPEED])
            x[st.H1_FORCE] = force
    if x[st.JET_FLOW] > 0.0:
        x[st.JET_FORCE] = x[st.JET_THRUST] * (c[co.JET_GAIN] if c[co.JET_MODE] == hypotheses.CLAIMED else 1.0)


@inlined
def book_claims(
    c: Vector,
    x: Vector,
    flow: Vector,
    dragged: float,
    rubbed: float,
    buoyed: float,
    travel: float,
    lifted: float,
    h: float,
) -> None:
    """Book what the hypotheses did: paid where they are physical, without a source where they are claimed.

    Args:
        dragged, rubbed, buoyed: work of drag, chain friction and buoyancy [J].
        travel: path of the chain [m].
        lifted: path of the co-flow [m].
        h: step [s].
    """
    if c[co.H1_MODE] == hypotheses.CLAIMED:
        # A force without a source, and a relief from drag that the water receives all the same: neither has a source.
        flow[ledger.UNSOURCED_H1] += x[st.H1_FORCE] * travel + c[co.H1_DRAG_RELIEF] * dragged
    elif c[co.H1_MODE] == hypotheses.PHYSICAL:
        # What the blower pays and bubbles do not bring to chain and water is lost in their slip.
        paid = c[co.H1_GAS_POWER] * h
        flow[ledger.AUXILIARY] += paid
        flow[ledger.H1_SLIP] += paid + x[st.AIRLIFT] * lifted - x[st.H1_FORCE] * travel
    # Zero for a physical H2 and for none: the gain is that of the claim alone.
    flow[ledger.UNSOURCED_H2] += c[co.BUOYANCY_GAIN] * buoyed
    # The share of time in which a pulsed plant is said to have neither drag nor friction, of what is left after H1's
    # relief.
    flow[ledger.UNSOURCED_H3] += (1.0 - c[co.H3_DUTY]) * ((1.0 - c[co.H1_DRAG_RELIEF]) * dragged + rubbed)


@inlined
def book_jet(c: Vector, x: Vector, flow: Vector, travel: float, h: float) -> None:
    """Book the work of the jet's thrust over the chain's path [m] in a step [s], and what is left in its wake.

    The power decides, not the force: a jet without thrust has been paid for all the same.
    """
    if x[st.JET_POWER] == 0.0:
        return
    work = x[st.JET_FORCE] * travel
    if c[co.JET_MODE] == hypotheses.CLAIMED:
        flow[ledger.UNSOURCED_JET] += work
    else:
        flow[ledger.JET_WAKE] += x[st.JET_POWER] * h - work
