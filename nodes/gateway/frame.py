"""One state frame as it came off the bus: read at tick rate only as far as its head, decoded when somebody looks."""

from typing import Annotated, Any, ClassVar

import msgspec
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode

from bus.protocol import codec
from bus.protocol.messages import NAME, Published, State
from bus.protocol.schema import Message, quantity

_JSON = msgspec.json.Encoder()
_MSGPACK = msgspec.msgpack.Encoder()


def json_bytes(message: Message) -> bytes:
    """Any message as one JSON object."""
    return _JSON.encode(message)


class StateHead(Published, frozen=True):
    """The fields of a State that order it; the rest is skipped without being built."""

    TOPIC: ClassVar[str] = "state/"

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    results: Annotated[int, quantity("1", "results of this module in the run so far", ge=0)]
    events: Annotated[int, quantity("1", "events of this module in the run before this tick", ge=0)]

    def topic(self) -> str:
        """`state/<module>/`."""
        return f"{self.TOPIC}{self.module}/"


GroupSelection = tuple[tuple[str, tuple[str, ...] | None], ...]
"""Groups of a state in order, each with its fields or None for all; empty for the whole state."""


class Frame:
    """A state frame and what was made of it so far; each form is made at most once, whoever asks first.

    Args:
        head: what orders it.
        payload: the bytes off the bus, a MessagePack map.
        arrived: when it came, on the gateway's own clock (s).
    """

    def __init__(self, head: StateHead, payload: bytes, arrived: float) -> None:
        self.head = head
        self.payload = payload
        self.arrived = arrived
        self.key = (head.run, head.seq)
        """Run and tick: equal keys mean the same frame."""
        self._state: State | None = None
        self._json: bytes | None = None
        self._sent: dict[tuple[GroupSelection, bool], bytes] = {}

    def state(self) -> State:
        """The complete, checked state.

        Raises:
            FrameError: if the payload is no State, naming the field.
        """
        if self._state is None:
            state: State = codec.decode(self.payload, State)
            self._state = state
        return self._state

    def json(self) -> bytes:
        """The state as one JSON object. Raises FrameError."""
        if self._json is None:
            self._json = _JSON.encode(self.state())
        return self._json

    def text(self, selection: GroupSelection = ()) -> bytes:
        """What is selected of it as JSON with `"type": "state"` in front. Raises FrameError."""
        if selection:
            return _JSON.encode(selected(self.state(), selection))
        return b'{"type":"state",' + self.json()[1:]

    def binary(self, selection: GroupSelection = ()) -> bytes:
        """The same as MessagePack; the whole state is the bytes off the bus, without a type. Raises FrameError."""
        return _MSGPACK.encode(selected(self.state(), selection)) if selection else self.payload

    def websocket(self, selection: GroupSelection, *, binary: bool) -> bytes:
        """A complete WebSocket frame, made once for all clients that select the same. Raises FrameError."""
        key = (selection, binary)
        found = self._sent.get(key)
        if found is None:
            found = self._sent[key] = framed(self.binary(selection) if binary else self.text(selection), binary=binary)
        return found


def framed(payload: bytes, *, binary: bool) -> bytes:
    """Bytes as one WebSocket message of a server, without compression."""
    return WebSocketFrame(Opcode.BINARY if binary else Opcode.TEXT, payload).serialize(mask=False)


def selected(state: State, selection: GroupSelection) -> dict[str, Any]:
    """The head of a state and what is selected of it."""
    head = ("t", "seq", "run", "wall", "module")
    found: dict[str, Any] = {"type": "state", **{name: getattr(state, name) for name in head}}
    for group, names in selection:
        part = getattr(state, group)
        found[group] = part if names is None else {name: getattr(part, name) for name in names}
    return found
