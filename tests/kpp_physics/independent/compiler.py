"""How the independent integration is compiled: apart from the kernel, at its first call."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Whole = NDArray[np.int64]
Step = TypeVar("Step", bound=Callable[..., Any])


def inner(function: Step) -> Step:
    """Compile a function; numba publishes no types."""
    return cast(Step, numba.njit(error_model="numpy")(function))
