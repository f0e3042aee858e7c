"""The injection window and its valve: which floater is served, for how long, and how far the spool is open."""

import math
from typing import NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import constants, plc
from kpp_physics import state as st
from kpp_physics.compiled import inlined
from kpp_physics.filling import fill
from kpp_physics.jet import SHORTEST
from kpp_physics.state import Vector


@inlined
def window_end(c: Vector, x: Vector) -> float:
    """Where the injection window ends [m]: a starting plant at rest injects along the lower half of the up run."""
    length = c[co.WINDOW_LENGTH]
    if int(x[st.PLC_STATE]) == plc.STARTING and x[st.SPEED] < constants.START_WINDOW_SPEED:
        # A start manifold: one charge pulls with about 1.1 kN in the reference plant, and breaking away takes 4.7 kN,
        # most of it iron loss of the generator through the gear.
        length = 0.5 * c[co.STRAIGHT_LENGTH]
    apex = c[co.STRAIGHT_LENGTH] + 0.5 * math.pi * c[co.RADIUS]  # beyond it a floater's mouth is up: it holds no air
    return float(min(c[co.WINDOW_START] + length, apex))


@inlined
def _dismiss(c: Vector, x: Vector, f: Vector, first: int, inside: int, counts: bool) -> None:
    """Take the floaters that have left the window off its list; where it `counts`, a charge that lacks air is missed.

    Args:
        first, inside: number of the rearmost floater that is in the window, and how many are.
    """
    count = f.shape[1]
    for i in range(count):
        # Counted from the rearmost, the floaters in the window are the first `inside`; modulo, since the numbers go
        # round the loop.
        if f[st.IN_WINDOW, i] != 0.0 and (i - first) % count >= inside:
            f[st.IN_WINDOW, i] = 0.0
            x[st.WINDOW_COUNT] -= 1.0
            if counts and f[st.DELIVERED, i] < c[co.TARGET_MASS]:
                x[st.MISSED] += 1.0


@inlined
def window(c: Vector, x: Vector, f: Vector, enabled: bool, h: float) -> tuple[int, float, float, bool]:
    """Follow floaters into and out of the injection window.

    A floater that comes in during the step is served for the rest of it, one that leaves for the part before: at a
    steady speed many floaters pass at the same phase of a step, and whole steps would be wrong alike in each pulse.

    Args:
        enabled: whether air may be injected; floaters come and go all the same.
        h: step [s].

    Returns:
        The floater to be served (-1: none), its progress [m], for how long it is in the window in this step [s], and
        whether another one waits there for air.
    """
    count = f.shape[1]
    pitch = c[co.PITCH]
    end = window_end(c, x)
    # Backwards no floater comes in from the rear, and the window is looked at where the floaters stand.
    way = max(0.0, x[st.SPEED]) * h
    # The rearmost floater that is in the window at the end of the step; progress grows by a pitch to the next.
    first = math.ceil((c[co.WINDOW_START] - way - x[st.POSITION]) / pitch)
    inside = 0
    served = -1
    waits = False
    served_progress = 0.0
    progress = x[st.POSITION] + first * pitch
    while progress < end and inside < count:  # no floater twice, however long the window
        i = (first + inside) % count
        # It enters: its charge begins at zero. What it may still hold of an earlier pulse does not count against the
        # target.
        if f[st.IN_WINDOW, i] == 0.0:
            f[st.IN_WINDOW, i] = 1.0
            f[st.DELIVERED, i] = 0.0
            x[st.WINDOW_COUNT] += 1.0
        # From the rear to the front: the last that lacks air is the foremost, first in, first out.
        if f[st.DELIVERED, i] < c[co.TARGET_MASS]:
            waits = served >= 0
            served = i
            served_progress = progress
        inside += 1
        progress = x[st.POSITION] + (first + inside) * pitch
    # One has left: only then is the whole loop searched for it.
    if inside != x[st.WINDOW_COUNT]:
        _dismiss(c, x, f, first, inside, enabled and int(x[st.PLC_STATE]) == plc.RUNNING)
    if not enabled or served < 0:
        return -1, 0.0, 0.0, False
    lasts = h
    if way > 0.0:  # at rest, or backwards, a floater that is in the window stays there
        # How far it has come into the window by the end of the step, and how far it has to go at its beginning: over
        # the speed, the times after entering and before leaving.
        since, until = served_progress + way - c[co.WINDOW_START], end - served_progress
        lasts = min(h, since / x[st.SPEED], until / x[st.SPEED])
    return served, served_progress, lasts if lasts > SHORTEST * h else 0.0, waits


@inlined
def spool_opening(c: Vector, share: float) -> tuple[float, float]:
    """How far the closed valve opens in a share of a step [-], in (0, 1]: at its end, and in its mean.

    A first-order lag: in a share s of the step the spool goes 1 - (1 - opened)^s of its way.
    """
    opened, mean = c[co.SPOOL_RELAXATION], c[co.SPOOL_MEAN]
    if share == 1.0:
        return opened, mean
    constant = (1.0 - mean) / opened  # the time constant over the step, from the mean 1 - opened tau/h
    # Without a lag `opened` and `mean` are 1, the constant is 0, and both results are 1 for any share.
    opened = 1.0 - math.pow(1.0 - opened, share)
    return opened, 1.0 - opened * constant / share


@inlined
def _closing(c: Vector, spool: float, share: float) -> float:
    """Place of the spool [-] after it has been closing for a share of a step [-], in [0, 1]."""
    if share == 1.0:
        return float(spool - spool * c[co.SPOOL_RELAXATION])
    return float(spool * math.pow(1.0 - c[co.SPOOL_RELAXATION], share)) if share > 0.0 else spool


class _Turn(NamedTuple):
    """Whose turn it is at the valve in a step."""

    floater: int
    """Number of the floater, -1 for none."""
    progress: float
    """Its place at the start of the step [m]."""
    lasts: float
    """For how long it is in the window [s]."""
    waits: bool
    """Whether another one waits for air."""
    by_hand: bool
    """Whether it gets a pulse by hand."""


@inlined
def _turn(c: Vector, x: Vector, f: Vector, h: float) -> _Turn:
    """The floater whose turn it is, automatically or by hand.

    A pulse by hand is for one floater; in manual operation nothing else opens the valve while the plant runs.
    """
    state = int(x[st.PLC_STATE])
    # A command may come while the plant coasts, too: a pulse by hand is not bound to the automatic injection.
    by_hand = x[st.MANUAL_PULSES] > 0.0 and state in (plc.RUNNING, plc.COASTING)
    automatic = plc.injection_enabled(state) and not (state == plc.RUNNING and c[co.MANUAL_INJECTION] != 0.0)
    last = int(x[st.SERVED])
    served, progress, lasts, waits = window(c, x, f, automatic or by_hand, h)
    if by_hand and last >= 0 and served != last:  # the floater left the window: the pulse is over
        x[st.MANUAL_PULSES] -= 1.0
        if x[st.MANUAL_PULSES] <= 0.0 and not automatic:
            served = -1
    return _Turn(served, progress, lasts, waits, by_hand)


@inlined
def charge_floater(
    c: Vector,
    x: Vector,
    f: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    mass: float,
    energy: float,
    h: float,
) -> tuple[float, float, float, float]:
    """Serve the floater in the window through the valve, in one step.

    The spool moves from where it is; the flow follows its mean, not its place at the end of the step. It opens
    while a floater is served, and closes before and after, in the step in which that begins or ends as well; but not
    when the next one is waiting.

    Args:
        mass, energy: of the air in the receiver [kg, J].
        h: step [s].

    Returns:
        Air that leaves the receiver [kg] and its energy [J]; what missed the pocket [kg] and the pressure there [Pa].
    """
    turn = _turn(c, x, f, h)
    opening, before = 0.0, h  # mean of the opening; time before the floater comes in
    if turn.floater >= 0 and turn.lasts > 0.0:
        before = h - turn.lasts if turn.progress < c[co.WINDOW_START] else 0.0
    # Three stretches of the step one after the other: the spool closes until the floater comes in, opens while it is
    # served, and closes again for the rest. Each may be of no length.
    x[st.SPOOL] = _closing(c, x[st.SPOOL], before / h)
    if before < h:
        # From where the spool stands, the mean of its way to fully open; a spool that is open stays open.
        opening = x[st.SPOOL] + (1.0 - x[st.SPOOL]) * spool_opening(c, turn.lasts / h)[1]
    x[st.SERVED] = x[st.FILLED] = turn.floater
    x[st.SERVED_FLOW] = x[st.INFLOW] = 0.0
    x[st.JET_FLOW] = math.inf  # until `pockets` has it: what leaves while the bucket takes all the air, if that ends
    if turn.floater < 0 or turn.lasts <= 0.0:
        return 0.0, 0.0, 0.0, 0.0
    charge = fill(c, x, f, flow, sampled, destroyed, turn.floater, turn.progress, mass, energy, opening, turn.lasts, h)
    x[st.SERVED_FLOW] = charge.mass / h
    # The charge took the spool's mean over the whole stretch; only the charge tells when the spool began to close
    # again.
    opened = turn.lasts
    if turn.waits:
        opened = h - before
    elif charge.mass > 0.0:  # a pulse may be complete before the floater leaves
        opened = x[st.INFLOW_TIME]
    if opened > 0.0:
        x[st.SPOOL] += (1.0 - x[st.SPOOL]) * spool_opening(c, opened / h)[0]
    x[st.SPOOL] = _closing(c, x[st.SPOOL], max(0.0, h - before - opened) / h)
    if charge.complete:
        x[st.PULSES] += 1.0
        if turn.by_hand:
            # One pulse given. SERVED forgets the floater, or its leaving the window would be counted as the end of
            # another pulse.
            x[st.MANUAL_PULSES] -= 1.0
            x[st.SERVED] = -1.0
    return charge.mass, charge.energy, charge.missed, charge.behind
