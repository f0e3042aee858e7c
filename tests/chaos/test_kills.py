"""Kills are read from supervisord's log, and those of processes that were not made to hang are told."""

from tests.chaos.injector import Delivered
from tests.chaos.kills import Kill, kills, of_healthy
from tests.chaos.plan import Fault

LOG = """
2026-11-29 14:03:54,641 CRIT the watchdog kills gateway:gateway_0 (11)
2026-11-29 14:03:54,694 INFO spawned: 'watchdog' with pid 802
2026-11-29 14:03:55,748 CRIT the watchdog (802) hangs: killed
2026-11-29 14:03:56,090 CRIT the watchdog kills ui (13)
"""


def test_kills_of_nodes_that_were_not_hung_are_told() -> None:
    found = kills(LOG.splitlines())
    assert found == [Kill("gateway:gateway_0", 11), Kill("watchdog", 802), Kill("ui", 13)]
    delivered = [
        Delivered(Fault(1.0, "gateway_0", "stop"), 1.0, 11),
        Delivered(Fault(2.0, "watchdog", "busy"), 2.0, 802),
        Delivered(Fault(3.0, "ui", "kill"), 3.0, 13),
    ]
    assert of_healthy(found, delivered) == [Kill("ui", 13)]
