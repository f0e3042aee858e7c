"""Run mode, speed and policy: the commands that change them, and how far simulated time goes with a tick."""

from typing import Any

from bus.ordered.tick_log import RunHeader
from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import Mode, Policy, Violation
from nodes.clock.clock_commands import (
    Acknowledge,
    ClockCommand,
    ClockCommandError,
    NoteAlarms,
    Pause,
    PlainCommand,
    Reset,
    Resume,
    RunUntil,
    SetPolicy,
    SetSpeed,
    Start,
    Step,
    Stop,
    StopLate,
)
from nodes.clock.pace import FLAT_OUT_DT_US, CatchUpBacklog, Pace, Speed

BegunWith = tuple[str, dict[str, Any]]
"""Scenario of a run, and the parameters that replace some of the scenario's."""

NextRun = tuple[str, dict[str, Any], Mode]
"""Scenario, parameters and mode of a run to begin."""


class Controls:
    """What a user can set, and what it means for the next tick.

    Args:
        rate: ticks per second.
    """

    def __init__(self, rate: int) -> None:
        self.mode: Mode = "stopped"
        self.speed = Speed()
        self.flat_out = False
        """As fast as possible, whatever the speed."""
        self.policy: Policy = "hold"
        self.next_run: NextRun | None = None
        """The run to begin after this tick, None to stay in the present one."""
        self._pace = Pace(rate)
        self._backlog = CatchUpBacklog(rate)
        self._steps_left = 0
        self._until_us: int | None = None

    @property
    def moving(self) -> bool:
        """True while simulated time is to go on."""
        return self.mode == "running" or self._steps_left > 0

    @property
    def stops_when_late(self) -> bool:
        """True while a late module ends the run."""
        return self.policy == "stop" and self.mode == "running"

    @property
    def backlog(self) -> float:
        """Simulated time in seconds that policy catch_up has still to make up for."""
        return self._backlog.amount_us / 1e6 if self.policy == "catch_up" else 0.0

    # Commands

    def begins(self, command: ClockCommand, scenario: str, t_us: int, *, waiting: bool) -> BegunWith | None:
        """What a run would begin with if the command begins one when its tick comes; None if it begins none.

        Args:
            command: the command.
            scenario: that of the present run.
            t_us: simulated time now.
            waiting: whether commands that wait will act before it, which may stop the run or let its time go on.
        """
        match command:
            case Reset(scenario=chosen, parameters=parameters):
                return chosen or scenario, parameters
            # With commands before it, nobody knows yet whether the run will be stopped when its tick comes. The modules
            # are asked to be on the safe side: an answer that turns out not to be needed costs nothing.
            case Start() if waiting or (self.mode == "stopped" and t_us > 0):
                return scenario, {}
        return None

    def apply(self, command: ClockCommand, scenario: str, t_us: int) -> dict[str, Any]:
        """Carry out a command; returns what is in force now.

        Args:
            command: the command.
            scenario: scenario of the present run.
            t_us: simulated time now, in microseconds.

        Raises:
            ClockCommandError: if it cannot be applied now, with what would be right.
        """
        match command:
            case Acknowledge(alarm=alarm):
                return {"alarm": alarm}
            case NoteAlarms(present=present):
                return {"present": [alarm for alarm, _node, _text in present]}
            case RunUntil(t_us=until_us):
                return self._run_until(until_us, t_us)
        return self._carry_out(command, scenario, t_us)

    def _carry_out(self, command: PlainCommand, scenario: str, t_us: int) -> dict[str, Any]:
        match command:
            case Start():
                if self.mode != "stopped":
                    remedy = "resume or reset" if self.mode == "paused" else "pause, stop or reset"
                    raise ClockCommandError(f"the run is {self.mode}: {remedy}")
                if t_us > 0:
                    self.next_run = (scenario, {}, "running")
                    return {"mode": "running", "new_run": True}
                self.mode = "running"
            case Pause():
                self._require("running", "start it first")
                self.mode = "paused"
            case Resume():
                self._require("paused", "only a paused run can be resumed")
                self.mode = "running"
            case Stop():
                if self.mode == "stopped":
                    raise ClockCommandError("the run is stopped already")
                self.mode = "stopped"
            case StopLate():
                if not self.stops_when_late:
                    raise ClockCommandError(
                        f"the run is {self.mode}, the policy {self.policy}: there is nothing to stop"
                    )
                self.mode = "stopped"
            case Step(ticks=ticks):
                if self.mode == "running":
                    raise ClockCommandError("the run is running: pause it first")
                # Added, not set: two clients that each step ten ticks have asked for twenty.
                self._steps_left += ticks
                return {"mode": self.mode, "ticks": self._steps_left}
            case SetSpeed(speed=speed, flat_out=flat_out):
                self.speed = speed or self.speed
                self.flat_out = flat_out
                # The rest of a step at the old speed, and the backlog at it, mean nothing at the new speed.
                self._restart_pace()
                return {"speed": self.speed.factor, "flat_out": self.flat_out}
            case SetPolicy(policy=policy):
                self.policy = policy
                self._backlog.clear()
                return {"policy": policy}
            case Reset(scenario=chosen, parameters=parameters):
                self.next_run = (chosen or scenario, parameters, "stopped")
                return {"mode": "stopped", "scenario": chosen or scenario}
        # Every change of mode ends what was under way: steps that are left, a time at which to pause, a backlog.
        self._steps_left = 0
        self._until_us = None
        self._backlog.clear()
        return {"mode": self.mode}

    def _run_until(self, until_us: int, t_us: int) -> dict[str, Any]:
        now = t_us / 1e6
        # Refused rather than done at once: a person who names a time that has passed has another run in mind.
        if until_us <= t_us:
            reason = f"it is {now:g} s already: name a later time, or reset"
            raise ClockCommandError(f"t: {reason}", (Violation(field="t", limit=f"above {now:g} s", reason=reason),))
        self._until_us = until_us
        self.mode = "running"
        self._steps_left = 0
        return {"mode": "running", "until": until_us / 1e6}

    def _require(self, mode: Mode, remedy: str) -> None:
        if self.mode != mode:
            raise ClockCommandError(f"the run is {self.mode}: {remedy}")

    # Time

    def advance(self, t_us: int) -> int:
        """How far the next tick goes from a time, in microseconds, when nobody is late."""
        if self._steps_left > 0:
            self._steps_left -= 1
            # Steps are counted in ticks and never cut short for a pause: the two exclude each other; see `_run_until`.
            return FLAT_OUT_DT_US if self.flat_out else self._pace.advance(self.speed)
        if self.flat_out:
            return self._up_to_pause(FLAT_OUT_DT_US, t_us)
        dt_us = self._pace.advance(self.speed)
        # The backlog is worked off within ticks, no faster than the plant can follow; see `CatchUpBacklog`.
        return self._up_to_pause(dt_us + (self._backlog.take(dt_us) if self.policy == "catch_up" else 0), t_us)

    def _up_to_pause(self, dt_us: int, t_us: int) -> int:
        """The advance, cut short where the run is to pause."""
        # Never past that time, not by a microsecond: `run_until` promises it, and a tick may be as short as necessary.
        if self._until_us is None or t_us + dt_us < self._until_us:
            return dt_us
        # The last tick is cut short to whole steps, since `run_until` takes whole milliseconds only.
        dt_us = self._until_us - t_us
        self._until_us = None
        self.mode = "paused"
        self._restart_pace()
        return dt_us

    def wait(self) -> None:
        """Take note of a tick that advances nothing because a module is late."""
        # Flat out there is no schedule to fall behind, and single steps take as long as they take.
        if not self.flat_out and self._steps_left == 0:
            self._backlog.add(self.speed, 1)

    def missed(self, deadlines: int) -> None:
        """Take note of deadlines without a tick: under policy catch_up simulated time makes up for them."""
        if self.mode == "running" and not self.flat_out:
            self._backlog.add(self.speed, deadlines)

    def _restart_pace(self) -> None:
        self._pace.restart()
        self._backlog.clear()

    # Runs

    def enter(self, mode: Mode) -> None:
        """Begin a new run in a mode."""
        self.next_run = None
        self.mode = mode
        self._steps_left = 0
        self._until_us = None
        self._restart_pace()

    def take_up(self, header: RunHeader) -> None:
        """Adopt mode, speed and policy with which a recorded run began."""
        self.mode, self.flat_out, self.policy = header.mode, header.flat_out, header.policy
        # The recorded commands change these as they did then; the header says only how the run began.
        self.speed = Speed(header.speed_milli)

    def follow(self, span: TickSpan, t_us: int) -> None:
        """Adopt the state in which recorded ticks, which ended at `t_us`, have left the controls."""
        # The record does not say how many steps were left, but each tick of a paused run that advanced was one.
        if self.mode != "running" and self._steps_left > 0:
            self._steps_left = max(0, self._steps_left - (span.count if span.dt_us else 0))
        self.mode = span.mode  # reaching the time of `run_until` changes it without a command
        # A time that was reached before the clock died must not stop the run a second time.
        if self._until_us is not None and (self.mode != "running" or t_us >= self._until_us):
            self._until_us = None
