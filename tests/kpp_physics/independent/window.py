"""Smooth means of one plant by the kernel and by the independent integration, over the same window of time.

A mean over whole laps depends on the phase of the load cycles at both its ends. Weighted with a squared sine, a window
of several laps and load cycles has next to nothing of that, and both programs have the same window of the same time.
"""

from typing import Final, NamedTuple

import numpy as np

from kpp_physics import coefficients as co
from kpp_physics import ledger
from kpp_physics import state as st
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from kpp_physics.state import Vector
from tests.kpp_physics.independent.comparison import POWERS, Difference, scale
from tests.kpp_physics.independent.drawing import draw
from tests.kpp_physics.independent.integration import integrate

DRAWN: Final = 24
DRAWN_LONG: Final = 200
"""Random plants that the suite and `make long` compare."""

PERIOD: Final = 0.1
"""Time between two looks at the ledger's totals [s]."""

STARTS: Final = 400.0
"""Time in which a plant must have started [s]."""

SHORTEST: Final = 60.0
LONGEST: Final = 900.0
"""Shortest and longest window [s]."""

LAPS: Final = 3
CYCLES: Final = 8
"""Least laps, and load cycles of the compressor, in a window; twice the laps if it never switches."""

WARMUP: Final = 3
"""Laps before it."""

SLOWEST: Final = 0.02
"""Chain speed of a plant that has come to rest [m/s]."""

_CONTROL: Final = ("generator_speed_setpoint", "generator_max_torque", "h3_on_time")
NUDGED: Final = ((1e-4, ("unload_pressure",)), (1e-4, _CONTROL), (-1e-4, _CONTROL))
"""Settings whose relative change by so much tells whether a mean is one of integration or one of chance: load cycles,
and the parts of H3, meet the floaters' passing in a rhythm of their own. A generator at its highest torque does not
hold the speed at all: only the drag does, and every ten-thousandth of a force is a hundredth of that."""

PHASED: Final = ((1e-3, ("h3_on_time",)), (-1e-3, ("h3_on_time",)))
"""The same where H3 pulses: a window has ten to a hundred pulses, so that this moves them by a few hundredths of one
against the floaters' passing. Which floater is filled in which pulse is chance to a plant that it changes: the two
programs enter the first pulse at moments that differ by the way a start at a crawl is computed."""

FIRM: Final = 1e-3
"""Change of any mean by such a nudge above which a plant is not compared: whether a floater is served before or after
the compressor or the generator switches decides, and no step and no tolerance makes that certain."""


class Unfit(Exception):  # noqa: N818 - no error: most random plants are no plants
    """A plant that cannot be compared, and why."""


class Window(NamedTuple):
    """From when to when, s."""

    begin: float
    end: float


class Record(NamedTuple):
    """Totals of every ledger line at the end of every period, J."""

    totals: Vector

    def means(self, window: Window) -> dict[str, float]:
        """Smooth mean of every line, W, and of the chain's speed, m/s."""
        middle = PERIOD * (np.arange(len(self.totals) - 1) + 1.5)
        within = (middle > window.begin) & (middle < window.end)
        phase = np.pi * (middle - window.begin) / (window.end - window.begin)
        weights = np.where(within, np.sin(phase) ** 2, 0.0)
        found = weights @ np.diff(self.totals, axis=0) / (weights.sum() * PERIOD)
        means = dict(zip(ledger.LINES, found.tolist(), strict=True))
        return {**means, "chain_speed": means["chain_travel"]}


class _Watch:
    """Follows a plant until its window is long enough."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.begin = self.lap = self.cycles = 0.0
        self.mode = -1.0
        self.switched = False

    def complete(self, plant: Plant, time: float) -> bool:
        """Look at the plant; raises Unfit when its window will never be complete."""
        x = plant._parts.scalars
        if plant.plc_state not in ("pressurising", "starting", "running", "coasting"):
            raise Unfit(f"trips: {plant.observe()['plc']['trip']}")
        if self.first is None:
            if plant.plc_state in ("running", "coasting"):
                self.first = plant.laps + 1 + WARMUP
            if time > STARTS:
                raise Unfit("does not start")
            return False
        if self.begin == 0.0:
            if plant.laps >= self.first:
                self.begin, self.lap, self.mode = time, plant.laps, float(x[st.COMPRESSOR_MODE])
            elif time > STARTS + LONGEST:
                raise Unfit("hardly turns")
            return False
        mode = float(x[st.COMPRESSOR_MODE])
        self.cycles += mode == st.COMPRESSOR_LOADED and self.mode == st.COMPRESSOR_IDLE
        self.switched |= mode != self.mode
        self.mode = mode
        lasted, laps = time - self.begin, plant.laps - self.lap
        if x[st.SPEED] < SLOWEST:
            raise Unfit("comes to rest")
        if lasted > LONGEST:
            raise Unfit("has too few load cycles")
        enough = self.cycles >= CYCLES or (not self.switched and laps >= 2 * LAPS)
        return lasted >= SHORTEST and laps >= LAPS and enough


def follow(parameters: Parameters, step: float = 1e-3, end: float = 0.0) -> tuple[Record, Window]:
    """Run the kernel from a cold start, at any step [s]: to a given time [s], or until a window is complete.

    Raises:
        Unfit: when there is none.
    """
    plant = Plant(parameters)
    plant._coefficients = co.coefficients(parameters, step)
    plant.command("start", {})
    rows, watch = [], _Watch()
    while True:
        plant.step(round(PERIOD / step))
        rows.append(plant._parts.ledger[0] + plant._parts.ledger[1])
        time = PERIOD * len(rows)
        if time >= end - 0.5 * PERIOD if end > 0.0 else watch.complete(plant, time):
            return Record(np.array(rows)), Window(watch.begin, time)


class Compared(NamedTuple):
    """A plant, its window and the difference of every power, the largest first."""

    values: dict[str, float | int | str]
    window: Window
    differences: list[Difference]


def compare(values: dict[str, float | int | str]) -> Compared:
    """Every power of a plant by both.

    Raises:
        Unfit: when the plant does not run, or its means are not `FIRM`.
    """
    record, window = follow(Parameters.of(values))
    oracle = integrate(Parameters.of(values), begin=window.begin, end=window.end).means
    kernel = record.means(window)
    pulsed = values.get("h3_mode") == "physical"
    for share, settings in (*NUDGED, *(PHASED if pulsed else ())):
        nudged = {**values, **{setting: float(values[setting]) * (1 + share) for setting in settings}}
        other = integrate(Parameters.of(nudged), begin=window.begin, end=window.end).means
        if any(abs(other[name] - oracle[name]) > FIRM * scale(name, oracle) for name in POWERS):
            raise Unfit("is one of chance")
    found = [Difference(name, kernel[name], oracle[name], scale(name, oracle)) for name in POWERS]
    return Compared(values, window, sorted(found, key=lambda each: -each.relative))


def compare_drawn(seed: int) -> Compared:
    """The first plant of a seed that can be compared."""
    for trial in range(100):
        try:
            return compare(draw(seed, trial))
        except Unfit:
            continue
    raise AssertionError(f"seed {seed}: no plant in a hundred runs")


def refinement(values: dict[str, float | int | str], quantity: str) -> float:
    """How much a quarter of the step changes one power, over its scale [-]."""
    parameters = Parameters.of(values)
    coarse, window = follow(parameters)
    fine, _ = follow(parameters, 2.5e-4, window.end)
    means = fine.means(window)
    return abs(coarse.means(window)[quantity] - means[quantity]) / scale(quantity, means)
