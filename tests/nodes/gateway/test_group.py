"""A group of clients in virtual time: in step, new, slow, and closing."""

from itertools import pairwise
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.protocol import CLOSING, OPEN

from bus.protocol import codec
from bus.security.tokens import Caller, Role
from nodes.gateway.core import GatewayPlant
from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_pacing import SessionPace
from nodes.gateway.group import ClientConnection, Group
from nodes.gateway.session import Session, form
from nodes.gateway.subscription import Subscription

from . import messages

RATE = 25.0
FORM = form((), binary=True)


class Client:
    """Keeps what it was sent; `pending` is what it has not taken."""

    def __init__(self, group: Group, now: float) -> None:
        self.pending = 0
        self.state = OPEN
        self.got: list[bytes] = []
        self.connection = cast("ServerConnection", self)
        caller = Caller("", Role.VIEWER)
        session = Session(Subscription(("state/m1/",), rate=RATE), binary=True, now=now, caller=caller)
        group.join(ClientConnection(self.connection, session, self, cast("Any", self)), SessionPace(RATE, now))

    def get_write_buffer_size(self) -> int:
        return self.pending

    def write(self, data: bytes) -> None:
        self.got.append(data)


def frame(seq: int) -> Frame:
    plant = GatewayPlant(("m1",), 0.0)
    plant.on(*codec.encode_published(messages.state(seq, floaters=4)), 0.0)
    found = plant.newest("m1")
    assert found is not None
    return found


FRAMES = [frame(seq) for seq in range(201)]
SENT = {each.websocket((), binary=True): each.head.seq for each in FRAMES}


def run(group: Group, first: int, last: int) -> int:
    """Give the frames of these ticks, a hundred a second, as they come; returns how many were sent."""
    return sum(group.give(FRAMES[seq], seq / 100) for seq in range(first, last + 1) if seq / 100 >= group.turn)


def seqs(client: Client) -> list[int]:
    return [SENT[each] for each in client.got]


def test_all_of_a_group_get_the_same_frames_at_its_rate() -> None:
    group = Group(FORM, RATE, 0.0)
    first = Client(group, 0.0)
    run(group, 1, 50)
    late = Client(group, 0.507)
    sent = run(group, 51, 100)
    assert sent == sum(seq > 50 for seq in seqs(first)) + len(seqs(late))
    assert {later - earlier for earlier, later in pairwise(seqs(first)[1:])} == {4}  # the first comes at once
    assert seqs(late)[0] == 51  # at once
    assert seqs(late)[1:] == [seq for seq in seqs(first) if seq > 51]


def test_a_client_that_has_the_frame_from_its_snapshot_does_not_get_it_again() -> None:
    group = Group(FORM, RATE, 0.0)
    first = Client(group, 0.0)
    run(group, 1, 10)
    late = Client(group, 0.12)
    group._own[late.connection].has(FRAMES[12])
    run(group, 12, 30)
    assert 12 in seqs(first)
    assert seqs(late) == [16, 20, 24, 28]


def test_a_slow_client_delays_nobody_and_gets_the_newest_as_soon_as_it_has_taken_the_rest() -> None:
    group = Group(FORM, RATE, 0.0)
    slow, other = Client(group, 0.0), Client(group, 0.0)
    run(group, 1, 20)
    slow.pending = 1000
    run(group, 21, 61)
    slow.pending = 0
    run(group, 62, 100)
    missed = [seq for seq in seqs(other) if seq not in seqs(slow)]
    assert seqs(other) == [1, *range(4, 101, 4)]
    assert missed == list(range(24, 61, 4))
    # The first frame after it had taken everything and no older one, and from there on as everybody.
    assert [seq for seq in seqs(slow) if seq > 20] == [62, *range(64, 101, 4)]


def test_who_falls_behind_between_two_turns_is_not_forgotten() -> None:
    group = Group(FORM, RATE, 0.0)
    client = Client(group, 0.0)
    run(group, 1, 20)
    group.falls_behind(client.connection)
    run(group, 21, 40)
    assert seqs(client) == [1, 4, 8, 12, 16, 20, 21, 24, 28, 32, 36, 40]


def test_a_connection_that_is_closing_or_has_left_gets_nothing() -> None:
    group = Group(FORM, RATE, 0.0)
    closing, leaving = Client(group, 0.0), Client(group, 0.0)
    run(group, 1, 20)
    closing.state = CLOSING
    group.leave(leaving.connection)
    before = len(closing.got), len(leaving.got)
    assert run(group, 21, 40) == 0
    assert (len(closing.got), len(leaving.got)) == before
    assert len(group) == 1
