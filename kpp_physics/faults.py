"""Why a plant cannot be computed any further: numbers of the kernel, and the sentence for each."""

from typing import Final

# fmt: off
OK, NOT_FINITE, RECEIVER_EMPTY, NOT_CONVERGED, TIME_LEFT = range(5)
# fmt: on

TEXTS: Final = (
    "",
    "the state is no longer finite",
    "the receiver holds no air",
    "the forces on chain and shaft were not brought into balance",
    "a part of the step was left over when chain and shaft locked and stopped too often in it",
)
