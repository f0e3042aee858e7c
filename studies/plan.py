"""How much of a plant's run to measure, and how long to wait for it."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from kpp_physics.parameters import Parameters

LAPS: Final = 10
LOAD_CYCLES: Final = 10
"""Laps and whole load cycles in the means that published numbers need."""

WARMUP_LAPS: Final = 4
"""Fewest laps of a cold start that are discarded after the controller reached running."""

LONGEST_WARMUP: Final = 200
"""Laps of warm-up after which a plant that still drifts is measured as it is."""

RECEIVER_TIMES: Final = 5
"""Time constants of the receiver's temperature in the warm-up: filling heats its air by up to 90 K."""

PATIENCE: Final = 1800.0
"""Least simulated time (s) that a plant is given to move by one pitch."""

LONGEST_LAP: Final = 7200.0
"""Least simulated time (s) that a plant is given to complete a lap."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        laps: number of laps in the means; None for as many as `least_laps` and `load_cycles` need.
        warmup_laps: laps discarded before them; None for as many as the plant needs.
        duration: simulated time (s) that ends the run; None for no such limit.
        load_cycles: whole load cycles of the compressor in the mean of its power, if it has any.
        least_laps: fewest laps in the means where `laps` is None.
    """

    laps: int | None = None
    warmup_laps: int | None = None
    duration: float | None = None
    load_cycles: int = LOAD_CYCLES
    least_laps: int = LAPS

    def enough_cycles(self, laps: int) -> int:
        """Load cycles that are enough after a number of laps.

        A person who asks for a number of laps does not want to wait for ten cycles of a large receiver. One such cycle
        has so many pulses that a few cycles give a steady mean.
        """
        patient = self.laps is None or laps < 3 * self.laps
        return self.load_cycles if patient else min(2, self.load_cycles)

    @staticmethod
    def most_laps(wanted: int) -> int:
        """Laps after which the run waits for no more load cycles."""
        return 10 * max(wanted, LAPS)


class Expectation(NamedTuple):
    """What to expect of a plant.

    Attributes:
        pitch: distance between two floaters along the chain (m).
        warmup_laps: laps of warm-up that its receiver needs.
        longest_warmup: laps of warm-up after which it is measured even if it drifts.
        longest_start: simulated time (s) by which it must have filled its receiver.
        patience: simulated time (s) in which it must move by one pitch.
        longest_lap: simulated time (s) in which it must complete a lap.
    """

    pitch: float
    warmup_laps: int
    longest_warmup: int
    longest_start: float
    patience: float
    longest_lap: float


def schedule(p: Parameters) -> Expectation:
    """The schedule of a cold plant.

    The warm-up takes the receiver's own time constant into account, m_r cv/(mdot cp + UA_r): how long its air stays
    warmer than in steady operation after it was filled. Filling may take twice the isothermal time.

    Args:
        p: the plant's parameters.
    """
    # Two straight runs between the sprockets, and half a turn around each of them.
    loop = 2 * (p.water_depth - 2 * p.sprocket_radius) + 2 * math.pi * p.sprocket_radius
    pitch = loop / p.floater_count
    speed = p.generator_speed_setpoint * math.pi / 30 * p.sprocket_radius / p.gear_ratio
    # The flow in steady operation is what the floaters take at the set speed, or what the compressor can deliver.
    gas = p.gas_constant * p.ambient_temperature
    charge = p.fill_fraction * p.ambient_pressure * p.floater_volume / gas
    flow = min(p.compressor_flow, charge * speed / pitch)
    held = p.unload_pressure * p.receiver_volume / gas
    # The bound keeps a perfectly insulated receiver without flow from dividing by zero; LONGEST_WARMUP bounds its laps.
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
