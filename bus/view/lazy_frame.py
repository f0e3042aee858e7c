"""One state frame as it came off the bus: only its head is read at tick rate; the rest when somebody looks at it.

Decoding every field of every frame would take much of a processor at 1000 ticks a second, and pages look 20 times.
"""

from typing import Annotated, ClassVar

from bus.protocol import codec
from bus.protocol.messages import NAME, Published, State
from bus.protocol.schema import quantity


class StateHead(Published, frozen=True):
    """The fields of a State by which it is put in order; the rest is skipped without being built."""

    TOPIC: ClassVar[str] = "state/"

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    results: Annotated[int, quantity("1", "results of this module in the run so far", ge=0)]
    events: Annotated[int, quantity("1", "events of this module in the run before this tick", ge=0)]

    def topic(self) -> str:
        """`state/<module>/`."""
        return f"{self.TOPIC}{self.module}/"


class StateFrame:
    """A state frame.

    Args:
        head: its head, or the whole state where it is decoded already.
        payload: the bytes off the bus, a MessagePack map; not looked at if the state is decoded.
        arrived: when it arrived, on the listener's own clock (s).

    Attributes:
        key: run and tick; equal keys mean the same frame.
    """

    def __init__(self, head: StateHead | State, payload: bytes, arrived: float) -> None:
        self.head = head
        self.payload = payload
        self.arrived = arrived
        self.key = (head.run, head.seq)
        self._state = head if isinstance(head, State) else None

    def state(self) -> State:
        """The complete, checked state.

        Raises:
            FrameError: if the payload is not a State, naming the field.
        """
        if self._state is None:
            state: State = codec.decode(self.payload, State)
            self._state = state
        return self._state
