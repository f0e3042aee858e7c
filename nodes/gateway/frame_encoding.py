"""One state frame as clients of the gateway get it: JSON or MessagePack, the whole state or a selection of it."""

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
    """A state frame with the encodings that were made of it so far.

    Each encoding is made when the first client needs it and shared by all others: encoding costs far more than sending.

    Args:
        head: what orders it, or the whole state where it is decoded already.
        payload: the bytes off the bus, a MessagePack map.
        arrived: when it came, on the gateway's own clock (s).
    """

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
        """The selection as JSON with `"type": "state"` in front. Raises FrameError."""
        if selection:
            return _JSON.encode(selected(self.state(), selection))
        # The type is spliced in after the opening brace, so that REST and WebSocket share one encoding.
        return b'{"type":"state",' + self.json()[1:]

    def binary(self, selection: GroupSelection = ()) -> bytes:
        """The selection as MessagePack; a whole state is the bytes off the bus, without a type. Raises FrameError."""
        return _MSGPACK.encode(selected(self.state(), selection)) if selection else self.payload

    def websocket(self, selection: GroupSelection, *, binary: bool) -> bytes:
        """A complete WebSocket frame, made once for all clients with the same selection. Raises FrameError."""
        key = (selection, binary)
        found = self._sent.get(key)
        if found is None:
            found = self._sent[key] = framed(self.binary(selection) if binary else self.text(selection), binary=binary)
        return found


def framed(payload: bytes, *, binary: bool) -> bytes:
    """Bytes as one complete WebSocket frame: unmasked, as a server has to send it, and not compressed."""
    return WebSocketFrame(Opcode.BINARY if binary else Opcode.TEXT, payload).serialize(mask=False)


def selected(state: State, selection: GroupSelection) -> dict[str, Any]:
    """The selected groups and fields of a state, with its head in front."""
    head = ("t", "seq", "run", "wall", "module")
    found: dict[str, Any] = {"type": "state", **{name: getattr(state, name) for name in head}}
    for group, names in selection:
        part = getattr(state, group)
        found[group] = part if names is None else {name: getattr(part, name) for name in names}
    return found
