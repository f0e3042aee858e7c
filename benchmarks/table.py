"""One row per figure: what was measured, its floor, the ratio and the goal."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure, its goal, and whether it was reached."""

    name: str
    figure: str
    goal: str
    reached: bool


def note(text: str) -> None:
    """Progress for whoever waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show(rows: list[Row]) -> None:
    """Print the table."""
    width = max(len(row.name) for row in rows)
    figures = max(len(row.figure) for row in rows)
    for row in rows:
        mark = "ok  " if row.reached else "MISS"
        print(f"{mark}  {row.name:<{width}}  {row.figure:<{figures}}  goal {row.goal}")


def median(values: list[float]) -> float:
    """The middle value."""
    return sorted(values)[len(values) // 2]


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
