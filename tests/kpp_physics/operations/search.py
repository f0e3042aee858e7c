"""Adversarial search: `python -m tests.kpp_physics.operations.search --minutes N --seed S [--page]`.

Differential evolution over schedules of live changes: which parameters, when and how far, over and over. It maximises
the coefficient of performance over whole rounds; the audit watches every window besides. The best schedule of every
plant is kept under best/.
"""

import argparse
import sys
import time
from typing import Final

import numpy as np

from docs.blocks import fill
from kpp_physics.compiled import KERNEL_VERSION
from tests.kpp_physics.operations.__main__ import PAGE
from tests.kpp_physics.operations.choice import LIVE
from tests.kpp_physics.operations.schedule import KEPT, PLANTS, Schedule, decode, value

POPULATION: Final = 12
GENERATIONS: Final = 12
PHASES: Final = 2
ENDING: Final = ("grid_voltage", "chain_tension_limit", "trip_pressure", "control_mode", "injection_mode")
"""Parameters that mostly end the operation: the search leaves them alone."""


def evolve(rng: np.random.Generator, plant: str, end: float) -> tuple[float, Schedule, int]:
    """The best schedule of a few parameters drawn at random, its value, and the schedules tried.

    Args:
        end: when the processor's time is used up [s].
    """
    free = [name for name in LIVE if name not in ENDING]
    names = tuple(sorted(rng.choice(free, size=rng.integers(1, 5), replace=False).tolist()))
    genes = rng.random((POPULATION, PHASES * (len(names) + 1)))
    values = np.array([value(decode(plant, names, each, PHASES)) for each in genes])
    tried = POPULATION
    for _ in range(GENERATIONS):
        for place in range(POPULATION):
            if time.process_time() > end:
                break
            first, second, third = genes[rng.choice(POPULATION, size=3, replace=False)]
            crossed = rng.random(genes.shape[1]) < 0.9
            trial = np.where(crossed, np.clip(first + 0.6 * (second - third), 0.0, 1.0), genes[place])
            found = value(decode(plant, names, trial, PHASES))
            tried += 1
            if found >= values[place]:
                genes[place], values[place] = trial, found
        if values.max() <= 0.0:
            break
    best = int(values.argmax())
    return float(values[best]), decode(plant, names, genes[best], PHASES), tried


def main() -> int:
    """Run; the exit code is 1 if a coefficient exceeds 1 or a gate is broken."""
    given = argparse.ArgumentParser(prog="python -m tests.kpp_physics.operations.search", description=__doc__)
    given.add_argument("--minutes", type=float, default=10.0, help="of the processor's time")
    given.add_argument("--seed", type=int, default=0)
    given.add_argument("--page", action="store_true", help="write the figures into docs/verification.md")
    options = given.parse_args()
    rng = np.random.default_rng(options.seed)
    end = time.process_time() + 60.0 * options.minutes
    best: dict[str, tuple[float, Schedule]] = {}
    tried = dict.fromkeys(PLANTS, 0)
    while time.process_time() < end:
        for plant in PLANTS:
            found, schedule, count = evolve(rng, plant, end)
            tried[plant] += count
            if plant not in best or found > best[plant][0]:
                best[plant] = found, schedule
                KEPT.mkdir(exist_ok=True)
                (KEPT / f"{plant}.json").write_text(schedule.as_json(found), encoding="utf-8")
                sys.stdout.write(f"{plant}: {found:.6f} {schedule.phases}\n")
                sys.stdout.flush()
    figures = _figures(options.minutes, tried, {plant: cop for plant, (cop, _) in best.items()})
    sys.stdout.write(figures)
    if options.page:
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), {"search": figures}), encoding="utf-8")
    return 1 if any(cop > 1.001 for cop, _ in best.values()) else 0


def _figures(minutes: float, tried: dict[str, int], best: dict[str, float]) -> str:
    rows = [
        f"{minutes:.0f} minutes of processor time, kernel `{KERNEL_VERSION[:16]}`. The highest `cop` over whole "
        "rounds of a schedule of live changes:",
        "",
        "| plant | schedules tried | highest `cop` |",
        "|---|---:|---:|",
    ]
    rows += [f"| {plant} | {count} | {best.get(plant, 0.0):.5f} |" for plant, count in tried.items()]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
