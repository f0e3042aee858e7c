"""What `kpp run --json` prints: one object of plain numbers and text, SI units throughout."""

from dataclasses import dataclass
from typing import Any, Final

from kpp_physics import ledger
from kpp_physics.cross_checks import cross_checks
from studies.run import Measurement

METERS: Final = (
    "chain_speed",
    "generator_rpm",
    "compressor_power",
    "auxiliary_power",
    "buoyancy_power",
    "shaft_power",
    "grid_power",
    "cop",
    "net_power",
    "air_mass_flow",
    "drag_power",
    "heat_from_water",
    "unsourced_power",
    "water_exchange_power",
    "chain_friction_power",
    "tension_max",
    "tension_min",
    "receiver_pressure_min",
    "receiver_pressure_max",
)
"""Meters published, in their order."""

GATES: Final = {"r_a": ledger.GATE_A, "r_b": ledger.GATE_B, "r_c": ledger.GATE_C}
"""Largest residual allowed, over the energy scale: first law, re-integrated powers, second law."""


@dataclass(frozen=True)
class Result:
    """A run and the name it goes by.

    Attributes:
        scenario: name or path as given.
        found: what was measured.
        wall_time: time that the run took, s.
    """

    scenario: str
    found: Measurement
    wall_time: float

    @property
    def simulated_time(self) -> float:
        """Simulated time of the run, s."""
        return self.found.plant.time_us / 1e6

    def as_dict(self) -> dict[str, Any]:
        """The object; `error` is there only when the laps could not be measured."""
        found, parameters = self.found, self.found.plant.parameters
        result: dict[str, Any] = {
            "scenario": self.scenario,
            "parameters": parameters.as_dict(),
            "laps": found.laps,
            "simulated_time": self.simulated_time,
            "wall_time": self.wall_time,
            "digest": found.plant.digest(),
            "meters": {name: found.meters[name] for name in METERS},
            "residuals": {name: found.residuals.get(name) for name in GATES},
            "warnings": found.warnings,
            "cross_checks": [check._asdict() for check in cross_checks(parameters)],
        }
        if found.error is not None:
            result["error"] = found.error
        return result
