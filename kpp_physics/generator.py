"""The permanent-magnet synchronous generator: torques, currents, voltages and winding temperature.

dq frame, amplitude-invariant, generator convention, L_d = L_q, i_d = 0. The current loop is decoupled and follows its
command as a first-order lag; over a step with a held command the lag is solved exactly, and the change of magnetic
energy is booked, so that the machine agrees with its dq equations.
"""

import math

from kpp_physics import constants
from kpp_physics.compiled import inlined
from kpp_physics.motion import dry_friction


@inlined
def lag_weights(bandwidth: float, h: float) -> tuple[float, float, float]:
    """Value at the end, mean and mean square of exp(-bandwidth t) over a step [-].

    Args:
        bandwidth: alpha = 2 pi f_bw [1/s].
        h: step [s].
    """
    # The mean over t of exp(-x t/h) is (1 - exp(-x))/x; that of its square is the same with 2 x. x is never 0: the
    # bandwidth has a lower limit.
    x = bandwidth * h
    return math.exp(-x), -math.expm1(-x) / x, -math.expm1(-2.0 * x) / (2.0 * x)


@inlined
def current_step(current: float, command: float, end: float, mean: float, square: float) -> tuple[float, float, float]:
    """The quadrature current over a step with a held command: i(t) = i* + (i_0 - i*) exp(-bandwidth t).

    Args:
        current: at the start [A].
        command: i* [A].
        end, mean, square: from `lag_weights` [-].

    Returns:
        Current at the end [A], mean [A], mean square [A2], all exact.
    """
    # Exact for any step: the loop's time constant is of the order of a step, where explicit ones ring or diverge.
    off = current - command
    return (
        command + off * end,
        command + off * mean,
        command * command + 2.0 * command * off * mean + off * off * square,
    )


@inlined
def iron_torque(end_speed: float, mean_speed: float, hysteresis: float, eddy: float) -> float:
    """Torque of the iron loss P_fe0 (0.5 w' + 0.5 w'^2) on the shaft [N m].

    Args:
        end_speed, mean_speed: of the shaft, at the end of a step and over it [rad/s]; the stiff part takes the end.
        hysteresis: P_fe0/(2 w_r) [N m], present down to standstill.
        eddy: P_fe0/(2 w_r^2) [N m s].
    """
    # Hysteresis loses a fixed energy in each turn: a torque that does not depend on the speed and changes sign with it,
    # as stiff near rest as dry friction. Eddy currents scale with the square of the frequency: a torque in proportion
    # to the speed.
    return dry_friction(end_speed, hysteresis, constants.SHAFT_STANDSTILL_SPEED) + eddy * mean_speed


@inlined
def stray_torque(torque: float, rated_torque: float, stray: float) -> float:
    """Torque of the stray load loss P_stray0 tau'^2 w' on the shaft [N m].

    Args:
        torque, rated_torque: air-gap torque [N m].
        stray: P_stray0/w_r [N m].
    """
    # Load loss scales with the square of the current, and so with that of the torque; with the speed as a torque does.
    ratio = torque / rated_torque
    return stray * ratio * ratio


@inlined
def terminal_voltages(
    current: float,
    slope: float,
    shaft_speed: float,
    pole_pairs: float,
    flux: float,
    inductance: float,
    resistance: float,
) -> tuple[float, float]:
    """Terminal voltages v_d, v_q [V] for i_d = 0.

    Args:
        current, slope: i_q [A] and its rate [A/s].
        shaft_speed: [rad/s].
        pole_pairs, flux, inductance, resistance: p [-], psi [Wb], L [H], R [ohm].
    """
    # Generator convention: the current flows out of the machine, and lowers its voltage.
    electric = pole_pairs * shaft_speed
    return (electric * inductance * current, -resistance * current - inductance * slope + electric * flux)


@inlined
def winding_step(temperature: float, loss: float, ambient: float, resistance: float, relaxed: float) -> float:
    """Winding temperature after a step [K], exact for a constant loss: C dT/dt = P_cu - (T - T0)/R_th.

    Args:
        temperature, ambient: [K].
        loss: copper loss [W].
        resistance: thermal resistance R_th [K/W].
        relaxed: 1 - exp(-h/(C R_th)) [-].
    """
    return temperature + (ambient + loss * resistance - temperature) * relaxed
