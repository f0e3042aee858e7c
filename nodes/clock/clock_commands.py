"""The commands that the clock itself applies, read from their names and arguments."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from bus.protocol.messages import IDENTIFIER, NODE_ALARMS, STEP_US, STOP_LATE, Policy, Violation
from nodes.clock.node_alarms import PRIORITIES, priority
from nodes.clock.pace import SPEED_MAX, SPEED_MIN, Speed

STEP_TICKS_MAX = 100_000
"""Most ticks of one `step`."""

UNTIL_MAX = 1e9
"""Latest simulated time that `run_until` accepts, in seconds."""

POLICIES: tuple[Policy, ...] = get_args(Policy)
"""What may happen when a module is late."""


class ClockCommandError(ValueError):
    """A command that the clock cannot apply; the text says why.

    Args:
        reason: why, and what would be right.
        violations: the arguments that were wrong.
    """

    def __init__(self, reason: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(reason)
        self.violations = violations


@dataclass(frozen=True)
class Start:
    """Let simulated time run; if the run has ended, begin a new one with the same scenario."""


@dataclass(frozen=True)
class Pause:
    """Hold simulated time."""


@dataclass(frozen=True)
class Resume:
    """Go on after a pause."""


@dataclass(frozen=True)
class Stop:
    """End the run where it is."""


@dataclass(frozen=True)
class StopLate:
    """End the run where it is, since modules are late and the policy is stop: a command of the clock to itself."""

    late: tuple[str, ...]


@dataclass(frozen=True)
class NoteAlarms:
    """Nodes have begun or ceased to report alarms: a command of the clock to itself."""

    present: tuple[tuple[str, str, str], ...]
    """Id of the alarm, node, and the node's text, for each alarm that is reported."""


@dataclass(frozen=True)
class Step:
    """Advance a paused or stopped run by some ticks."""

    ticks: int


@dataclass(frozen=True)
class RunUntil:
    """Let simulated time run up to `t_us` and pause there."""

    t_us: int


@dataclass(frozen=True)
class Acknowledge:
    """Mark an alarm as seen. The clock only gives the command its tick, so that all apply it in the same order."""

    alarm: str


@dataclass(frozen=True)
class SetSpeed:
    """Change the speed, or run as fast as every module can follow."""

    speed: Speed | None
    flat_out: bool


@dataclass(frozen=True)
class SetPolicy:
    """Change what happens when a module is late."""

    policy: Policy


@dataclass(frozen=True)
class Reset:
    """Begin a new run, stopped at time zero."""

    scenario: str
    parameters: dict[str, Any]


PlainCommand = Start | Pause | Resume | Stop | StopLate | Step | SetSpeed | SetPolicy | Reset
ClockCommand = PlainCommand | RunUntil | Acknowledge | NoteAlarms

_PLAIN: dict[str, ClockCommand] = {"start": Start(), "pause": Pause(), "resume": Resume(), "stop": Stop()}


def read_command(name: str, args: dict[str, Any]) -> ClockCommand:
    """Read a command.

    Raises:
        ClockCommandError: naming the argument, its limit and what would be right.
    """
    if name in _PLAIN:
        _only(args)
        return _PLAIN[name]
    # The clock's own commands are not among those that an error message offers.
    if name == STOP_LATE:
        return _stop_late(args)
    if name == NODE_ALARMS:
        return _note_alarms(args)
    if name in _WITH_ARGUMENTS:
        return _WITH_ARGUMENTS[name](args)
    known = ", ".join([*_PLAIN, *_WITH_ARGUMENTS])
    raise ClockCommandError(f"the clock knows no command {name!r}: it knows {known}")


def _stop_late(args: dict[str, Any]) -> StopLate:
    _only(args, "late")
    late = args.get("late")
    if not isinstance(late, list) or not late or not all(isinstance(module, str) for module in late):
        # Only the clock sends it, but it is also read back from the journal, which is a file.
        raise _wrong("late", "at least one module", "needs the modules that are late")
    return StopLate(tuple(late))


def _note_alarms(args: dict[str, Any]) -> NoteAlarms:
    _only(args, "present")
    try:
        present = tuple((str(alarm), str(node), str(text)) for alarm, node, text in args["present"])
    except (KeyError, TypeError, ValueError):
        raise _wrong("present", "id, node and text of each alarm", "needs the alarms of nodes") from None
    for alarm, node, _text in present:
        try:
            priority(alarm, node)
        except ValueError as error:
            raise _wrong("present", ", ".join(PRIORITIES), str(error)) from None
    return NoteAlarms(present)


def _step(args: dict[str, Any]) -> Step:
    _only(args, "ticks")
    ticks = args.get("ticks", 1)
    # `type` and not `isinstance`: True is an int, but not a number of ticks.
    if type(ticks) is not int or not 1 <= ticks <= STEP_TICKS_MAX:
        raise _wrong("ticks", f"1 to {STEP_TICKS_MAX}", f"{ticks!r} is not a whole number of ticks in that range")
    return Step(ticks)


def _acknowledge(args: dict[str, Any]) -> Acknowledge:
    _only(args, "alarm")
    alarm = args.get("alarm")
    if not isinstance(alarm, str) or re.fullmatch(IDENTIFIER, alarm) is None:
        raise _wrong("alarm", "64 characters", "needs the id of an alarm")
    return Acknowledge(alarm)


def _set_policy(args: dict[str, Any]) -> SetPolicy:
    _only(args, "policy")
    policy = args.get("policy")
    if policy not in POLICIES:
        raise _wrong("policy", ", ".join(POLICIES), f"{policy!r} is none of them")
    return SetPolicy(policy)


def _reset(args: dict[str, Any]) -> Reset:
    _only(args, "scenario", "parameters")
    scenario = args.get("scenario", "")
    if not isinstance(scenario, str) or len(scenario) > 64:
        raise _wrong("scenario", "64 characters", "needs the name of a scenario")
    parameters = args.get("parameters", {})
    if not isinstance(parameters, dict):
        raise _wrong("parameters", "a map", "needs parameter values by name")
    return Reset(scenario, parameters)


def _run_until(args: dict[str, Any]) -> RunUntil:
    _only(args, "t")
    t = args.get("t")
    # True is an int in Python, and would mean one second.
    if isinstance(t, bool) or not isinstance(t, int | float) or not 0 < t <= UNTIL_MAX:  # refuses NaN, too
        raise _wrong("t", f"above 0 to {UNTIL_MAX:g} s", f"{t!r} is not a simulated time in that range")
    t_us = round(t * 1e6)
    # The plant advances in whole steps: a time between two of them would be reached by no tick.
    if t_us % STEP_US:
        raise _wrong("t", "whole milliseconds", f"{t!r} s lies between two steps of the plant")
    return RunUntil(t_us)


def _set_speed(args: dict[str, Any]) -> SetSpeed:
    _only(args, "speed", "flat_out")
    flat_out = args.get("flat_out", False)
    if type(flat_out) is not bool:
        raise _wrong("flat_out", "true or false", f"{flat_out!r} is neither")
    if "speed" not in args:
        # Neither is given: nothing would change, which is more likely a mistake than meant.
        if not flat_out:
            raise _wrong("speed", f"{SPEED_MIN:g} to {SPEED_MAX:g}", "is missing: give a speed or flat_out = true")
        return SetSpeed(None, flat_out)
    value = args["speed"]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or not math.isfinite(value) or not SPEED_MIN <= value <= SPEED_MAX:
        raise _wrong("speed", f"{SPEED_MIN:g} to {SPEED_MAX:g}", f"{value!r} is not a number in that range")
    return SetSpeed(Speed.of(float(value)), flat_out)


def _only(args: dict[str, Any], *names: str) -> None:
    # An unknown argument is refused, not ignored: it may be a misspelt one, in place of which its default would act.
    for name in args:
        if name not in names:
            raise _wrong(name, "none", f"is not an argument of this command, which takes {', '.join(names) or 'none'}")


def _wrong(field: str, limit: str, reason: str) -> ClockCommandError:
    return ClockCommandError(
        f"{field}: {reason} (limit: {limit})", (Violation(field=field, limit=limit, reason=reason),)
    )


_WITH_ARGUMENTS: dict[str, Callable[[dict[str, Any]], ClockCommand]] = {
    "step": _step,
    "run_until": _run_until,
    "set_speed": _set_speed,
    "set_policy": _set_policy,
    "reset": _reset,
    "acknowledge": _acknowledge,
}
