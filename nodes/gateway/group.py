"""Clients that want the same of a module at the same rate: one schedule and one form for all of them.

With a thousand clients at thirty frames a second, whatever is done for each client and frame is done thirty thousand
times a second. So a client in step costs one look at its write buffer and one write. A client that is new, or has not
read everything, is out of step: it has a schedule of its own, and is back in step once it has read everything.
"""

from dataclasses import dataclass
from typing import Protocol

from websockets.asyncio.server import ServerConnection
from websockets.protocol import OPEN, State

from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_pacing import SessionPace
from nodes.gateway.session import Form, Session


class Stated(Protocol):
    """The part of a connection that knows whether it is open."""

    @property
    def state(self) -> State:
        """State of the WebSocket protocol."""


class Outlet(Protocol):
    """The part of a connection that frames are written to."""

    def get_write_buffer_size(self) -> int:
        """Bytes that wait in this process because the client does not read."""

    def write(self, data: bytes) -> None:
        """Send, without waiting; what the kernel does not take is buffered."""


@dataclass(slots=True, eq=False)
class ClientConnection:
    """One client of a module."""

    connection: ServerConnection
    session: Session
    transport: Outlet
    protocol: Stated

    def write(self, data: bytes) -> int:
        """Send a complete frame. Returns how many were sent: 0 if the connection is closing."""
        # A frame behind the close frame would be a violation of the protocol.
        if self.protocol.state is not OPEN:
            return 0
        self.transport.write(data)
        self.session.gave(len(data))
        return 1


class Group:
    """Clients of one module with the same form and rate.

    Args:
        form: what they get of a state, and how it is encoded.
        rate: frames a second (Hz).
        now: time (s).
    """

    def __init__(self, form: Form, rate: float, now: float) -> None:
        self._form = form
        self._pace = SessionPace(rate, now)
        self._in_step: dict[ServerConnection, ClientConnection] = {}
        self._out_of_step: dict[ServerConnection, ClientConnection] = {}
        self._own: dict[ServerConnection, SessionPace] = {}

    def __len__(self) -> int:
        return len(self._in_step) + len(self._out_of_step)

    def join(self, client: ClientConnection, pace: SessionPace) -> None:
        """Take a client in; it is out of step at first, with turns of its own."""
        self._out_of_step[client.connection] = client
        self._own[client.connection] = pace

    def leave(self, connection: ServerConnection) -> None:
        """Forget a client; does nothing for one that is not in the group."""
        self._in_step.pop(connection, None)
        self._out_of_step.pop(connection, None)
        self._own.pop(connection, None)

    def falls_behind(self, connection: ServerConnection) -> None:
        """A client has not read everything that was sent: it is out of step until it has."""
        client = self._in_step.pop(connection, None)
        if client is not None:
            self._out_of_step[connection] = client

    @property
    def turn(self) -> float:
        """The time from which the next frame may be sent to any of the clients (s)."""
        # Those that are out of step are few. One that has not read its last frame has a turn in the past, so that it is
        # looked at with every frame until it has.
        own = [self._own[connection].turn for connection in self._out_of_step]
        return min([self._pace.turn, *own])

    def give(self, frame: Frame, now: float) -> int:
        """Give the frame to every client whose turn it is.

        Args:
            frame: the newest one.
            now: time (s).

        Returns:
            How many clients it was sent to.

        Raises:
            FrameError: if it is malformed.
        """
        sent = 0
        everybody = self._pace.takes(frame, now)
        if everybody:
            sent += self._give_in_step(frame.websocket(self._form.selection, binary=self._form.binary))
        if self._out_of_step:
            sent += self._give_out_of_step(frame, now, everybody=everybody)
        return sent

    def _give_in_step(self, data: bytes) -> int:
        sent = 0
        behind = []
        # The hot loop of the gateway: no call of our own, no accounting for each client. It may not change the dict
        # that it walks either, so that clients which have fallen behind are moved afterwards.
        for connection, client in self._in_step.items():
            transport = client.transport
            if transport.get_write_buffer_size():
                # It has not read the frame before. This one is left out; its next will be the newest one then.
                behind.append(connection)
            elif client.protocol.state is OPEN:
                transport.write(data)
                sent += 1
        for connection in behind:
            self.falls_behind(connection)
        return sent

    def _give_out_of_step(self, frame: Frame, now: float, *, everybody: bool) -> int:
        sent = 0
        for connection, client in list(self._out_of_step.items()):
            pending = client.transport.get_write_buffer_size()
            client.session.stuck(pending, now)  # notes since when it is stuck; `Stream.pulse` dismisses those that are
            if pending:
                continue
            pace = self._own[connection]
            # At a turn of the group it gets what all get, unless it has that already, even if its own turn is not due.
            if pace.lacks(frame) if everybody else pace.takes(frame, now):
                sent += client.write(frame.websocket(self._form.selection, binary=self._form.binary))
            if everybody:  # it has what all have, and from here on its turns are those of the group
                self._in_step[connection] = self._out_of_step.pop(connection)
        return sent
