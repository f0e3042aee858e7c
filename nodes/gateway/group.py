"""Clients that want the same of a module at the same rate: one schedule and one form for all of them.

Whatever is done for each client and frame is paid thirty thousand times a second with a thousand clients at thirty
frames, so that a client in step costs one look at its write buffer and one write. Who is new, or has not taken
everything, is out of step: it has a schedule of its own and is back in step once it has taken everything.
"""

from dataclasses import dataclass
from typing import Protocol

from websockets.asyncio.server import ServerConnection
from websockets.protocol import OPEN, State

from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_pacing import SessionPace
from nodes.gateway.session import Form, Session


class Stated(Protocol):
    """What tells whether a connection is open."""

    @property
    def state(self) -> State:
        """Of the WebSocket protocol."""


class Outlet(Protocol):
    """What frames are written to."""

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has not taken."""

    def write(self, data: bytes) -> None:
        """Send, without waiting."""


@dataclass(slots=True, eq=False)
class ClientConnection:
    """One client of a module."""

    connection: ServerConnection
    session: Session
    transport: Outlet
    protocol: Stated

    def write(self, data: bytes) -> int:
        """Send a complete frame; a connection that is closing gets nothing more. Returns how many were sent."""
        if self.protocol.state is not OPEN:
            return 0
        self.transport.write(data)
        self.session.gave(len(data))
        return 1


class Group:
    """Those clients.

    Args:
        form: what they get of a state.
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
        """Take a client in, out of step at first, with the pace of its own turns."""
        self._out_of_step[client.connection] = client
        self._own[client.connection] = pace

    def leave(self, connection: ServerConnection) -> None:
        """Forget a client, if it is one of these."""
        self._in_step.pop(connection, None)
        self._out_of_step.pop(connection, None)
        self._own.pop(connection, None)

    def falls_behind(self, connection: ServerConnection) -> None:
        """A client has not taken everything."""
        client = self._in_step.pop(connection, None)
        if client is not None:
            self._out_of_step[connection] = client

    @property
    def turn(self) -> float:
        """From when on the next frame may be sent to anybody (s)."""
        own = [self._own[connection].turn for connection in self._out_of_step]
        return min([self._pace.turn, *own])

    def give(self, frame: Frame, now: float) -> int:
        """Give the frame to everybody whose turn it is; returns to how many. Raises FrameError."""
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
        for connection, client in self._in_step.items():
            transport = client.transport
            if transport.get_write_buffer_size():
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
            client.session.stuck(pending, now)  # notes since when; whoever is stuck is sent away elsewhere
            if pending:
                continue
            pace = self._own[connection]
            if pace.lacks(frame) if everybody else pace.takes(frame, now):
                sent += client.write(frame.websocket(self._form.selection, binary=self._form.binary))
            if everybody:  # from here on its turns are those of all
                self._in_step[connection] = self._out_of_step.pop(connection)
        return sent
