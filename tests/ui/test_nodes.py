"""Restarts and punctuality, from reports that a test makes up."""

from bus.messages import Lateness, Peer
from ui.nodes import Restarts, Timing


def peer(pid: int, age: float = 0.1, node: str = "gateway") -> Peer:
    return Peer(node=node, instance=f"pid-{pid}", pid=pid, status="", seq=1, gaps=0, age=age)


def test_a_process_in_the_place_of_another_is_a_restart_and_a_further_worker_is_none() -> None:
    restarts = Restarts()
    restarts.hear([peer(1), peer(2)])
    assert restarts.count("gateway") == 0
    restarts.hear([peer(1, age=0.9), peer(2)])
    restarts.hear([peer(1, age=1.4), peer(2), peer(3)])
    assert restarts.count("gateway") == 1
    restarts.hear([peer(2), peer(3)])
    assert restarts.count("gateway") == 1
    assert restarts.count("never heard of") == 0


def test_the_way_of_ticks_and_their_lateness_are_counted_in_bins() -> None:
    timing = Timing()
    timing.arrived(int(10.0e9), 10.0003)
    timing.arrived(0, 10.0)  # sent again: when it left is not known
    timing.reported(Lateness(p50=1e-5, p99=1e-4, max=0.2))
    timing.reported(None)
    found = timing.histograms()
    assert found["travelled"] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert found["late"] == [0] * 9 + [1]
