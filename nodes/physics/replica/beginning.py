"""How a run begins: the plant of a scenario or of a checkpoint of another run, with changes to its parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bus.protocol.messages import PrepareRequest, Refused, Violation
from bus.protocol.state import Plc
from bus.view.alarms import Alarms, carried_over
from kpp_physics.parameters import ParameterError, Parameters
from kpp_physics.plant import Plant, SnapshotError
from kpp_physics.plc import CommandError
from kpp_physics.scenario import ScenarioError
from nodes.physics.replica.saved import Saved

ReadScenario = Callable[[str, str], Parameters | Saved]
"""(run, scenario) -> parameters, or the checkpoint of another run; raises ScenarioError or ParameterError."""

BEGINNING_ERRORS = (ParameterError, ScenarioError, SnapshotError, CommandError)
"""Errors that say why a run cannot begin in this way."""


@dataclass(frozen=True)
class Beginning:
    """A plant at the beginning of a run."""

    plant: Plant
    plc: Plc | None
    """What its controller showed last; None if it has shown nothing yet."""
    touched_lap: int
    """Complete laps when a command last acted on it."""
    alarms: Alarms
    """Alarms of the checkpoint that it was forked from."""
    applied: dict[str, Any]
    """What the module answers to the command that begins it."""


def begin(read: ReadScenario, run: str, scenario: object, changed: object) -> Beginning:
    """Make the plant that a run begins with.

    Args:
        read: where parameters come from.
        run: the run that begins.
        scenario: its name.
        changed: parameters that replace those of the scenario, by name.

    Raises:
        ParameterError, ScenarioError, SnapshotError, CommandError: if a run cannot begin in this way.
    """
    # The arguments of a command are anything that could be packed; from here on they are what they should be.
    if not isinstance(scenario, str) or not isinstance(changed, Mapping):
        raise CommandError("begin: give the name of a scenario, and parameters by name")
    # A copy: the answer must stay what it was when the command acted.
    applied = {"scenario": scenario, "parameters": dict(changed)}
    begun_with = read(run, scenario)
    if isinstance(begun_with, Saved):
        # Refused if it is of another kernel: a fork promises that it goes on with the very bits of the run.
        plant = Plant.restore(begun_with.plant)
        if changed:
            plant = plant.rebuilt(changed)
        fork = {"run": begun_with.run, "seq": begun_with.seq, "t": begun_with.t_us / 1e6}
        # A plant that was changed has no steady laps yet, even if the old one had.
        touched_lap = plant.laps if changed else begun_with.touched_lap
        # What was an alarm at the checkpoint is one at once, although nothing changes in the first tick.
        alarms = carried_over(begun_with.alarms, begun_with.t_us / 1e6)
        return Beginning(plant, begun_with.plc, touched_lap, alarms, applied | {"fork": fork})
    # Without changes the very object is used: its checks have been made when it was read.
    plant = Plant(begun_with.with_changes(changed) if changed else begun_with)
    # A scenario means a plant that runs; a checkpoint goes on in whatever state it is in.
    plant.command("start", {})
    return Beginning(plant, None, 0, (), applied)


def objection(read: ReadScenario, asked: PrepareRequest) -> Refused | None:
    """Why a run cannot begin as the clock asks; None if it can.

    Args:
        read: as for `begin`, but it must leave nothing behind: there is no run yet.
        asked: the question.
    """
    try:
        begin(read, "", asked.scenario, asked.parameters)
    except BEGINNING_ERRORS as error:
        # The same checks as at the tick itself. The clock asks first, so that a run is not ended for one that cannot
        # begin.
        found = violations(error)
        field = found[0].field if found else "scenario"
        return Refused(id=asked.id, field=field, reason=str(error), violations=found)
    return None


def violations(error: Exception) -> list[Violation]:
    """The refused values that an error names, as messages of the bus."""
    if not isinstance(error, ParameterError):
        return []
    return [
        Violation(field=each.field, limit="" if each.limit is None else str(each.limit), reason=each.reason)
        for each in error.violations
    ]
