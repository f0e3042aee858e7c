"""How far a run has come, on standard error: a bar on a terminal, otherwise a line every few seconds."""

import math
import time
from typing import Final, TextIO

from kpp_physics.plant import Plant
from studies.plan import Plan
from studies.run import Measurement

BAR: Final = 24
"""Characters of a full bar."""

LINE_INTERVAL: Final = 5.0
BAR_INTERVAL: Final = 0.1
"""Seconds between two lines, and between two looks of a bar."""


class ProgressBar:
    """Shows how far a run has come; has no effect on it.

    Args:
        stream: where it is shown.
        plan: what the run is to measure.
    """

    def __init__(self, stream: TextIO, plan: Plan) -> None:
        self._stream = stream
        self._plan = plan
        self._bar = stream.isatty()
        self._begin = time.perf_counter()
        self._shown = -math.inf
        self._width = 0

    def __call__(self, plant: Plant, found: Measurement) -> None:
        now = time.perf_counter()
        if now - self._shown < (BAR_INTERVAL if self._bar else LINE_INTERVAL):
            return
        self._shown = now
        simulated = plant.time_us / 1e6
        text = self._text(plant, found, simulated, simulated / (now - self._begin))
        if self._bar:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Remove the bar, so what follows begins on a clean line."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()

    def _text(self, plant: Plant, found: Measurement, simulated: float, speed: float) -> str:
        plan = self._plan
        by_time = plan.laps is None and plan.duration is not None
        wanted = plan.laps or plan.least_laps
        # A share of what is certain: the given time, or laps of the warm-up and of the means. How many load cycles the
        # compressor still needs is not known, so with all laps done the bar is full and the text counts cycles.
        if by_time and plan.duration:
            share, laps = simulated / plan.duration, f"{found.laps} laps"
        else:
            warmup = found.schedule.warmup_laps if plan.warmup_laps is None else plan.warmup_laps
            done = min(found.warmup_laps, warmup) + min(found.cycle_laps, wanted)
            share, laps = done / (warmup + wanted), f"{found.cycle_laps}/{wanted} laps"
            if not found.cycle_laps:
                laps = f"warm-up {found.warmup_laps}/{warmup} laps"
            elif found.cycle_laps >= wanted:
                laps = f"{found.cycle_laps} laps, {found.load_cycles}/{plan.load_cycles} load cycles"
        full = round(BAR * min(share, 1.0))
        bar = f"[{'#' * full}{'.' * (BAR - full)}] " if self._bar else ""
        return f"{bar}{plant.plc_state}, {laps}, {simulated:.0f} s simulated, {speed:.0f} x real time"
