"""One step of generator winding, converter, DC link and grid connection."""

import math
from typing import NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import constants, ledger
from kpp_physics import state as st
from kpp_physics.compiled import inlined
from kpp_physics.generator import winding_step
from kpp_physics.grid import droop, may_close, must_open, stage_loss
from kpp_physics.state import Vector

SETTLED_SHARE = 0.001
"""Distance of the current from its command, over the command, below which it counts as settled."""

SAMPLES_PER_TIME_CONSTANT = 32.0
"""Samples of a moving current for the re-integrated powers."""


@inlined
def _connect(c: Vector, x: Vector, h: float) -> None:
    """Synchronise with the grid: close the breaker when the check allows it, open it when the grid leaves its band."""
    frequency, voltage = x[st.GRID_FREQUENCY], c[co.GRID_VOLTAGE]
    if x[st.BREAKER] != 0.0 and must_open(frequency, voltage):
        x[st.BREAKER] = 0.0
        # After a separation the angle is unknown: the synchroniser begins at its worst.
        x[st.SYNC_ERROR] = 1.0
    if x[st.BREAKER] == 0.0:
        # The implicit midpoint rule of d(error)/dt = -error/T: (T - h/2)/(T + h/2).
        x[st.SYNC_ERROR] *= 1.0 - h / (constants.SYNCHRONISATION_TIME + 0.5 * h)
        if may_close(frequency, voltage, x[st.SYNC_ERROR]) and not must_open(frequency, voltage):
            x[st.BREAKER] = 1.0


@inlined
def _link(c: Vector, x: Vector, supplied: float, h: float) -> tuple[float, float]:
    """DC link over one step: C dV^2/2 = (P_rect - P_inv - P_chopper) dt.

    Args:
        supplied: P_rect [W].

    Returns:
        Power into the grid side P_inv, and power of the chopper [W].
    """
    capacitance, voltage = c[co.DC_CAPACITANCE], c[co.DC_VOLTAGE]
    reference = 0.5 * capacitance * voltage * voltage
    start = x[st.DC_ENERGY]
    drawn = supplied
    if capacitance > 0.0:  # a stiff link stores nothing: what comes in goes out
        # The link's energy comes back to its reference with exp(-t/T): what that takes or gives in the step is in
        # closed form.
        drawn += (start - reference) * -math.expm1(-h / constants.DC_LINK_TIME) / h
    # A link that is low is charged from the grid by no more than the precharge, on top of what the machine takes.
    drawn = max(drawn, min(0.0, supplied) - constants.PRECHARGE_SHARE * c[co.CONVERTER_RATING])
    highest = math.inf if x[st.BREAKER] != 0.0 else 0.0  # without the breaker the link can only be charged
    # Over-frequency: export only is reduced; what the machine takes at standstill it may still take.
    reduction = droop(x[st.GRID_FREQUENCY], constants.GRID_FREQUENCY, c[co.FREQUENCY_DROOP])
    if reduction < 0.0:
        highest = min(highest, max(0.0, supplied) * max(0.0, 1.0 + reduction))
    drawn = min(drawn, highest)
    # What the grid side may not take stays in the link, and what the link cannot hold the chopper burns.
    change = (supplied - drawn) * h
    limit = reference * constants.CHOPPER_RATIO * constants.CHOPPER_RATIO
    chopped = max(0.0, start + change - limit)
    # A large link holds a million times what a step brings, and held at its reference it is rounded the same way in
    # every step: without the remainder that would be energy from nowhere.
    x[st.DC_ENERGY], x[st.DC_ENERGY_LOW] = ledger.carry(start, x[st.DC_ENERGY_LOW], change - chopped)
    return drawn, chopped / h


class Currents(NamedTuple):
    """The quadrature current over a step: i(t) = i* + (i_0 - i*) exp(-alpha t)."""

    start: float
    """i_0 [A]."""
    wanted: float
    """Command i* [A]."""
    end: float
    """At the end of the step [A]."""
    mean: float
    """Over the step [A]."""
    mean_square: float
    """Mean of its square [A2]."""


class _Seen(NamedTuple):
    """Means over a step, from samples, for the second ledger."""

    terminal: float
    """Power at the generator's terminals [W]."""
    squares: float
    """Square of the current [A2]."""
    loads: float
    """Loss of the converter's machine side [W]."""


@inlined
def _sampled(c: Vector, x: Vector, current: Currents, start_speed: float, h: float) -> _Seen:
    """Terminal power 1.5 v_q i_q, square of the current and converter loss by the trapezoidal rule.

    At both ends of the step; while the current moves, which it does faster than a step, inside the step as well.

    Args:
        start_speed: of the shaft at the start of the step [rad/s].
        h: step [s].
    """
    R, L, alpha = c[co.RESISTANCE], c[co.INDUCTANCE], c[co.CURRENT_BANDWIDTH]
    rating, c0, c1, c2 = c[co.CONVERTER_RATING], c[co.CONVERTER_C0], c[co.CONVERTER_C1], c[co.CONVERTER_C2]
    terminal = squares = loads = 0.0
    moving = abs(current.start - current.wanted) > SETTLED_SHARE * abs(current.wanted)
    # At most 102 intervals: the bandwidth has a limit, and the step is 1 ms or a part of it.
    intervals = 1 + int(SAMPLES_PER_TIME_CONSTANT * alpha * h) if moving else 1
    share = math.exp(-alpha * h / intervals) if moving else 0.0
    off, rise = current.start - current.wanted, (x[st.SHAFT_SPEED] - start_speed) / intervals
    for sample in range(intervals + 1):
        now = current.wanted + off
        if intervals == 1 and sample == 1:
            now = current.end
        off *= share
        weight = (0.5 if sample in (0, intervals) else 1.0) / intervals
        torque = c[co.TORQUE_PER_CURRENT] * now
        speed = start_speed + sample * rise
        terminal += weight * (torque * speed - 1.5 * R * now * now)
        squares += weight * now * now
        loads += weight * stage_loss(abs(now) / c[co.RATED_CURRENT], rating, c0, c1, c2)
    # The coil's i L di/dt, over i: its integral is known from both ends, and sampling would need the slope.
    terminal -= 1.5 * L * 0.5 * (current.start + current.end) * (current.end - current.start) / h
    return _Seen(terminal, squares, loads)


@inlined
def _convert(
    c: Vector, x: Vector, flow: Vector, sampled: Vector, current: Currents, power: float, seen: _Seen, h: float
) -> None:
    """Both converter stages with the DC link between them, and the dump load, which takes the export first.

    Args:
        power: at the generator's terminals, mean over the step [W]; < 0 while the coil is charged at standstill.
        seen: means over the step from samples.
        h: step [s].
    """
    rating, c0, c1, c2 = c[co.CONVERTER_RATING], c[co.CONVERTER_C0], c[co.CONVERTER_C1], c[co.CONVERTER_C2]
    # As in the winding: part of the loss scales with the square, whose mean is not that of the mean while it moves.
    machine_side = stage_loss(abs(current.mean) / c[co.RATED_CURRENT], rating, c0, c1, 0.0)
    machine_side += 0.5 * rating * c2 * current.mean_square / (c[co.RATED_CURRENT] * c[co.RATED_CURRENT])
    dc = power - machine_side
    before = x[st.DC_ENERGY]
    drawn, chopped = _link(c, x, dc, h)
    # Without load either stage still has its constant loss c0, which the grid then pays: `out` is negative.
    grid_side = stage_loss(abs(drawn) / rating, rating, c0, c1, c2)
    out = drawn - grid_side
    # The dump load takes export only: it never draws from the grid.
    dumped = min(max(out, 0.0), c[co.DUMP_LOAD_POWER])
    x[st.GENERATOR_POWER] = power
    x[st.DC_POWER] = dc
    x[st.DUMP_POWER] = dumped
    x[st.CHOPPER_POWER] = chopped
    flow[ledger.CONVERTER] += (machine_side + grid_side) * h
    flow[ledger.CHOPPER] += chopped * h
    flow[ledger.DUMP_LOAD] += dumped * h
    flow[ledger.GRID] += (out - dumped) * h
    # What the link gave or took, chopper and dump load are steps of a state: the second ledger takes them as they are.
    sampled_drawn = seen.terminal - seen.loads - (x[st.DC_ENERGY] - before) / h - chopped
    sampled_loss = stage_loss(abs(sampled_drawn) / rating, rating, c0, c1, c2)
    sampled[ledger.GENERATOR_COPPER] += 1.5 * c[co.RESISTANCE] * seen.squares * h
    sampled[ledger.CONVERTER] += (seen.loads + sampled_loss) * h
    sampled[ledger.CHOPPER] += chopped * h
    sampled[ledger.DUMP_LOAD] += dumped * h
    sampled[ledger.GRID] += (sampled_drawn - sampled_loss - dumped) * h


@inlined
def electrics(
    c: Vector,
    x: Vector,
    flow: Vector,
    sampled: Vector,
    start_current: float,
    wanted: float,
    mean: float,
    mean_square: float,
    start_speed: float,
    winding_relaxation: float,
    h: float,
) -> None:
    """Energies of generator and converter over the step, from the currents and the shaft's mechanical work.

    What the shaft gives is lost in the winding, stored in its coils, or leaves by the terminals: the terminal power is
    the rest of the two others, so that no joule is lost between drivetrain and converter.

    Args:
        start_current, wanted, mean, mean_square: quadrature current at the start, commanded, over the step [A, A2].
        start_speed: of the shaft at the start of the step [rad/s].
        winding_relaxation: 1 - exp(-h/(C R_th)) [-].
        h: step [s].
    """
    current = Currents(start_current, wanted, x[st.CURRENT], mean, mean_square)
    # P_gen = tau_em w - 1.5 R i^2 - d(0.75 L i^2)/dt with i_d = 0, as energies of the step. Copper loss takes the mean
    # square of the current, magnetic energy its values at both ends.
    mechanical = x[st.TORQUE] * flow[ledger.SHAFT_ANGLE]
    copper = 1.5 * c[co.RESISTANCE] * mean_square * h
    magnetic = 0.75 * c[co.INDUCTANCE] * (current.end - start_current) * (current.end + start_current)
    x[st.DUMP_POWER] = x[st.CHOPPER_POWER] = 0.0
    if x[st.CONVERTER_ON] != 0.0:
        _connect(c, x, h)
        seen = _sampled(c, x, current, start_speed, h)
        _convert(c, x, flow, sampled, current, (mechanical - copper - magnetic) / h, seen, h)
    else:
        copper = mechanical - magnetic  # no current, or the last microampere dying in the winding
        sampled[ledger.GENERATOR_COPPER] += copper
        x[st.GENERATOR_POWER] = 0.0
        x[st.DC_POWER] = 0.0
        # A converter that is off has no link to the grid, and has to synchronise again when it starts.
        x[st.BREAKER] = 0.0
        x[st.SYNC_ERROR] = 1.0
    flow[ledger.GENERATOR_COPPER] += copper
    x[st.WINDING_TEMPERATURE] = winding_step(
        x[st.WINDING_TEMPERATURE],
        copper / h,
        c[co.AMBIENT_TEMPERATURE],
        c[co.WINDING_THERMAL_RESISTANCE],
        winding_relaxation,
    )
