"""Carry out an operating sequence on a plant under audit."""

import math
from typing import Any, NamedTuple

from kpp_physics.parameters import BUILT, DECLARATIONS, ParameterError, Parameters
from kpp_physics.plant import Plant, SimulationError
from kpp_physics.plc import CommandError
from tests.kpp_physics.operations.audit import Audit, GateError
from tests.kpp_physics.operations.sequence import Action, Sequence

MODES = tuple(name for name in DECLARATIONS if name.endswith("_mode") and "claimed" in DECLARATIONS[name].choices)


class Kept(NamedTuple):
    """A snapshot, and the audit at its moment."""

    data: bytes
    audit: Audit


class Failure(NamedTuple):
    """What a sequence broke: the action after which it showed, the quantity, its value and its gate."""

    action: int
    quantity: str
    value: float
    gate: float
    text: str

    @classmethod
    def of(cls, action: int, error: GateError | SimulationError) -> "Failure":
        """The failure that an action met."""
        if isinstance(error, GateError):
            return cls(action, error.quantity, error.value, error.gate, str(error))
        _, _, reason = str(error).partition(" s ")
        return cls(action, reason.partition(" (")[0], math.nan, 0.0, str(error))


class Player:
    """A plant, its audit, and the last snapshot."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.plant = Plant(Parameters.of(parameters))
        self.audit = Audit(self.plant)
        self.kept: Kept | None = None
        self.elapsed_us = 0  # of branches that were left
        self._expect()

    def _expect(self) -> None:
        if any(getattr(self.plant.parameters, name) == "claimed" for name in MODES):
            self.audit.expect_claims()

    def act(self, action: Action) -> bool:
        """Carry out one action and look; False if the plant refused it.

        Raises:
            GateError: when a gate is broken.
            SimulationError: when the plant cannot be computed further.
        """
        try:
            getattr(self, f"_{action[0]}")(*action[1:])
        except (ParameterError, CommandError):
            return False
        self._expect()
        self.audit.look(self.plant)
        return True

    def _step(self, n: int) -> None:
        self.plant.step(n)

    def _command(self, name: str) -> None:
        self.plant.command(name, {})

    def _change(self, changes: dict[str, Any]) -> None:
        self.plant.change_parameters(changes)

    def _series(self, changes: dict[str, Any]) -> None:
        self.plant.change_series(changes)

    def _fork(self, changes: dict[str, Any]) -> None:
        before = self.plant
        self.plant = before.rebuilt(changes)
        now = self.plant.parameters
        differing = [name for name in changes if getattr(now, name) != getattr(before.parameters, name)]
        if any(DECLARATIONS[name].kind == BUILT for name in differing):
            self.audit.begin(self.plant)

    def _snapshot(self) -> None:
        data = self.plant.snapshot()
        twin = Plant.restore(data)
        if twin.digest() != self.plant.digest():
            raise GateError("digest of a restored plant differs", 1.0, 0.0)
        self.plant.step(7)
        twin.step(7)
        if twin.digest() != self.plant.digest():
            raise GateError("digest of a restored plant differs after further steps", 1.0, 0.0)
        self.plant = Plant.restore(data)
        self.kept = Kept(data, self.audit.copy())

    def _restore(self) -> None:
        if self.kept is not None:
            self.elapsed_us += self.plant.time_us
            self.plant = Plant.restore(self.kept.data)
            worst = self.audit.worst
            self.elapsed_us -= self.plant.time_us
            self.audit = self.kept.audit.copy()
            self.audit.worst = worst


def play(sequence: Sequence) -> Failure | None:
    """Play a sequence to its end, or to what it breaks first; parameters that are refused break nothing."""
    try:
        player = Player(sequence.parameters)
    except ParameterError:
        return None
    for number, action in enumerate(sequence.actions):
        try:
            player.act(action)
        except (GateError, SimulationError) as error:
            return Failure.of(number, error)
    return None
