"""One plant by the kernel and by the independent integration, over the same laps of the same cold start."""

from typing import Final, NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import meters
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from tests.kpp_physics.independent.integration import integrate
from tests.kpp_physics.independent.state import BOOKED, COUNTERS

GATE: Final = 3e-3
"""Largest relative difference allowed."""

POWERS: Final = ("chain_speed", *BOOKED)
"""What is compared: the speed, every line of the first law, and what the meters show besides."""

SIGNED: Final = frozenset({"grid", "vent", "receiver_heat", "jet_wake", "h1_slip"})
"""Balances of larger flows of both signs, which may be near nothing: compared with a hundredth of the compressor's
power when they are smaller than that."""

NOTHING: Final = 1e-4
"""Share of the compressor's power below which any other line is compared with that share."""

CHUNK: Final = 250
"""Steps between two looks at the plant."""

LONGEST: Final = 6000.0
"""Simulated time after which a plant is given up [s]."""


class Difference(NamedTuple):
    """One quantity by the kernel and by the oracle, SI units; `scale` is what their difference is compared with."""

    quantity: str
    kernel: float
    oracle: float
    scale: float

    @property
    def relative(self) -> float:
        """Difference over the scale [-]."""
        return abs(self.kernel - self.oracle) / self.scale if self.kernel != self.oracle else 0.0


def measured(parameters: Parameters, step: float = 1e-3, warmup: int = 3, laps: int = 3) -> dict[str, float]:
    """Lap averages by the kernel, at any step [s].

    Raises:
        AssertionError: when the laps cannot be measured.
    """
    plant = Plant(parameters)
    plant._coefficients = co.coefficients(parameters, step)
    plant.command("start", {})
    while plant.plc_state in ("pressurising", "starting"):
        plant.step(CHUNK)
        assert plant.time_us < LONGEST * 1e6, "does not start"
    last = plant.laps + 1 + warmup + laps
    while plant.laps < last:
        assert plant.plc_state in ("running", "coasting"), plant.observe()["plc"]["trip"]
        assert plant.time_us < LONGEST * 1e6, "does not turn"
        plant.step(CHUNK)
    records, start = plant.lap_records(plant.laps - last + laps)
    records = records[:laps]
    means = {name.removeprefix("mean_"): value for name, value in meters.between(records, start).items()}
    power, _ = meters.compressor_power(records, start)
    return {**means, "compressor": power, "chain_speed": means["chain_travel"]}


def scale(name: str, means: dict[str, float]) -> float:
    """What a difference of this quantity is compared with, from the means of a plant."""
    if name in COUNTERS:
        return abs(means[name])
    return max(abs(means[name]), (0.01 if name in SIGNED else NOTHING) * means["compressor"])


def compare(parameters: Parameters, warmup: int = 3, laps: int = 3) -> list[Difference]:
    """Every power by both; the largest difference first.

    Args:
        parameters: of the plant.
        warmup, laps: laps discarded after running, and in the means.
    """
    kernel = measured(parameters, warmup=warmup, laps=laps)
    oracle = integrate(parameters, warmup, laps, LONGEST).means
    found = [Difference(name, kernel[name], oracle[name], scale(name, oracle)) for name in POWERS]
    return sorted(found, key=lambda each: -each.relative)
