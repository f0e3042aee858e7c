"""Draw a random sequence while it is played: what is drawn depends on the state the plant is in."""

from typing import Final, NamedTuple

import numpy as np

from kpp_physics.parameters import ParameterError
from kpp_physics.plant import SimulationError
from tests.kpp_physics.operations import choice
from tests.kpp_physics.operations.audit import GateError
from tests.kpp_physics.operations.play import Failure, Player
from tests.kpp_physics.operations.sequence import Action, Sequence

ACTIONS: Final = 80
"""Actions of a sequence; every other one lets time pass."""


class Drawn(NamedTuple):
    """A sequence, what it broke if anything, and the plant and its audit at the end."""

    sequence: Sequence
    failure: Failure | None
    player: Player


def draw(seed: int, actions: int = ACTIONS) -> Drawn:
    """The random sequence of a seed, to its end or to what it breaks first."""
    rng = np.random.default_rng(seed)
    parameters, player = _begin(rng)
    claims = bool(rng.random() < 0.3)
    done: list[Action] = []
    for number in range(actions):
        done.append(choice.steps(rng) if number % 2 else choice.action(rng, player.plant, claims))
        try:
            player.act(done[-1])
        except GateError as broken:
            return Drawn(Sequence(parameters, done), Failure.of(number, broken), player)
        except SimulationError as error:
            return Drawn(Sequence(parameters, done), Failure.of(number, error), player)
    return Drawn(Sequence(parameters, done), None, player)


def _begin(rng: np.random.Generator) -> tuple[dict[str, object], Player]:
    """Parameters that are permitted together, and their plant."""
    while True:
        parameters = choice.start(rng)
        try:
            return parameters, Player(parameters)
        except ParameterError:
            continue
