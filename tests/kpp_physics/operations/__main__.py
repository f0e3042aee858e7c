"""Long run of operating sequences: `python -m tests.kpp_physics.operations --minutes N --seed S [--page]`.

A sequence that breaks a gate is made as small as it can be, printed as a program, and kept under found/.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Final

from docs.blocks import fill
from kpp_physics.compiled import KERNEL_VERSION
from tests.kpp_physics.operations.drawing import draw
from tests.kpp_physics.operations.play import Failure
from tests.kpp_physics.operations.sequence import FOUND, Sequence
from tests.kpp_physics.operations.shrinking import shrink

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "verification.md"

SHOWN: Final = {
    "R_A": ("R_A", "1e-9"),
    "R_B": ("R_B", "1e-4"),
    "R_C": ("R_C", "1e-3"),
    "air": ("air that is missing, over all air", "1e-12"),
    "water": ("water that is missing, over all water", "1e-12"),
    "cop": ("`cop` of any window between two looks", "1.001"),
    "cop of laps": ("`cop` of any window of complete laps", "1.001"),
    "unsourced": ("energy without a source, claims off, J", "0"),
}
"""What the page shows of the audit's worst, and the gate."""


def main() -> int:
    """Run; the exit code is 1 if anything was found."""
    given = argparse.ArgumentParser(prog="python -m tests.kpp_physics.operations", description=__doc__)
    given.add_argument("--minutes", type=float, default=10.0, help="of the processor's time")
    given.add_argument("--seed", type=int, default=0, help="the first one")
    given.add_argument("--one", action="store_true", help="this seed alone")
    given.add_argument("--shrink", type=int, default=300, help="plays spent on making a finding small")
    given.add_argument("--page", action="store_true", help="write the figures into docs/verification.md")
    options = given.parse_args()
    end = time.process_time() + 60.0 * options.minutes
    seed, simulated, found = options.seed, 0, 0
    worst: dict[str, float] = {}
    while seed == options.seed or (not options.one and time.process_time() < end):
        sequence, failure, player = draw(seed)
        simulated += player.elapsed_us + player.plant.time_us
        for name, value in player.audit.worst.items():
            worst[name] = max(worst.get(name, value), value)
        if failure is not None:
            found += 1
            _tell(seed, sequence, failure, options.shrink)
        seed += 1
    figures = _figures(seed - options.seed, simulated, found, worst)
    sys.stdout.write(figures)
    if options.page:
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), {"operations": figures}), encoding="utf-8")
    return 1 if found else 0


def _tell(seed: int, sequence: Sequence, failure: Failure, plays: int) -> None:
    sys.stdout.write(f"seed {seed}, action {failure.action}: {failure.text}\n")
    if plays > 0:
        small = shrink(sequence, failure, plays)
        (FOUND / f"seed-{seed}.json").write_text(small.as_json(failure.text), encoding="utf-8")
        sys.stdout.write(small.as_python() + "\n")
    sys.stdout.flush()


def _figures(sequences: int, simulated: int, found: int, worst: dict[str, float]) -> str:
    rows = [
        f"{sequences} random sequences, {simulated / 3.6e9:.0f} hours of simulated time, kernel "
        f"`{KERNEL_VERSION[:16]}`: {found or 'none'} broke a gate.",
        "",
        "| worst of all | gate | reached |",
        "|---|---:|---:|",
    ]
    rows += [f"| {text} | {gate} | {worst[name]:.2g} |" for name, (text, gate) in SHOWN.items() if name in worst]
    fallen = max((value for name, value in worst.items() if name.startswith("fall of")), default=0.0)
    rows.append(f"| fall of a loss between two looks, J | 1e-9, and 1e-12 of it | {fallen:.2g} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
