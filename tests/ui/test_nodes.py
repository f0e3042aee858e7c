"""Punctuality, from reports that a test makes up."""

from bus.protocol.messages import Lateness
from ui.nodes import LatenessHistograms


def test_the_way_of_ticks_and_their_lateness_are_counted_in_bins() -> None:
    timing = LatenessHistograms()
    timing.arrived(int(10.0e9), 10.0003)
    timing.arrived(0, 10.0)  # sent again: when it left is not known
    timing.reported(Lateness(p50=1e-5, p99=1e-4, max=0.2))
    timing.reported(None)
    found = timing.histograms()
    assert found["travelled"] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert found["late"] == [0] * 9 + [1]
