"""Time series of what surrounds the plant: grid frequency and load on its bus, as functions of simulated time.

Between its points a series is linear; before the first and after the last it keeps their values. A step takes the value
at its beginning. Everything here is immutable.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

NAMES: Final = ("grid_frequency", "load_power")
"""Parameters that may follow a series, in the order of the table that the kernel reads."""

MAX_POINTS: Final = 10_000
"""Most points of one series."""


class TimeSeries(NamedTuple):
    """One series: times [s of simulated time, rising] and values [unit of the parameter]."""

    time: tuple[float, ...]
    value: tuple[float, ...]

    def at(self, time: float) -> float:
        """Value at a time [s]."""
        # As `surroundings.follow` in the kernel, for questions between two steps.
        after = bisect_right(self.time, time)
        if after == 0:
            return self.value[0]
        if after == len(self.time):
            return self.value[-1]
        start, end = self.time[after - 1], self.time[after]
        first, last = self.value[after - 1], self.value[after]
        return first + (last - first) * (time - start) / (end - start)


class SeriesProblem(NamedTuple):
    """What is wrong with a series: member and index, limit if there is one, reason."""

    member: str
    limit: float | None
    reason: str


def read(
    name: str, given: Any, minimum: float, maximum: float, unit: str
) -> tuple[TimeSeries | None, list[SeriesProblem]]:
    """The series that `given` describes, None for none, and everything wrong with it.

    Args:
        name: parameter that is to follow it.
        given: {"time": [s, ...], "value": [...]} of equal length; both empty to end a series.
        minimum, maximum, unit: of the parameter.
    """
    if not isinstance(given, Mapping) or set(given) != {"time", "value"}:
        return None, [
            SeriesProblem("", None, f"{name}: a series is a table of time and value, two lists of equal length")
        ]
    problems = [
        SeriesProblem(member, None, f"{name}.{member}: give a list of numbers")
        for member in ("time", "value")
        if not isinstance(given[member], Sequence) or isinstance(given[member], str)
    ]
    if problems:
        return None, problems
    time, value = given["time"], given["value"]
    if len(time) != len(value):
        reason = f"{name}: {len(time)} times and {len(value)} values: give as many of the one as of the other"
        return None, [SeriesProblem("value", len(time), reason)]
    if len(time) > MAX_POINTS:
        return None, [
            SeriesProblem("time", MAX_POINTS, f"{name}: {len(time)} points, at most {MAX_POINTS} are allowed")
        ]
    problems = [
        *_wrong_numbers(name, "time", time, 0.0, math.inf, "s"),
        *_wrong_numbers(name, "value", value, minimum, maximum, unit),
    ]
    if not problems:
        problems = [
            SeriesProblem(
                f"time[{i}]",
                float(time[i - 1]),
                f"{name}.time[{i}] = {time[i]:g}: must be above the time before it, {time[i - 1]:g} s",
            )
            for i in range(1, len(time))
            if time[i] <= time[i - 1]
        ]
    if problems or not time:
        return None, problems
    return TimeSeries(tuple(map(float, time)), tuple(map(float, value))), []


def _wrong_numbers(
    name: str, member: str, row: Sequence[Any], low: float, high: float, unit: str
) -> list[SeriesProblem]:
    found = []
    for i, entry in enumerate(row):
        limit, reason = None, ""
        if isinstance(entry, bool) or not isinstance(entry, int | float) or not math.isfinite(entry):
            reason = f"give a finite number in {unit}"
        elif entry < low:
            limit, reason = low, f"the lowest value allowed is {low:g} {unit}"
        elif entry > high:
            limit, reason = high, f"the highest value allowed is {high:g} {unit}"
        if reason:
            found.append(SeriesProblem(f"{member}[{i}]", limit, f"{name}.{member}[{i}] = {entry!r}: {reason}"))
    return found
