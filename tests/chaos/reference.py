"""The run that nothing happened to: the recorded ticks folded in this process, from the first."""

from pathlib import Path

import msgspec

from bus.codec import decode_published
from bus.messages import Result, State, Tick
from nodes.physics.core import PhysicsCore
from nodes.physics.scenarios import ScenarioFolder
from tests.chaos.history import Reference

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def fold(ticks: list[Tick], module: str) -> Reference:
    """Fold ticks from the first of a run on.

    A gap in the ticks ends the reference of that run: what follows it has none.
    """
    scenarios = ScenarioFolder(SCENARIOS)
    core = PhysicsCore(module, "reference", lambda _run, name: scenarios.read(name))
    reference = Reference()
    for tick in ticks:
        led = msgspec.structs.replace(tick, leaders={module: "reference"}, published={})
        for message in (decode_published(*pair) for pair in core.on_ticks([led])):
            if isinstance(message, State):
                reference.digests[message.run, message.seq] = message.digest
            elif isinstance(message, Result):
                reference.results[message.id] = message
    return reference
