"""Who gets which state when: groups of clients at a rate, and clients that want every frame."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection

from bus.codec import FrameError
from nodes.gateway.core import Plant
from nodes.gateway.frame import Frame
from nodes.gateway.group import Group, Seat
from nodes.gateway.pace import Decimation, Pace
from nodes.gateway.session import Form, Session
from nodes.gateway.subscription import DEFAULT_RATE
from nodes.gateway.wire import GapMessage, ServerMessage, StaleMessage

BACKLOG = 256 * 1024
"""Bytes that may wait for a client that wants every frame before it has to take some."""

BURST = 64
"""Frames that such a client gets at a time while it catches up."""

Tell = Callable[[Seat, ServerMessage], None]


@dataclass
class _Hall:
    """The clients of one module."""

    groups: dict[tuple[Form, float], Group] = field(default_factory=dict)
    places: dict[ServerConnection, tuple[Form, float]] = field(default_factory=dict)
    """In which group a client is."""
    followers: dict[ServerConnection, Seat] = field(default_factory=dict)
    """Those who want every frame, or every so many."""
    seats: dict[ServerConnection, Seat] = field(default_factory=dict)
    """All of them."""
    silent: bool = False
    """True while no fresh frame comes and clients were told so."""
    turn: float = 0.0
    """Before this time nobody's turn comes (s)."""


class Delivery:
    """Hands the newest states to clients, each at its own rate, and waits for none of them.

    Args:
        plant: where frames come from.
        tell: sends a client a message beside the frames.
    """

    def __init__(self, plant: Plant, tell: Tell) -> None:
        self._plant = plant
        self._tell = tell
        self._halls = {name: _Hall() for name in plant.modules}
        self.sent = 0

    def seat(self, connection: ServerConnection, session: Session, now: float) -> None:
        """Give a client what its session wants from now on."""
        self.unseat(connection)
        for module, pace in session.paces.items():
            hall = self._halls[module]
            seat = hall.seats[connection] = Seat(connection, session, connection.transport, connection.protocol)
            if isinstance(pace, Pace):
                place = hall.places[connection] = (session.form, session.wanted.rate or DEFAULT_RATE)
                if place not in hall.groups:
                    hall.groups[place] = Group(*place, now)
                hall.groups[place].join(seat, pace)
            else:
                hall.followers[connection] = seat
            self.attend(module, now)

    def unseat(self, connection: ServerConnection) -> None:
        """Give a client nothing more."""
        for hall in self._halls.values():
            if hall.seats.pop(connection, None) is None:
                continue
            hall.followers.pop(connection, None)
            place = hall.places.pop(connection, None)
            if place is not None:
                hall.groups[place].leave(connection)
                if not len(hall.groups[place]):
                    del hall.groups[place]

    def falls_behind(self, connection: ServerConnection) -> None:
        """A client has not taken everything: it gets the newest frame as soon as it has."""
        for hall in self._halls.values():
            if connection in hall.places:
                hall.groups[hall.places[connection]].falls_behind(connection)
                hall.turn = 0.0

    def attend(self, module: str, now: float) -> None:
        """Look at everybody of a module now, whether a frame has come or not."""
        self._halls[module].turn = 0.0
        self.sweep(module, now)

    def sweep(self, module: str, now: float) -> None:
        """Give every client whose turn it is the newest frame of a module. To be called for each new frame."""
        hall = self._halls[module]
        if now < hall.turn or not hall.seats:
            return
        frame = self._plant.newest(module)
        for seat in list(hall.followers.values()):
            self._catch_up(seat, module)
        if frame is None or not self._plant.modules[module].fresh(now):
            self._tell_stale(hall, module, now)
            hall.turn = 0.0
            return
        if hall.silent:
            self._end_of_silence(hall, module)
        for group in hall.groups.values():
            self.sent += group.give(frame, now)
        turn = min((group.turn for group in hall.groups.values()), default=math.inf)
        hall.turn = 0.0 if hall.followers else turn

    def _catch_up(self, seat: Seat, module: str) -> None:
        """Give a client that wants every frame those it has not got yet."""
        pace = seat.session.paces[module]
        ring = self._plant.record.rings[module]
        if not isinstance(pace, Decimation) or seat.transport.get_write_buffer_size() > BACKLOG:
            return
        if pace.lost(ring):
            head = ring[ring.first].head
            self._tell(seat, GapMessage(f"state/{module}/", head.run, head.seq - 1, head.seq))
        for frame in pace.due(ring, BURST):
            try:
                self._send(seat, frame)
            except FrameError:  # its head was in order, the rest is not
                self._plant.bad_frames += 1

    def _send(self, seat: Seat, frame: Frame) -> None:
        self.sent += seat.write(frame.websocket(seat.session.form.selection, binary=seat.session.binary))

    def _tell_stale(self, hall: _Hall, module: str, now: float) -> None:
        hall.silent = True
        missing = [item.name for item in self._plant.missing(now)]
        for seat in list(hall.seats.values()):
            if seat.session.to_be_told(module):
                self._tell(seat, StaleMessage(missing=missing, age=self._plant.modules[module].age(now)))

    @staticmethod
    def _end_of_silence(hall: _Hall, module: str) -> None:
        hall.silent = False
        for seat in hall.seats.values():
            seat.session.fresh(module)
