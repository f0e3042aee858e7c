"""One state frame as it came off the bus: read at tick rate only as far as its head, decoded when somebody looks."""

from typing import Annotated, ClassVar

import msgspec

from bus import codec
from bus.messages import NAME, Published, State
from bus.schema import MAX_ITEMS, Label, Message, Text, quantity

_JSON = msgspec.json.Encoder()


def json_bytes(message: Message) -> bytes:
    """Any message as one JSON object."""
    return _JSON.encode(message)


class PlcHead(Message, frozen=True):
    """The conditions that are alarms."""

    state: Annotated[Label, quantity("", "state of the sequence")]
    trip: Annotated[Text | None, quantity("", "cause of the trip in force")]
    warnings: Annotated[list[Text], quantity("", "warnings in force", max_length=MAX_ITEMS)]


class StateHead(Published, frozen=True):
    """The fields of a State that order it and its alarms; the rest is skipped without being built."""

    TOPIC: ClassVar[str] = "state/"

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    plc: PlcHead

    def topic(self) -> str:
        """`state/<module>/`."""
        return f"{self.TOPIC}{self.module}/"


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
        self._state: State | None = None
        self._json: bytes | None = None
        self._text: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Run and tick: equal keys mean the same frame."""
        return self.head.run, self.head.seq

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

    def text(self) -> str:
        """The same with `"type": "state"` in front, as WebSocket clients get it. Raises FrameError."""
        if self._text is None:
            self._text = '{"type":"state",' + self.json()[1:].decode()
        return self._text
