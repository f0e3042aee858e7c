"""The published state and the plant's own view of itself have the same groups and names."""

from typing import Any

import msgspec

from bus.protocol.messages import State
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from nodes.physics.replica.frame import GROUPS


def names(struct: Any) -> set[str]:
    return {field.name for field in msgspec.structs.fields(struct)}


def test_every_group_of_the_plant_is_published_and_nothing_else() -> None:
    observed = Plant(Parameters()).observe()
    assert set(observed) == set(GROUPS)
    assert set(GROUPS) <= names(State)
    for group, part in GROUPS.items():
        # Whether a command acted in the laps is what the fold knows, not the plant.
        assert set(observed[group]) == names(part) - ({"settled"} if group == "meters" else set()), group
