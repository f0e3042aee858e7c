"""Operating sequences: changes, commands, modes, series, forks and snapshots in any order get nothing for nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kpp_physics import plc
from kpp_physics.parameters import DECLARATIONS, Declaration, ParameterError
from tests.kpp_physics.operations.choice import LIVE, REBUILT
from tests.kpp_physics.operations.drawing import draw
from tests.kpp_physics.operations.play import Player, play
from tests.kpp_physics.operations.schedule import KEPT, Schedule, best_cop
from tests.kpp_physics.operations.sequence import FOUND, read
from tests.kpp_physics.test_properties import fitting

SEEDS = 40
"""Random sequences of the suite; `make operations` plays thousands."""


@pytest.mark.parametrize("path", sorted(FOUND.glob("*.json")), ids=lambda path: path.stem)
def test_v37_what_broke_a_gate_once_stays_mended(path: Path) -> None:
    failure = play(read(path))
    assert failure is None


@pytest.mark.parametrize("seed", range(SEEDS))
def test_v37_random_sequences_break_no_gate(seed: int) -> None:
    failure = draw(seed).failure
    assert failure is None


def _value(item: Declaration) -> some.SearchStrategy[Any]:
    if item.choices:
        return some.sampled_from(item.choices)
    low, high = item.minimum or 0.0, item.maximum or 0.0
    return some.integers(int(low), int(high)) if item.name == "pole_pairs" else some.floats(low, high)


def _changes(names: tuple[str, ...]) -> some.SearchStrategy[dict[str, Any]]:
    """One to four parameters, anywhere in their ranges."""
    one = some.sampled_from(names).flatmap(lambda name: some.tuples(some.just(name), _value(DECLARATIONS[name])))
    return some.lists(one, min_size=1, max_size=4).map(dict)


class Operations(RuleBasedStateMachine):
    """One plant and its operator; the audit looks after every rule."""

    @initialize(seed=some.integers(0, 10_000))
    def build(self, seed: int) -> None:
        """A plant of any size that can start."""
        try:
            self.player = Player(fitting(np.random.default_rng(seed)))
        except ParameterError:
            self.player = Player({})
        self.player.act(["command", "start"])
        self.player.act(["step", 5000])

    @rule(n=some.integers(1, 5000))
    def wait(self, n: int) -> None:
        """Time passes."""
        self.player.act(["step", n])

    @rule(name=some.sampled_from(sorted(plc.COMMANDS)))
    def command(self, name: str) -> None:
        """A command, permitted or not."""
        self.player.act(["command", name])

    @rule(changes=_changes(LIVE))
    def change(self, changes: dict[str, Any]) -> None:
        """A live change."""
        self.player.act(["change", changes])

    @rule(changes=_changes(REBUILT))
    def fork(self, changes: dict[str, Any]) -> None:
        """Another machine around the same air."""
        self.player.act(["fork", changes])

    @rule(frequency=some.lists(some.floats(45, 55), max_size=4))
    def series(self, frequency: list[float]) -> None:
        """The grid's frequency follows a series, or no longer does."""
        now = self.player.plant.time_us / 1e6
        time = [now + 0.5 * (place + 1) for place in range(len(frequency))]
        self.player.act(["series", {"grid_frequency": {"time": time, "value": frequency}}])

    @rule()
    def snapshot(self) -> None:
        """A snapshot, which goes on bit for bit."""
        self.player.act(["snapshot"])

    @rule()
    def restore(self) -> None:
        """Back to the last snapshot."""
        self.player.act(["restore"])


def test_v37_a_state_machine_that_shrinks_breaks_no_gate() -> None:
    few = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(Operations, settings=few)


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.json")), ids=lambda path: path.stem)
def test_v38_the_best_schedules_found_give_no_more_than_they_take(path: Path) -> None:
    cop, _ = best_cop(Schedule.read(path))
    assert cop <= 1.001
