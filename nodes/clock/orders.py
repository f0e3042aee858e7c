"""The commands that the clock itself obeys, read from their names and arguments."""

import math
from dataclasses import dataclass
from typing import Any, get_args

from bus.messages import Policy, Violation
from nodes.clock.pace import SPEED_MAX, SPEED_MIN, Speed

STEP_TICKS_MAX = 100_000

POLICIES: tuple[Policy, ...] = get_args(Policy)
"""What may happen when a module is late."""


class OrderError(ValueError):
    """A command that the clock cannot obey: why, and which arguments were wrong."""

    def __init__(self, reason: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(reason)
        self.violations = violations


@dataclass(frozen=True)
class Start:
    """Let simulated time run; on a run that has ended, begin a new one with the same scenario."""


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
class Step:
    """Advance a paused or stopped run by some ticks."""

    ticks: int


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


Order = Start | Pause | Resume | Stop | Step | SetSpeed | SetPolicy | Reset

_PLAIN: dict[str, Order] = {"start": Start(), "pause": Pause(), "resume": Resume(), "stop": Stop()}


def read_order(name: str, args: dict[str, Any]) -> Order:
    """Read a command.

    Raises:
        OrderError: naming the argument, its limit and what would be right.
    """
    if name in _PLAIN:
        _only(args)
        return _PLAIN[name]
    if name == "step":
        _only(args, "ticks")
        ticks = args.get("ticks", 1)
        if type(ticks) is not int or not 1 <= ticks <= STEP_TICKS_MAX:
            raise _wrong("ticks", f"1 to {STEP_TICKS_MAX}", f"{ticks!r} is not a whole number of ticks in that range")
        return Step(ticks)
    if name == "set_speed":
        return _set_speed(args)
    if name == "set_policy":
        _only(args, "policy")
        policy = args.get("policy")
        if policy not in POLICIES:
            raise _wrong("policy", ", ".join(POLICIES), f"{policy!r} is none of them")
        return SetPolicy(policy)
    if name == "reset":
        _only(args, "scenario", "parameters")
        scenario = args.get("scenario", "")
        if not isinstance(scenario, str) or len(scenario) > 64:
            raise _wrong("scenario", "64 characters", "needs the name of a scenario")
        parameters = args.get("parameters", {})
        if not isinstance(parameters, dict):
            raise _wrong("parameters", "a map", "needs parameter values by name")
        return Reset(scenario, parameters)
    known = ", ".join([*_PLAIN, "step", "set_speed", "set_policy", "reset"])
    raise OrderError(f"the clock knows no command {name!r}: it knows {known}")


def _set_speed(args: dict[str, Any]) -> SetSpeed:
    _only(args, "speed", "flat_out")
    flat_out = args.get("flat_out", False)
    if type(flat_out) is not bool:
        raise _wrong("flat_out", "true or false", f"{flat_out!r} is neither")
    if "speed" not in args:
        if not flat_out:
            raise _wrong("speed", f"{SPEED_MIN:g} to {SPEED_MAX:g}", "is missing: give a speed or flat_out = true")
        return SetSpeed(None, flat_out)
    value = args["speed"]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or not math.isfinite(value) or not SPEED_MIN <= value <= SPEED_MAX:
        raise _wrong("speed", f"{SPEED_MIN:g} to {SPEED_MAX:g}", f"{value!r} is not a number in that range")
    return SetSpeed(Speed.of(float(value)), flat_out)


def _only(args: dict[str, Any], *names: str) -> None:
    for name in args:
        if name not in names:
            raise _wrong(name, "none", f"is no argument here: there are {', '.join(names) or 'none'}")


def _wrong(field: str, limit: str, reason: str) -> OrderError:
    return OrderError(f"{field}: {reason} (limit: {limit})", (Violation(field=field, limit=limit, reason=reason),))
