"""One run of one plant module, folded tick by tick: commands and time in; results, states and events out. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bus.protocol.messages import EVERY_MODULE, STEP_US, Command, Event, Published, Result, State, Violation
from bus.protocol.state import Plc
from bus.protocol.tags import IF_MATCH
from bus.view.alarms import Alarms
from kpp_physics.meters import DEFAULT_LAPS
from kpp_physics.plant import Plant, SimulationError
from kpp_physics.plc import CommandError
from kpp_physics.settling import settled
from nodes.physics.replica.alarms import after_commands, after_tick
from nodes.physics.replica.beginning import BEGINNING_ERRORS, ReadScenario, begin, violations
from nodes.physics.replica.expected import ExpectationError, require_as_expected
from nodes.physics.replica.frame import changes, controller, observed_groups
from nodes.physics.replica.saved import Saved

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

EVENTS_KEPT = 100
"""Newest events that are kept for new subscribers."""


@dataclass(frozen=True)
class Identity:
    """Who computes."""

    module: str
    instance: str


@dataclass(frozen=True)
class _Prepared:
    """The tick that is likely to come next, folded ahead of its arrival."""

    dt_us: int
    before: bytes
    state: State


class Fold:
    """The plant of a run after tick `seq`.

    Args:
        identity: who computes.
        run: run id.
        read_scenario: where a run's parameters come from.
        saved: continue from there instead of from the beginning.

    Raises:
        SnapshotError: if `saved` was taken with another kernel or another schema of parameters.
    """

    def __init__(self, identity: Identity, run: str, read_scenario: ReadScenario, saved: Saved | None = None) -> None:
        self._identity = identity
        self._read_scenario = read_scenario
        self.run = run
        self.seq = 0
        self.t_us = 0
        self.scenario = ""
        self.fault = ""
        self.plant: Plant | None = None
        self._results = 0
        self._events = 0
        self._plc: Plc | None = None
        self._alarms: Alarms = ()
        self._kept_events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._dt_us = 0
        self._touched_lap = 0  # complete laps when a command last acted; a plant begins with one
        self._settled = (0, False)  # complete laps, and whether the newest of them are alike
        self._prepared: _Prepared | None = None
        if saved is not None:
            # Everything that a later tick depends on comes from the snapshot. What is missing here would make the
            # restarted instance publish other bytes than its standby.
            self.plant = Plant.restore(saved.plant)
            self.seq, self.t_us, self.scenario = saved.seq, saved.t_us, saved.scenario
            self._results, self._events, self._plc, self._dt_us = saved.results, saved.events, saved.plc, saved.dt_us
            self._touched_lap, self._alarms = saved.touched_lap, saved.alarms
            self._kept_events.extend(saved.kept_events)

    def tick(self, commands: Sequence[Command], dt_us: int, wall: float, *, shown: bool) -> list[Published]:
        """Fold the next tick.

        After a fault nothing is folded any more; `fault` says why.

        Args:
            commands: all commands of the tick, whoever they are for.
            dt_us: simulated microseconds that it advances, a whole number of steps.
            wall: Unix time for what is published (s).
            shown: False saves the making of the state; results and events are the same.

        Returns:
            Its results, its state if it is to be shown, and its events, in the order in which they are published.
        """
        if self.fault:
            return []
        # First of all: if the guess was wrong, the plant must be back where it was before a command sees it.
        prepared = self._take_prepared(commands, dt_us, wall)
        seq = self.seq + 1
        # Commands act before the plant advances, in the order of the tick, so that all of the tick's time passes with
        # them in force.
        mine = [command for command in commands if command.module in {self._identity.module, EVERY_MODULE}]
        # With the number of the tick that is being folded, and the time before it: that is when the command acts.
        published: list[Published] = [self._result_of(command, seq, wall) for command in mine]
        # Acknowledgements are commands for the clock, so all commands are looked at here. They come before the plant's
        # own changes: an alarm that comes back in this tick is not acknowledged.
        self._alarms = after_commands(self._alarms, commands, self.t_us / 1e6)
        self._results += len(published)
        if self.plant is None:
            # A rejected `begin` has left its reason already; without it, no `begin` was in the ticks at all.
            self.fault = self.fault or f"run {self.run} did not begin with a scenario"
        elif prepared is None:
            self._advance(self.plant, dt_us)
        self.t_us += dt_us
        if self.fault or self.plant is None:
            published.append(Event(**self._header(seq, wall), severity="fault", kind="fault", text=self.fault))
            return published
        # A tick counts as folded only now. After a fault `seq` stays before it: nobody may take that tick for worked
        # off, and the plant's state is not one that can be saved.
        self.seq, self._dt_us = seq, dt_us
        state = (prepared or self._state(wall)) if shown else None
        if state is not None:
            published.append(state)
        # Events come last and are not in this state's count: they are found by comparing with what it shows.
        published += self._changes(self.plant, state, wall)
        return published

    def _advance(self, plant: Plant, dt_us: int) -> None:
        try:
            plant.step(dt_us // STEP_US)
        except SimulationError as error:
            self.fault = str(error)

    def _changes(self, plant: Plant, state: State | None, wall: float) -> list[Event]:
        # Without a state the controller is looked at alone: events do not depend on whether anybody is shown the rest.
        after = controller(plant.controller()) if state is None else state.plc
        events = changes(self._plc, after, self._header(self.seq, wall))
        if state is None:
            # The same as `_frame` does for a state: the alarms of a hidden tick count for the states after it.
            self._alarms = after_tick(self._alarms, self._identity.module, after, self.seq, self.t_us / 1e6)
        else:
            self._alarms = tuple(state.alarms)
        self._plc = after
        self._events += len(events)
        self._kept_events.extend(events)
        return events

    def _state(self, wall: float) -> State | None:
        return None if self.plant is None else self._frame(self.plant, self._header(self.seq, wall))

    def _frame(self, plant: Plant, header: dict[str, Any]) -> State:
        counts = {"results": self._results, "events": self._events}
        names = {"instance": self._identity.instance, "scenario": self.scenario}
        head: dict[str, Any] = {**header, **names, **counts}
        groups: dict[str, Any] = observed_groups(plant, settled=self._laps_settled(plant))
        alarms = after_tick(self._alarms, self._identity.module, groups["plc"], header["seq"], header["t"])
        return State(**head, digest=plant.digest(), **groups, alarms=list(alarms))

    def _laps_settled(self, plant: Plant) -> bool:
        """True if the laps in the means are alike and no command acted in any of them."""
        if plant.laps != self._settled[0]:
            # Once for a lap and not for each tick: it looks at every record of the last laps.
            self._settled = (plant.laps, settled(*plant.lap_records(DEFAULT_LAPS)))
        return self._touched_lap < plant.laps - DEFAULT_LAPS and self._settled[1]

    @property
    def events(self) -> list[Event]:
        """The newest events of the run."""
        return list(self._kept_events)

    def state(self, wall: float) -> State | None:
        """The newest state; None before there is a plant, or while the next tick is folded ahead."""
        return None if self._prepared is not None or self.seq == 0 else self._state(wall)

    def _header(self, seq: int, wall: float) -> dict[str, Any]:
        return {"t": self.t_us / 1e6, "seq": seq, "run": self.run, "wall": wall, "module": self._identity.module}

    # Ahead of time

    @property
    def may_prepare(self) -> bool:
        """True while the next tick could be folded ahead and is not yet."""
        return self.plant is not None and not self.fault and self._prepared is None

    def prepare(self) -> None:
        """Fold the next tick before it comes, on the guess that it is like the last one and without commands.

        The plant is idle between ticks, so this costs nothing and its state can be published the moment the tick is
        there. A wrong guess is taken back: the plant returns to the memory it had, bit for bit.
        """
        if self.plant is None or not self.may_prepare:
            return
        # A copy of memory and not a snapshot: it costs microseconds and is good for this process alone.
        before = self.plant.memory()
        try:
            self.plant.step(self._dt_us // STEP_US)
        except SimulationError:  # the tick itself will meet it again and report it
            self.plant.set_memory(before)
            return
        # The wall time is put in when the tick comes; everything else of the frame is known now.
        header = self._header(self.seq + 1, 0.0) | {"t": (self.t_us + self._dt_us) / 1e6}
        self._prepared = _Prepared(self._dt_us, before, self._frame(self.plant, header))

    def _take_prepared(self, commands: Sequence[Command], dt_us: int, wall: float) -> State | None:
        """The prepared state if the guess was right; otherwise the plant is set back."""
        prepared, self._prepared = self._prepared, None
        if prepared is None or self.plant is None:
            return None
        # Without commands and of the same length, the tick has nothing else that the plant would see.
        if not commands and prepared.dt_us == dt_us:
            return msgspec.structs.replace(prepared.state, wall=wall)
        self.plant.set_memory(prepared.before)
        return None

    def save(self) -> Saved | None:
        """All that is needed to continue from here; None while the next tick is folded ahead, or after a fault."""
        # Folded ahead, the plant is one tick further than `seq` says: a snapshot would fold that tick twice.
        if self.plant is None or self._prepared is not None or self.fault:
            return None
        return Saved(
            module=self._identity.module,
            run=self.run,
            seq=self.seq,
            t_us=self.t_us,
            dt_us=self._dt_us,
            scenario=self.scenario,
            results=self._results,
            events=self._events,
            plc=self._plc,
            plant=self.plant.snapshot(),
            touched_lap=self._touched_lap,
            alarms=self._alarms,
            kept_events=tuple(self._kept_events),
        )

    # Commands

    def _result_of(self, command: Command, seq: int, wall: float) -> Result:
        reason = ""
        # A command that cannot be carried out is answered and changes nothing; the run goes on with the tick.
        found: list[Violation] = []
        applied: dict[str, Any] = {}
        try:
            applied = self._carry_out(command)
        except BEGINNING_ERRORS as error:
            reason, found = str(error), violations(error)
        except ExpectationError as error:
            reason, found = str(error), [error.violation]
        # A run that could not begin has no plant to go on with. The fault is the whole run's, until the clock begins
        # another.
        if reason and command.name == "begin":
            self.fault = f"scenario cannot be used: {reason}"
        return Result(
            **self._header(seq, wall),
            id=command.id,
            name=command.name,
            outcome="rejected" if reason else "applied",
            reason=reason,
            violations=found,
            applied=applied,
        )

    def _carry_out(self, command: Command) -> dict[str, Any]:
        if command.name == "begin":
            return self._begin(command)
        if self.plant is None:
            raise CommandError("there is no plant in this run: begin another one")
        if command.name == "set_parameters":
            applied = dict(command.args)
            if IF_MATCH in applied:
                require_as_expected(applied.pop(IF_MATCH), self.run, self.plant.parameters)
            self.plant.change_parameters(applied)
        elif command.name == "set_series":
            self.plant.change_series(command.args)
            applied = dict(command.args)
        elif command.name in PLANT_COMMANDS:
            self.plant.command(PLANT_COMMANDS[command.name], command.args)
            applied = {"plc": self.plant.plc_state}
        else:
            raise CommandError(self._unknown(command.name))
        # Means over laps with a command in one of them are no steady state, whatever the laps look like.
        self._touched_lap = self.plant.laps
        return applied

    def _unknown(self, name: str) -> str:
        known = ", ".join(["set_parameters", "set_series", *PLANT_COMMANDS])
        return f"module {self._identity.module} knows no command {name!r}: use one of {known}"

    def _begin(self, command: Command) -> dict[str, Any]:
        scenario = command.args.get("scenario")
        begun = begin(self._read_scenario, self.run, scenario, command.args.get("parameters", {}))
        self.plant, self.scenario = begun.plant, str(scenario)
        self._plc = begun.plc
        self._touched_lap, self._alarms = begun.touched_lap, begun.alarms
        return begun.applied
