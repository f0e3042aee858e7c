"""What a restart waits for."""

import subprocess
import sys

PROGRAM = """
from pathlib import Path
import numba.core.dispatcher as dispatcher
from kpp_physics.plant import Plant
from nodes.physics.replica.frame import observed_groups
from catalog.scenarios import Scenarios

compiled = []
compile_it = dispatcher.Dispatcher.compile
dispatcher.Dispatcher.compile = lambda self, signature: (compiled.append(str(self)), compile_it(self, signature))[1]
plant = Plant(Scenarios(Path("scenarios")).read("reference"))
plant.command("start", {})
plant.step(100)
plant.observe()
plant.digest()
plant.controller()
Plant.restore(plant.snapshot()).step(100)
plant.change_parameters({"drag_area": 0.3})
plant.command("emergency_stop", {})
plant.step(60_000)
plant.command("reset", {})
print(compiled)
"""


def test_nothing_is_compiled_once_the_kernel_is_imported() -> None:
    """Compiled at its first call, a function of three lines costs a restarted module a tenth of a second."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.strip() == "[]"
