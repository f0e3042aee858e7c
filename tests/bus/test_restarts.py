"""Restarts, from reports that a test makes up."""

from bus.messages import Peer
from bus.restarts import Restarts


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
    assert restarts.counts() == {"gateway": 1}
