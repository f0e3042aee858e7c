"""What surrounds the plant, as the kernel reads it: the tables of its time series."""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpp_physics.compiled import inlined
from kpp_physics.series import NAMES, TimeSeries


def table(series: Mapping[str, TimeSeries]) -> NDArray[np.float64]:
    """What the kernel reads: for every name of `NAMES` the number of points, the times and the values."""
    row: list[float] = []
    for name in NAMES:
        found = series.get(name)
        row += [0.0] if found is None else [float(len(found.time)), *found.time, *found.value]
    return np.array(row, dtype=np.float64)


def digest(table: NDArray[np.float64]) -> bytes:
    """Digest of the series: a state that follows them is another state than one that does not."""
    return hashlib.blake2b(table.tobytes(), digest_size=16).digest()


@inlined
def follow(table: NDArray[np.float64], which: int, time: float, otherwise: float) -> float:
    """Value of a series at a time; `otherwise` where there is none.

    Args:
        table: from `table`.
        which: index in `NAMES`.
        time: simulated time [s].
        otherwise: value of the parameter without a series.
    """
    # Series stand one after the other in the order of `NAMES`, each as long as it is: the way to one leads over those
    # before.
    at = 0
    for _ in range(which):
        at += 1 + 2 * int(table[at])
    points = int(table[at])
    if points == 0:
        return otherwise
    first, values = at + 1, at + 1 + points
    # Constant outside its points, so that a run may be longer than its series.
    if time <= table[first]:
        return float(table[values])
    if time >= table[first + points - 1]:
        return float(table[values + points - 1])
    # Bisection, since a step may ask for any time: nothing is remembered from the step before that a fork could lack.
    low, high = 0, points - 1
    while high - low > 1:
        middle = (low + high) // 2
        if table[first + middle] <= time:
            low = middle
        else:
            high = middle
    start, end = table[first + low], table[first + high]
    return float(table[values + low] + (table[values + high] - table[values + low]) * (time - start) / (end - start))
