"""A plant run without processes, from standstill through the controller's start to lap-averaged meters."""

from collections.abc import Callable

from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from studies.plan import LAPS as MINIMUM_LAPS
from studies.plan import LOAD_CYCLES as MINIMUM_LOAD_CYCLES
from studies.plan import Plan
from studies.run import Measurement, StudyRun

__all__ = ["MINIMUM_LAPS", "MINIMUM_LOAD_CYCLES", "Measurement", "StudyError", "run"]


class StudyError(RuntimeError):
    """The plant did not get as far as what was to be measured; the text says where it stopped."""


def run(
    parameters: Parameters,
    laps: int = MINIMUM_LAPS,
    warmup_laps: int = 5,
    load_cycles: int = MINIMUM_LOAD_CYCLES,
    progress: Callable[[Plant, int], None] | None = None,
) -> Measurement:
    """Start a cold plant, discard the warm-up, and measure.

    Args:
        parameters: the plant's parameters.
        laps: least number of complete laps in the means.
        warmup_laps: laps discarded after the controller reached running; at least 4 for a cold start.
        load_cycles: least number of whole compressor load cycles in the means, if the compressor switches at all.
        progress: called after every chunk (`studies.run.CHUNK` steps) with the plant and the laps measured so far.

    Returns:
        What was measured, in SI units; never with an `error`.

    Raises:
        StudyError: if the plant trips, or does not get as far as the laps.
    """
    plan = Plan(warmup_laps=warmup_laps, load_cycles=load_cycles, least_laps=laps)
    seen = None if progress is None else lambda plant, found: progress(plant, found.laps)
    found = StudyRun(parameters, plan).measure(seen)
    if found.error is not None:
        raise StudyError(found.error)
    return found
