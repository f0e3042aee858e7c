"""The run that nothing happened to: the recorded ticks folded in this process, from the first."""

from pathlib import Path

from bus.protocol.messages import Event, Result, State, Tick
from catalog.scenarios import Scenarios
from kpp_physics.parameters import Parameters
from nodes.physics.replica.fold import Fold, Identity
from tests.chaos.history import Reference

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def fold(ticks: list[Tick], module: str) -> Reference:
    """Fold ticks from the first of each run on.

    A gap in the ticks ends the reference of that run: what follows it has none.
    """
    scenarios = Scenarios(SCENARIOS)

    def read(_run: str, scenario: str) -> Parameters:
        return scenarios.read(scenario)

    reference = Reference()
    folds: dict[str, Fold] = {}
    for tick in ticks:
        plant = folds.setdefault(tick.run, Fold(Identity(module, "reference"), tick.run, read))
        if tick.seq != plant.seq + 1:
            continue
        for message in plant.tick(tick.commands, round(tick.dt * 1e6), tick.wall, shown=True):
            if isinstance(message, State):
                reference.digests[message.run, message.seq] = message.digest
            elif isinstance(message, Result):
                reference.results[message.id] = message
            elif isinstance(message, Event):
                reference.events.append(message)
    return reference
