"""The fold over tick frames, pure: ticks in; states, results and events out. It asks for the ticks that it misses."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bus.messages import (
    EVERY_MODULE,
    STEP_US,
    Command,
    Event,
    Published,
    Refused,
    Replay,
    ReplayRequest,
    Result,
    Snapshot,
    Span,
    State,
    Tick,
    Violation,
)
from bus.state import Plc
from kpp_physics.parameters import ParameterError, Parameters
from kpp_physics.plant import Plant, SimulationError
from kpp_physics.plc import CommandError
from kpp_physics.scenario import ScenarioError
from nodes.physics.frame import changes, state_frame

CHUNK_STEPS = 4000
"""Most physics steps folded before the node looks at its sockets again: about 20 ms of work."""

PLANT_COMMANDS = {
    "plant_start": "start",
    "plant_stop": "stop",
    "plant_coast": "coast",
    "plant_resume": "resume",
    "emergency_stop": "emergency_stop",
    "plant_reset": "reset",
    "inject": "inject",
}
"""Commands of the bus and the controller's names for them."""

ReadScenario = Callable[[str], Parameters]


@dataclass(frozen=True)
class _Prepared:
    """The tick that is likely to come next, folded ahead of its arrival."""

    dt: float
    before: bytes
    state: State


class PhysicsCore:
    """One plant module.

    Args:
        module: name under which it publishes.
        instance: name of the process.
        read_scenario: scenario name -> parameters; raises ScenarioError or ParameterError.
    """

    def __init__(self, module: str, instance: str, read_scenario: ReadScenario) -> None:
        self._module = module
        self._instance = instance
        self._read_scenario = read_scenario
        self._epoch = 0
        self._newest = 0
        self._backlog: deque[Span] = deque()
        self._missing = False
        self.run = ""
        self.seq = 0
        self._t_us = 0
        self._scenario = ""
        self._plant: Plant | None = None
        self._fault = "no run yet"
        self._state: State | None = None
        self._plc: Plc | None = None
        self._dt = 0.0
        self._prepared: _Prepared | None = None

    # The stream

    def on_tick(self, tick: Tick) -> list[Published]:
        """Fold a tick if it is the next one; otherwise note what is missing."""
        if tick.epoch < self._epoch:  # a clock that was replaced while it slept
            return []
        self._epoch = tick.epoch
        if tick.run != self.run:
            self._enter(tick.run)
        self._newest = max(self._newest, tick.seq)
        if tick.seq != self.seq + 1 or self._backlog:
            self._missing = self._newest > self.seq
            return []
        self._missing = False
        return self._fold(tick.commands, tick.dt, tick.t, tick.seq, tick.wall)

    def on_replay(self, reply: Replay | Refused) -> None:
        """Take a block of missed ticks; `work` folds them. A block of another run is of no use any more."""
        if isinstance(reply, Refused) or reply.run != self.run:
            return
        self._newest = max(self._newest, reply.last)
        self._backlog = deque(span for span in reply.spans if span.first + span.count - 1 > self.seq)
        self._missing = False

    @property
    def request(self) -> ReplayRequest | None:
        """The ticks that are missing and not under way, None when there are none."""
        if self._missing and not self._backlog:
            return ReplayRequest(run=self.run, after=self.seq)
        return None

    @property
    def busy(self) -> bool:
        """True while missed ticks wait to be folded."""
        return bool(self._backlog)

    def work(self, wall: float) -> list[Published]:
        """Fold a part of the missed ticks. Their commands are answered; a state is published when live again."""
        published: list[Published] = []
        steps = 0
        while self._backlog and steps < CHUNK_STEPS and self._fault == "":
            span = self._backlog.popleft()
            if span.first != self.seq + 1:
                self._backlog.clear()
                self._missing = True
                break
            dt_us = round(span.dt * 1e6)
            fitting = max(1, (CHUNK_STEPS - steps) * STEP_US // dt_us) if dt_us else span.count
            count = 1 if span.commands else min(span.count, fitting)
            t_us = round(span.t * 1e6) + count * dt_us
            published += self._fold(span.commands, count * dt_us / 1e6, t_us / 1e6, self.seq + count, wall, live=False)
            steps += count * dt_us // STEP_US
            if count < span.count:
                rest = Span(
                    first=span.first + count,
                    count=span.count - count,
                    t=t_us / 1e6,
                    dt=span.dt,
                    mode=span.mode,
                    commands=[],
                )
                self._backlog.appendleft(rest)
        if self._fault and self.run:
            self._backlog.clear()
        if not self._backlog:
            self._missing = self._newest > self.seq and self._fault == ""
            published += self._show(wall)
        return published

    @property
    def may_prepare(self) -> bool:
        """True while the next tick could be folded ahead and is not yet."""
        busy = self._plant is None or self._fault or self._backlog or self._missing
        return not busy and self._prepared is None

    def prepare(self) -> None:
        """Fold the next tick before it comes, on the guess that it is like the last one and without commands.

        The plant is idle between ticks, so this costs nothing and its state can be published the moment the tick is
        there. A wrong guess is taken back: the plant returns to the memory it had, bit for bit.
        """
        if self._plant is None or not self.may_prepare:
            return
        before = self._plant.memory()
        try:
            self._plant.step(round(self._dt * 1e6) // STEP_US)
        except SimulationError:  # the tick itself will meet it again, and then it is told
            self._plant.recall(before)
            return
        header = self._header(self.seq + 1, 0.0) | {"t": (self._t_us + round(self._dt * 1e6)) / 1e6}
        state = state_frame(self._plant, {**header, "instance": self._instance, "scenario": self._scenario})
        self._prepared = _Prepared(self._dt, before, state)

    def _take_prepared(self, commands: list[Command], dt: float, wall: float, live: bool) -> State | None:
        """The prepared state if the guess was right; otherwise the plant is set back."""
        prepared, self._prepared = self._prepared, None
        if prepared is None or self._plant is None:
            return None
        if live and not commands and prepared.dt == dt:
            return msgspec.structs.replace(prepared.state, wall=wall)
        self._plant.recall(prepared.before)
        return None

    def _enter(self, run: str) -> None:
        self.run = run
        self.seq = self._newest = self._t_us = 0
        self._backlog.clear()
        self._plant = None
        self._state = None
        self._plc = None
        self._prepared = None
        self._fault = ""

    # The fold

    def _fold(
        self, commands: list[Command], dt: float, t: float, seq: int, wall: float, *, live: bool = True
    ) -> list[Published]:
        if self._fault:
            return []
        prepared = self._take_prepared(commands, dt, wall, live)
        started = self._t_us
        addressed = (command for command in commands if command.module in {self._module, EVERY_MODULE})
        published: list[Published] = [self._obey(command, started, seq, wall) for command in addressed]
        if self._plant is None:
            self._fault = self._fault or f"run {self.run} did not begin with a scenario"
        elif prepared is None:
            try:
                self._plant.step(round(dt * 1e6) // STEP_US)
            except SimulationError as error:
                self._fault = str(error)
        self._t_us = round(t * 1e6)
        if self._fault:
            published.append(Event(**self._header(seq, wall), severity="fault", kind="fault", text=self._fault))
            return published
        self.seq = seq
        self._dt = dt
        if live:
            published += self._show(wall, prepared)
        return published

    def _show(self, wall: float, prepared: State | None = None) -> list[Published]:
        if self._plant is None or self._fault:
            return []
        header = self._header(self.seq, wall)
        self._state = prepared or state_frame(
            self._plant, {**header, "instance": self._instance, "scenario": self._scenario}
        )
        events = changes(self._plc, self._state.plc, header)
        self._plc = self._state.plc
        return [self._state, *events]

    def _header(self, seq: int, wall: float) -> dict[str, Any]:
        return {"t": self._t_us / 1e6, "seq": seq, "run": self.run, "wall": wall, "module": self._module}

    # Commands

    def _obey(self, command: Command, t_us: int, seq: int, wall: float) -> Result:
        reason = ""
        violations: list[Violation] = []
        applied: dict[str, Any] = {}
        try:
            applied = self._carry_out(command)
        except ParameterError as error:
            reason = str(error)
            violations = [
                Violation(field=each.field, limit="" if each.limit is None else str(each.limit), reason=each.reason)
                for each in error.violations
            ]
        except (CommandError, ScenarioError) as error:
            reason = str(error)
        if reason and command.name == "begin":
            self._fault = f"scenario cannot be used: {reason}"
        return Result(
            t=t_us / 1e6,
            seq=seq,
            run=self.run,
            wall=wall,
            module=self._module,
            id=command.id,
            name=command.name,
            outcome="rejected" if reason else "applied",
            reason=reason,
            violations=violations,
            applied=applied,
        )

    def _carry_out(self, command: Command) -> dict[str, Any]:
        if command.name == "begin":
            scenario, changed = command.args.get("scenario"), command.args.get("parameters", {})
            if not isinstance(scenario, str) or not isinstance(changed, Mapping):
                raise CommandError("begin needs a scenario's name and parameters by name")
            parameters = self._read_scenario(scenario)
            self._plant = Plant(parameters.with_changes(changed) if changed else parameters)
            self._plant.command("start", {})
            self._scenario = scenario
            return {"scenario": scenario, "parameters": dict(changed)}
        if self._plant is None:
            raise CommandError("there is no plant in this run")
        if command.name == "set_parameters":
            self._plant.change_parameters(command.args)
            return dict(command.args)
        if command.name == "set_series":
            self._plant.change_series(command.args)
            return dict(command.args)
        if command.name in PLANT_COMMANDS:
            self._plant.command(PLANT_COMMANDS[command.name], command.args)
            return {"plc": str(self._plant.observe()["plc"]["state"])}
        known = ", ".join(["set_parameters", "set_series", *PLANT_COMMANDS])
        raise CommandError(f"module {self._module} knows no command {command.name!r}: it knows {known}")

    # What it says of itself

    @property
    def status(self) -> str:
        """One line for the clock's table of peers."""
        if self._fault:
            return f"fault: {self._fault}"
        if self._backlog or self._missing:
            return f"catching up: tick {self.seq} of {self._newest}"
        return "ok"

    def snapshot(self) -> Snapshot | Refused:
        """Newest state and every parameter in force, or why there is none."""
        if self._plant is None:
            return Refused(id="", field="", reason=f"module {self._module} has no plant: {self._fault}")
        return Snapshot(
            module=self._module,
            run=self.run,
            seq=self.seq,
            t=self._t_us / 1e6,
            scenario=self._scenario,
            parameters=dict(self._plant.parameters.as_dict()),
            state=self._state,
        )
