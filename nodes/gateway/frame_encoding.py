"""One state frame as clients of the gateway get it: JSON or MessagePack, whole or in parts."""

from typing import Any

import msgspec
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode

from bus.protocol.messages import State
from bus.protocol.schema import Message
from bus.view.lazy_frame import StateFrame, StateHead

_JSON = msgspec.json.Encoder()
_MSGPACK = msgspec.msgpack.Encoder()


def json_bytes(message: Message) -> bytes:
    """Any message as one JSON object."""
    return _JSON.encode(message)


GroupSelection = tuple[tuple[str, tuple[str, ...] | None], ...]
"""Groups of a state in order, each with its fields or None for all; empty for the whole state."""


class Frame(StateFrame):
    """A state frame and what was made of it so far; each form is made at most once, whoever asks first."""

    def __init__(self, head: StateHead | State, payload: bytes, arrived: float) -> None:
        super().__init__(head, payload, arrived)
        self._json: bytes | None = None
        self._sent: dict[tuple[GroupSelection, bool], bytes] = {}

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
