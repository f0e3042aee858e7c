"""Cost of the compiled step of the plant."""

import timeit

from benchmarks.table import Row, note
from kpp_physics.constants import STEP
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant

STEPS = 5000
ROUNDS = 7
GOAL = 200.0
"""Times real time that the reference plant must reach on one core."""


def measure() -> list[Row]:
    """Microseconds a step and real-time factor of the reference plant."""
    note(f"kernel: {ROUNDS} x {STEPS} steps of the reference plant")
    plant = started(Parameters())
    each = best(plant)
    factor = STEP / each
    return [
        Row(
            "plant, reference scenario",
            f"{each * 1e6:.2f} us a step = {factor:.0f}x real time",
            ">= 200x",
            factor >= GOAL,
        )
    ]


def started(parameters: Parameters) -> Plant:
    """A plant in steady operation, or as near to it as 150 s bring it."""
    plant = Plant(parameters)
    plant.command("start", {})
    plant.step(150_000)
    return plant


def best(plant: Plant) -> float:
    """Seconds a step, best of the rounds: what others do on the machine is not the plant's cost."""
    return min(timeit.repeat(lambda: plant.step(STEPS), number=1, repeat=ROUNDS)) / STEPS
