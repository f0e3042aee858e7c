"""Which client gets which state when: groups of clients at a rate, and followers, who want every frame or every n-th.

Nothing here waits. A client at a rate that reads slowly loses frames; a follower gets them later, in order, as long as
the ring has them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection

from bus.protocol.codec import FrameError
from nodes.gateway.core import GatewayPlant
from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_pacing import Decimation, SessionPace
from nodes.gateway.group import ClientConnection, Group
from nodes.gateway.session import Form, Session
from nodes.gateway.subscription import DEFAULT_RATE
from nodes.gateway.wire import GapMessage, ServerMessage, StaleMessage

BACKLOG = 256 * 1024
"""Bytes that may wait for a follower; before it gets more it has to read some of them."""

BURST = 64
"""Frames that a follower gets at a time while it catches up."""

Tell = Callable[[ClientConnection, ServerMessage], None]
"""Sends a client a message beside the frames."""


@dataclass
class _ModuleClients:
    """The clients of one module."""

    groups: dict[tuple[Form, float], Group] = field(default_factory=dict)
    places: dict[ServerConnection, tuple[Form, float]] = field(default_factory=dict)
    """The group that a client is in, so that a client that leaves need not be searched for."""
    followers: dict[ServerConnection, ClientConnection] = field(default_factory=dict)
    """Clients that want every frame, or every n-th."""
    connections: dict[ServerConnection, ClientConnection] = field(default_factory=dict)
    """All clients of the module."""
    silent: bool = False
    """True while no fresh frame comes and clients have been told so."""
    turn: float = 0.0
    """Before this time nobody's turn comes (s): a frame that arrives earlier costs one comparison."""


class Delivery:
    """Hands states to clients, each at its own rate, and waits for none of them. For one loop.

    Args:
        plant: where frames come from.
        tell: sends a client a message beside the frames, without waiting.
    """

    def __init__(self, plant: GatewayPlant, tell: Tell) -> None:
        self._plant = plant
        self._tell = tell
        self._modules = {name: _ModuleClients() for name in plant.modules}
        self.sent = 0

    def attach(self, connection: ServerConnection, session: Session, now: float) -> None:
        """Give a client what its session wants, from now on.

        Args:
            connection: the client.
            session: what it wants; it has been subscribed already.
            now: time (s).
        """
        # It may have been here before: a client changes its rate or its topics as often as it likes.
        self.detach(connection)
        for module, pace in session.paces.items():
            clients = self._modules[module]
            client = clients.connections[connection] = ClientConnection(
                connection, session, connection.transport, connection.protocol
            )
            if isinstance(pace, SessionPace):
                place = clients.places[connection] = (session.form, session.wanted.rate or DEFAULT_RATE)
                if place not in clients.groups:
                    clients.groups[place] = Group(*place, now)
                clients.groups[place].join(client, pace)
            else:
                clients.followers[connection] = client
            # A new client is served at once and not with the next frame, which may be a tenth of a second away.
            self.attend(module, now)

    def detach(self, connection: ServerConnection) -> None:
        """Give a client nothing more; does nothing for one that is not attached."""
        for clients in self._modules.values():
            if clients.connections.pop(connection, None) is None:
                continue
            clients.followers.pop(connection, None)
            place = clients.places.pop(connection, None)
            if place is not None:
                clients.groups[place].leave(connection)
                if not len(clients.groups[place]):  # rates are free numbers: empty groups would pile up
                    del clients.groups[place]

    def falls_behind(self, connection: ServerConnection) -> None:
        """A client has not read everything that was sent: once it has, it gets the newest frame at once."""
        for clients in self._modules.values():
            if connection in clients.places:
                clients.groups[clients.places[connection]].falls_behind(connection)
                clients.turn = 0.0

    def attend(self, module: str, now: float) -> None:
        """Look at every client of a module now, whether a frame has come or not."""
        self._modules[module].turn = 0.0
        self.sweep(module, now)

    def sweep(self, module: str, now: float) -> None:
        """Give every client whose turn it is the newest frame of a module. To be called for each new frame.

        Args:
            module: whose frame is new.
            now: time (s).
        """
        clients = self._modules[module]
        if now < clients.turn or not clients.connections:
            return
        # Decoded here and not for each client: if it is malformed nobody gets it, and the groups below need not care.
        frame = self._plant.newest(module)
        for client in list(clients.followers.values()):
            self._catch_up(client, module)
        if frame is None or not self._plant.modules[module].fresh(now):
            self._tell_stale(clients, module, now)
            clients.turn = 0.0  # the first frame after the silence is news to everybody, whenever its turn would be
            return
        if clients.silent:
            self._end_of_silence(clients, module)
        for group in clients.groups.values():
            self.sent += group.give(frame, now)
        # Until the earliest turn of a group frames need not be looked at; a follower wants each of them.
        turn = min((group.turn for group in clients.groups.values()), default=math.inf)
        clients.turn = 0.0 if clients.followers else turn

    def _catch_up(self, client: ClientConnection, module: str) -> None:
        """Give a follower the frames that it has not got yet."""
        pace = client.session.paces[module]
        ring = self._plant.rings[module]
        # Frames wait in the ring, where all clients share them, and not in a write buffer for each slow client.
        if not isinstance(pace, Decimation) or client.transport.get_write_buffer_size() > BACKLOG:
            return
        if pace.lost(ring):
            head = ring[ring.first].head
            self._tell(client, GapMessage(f"state/{module}/", head.run, head.seq - 1, head.seq))
        for frame in pace.due(ring, BURST):
            try:
                self._send(client, frame)
            except FrameError:  # only its head had been checked: the rest is malformed
                self._plant.bad_frames += 1

    def _send(self, client: ClientConnection, frame: Frame) -> None:
        self.sent += client.write(frame.websocket(client.session.form.selection, binary=client.session.binary))

    def _tell_stale(self, clients: _ModuleClients, module: str, now: float) -> None:
        clients.silent = True
        missing = [item.name for item in self._plant.missing(now)]
        for client in list(clients.connections.values()):
            if client.session.to_be_told(module):
                self._tell(client, StaleMessage(missing=missing, age=self._plant.modules[module].age(now)))

    @staticmethod
    def _end_of_silence(clients: _ModuleClients, module: str) -> None:
        clients.silent = False
        for client in clients.connections.values():
            client.session.fresh(module)
