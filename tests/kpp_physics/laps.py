"""A plant whose laps are short, for tests that need many of them."""

from typing import Any

import numpy as np

from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from tests.kpp_physics.test_properties import fitting


def small_parameters() -> dict[str, Any]:
    """A random plant of 21 floaters without any claim; it has settled after six laps of a minute."""
    modes = {f"{name}_mode": "off" for name in ("h1", "h2", "h3", "jet", "recovery")}
    return fitting(np.random.default_rng(7)) | modes


def small_plant() -> Plant:
    """The plant with these parameters, told to start."""
    plant = Plant(Parameters.of(small_parameters()))
    plant.command("start", {})
    return plant
