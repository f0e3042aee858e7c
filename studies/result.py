"""What `kpp run --json` prints: one object of plain numbers and texts, in SI units throughout."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kpp_physics import ledger
from kpp_physics.cross_checks import cross_checks
from kpp_physics.meters import NO_LAP, held
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
    "cop_raw",
    "cop_without_claims",
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
"""Meters that are reported, in their order."""

GATES: Final = {"r_a": ledger.GATE_A, "r_b": ledger.GATE_B, "r_c": ledger.GATE_C}
"""Largest residual allowed, over the energy scale: first law, re-integrated powers, second law."""


def waterfall(means: Mapping[str, float]) -> list[tuple[str, float]]:
    """The path from compressor to grid: label and mean power (W, > 0 adds), from the first input to the grid.

    What the stores hold more at the end than at the beginning is taken as the difference of all lines; residual R_A
    says whether they really hold it.

    Args:
        means: mean power of each line of the ledger, W; without any the path is empty.
    """
    if not means:
        return []
    inputs = [(name, means[name]) for name in ledger.INPUTS]
    outputs = [(name, -means[name]) for name in ledger.OUTPUTS if name != "grid"]
    grid = means["grid"]
    stored = sum(power for _, power in inputs + outputs) - grid
    return [
        *inputs,
        ("sum of inputs", sum(power for _, power in inputs)),
        *outputs,
        ("into stores", -stored),
        ("sum of losses and stores", sum(p for _, p in outputs) - stored),
        ("grid", grid),
    ]


def _steady(found: Measurement) -> dict[str, Any]:
    """Whether the measured laps are steady, and the figures behind it: the stores' change of exergy, J, and share."""
    names = ("steady", "storage_change", "storage_share", "storage_limit")
    reason = found.window.reason if found.window is not None else NO_LAP
    figures = {name: found.meters[name] for name in names}
    return figures | {"steady": bool(found.meters["steady"]), "unsteady_reason": reason, "text": found.unsteady}


def _ledger(found: Measurement) -> dict[str, dict[str, float]]:
    """Every line over the measured laps: energy in J and mean power in W (for counters: their own unit)."""
    if found.records is None:
        return {}
    first, last = found.records
    return {
        name: {"total": float(last[line] - first[line]), "mean": found.means[name]}
        for line, name in enumerate(ledger.LINES)
    }


def _stores(found: Measurement) -> dict[str, dict[str, dict[str, float]]]:
    """Energy and exergy of every store at both ends of the measured laps, J."""
    if found.records is None:
        return {}
    ends = zip(("start", "end"), found.records, strict=True)
    return {end: {"energy": held(record, "energy"), "exergy": held(record, "exergy")} for end, record in ends}


@dataclass(frozen=True)
class StudyResult:
    """A run and its name.

    Attributes:
        scenario: name or path of the scenario, as given.
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
        """The object; it has `error` only if the laps could not be measured."""
        found, parameters = self.found, self.found.plant.parameters
        result: dict[str, Any] = {
            "scenario": self.scenario,
            "parameters": parameters.as_dict(),
            "laps": found.laps,
            "simulated_time": self.simulated_time,
            "wall_time": self.wall_time,
            "digest": found.plant.digest(),
            "meters": {name: found.meters[name] for name in METERS},
            "steady": _steady(found),
            "waterfall": [{"name": name, "power": power} for name, power in waterfall(found.means)],
            "ledger": _ledger(found),
            "stores": _stores(found),
            "residuals": {name: found.residuals.get(name) for name in GATES},
            "warnings": found.warnings,
            "cross_checks": [check._asdict() for check in cross_checks(parameters)],
        }
        if found.error is not None:
            result["error"] = found.error
        return result
