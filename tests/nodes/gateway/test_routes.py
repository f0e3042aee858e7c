"""The paths: what can be ordered on the bus can be ordered over REST."""

import inspect

from bus.protocol.messages import EMERGENCY_STOP
from nodes.gateway.routes import controls
from nodes.physics.replica.fold import PLANT_COMMANDS


def test_every_order_has_a_path() -> None:
    written = inspect.getsource(controls)
    ordered = {f"plant_{order}" for order in controls.Sequence}
    missing = {name for name in PLANT_COMMANDS if f'"{name}"' not in written} - ordered - {EMERGENCY_STOP}
    assert missing == set()
