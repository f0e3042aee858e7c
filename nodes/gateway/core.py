"""The gateway's view of the plant: the newest frames as they came off the bus, and rings of the last ones in order.

Pure: no sockets and no time. Every `now` is a time in seconds on one clock that never goes back, given by the caller.
"""

from collections import OrderedDict
from dataclasses import dataclass

from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.messages import Published, State
from bus.view.lazy_frame import StateHead
from bus.view.plant_view import FRESH, PlantView
from nodes.gateway.frame_encoding import Frame
from nodes.gateway.frame_ring import FrameRing

BACKFILL = 500
"""Ticks before the first state heard that are asked for, so that clients of a worker that died can resume here."""

WAITING_MAX = 4096
"""Most frames that are kept back while an earlier one is missing."""

_STATE = StateHead.TOPIC.encode()


@dataclass(frozen=True)
class Missing:
    """A part of the plant that the gateway does not hear, or hears of another run."""

    name: str
    """"clock" or "physics <module>"."""
    silent: float
    """Seconds since it was last heard, or since the gateway began to listen."""
    reason: str
    """For people."""


class GatewayPlant(PlantView[Frame]):
    """The live plant, and the frames of each module in order for clients that want every one.

    Args:
        modules: names of the modules that the plant should have.
        now: when listening began (s).
    """

    def __init__(self, modules: tuple[str, ...], now: float) -> None:
        super().__init__(modules)
        self.rings = {name: FrameRing() for name in modules}
        self.ordered: list[Published] = []
        """What could be delivered in order because of the last message: nothing while an earlier one is missing."""
        self._began = now
        self._waiting: OrderedDict[tuple[str, str, int], Frame] = OrderedDict()

    def on(self, topic: bytes, payload: bytes, now: float) -> Published | StateHead | None:
        """Take one message off the bus.

        Args:
            topic: first frame of the message.
            payload: second frame, a MessagePack map.
            now: when it came (s).

        Returns:
            The message, in the case of a state only its head; None if it is malformed or outdated, which is counted.
            What can be delivered in order because of it is in `ordered`.
        """
        self.ordered = []
        try:
            message = self._decode(topic, payload)
        except FrameError:
            self.bad_frames += 1
            return None
        frame = Frame(message, payload, now) if isinstance(message, StateHead) else None
        if not self.show(message if frame is None else frame, now):
            return None
        self.ordered = self.take(self.streams.on(message) if frame is None else self._in_order(frame), now)
        return message

    def _decode(self, topic: bytes, payload: bytes) -> Published:
        if not topic.startswith(_STATE):
            return codec.decode_published(topic, payload)
        # Only the head: most states are passed on as the bytes that they came as, or are overtaken before anybody looks
        # at them, so that decoding every one of them as a whole would be work for nothing.
        head: StateHead = codec.decode(payload, StateHead)
        if head.topic().encode() != topic or head.module not in self.modules:
            raise FrameError(f"state of {head.module} under {topic[:64]!r}, which is no topic of this plant")
        return head

    def _in_order(self, frame: Frame) -> list[Published]:
        """What can be delivered now that a state has come.

        The stream orders heads; the frames with their bytes wait beside it, by module, run and tick.
        """
        head = frame.head
        stream = self.streams.modules[head.module]
        if not stream.buffer.run:
            # Set before the stream sees its first head, so that it takes the ticks before as missing and asks for them.
            stream.buffer.run, stream.buffer.last = head.run, max(0, head.seq - 1 - BACKFILL)
        self._waiting[head.module, head.run, head.seq] = frame
        while len(self._waiting) > WAITING_MAX:
            # No harm is done: a frame that is gone when its turn comes is encoded again from its message, see `take`.
            self._waiting.popitem(last=False)
        return stream.on(head)

    def take(self, messages: list[Published], now: float) -> list[Published]:
        """Put ordered states into the rings and record all other messages; also to be called with what was repaired.

        Returns:
            The same messages.
        """
        for message in messages:
            if isinstance(message, StateHead | State):
                frame = self._waiting.pop((message.module, message.run, message.seq), None)
                if frame is None:  # it was lost on the way and came, as a whole state, when it was asked for
                    frame = Frame(message, codec.encode(message), now)
                self.rings[message.module].append(frame)
            else:
                self.record(message)
        return messages

    def missing(self, now: float) -> list[Missing]:
        """Every part of the plant that has not been heard for FRESH seconds, with the reason."""
        found = []
        if not self.clock_fresh(now):
            found.append(self._silent("clock", self.clock_age(now), now))
        for module in self.modules.values():
            name = f"physics {module.name}"
            frame = module.frame
            if frame is None and module.fault:
                found.append(Missing(name, 0.0, f"sends malformed state frames: {module.fault}"))
            elif frame is None or not module.fresh(now):
                found.append(self._silent(name, module.age(now), now))
            elif frame.head.run != (self.run or frame.head.run) and now - self.run_since > FRESH:
                # Right after the beginning of a run the last state of the one before it is still the newest: that is
                # how a run begins, not a fault.
                reason = f"sends states of run {frame.head.run}, but the present run is {self.run}"
                found.append(Missing(name, now - self.run_since, reason))
        return found

    def _silent(self, name: str, age: float | None, now: float) -> Missing:
        silent = now - self._began if age is None else age
        return Missing(name, silent, f"{'never heard' if age is None else 'silent'} for {silent:.1f} s")

    def initialized(self, name: str) -> bool:
        """Is there a state of this module in the present run?"""
        frame = self.modules[name].frame
        return frame is not None and frame.head.run == self.run

    @property
    def ready(self) -> bool:
        """Is the clock heard, and does the ring of each module reach back as far as it ever will?"""
        whole = all(stream.buffer.run and stream.request is None for stream in self.streams.modules.values())
        return bool(self.runs) and whole

    def missed(self) -> dict[str, int]:
        """How many messages are lost for good, by topic."""
        clock = 0 if self.streams.clock is None else self.streams.clock.buffer.lost
        lines = {f"state/{name}/": stream.buffer.lost for name, stream in self.streams.modules.items()}
        return {"tick": clock, **lines}
