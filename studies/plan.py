"""How much of a plant's run to measure, and how long to wait for it."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from kpp_physics.parameters import Parameters

LAPS: Final = 10
LOAD_CYCLES: Final = 10
"""What published numbers need."""

WARMUP_LAPS: Final = 4
"""Laps of a cold start discarded at least, after the controller reached running."""

LONGEST_WARMUP: Final = 200
"""Laps of warm-up after which a plant that still drifts is measured as it is."""

RECEIVER_TIMES: Final = 5
"""Time constants of the receiver's temperature in the warm-up: filling heats its air by up to 90 K."""

PATIENCE: Final = 1800.0
"""Simulated time (s) in which a plant must move by one pitch, at least."""

LONGEST_LAP: Final = 7200.0
"""Simulated time (s) in which a plant must complete a lap, at least."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        laps: number of laps in the means; None for as many as `least_laps` and `load_cycles` need.
        warmup_laps: laps discarded before them; None for what the plant needs.
        duration: simulated time (s) that ends the run, or None.
        load_cycles: whole load cycles of the compressor in the mean of its power, if there are any.
        least_laps: laps where `laps` leaves it open.
    """

    laps: int | None = None
    warmup_laps: int | None = None
    duration: float | None = None
    load_cycles: int = LOAD_CYCLES
    least_laps: int = LAPS

    def enough_cycles(self, laps: int) -> int:
        """Load cycles that are enough after so many laps.

        Who asks for a number of laps does not want to wait for ten cycles of a large receiver; one such cycle has so
        many pulses that a few of them give a steady mean.
        """
        patient = self.laps is None or laps < 3 * self.laps
        return self.load_cycles if patient else min(2, self.load_cycles)

    @staticmethod
    def most_laps(wanted: int) -> int:
        """Laps after which no more load cycles are waited for."""
        return 10 * max(wanted, LAPS)


class Expectation(NamedTuple):
    """What to expect of a plant: m, s, laps."""

    pitch: float
    warmup_laps: int
    longest_warmup: int
    longest_start: float
    patience: float
    longest_lap: float


def schedule(p: Parameters) -> Expectation:
    """The schedule of a cold plant.

    The warm-up takes the receiver's own time into account, m_r cv/(mdot cp + UA_r): how long its air stays warmer than
    in steady work after it was filled. Filling may take twice the isothermal time.
    """
    loop = 2 * (p.water_depth - 2 * p.sprocket_radius) + 2 * math.pi * p.sprocket_radius
    pitch = loop / p.floater_count
    speed = p.generator_speed_setpoint * math.pi / 30 * p.sprocket_radius / p.gear_ratio
    gas = p.gas_constant * p.ambient_temperature
    charge = p.fill_fraction * p.ambient_pressure * p.floater_volume / gas
    flow = min(p.compressor_flow, charge * speed / pitch)
    held = p.unload_pressure * p.receiver_volume / gas
    slowest = held * (p.cp_air - p.gas_constant) / max(flow * p.cp_air + p.receiver_ua, 1e-9)
    laps = math.ceil(RECEIVER_TIMES * slowest * speed / loop)
    filling = held / p.compressor_flow
    return Expectation(
        pitch=pitch,
        warmup_laps=min(max(WARMUP_LAPS, laps), LONGEST_WARMUP),
        longest_warmup=LONGEST_WARMUP,
        longest_start=2 * filling + PATIENCE,
        patience=max(PATIENCE, 20 * pitch / speed),
        longest_lap=max(LONGEST_LAP, 20 * loop / speed),
    )
