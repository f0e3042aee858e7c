"""Whether the means of a state are of one plant: a fact of the stream, the same after every restart."""

import pytest

from bus.protocol.messages import Command, State
from kpp_physics.parameters import Parameters
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.saved import Saved
from tests.kpp_physics.laps import small_parameters

IDENTITY = Identity("m1", "a")
TICK_US = 1_000_000


def read(_run: str, _name: str) -> Parameters:
    return Parameters.of(small_parameters())


def command(name: str, **args: object) -> Command:
    return Command(id=name, module="m1", name=name, args=args, origin="test")


def until(fold: Fold, settled: bool) -> State:
    """Fold until the means are as wished."""
    for _ in range(700):
        state = tick(fold)
        if state.meters.settled is settled:
            return state
    raise AssertionError(f"the means never became {settled=}")


def tick(fold: Fold, *commands: Command) -> State:
    return next(each for each in fold.tick(list(commands), TICK_US, 0.0, shown=True) if isinstance(each, State))


@pytest.fixture
def fold() -> Fold:
    begun = Fold(IDENTITY, "0001-001", read)
    tick(begun, command("begin", scenario="reference", parameters={}))
    return begun


def test_i13_means_are_settled_only_over_laps_that_no_command_acted_in(fold: Fold) -> None:
    state = until(fold, settled=True)
    assert state.chain.laps - state.meters.laps >= 1, "the first lap is not in them"
    settled_at = state.chain.laps
    # Neither power nor speed changes with it, and yet laps before and after are of two plants.
    assert not tick(fold, command("set_parameters", compressor_efficiency=0.61)).meters.settled
    saved = fold.save()
    assert saved is not None
    state = until(fold, settled=True)
    assert state.chain.laps == settled_at + 6, "the lap of the change and five after it"
    again = Fold(IDENTITY, "0001-001", read, Saved.unpack(saved.pack()))
    assert until(again, settled=True) == state
