"""Whether laps are alike: a mean over a start-up, a stop or a change of parameters is of two plants, not of one."""

from itertools import pairwise
from typing import Any, Final

from kpp_physics import ledger
from kpp_physics import state as st

POWER_TOLERANCE: Final = 0.01
"""How far a power of a lap may be from its mean over the laps, over the mean power taken."""

SPEED_TOLERANCE: Final = 0.02
"""The same for the chain's speed, over its mean."""

POWERS: Final = (ledger.GRID, ledger.AUXILIARY, ledger.UNSOURCED, ledger.BUOYANCY)
"""Not the compressor's: laps and load cycles do not match."""


def settled(records: list[Any], start: Any) -> bool:
    """True if each of these laps is like the others, and none of them is the first one, which begins at rest.

    Args:
        records: lap records, oldest first; at least two.
        start: the record of the lap before them.
    """
    # One lap is like itself, and the first one begins at rest.
    if len(records) < 2 or start[st.LAP_TIME] <= 0.0:
        return False
    laps = list(pairwise([start, *records]))
    paid = _rate(start, records[-1], ledger.COMPRESSOR) + _rate(start, records[-1], ledger.AUXILIARY)
    # Powers are measured by the power taken and not by themselves: one that is nearly zero would never count as steady.
    tolerances = dict.fromkeys(POWERS, POWER_TOLERANCE * max(paid, 0.0))
    tolerances[ledger.CHAIN_TRAVEL] = SPEED_TOLERANCE * _rate(start, records[-1], ledger.CHAIN_TRAVEL)
    return all(
        abs(_rate(*lap, line) - _rate(start, records[-1], line)) <= tolerance
        for line, tolerance in tolerances.items()
        for lap in laps
    )


def _rate(before: Any, after: Any, line: int) -> float:
    """Mean of a line between two lap records, per second."""
    return float((after[line] - before[line]) / (after[st.LAP_TIME] - before[st.LAP_TIME]))
