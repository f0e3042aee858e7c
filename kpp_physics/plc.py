"""The plant's controller: its states, what is on in each of them, and which command is permitted when."""

from collections.abc import Mapping
from typing import Any, Final

from kpp_physics import constants
from kpp_physics.compiled import inlined

STATES: Final = ("stopped", "pressurising", "starting", "running", "coasting", "stopping", "emergency_stop", "tripped")
STOPPED, PRESSURISING, STARTING, RUNNING, COASTING, STOPPING, EMERGENCY_STOP, TRIPPED = range(len(STATES))

TRIPS: Final = (
    "none",
    "shaft overspeed",
    "chain overspeed",
    "receiver pressure",
    "chain tension",
    "slack chain",
    "winding temperature",
    "receiver temperature",
)
(
    NO_TRIP,
    TRIP_SHAFT_SPEED,
    TRIP_CHAIN_SPEED,
    TRIP_PRESSURE,
    TRIP_TENSION,
    TRIP_SLACK,
    TRIP_WINDING,
    TRIP_RECEIVER_TEMPERATURE,
) = range(len(TRIPS))

COMMANDS: Final[Mapping[str, Mapping[int, int]]] = {
    "start": {STOPPED: PRESSURISING},
    "stop": {PRESSURISING: STOPPED, STARTING: STOPPING, RUNNING: STOPPING, COASTING: STOPPING},
    "coast": {RUNNING: COASTING},
    "resume": {COASTING: RUNNING},
    "inject": {RUNNING: RUNNING, COASTING: COASTING},
    "emergency_stop": dict.fromkeys((STOPPED, PRESSURISING, STARTING, RUNNING, COASTING, STOPPING), EMERGENCY_STOP),
    "reset": {EMERGENCY_STOP: STOPPED, TRIPPED: STOPPED},
}
"""Command, state it is given in, state it leads to. What is not here is refused."""

_REMEDIES: Final[Mapping[str, str]] = {
    "start": "stop or reset the plant first; it starts from stopped",
    "stop": "it stops from pressurising, starting, running or coasting",
    "coast": "it coasts from running only",
    "inject": "a pulse by hand is given while running or coasting",
    "resume": "it resumes from coasting only; use start from stopped",
    "emergency_stop": "the emergency stop is in force already",
    "reset": "only an emergency stop or a trip needs a reset",
}


class CommandError(ValueError):
    """A command that is unknown or not permitted now; the text says why and what to do."""


def transition(name: str, args: Mapping[str, Any], state: int, at_rest: bool, trip_cause: str | None) -> int:
    """The state a command leads to.

    Args:
        name: command.
        args: its arguments; no PLC command takes any.
        state: present state.
        at_rest: whether the chain is at rest.
        trip_cause: the cause of the trip if it is still there, else None.

    Raises:
        CommandError: when it is unknown, has arguments, or is not permitted.
    """
    if name not in COMMANDS:
        raise CommandError(f"{name!r} is not a command: use one of {', '.join(COMMANDS)}")
    if args:
        raise CommandError(f"{name} takes no arguments, but got {', '.join(sorted(args))}")
    # In the order in which a person would ask: is there such a command, is it written right, is this the time for it.
    if state not in COMMANDS[name]:
        raise CommandError(f"{name} is not permitted while {STATES[state]}: {_REMEDIES[name]}")
    if name == "reset" and not at_rest:
        raise CommandError("reset is not permitted while the chain moves: wait for rest")
    # A reset that left the cause in place would trip again in the next step, and hide that it had never gone.
    if name == "reset" and state == TRIPPED and trip_cause is not None:
        raise CommandError(f"reset is not permitted while the cause of the trip is there ({trip_cause}): remove it")
    return COMMANDS[name][state]


@inlined
def injection_enabled(state: int) -> bool:
    """Whether air may be injected."""
    return state in (STARTING, RUNNING)


@inlined
def brake_set(state: int) -> bool:
    """Whether the holding brake is set."""
    return state in (STOPPED, PRESSURISING, EMERGENCY_STOP, TRIPPED)


@inlined
def compressor_enabled(state: int) -> bool:
    """Whether the compressor may run."""
    return state in (PRESSURISING, STARTING, RUNNING, COASTING)


@inlined
def vent_open(state: int) -> bool:
    """Whether every pocket is vented."""
    return state in (EMERGENCY_STOP, TRIPPED)


@inlined
def converter_enabled(state: int, at_rest: bool) -> bool:
    """Whether the converter works: from starting to the end of stopping, and to brake in an emergency until rest.

    Args:
        state: of the controller.
        at_rest: whether the chain is at rest.
    """
    if state in (EMERGENCY_STOP, TRIPPED):
        return not at_rest
    return state in (STARTING, RUNNING, COASTING, STOPPING)


@inlined
def next_state(state: int, full: bool, shaft_speed: float, setpoint: float, speed: float) -> int:
    """The state after the automatic transitions.

    Args:
        state: present state.
        full: whether the receiver is at its unload pressure, or the compressor has unloaded there.
        shaft_speed, setpoint: of the fast shaft, nominal [rad/s].
        speed: of the chain [m/s].
    """
    # At most one transition a step. All others are commands, trips, or pulses of H3.
    if state == PRESSURISING and full:
        return STARTING
    # Half the speed: from there on the generator can hold the plant, and its integral begins at zero.
    if state == STARTING and shaft_speed >= 0.5 * setpoint:
        return RUNNING
    # A chain that runs backwards is stopped as well: its speed is below the limit, and the brake holds it.
    if state == STOPPING and speed < constants.BRAKE_SPEED:
        return STOPPED
    return state


@inlined
def trip_cause(
    shaft_speed: float,
    rated_speed: float,
    speed: float,
    pressure: float,
    trip_pressure: float,
    tension_time: float,
    slack_time: float,
    winding_temperature: float,
    receiver_temperature: float,
) -> int:
    """The first trip whose condition is met, or NO_TRIP.

    Args:
        shaft_speed, rated_speed: of the fast shaft [rad/s].
        speed: of the chain [m/s].
        pressure, trip_pressure: of the receiver [Pa].
        tension_time, slack_time: how long the chain has been over its limit, or slack [s].
        winding_temperature, receiver_temperature: [K].
    """
    # The order is that of danger: what can burst first stands first, and the first cause is the one that is reported.
    cause = NO_TRIP
    if shaft_speed > constants.SHAFT_TRIP_RATIO * rated_speed:
        cause = TRIP_SHAFT_SPEED
    elif abs(speed) > constants.SPEED_TRIP:
        cause = TRIP_CHAIN_SPEED
    elif pressure > trip_pressure:
        cause = TRIP_PRESSURE
    elif tension_time >= constants.TENSION_TRIP_TIME:
        cause = TRIP_TENSION
    elif slack_time >= constants.SLACK_TRIP_TIME:
        cause = TRIP_SLACK
    elif winding_temperature > constants.WINDING_TRIP_TEMPERATURE:
        cause = TRIP_WINDING
    elif receiver_temperature > constants.RECEIVER_TRIP_TEMPERATURE:
        cause = TRIP_RECEIVER_TEMPERATURE
    return cause


@inlined
def speed_control(
    speed: float, setpoint: float, integral: float, gain: float, integral_gain: float, limit: float, h: float
) -> tuple[float, float]:
    """PI speed control of the generator: torque command and next integral.

    The integral rests while the command is clipped and the error would drive it further out.

    Args:
        speed, setpoint: of the fast shaft [rad/s].
        integral: integral part [N m].
        gain, integral_gain: K_p [N m s], K_i [N m].
        limit: highest torque [N m]; the lowest is 0, the generator never motors.
        h: step [s].
    """
    # Positive above the set-point: more torque brakes. Below it the command would be a motor's and is clipped to 0, so
    # that a plant speeds up by its buoyancy alone.
    error = speed - setpoint
    wanted = gain * error + integral
    command = min(max(wanted, 0.0), limit)
    # Anti-windup: an integral that went on growing at full torque would keep the plant far below its set-point for as
    # long as it had been above it.
    if (wanted > limit and error > 0.0) or (wanted < 0.0 and error < 0.0):
        return command, integral
    return command, integral + integral_gain * error * h
