"""A schedule of live changes that repeats, and what it makes a plant give: the subject of the adversarial search."""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from kpp_physics.parameters import DECLARATIONS, ParameterError
from kpp_physics.plant import SimulationError
from tests.kpp_physics.operations.audit import GateError, cops
from tests.kpp_physics.operations.choice import IDEAL
from tests.kpp_physics.operations.play import Player

KEPT: Final = Path(__file__).with_name("best")
"""The best schedules that a search has found."""

SMALL: Final[dict[str, Any]] = {
    "water_depth": 4.0, "sprocket_radius": 0.3, "floater_count": 14, "floater_volume": 0.03, "drag_area": 0.0,
    "mouth_area": 0.1, "bucket_height": 0.32, "load_pressure": 145000, "unload_pressure": 150000,
    "compressor_flow": 0.01, "receiver_volume": 0.5, "valve_conductance": 2e-6, "fill_fraction": 0.5,
    "gear_ratio": 20, "generator_speed_setpoint": 150, "shaft_inertia": 10, "chain_mass": 50, "chain_pretension": 2000,
    "injection_start_tilt": 60, "brake_force": 5000,
}  # fmt: skip

PLANTS: Final[dict[str, dict[str, Any]]] = {
    "default": {},
    "ideal": IDEAL,
    "small": SMALL | {name: value for name, value in IDEAL.items() if name not in SMALL and name != "receiver_ua"},
}
"""The plants that are attacked, by name. The small one is nearly ideal, and its laps are short."""

WARM_UP: Final = 60_000
"""Steps before the schedule begins."""

ROUNDS: Final = 6
"""Times that a schedule is run through."""


class Phase(NamedTuple):
    """Values that are put in force, and the steps until the next phase."""

    changes: dict[str, Any]
    steps: int


class Schedule(NamedTuple):
    """A plant, and phases that repeat."""

    plant: str
    phases: list[Phase]

    def as_json(self, cop: float) -> str:
        """The text of a file."""
        phases = [phase._asdict() for phase in self.phases]
        return json.dumps({"cop": cop, "plant": self.plant, "phases": phases}, indent=1) + "\n"

    @classmethod
    def read(cls, path: Path) -> "Schedule":
        """The schedule in a file."""
        held = json.loads(path.read_text(encoding="utf-8"))
        return cls(held["plant"], [Phase(**phase) for phase in held["phases"]])


def decode(plant: str, names: tuple[str, ...], genes: Any, phases: int) -> Schedule:
    """The schedule that numbers from 0 to 1 stand for: a value of every name and a length for every phase."""
    width = len(names) + 1
    found = []
    for phase in range(phases):
        row = np.clip(genes[phase * width : (phase + 1) * width], 0.0, 1.0)
        changes = {}
        for name, gene in zip(names, row[:-1].tolist(), strict=True):
            item = DECLARATIONS[name]
            low, high = item.minimum or 0.0, item.maximum or 0.0
            if item.choices:
                changes[name] = item.choices[min(int(gene * len(item.choices)), len(item.choices) - 1)]
                if changes[name] == "claimed":
                    changes[name] = "physical"
            elif low > 0.0 and high / low > 100.0:
                changes[name] = low * (high / low) ** gene
            else:
                changes[name] = low + (high - low) * gene
        found.append(Phase(changes, int(50 * 400 ** float(row[-1]))))
    return Schedule(plant, found)


UNSEEN: Final = 1e-6
"""Energy got in a round that may be the rounding of the stores [J]: a plant that stands still gets and takes none."""


def best_cop(schedule: Schedule) -> tuple[float, int]:
    """The highest coefficient of performance over whole rounds of the schedule, and the simulated time [us].

    Shorter windows are audited too, but are no measure: an ideal compressor that fills its receiver has a$
    coefficient of 1 as long as it does nothing else.

    Raises:
        GateError: when anything else is broken.
        SimulationError: when the plant cannot be computed further.
    """
    player = Player(PLANTS[schedule.plant])
    player.act(["command", "start"])
    player.act(["step", WARM_UP])
    highest, rounds = 0.0, []
    for _ in range(ROUNDS):
        for phase in schedule.phases:
            player.act(["change", phase.changes])
            player.act(["step", phase.steps])
        rounds.append(player.audit.moments[-1])
        if len(rounds) > 1:
            highest = max(highest, float(cops(rounds[-1] - np.array(rounds[:-1]), UNSEEN).max()))
    return highest, player.plant.time_us


def value(schedule: Schedule) -> float:
    """What a search maximises; a schedule that is refused is worth nothing, one that breaks a gate worth most."""
    try:
        return best_cop(schedule)[0]
    except ParameterError:
        return 0.0
    except (GateError, SimulationError):
        return 10.0
