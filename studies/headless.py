"""A plant run without processes, from standstill through the controller's start to lap-averaged meters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kpp_physics import meters, plc
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant

CHUNK = 500
"""Steps between two looks at the plant: half a second, shorter than any lap."""

MINIMUM_LAPS = 10
MINIMUM_LOAD_CYCLES = 10
"""What published numbers need."""


class StudyError(RuntimeError):
    """The plant did not get to what was to be measured; the text says where it stopped."""


@dataclass
class Measurement:
    """What a headless run found. SI units."""

    plant: Plant
    laps: int
    load_cycles: int
    meters: meters.Meters
    means: dict[str, float]
    r_a: float
    worst_r_a: float
    warnings: list[str] = field(default_factory=list)


def run(
    parameters: Parameters,
    laps: int = MINIMUM_LAPS,
    warmup_laps: int = 5,
    load_cycles: int = MINIMUM_LOAD_CYCLES,
    longest: float = 6 * 3600.0,
    progress: Callable[[Plant, int], None] | None = None,
) -> Measurement:
    """Start a cold plant, discard the warm-up, and measure.

    Args:
        parameters: of the plant.
        laps: least number of complete laps in the means.
        warmup_laps: laps discarded after the controller reached running; at least 4 for a cold start.
        load_cycles: least number of whole compressor load cycles in the means. A compressor that never idles has
            none; then three times `laps` end the run.
        longest: simulated time (s) after which the run is given up.
        progress: called after every chunk with the plant and the laps measured so far.

    Raises:
        StudyError: when the plant trips, or does not get there in time.
    """
    plant = Plant(parameters)
    plant.command("start", {})
    records: list[Any] = []
    worst = 0.0
    seen = 0
    begin: int | None = None
    start: Any = None
    while True:
        plant.step(CHUNK)
        _check(plant, longest)
        if begin is None and plant.plc_state == "running":
            begin = plant.laps + 1 + warmup_laps  # the lap in which the plant began to run is not complete
        if plant.laps > seen:
            seen = plant.laps
            worst = max(worst, abs(plant.observe()["ledger"]["r_a"]))
            newest, before = plant.lap_records(1)
            if begin is not None and seen > begin:
                start = before if start is None else start
                records += newest
        if progress is not None:
            progress(plant, len(records))
        if len(records) >= laps:
            cycles = meters.compressor_power(records, start)[1]
            if cycles >= load_cycles or len(records) >= 3 * laps:
                break
    frame = plant.observe()
    return Measurement(
        plant,
        len(records),
        cycles,
        meters.meters(records, start),
        meters.between(records, start),
        frame["ledger"]["r_a"],
        max(worst, abs(frame["ledger"]["r_a"])),
        frame["plc"]["warnings"],
    )


def _check(plant: Plant, longest: float) -> None:
    state, time = plant.plc_state, plant.time_us / 1e6
    if state == plc.STATES[plc.TRIPPED]:
        raise StudyError(f"the plant tripped at {time:.1f} s: {plant.observe()['plc']['trip']}")
    if time > longest:
        raise StudyError(f"after {time:.0f} s the plant is still {state} in lap {plant.laps}: it does not get further")
