"""The gateway's view of the plant, made of nothing but the messages it heard. No sockets, no time of its own.

Every `now` is a time in seconds on one clock that never goes back, given by the caller.
"""

from dataclasses import dataclass

from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.messages import Alarm, Published, Status, Tick
from bus.view.alarms import listing
from nodes.gateway.frame import Frame, StateHead
from nodes.gateway.ordered_log import OrderedLog

FRESH = 1.0
"""Seconds without a word after which a publisher counts as missing: ten ticks at the lowest tick rate."""


_STATE = StateHead.TOPIC.encode()


@dataclass(frozen=True)
class Missing:
    """A part of the plant that the gateway does not hear."""

    name: str
    silent: float
    """Seconds since it was last heard, or since the gateway began to listen."""
    reason: str


class Module:
    """What is known of one plant module."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frame: Frame | None = None
        self.fault = ""

    def age(self, now: float) -> float | None:
        """Seconds since the newest frame came; None if there is none."""
        return None if self.frame is None else now - self.frame.arrived

    def fresh(self, now: float) -> bool:
        """Is there a frame of the last second?"""
        age = self.age(now)
        return age is not None and age <= FRESH


class Plant:
    """Latest tick, status and state of each module, recent events, and what was lost or malformed.

    Args:
        modules: the modules there should be.
        now: when listening began.
    """

    def __init__(self, modules: tuple[str, ...], now: float) -> None:
        self.modules = {name: Module(name) for name in modules}
        self.tick: Tick | None = None
        self.status: Status | None = None
        self.ordered_log = OrderedLog(modules)
        self.ordered: list[Published] = []
        """What the last message made known in order, itself included unless something before it is missing."""
        self.bad_frames = 0
        self.old_frames = 0
        self._began = now
        self._clock_heard: float | None = None
        self._run_since = now
        self._epoch = 0

    def on(self, topic: bytes, payload: bytes, now: float) -> Published | StateHead | None:
        """Take note of one published message and return it, of a state its head; a bad or outdated one gives None."""
        self.ordered = []
        try:
            message = self._decode(topic, payload)
        except FrameError:
            self.bad_frames += 1
            return None
        frame = Frame(message, payload, now) if isinstance(message, StateHead) else None
        known = (isinstance(message, Tick | Status) and not self._on_clock(message, now)) or (
            frame is not None and not self._on_state(frame, now)
        )
        if known:
            return None
        self.ordered = self.ordered_log.on(message, frame, now)
        return message

    def _decode(self, topic: bytes, payload: bytes) -> Published:
        if not topic.startswith(_STATE):
            return codec.decode_published(topic, payload)
        head: StateHead = codec.decode(payload, StateHead)
        if head.topic().encode() != topic or head.module not in self.modules:
            raise FrameError(f"state of {head.module} under {topic[:64]!r}, which is no topic of this plant")
        return head

    def _on_clock(self, message: Tick | Status, now: float) -> bool:
        # A clock that was replaced may still speak. Its number is lower; it is believed again only when the one with
        # the higher number has fallen silent, so that a clock that lost its journal and counts anew is heard.
        if message.epoch < self._epoch and self.clock_fresh(now):
            self.old_frames += 1
            return False
        self._epoch = message.epoch
        self._clock_heard = now
        if isinstance(message, Status):
            self.status = message
            return True
        if self.run != message.run:
            self._run_since = now
        self.tick = message
        return True

    def _on_state(self, frame: Frame, now: float) -> bool:
        head = frame.head
        module = self.modules[head.module]
        newest = module.frame
        # Within a run ticks never go back; an older frame is a repetition, unless the newest one is long gone.
        if newest is not None and newest.head.run == head.run and newest.head.seq >= head.seq and module.fresh(now):
            self.old_frames += 1
            return False
        module.frame = frame
        module.fault = ""
        return True

    @property
    def run(self) -> str | None:
        """Id of the present run; None before the first tick."""
        return None if self.tick is None else self.tick.run

    def clock_fresh(self, now: float) -> bool:
        """Was the clock heard in the last second?"""
        return self._clock_heard is not None and now - self._clock_heard <= FRESH

    def newest(self, name: str) -> Frame | None:
        """The newest frame of a module, decoded and checked; None if there is none or it is malformed.

        A malformed one is counted and forgotten.
        """
        module = self.modules[name]
        if module.frame is None:
            return None
        try:
            module.frame.state()
        except FrameError as error:
            self.bad_frames += 1
            module.frame = None
            module.fault = str(error)
        return module.frame

    def alarms(self) -> list[Alarm]:
        """The alarms that ask for attention, as the newest frames of the present run have them."""
        frames = [self.newest(name) for name in self.modules]
        return listing([None if frame is None else frame.state() for frame in frames], self.status, self.run)

    def missing(self, now: float) -> list[Missing]:
        """Every part of the plant that is not heard freshly, with the reason."""
        found = []
        if not self.clock_fresh(now):
            found.append(self._silent("clock", self._clock_heard, now))
        for module in self.modules.values():
            name = f"physics {module.name}"
            frame = module.frame
            if frame is None and module.fault:
                found.append(Missing(name, 0.0, f"sends malformed state frames: {module.fault}"))
            elif frame is None or not module.fresh(now):
                found.append(self._silent(name, None if frame is None else frame.arrived, now))
            elif frame.head.run != (self.run or frame.head.run) and now - self._run_since > FRESH:
                reason = f"sends states of run {frame.head.run}, the present run is {self.run}"
                found.append(Missing(name, now - self._run_since, reason))
        return found

    def _silent(self, name: str, heard: float | None, now: float) -> Missing:
        silent = now - (self._began if heard is None else heard)
        return Missing(name, silent, f"{'never heard' if heard is None else 'silent'} for {silent:.1f} s")

    def initialized(self, name: str) -> bool:
        """Is there a state of this module in the present run?"""
        frame = self.modules[name].frame
        return frame is not None and frame.head.run == self.run

    def missed(self) -> dict[str, int]:
        """Messages that were lost and cannot be had any more, by topic."""
        return self.ordered_log.missed()
