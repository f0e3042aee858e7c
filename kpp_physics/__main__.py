"""Compile the kernel ahead of its first use: `python -m kpp_physics`."""

import sys
import time

_begin = time.perf_counter()

from kpp_physics.compiled import KERNEL_VERSION, note_compiled  # noqa: E402 - the import is what is measured
from kpp_physics.parameters import Parameters  # noqa: E402
from kpp_physics.plant import Plant  # noqa: E402

Plant(Parameters()).step(1)
note_compiled()
sys.stdout.write(f"kernel {KERNEL_VERSION[:16]} ready in {time.perf_counter() - _begin:.2f} s\n")
