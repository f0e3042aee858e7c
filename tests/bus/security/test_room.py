"""Who has room at a door: requests by caller, connections by address."""

from bus.security.connections import Connections
from bus.security.room import Room


def test_s14_one_caller_leaves_room_for_others_and_an_emergency_stop_always_has_it() -> None:
    room = Room(4)
    assert [room.enter("a") for _ in range(4)] == [True, True, True, False]
    assert room.enter("b")
    assert not room.enter("c")
    assert room.enter("c", urgent=True)
    assert room.full().status == 503
    assert room.full().retry_after > 0
    room.leave("c")
    assert not room.enter("c")
    room.leave("a")
    assert room.enter("c")


def test_s14_the_longest_silent_connection_goes_for_a_new_one() -> None:
    connections: Connections[int] = Connections(3)
    assert [connections.opened(number, "a") for number in (1, 2, 3)] == [None, None, None]
    connections.asks(1)
    assert connections.opened(4, "a") == 2
    assert connections.opened(5, "a") == 3
    connections.answered(1)
    assert connections.opened(6, "a") == 4, "who has asked before stays while others have not"
    connections.closed(5)
    connections.closed(6)
    assert len(connections) == 1


def test_s14_whoever_has_most_of_them_makes_room() -> None:
    connections: Connections[int] = Connections(4)
    assert [connections.opened(number, "b" if number == 1 else "a") for number in (1, 2, 3, 4)] == [None] * 4
    assert connections.opened(5, "a") == 2
    assert connections.opened(6, "c") == 3


def test_s14_a_kept_connection_goes_when_nobody_is_silent() -> None:
    connections: Connections[int] = Connections(2)
    for number in (1, 2):
        connections.opened(number, "a")
        connections.asks(number)
        connections.answered(number)
    assert connections.opened(3, "a") == 1
