"""Published messages for a plain program: in order, each once, with what was lost on the way asked for again."""

import time
from collections import deque
from collections.abc import Callable

from bus.ordered.stream import Streams
from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Event, Published, Result, State, Tick
from bus.transport.repair import Repairer, repairers
from bus.transport.sockets import Subscriber, wait

POLL = 0.05
"""Longest sleep in seconds while something is asked for again."""


class Listener:
    """`receive` returns message after message.

    With `tick` among the topics, ticks come in order and each once; with `state/` or `state/<module>/` so do states,
    and events and results come once each. What ZeroMQ dropped is asked for again and delivered in its place; a tick of
    a clock that was replaced is dropped.

    Args:
        endpoints: where the plant is.
        topics: beginnings of the topics to take, for example `("state/m1/",)`.
        on_gap: called with (topic, first missing tick, number of missing ticks) for what was never delivered.
        repair: False delivers what comes as it comes and asks for nothing.
        whole: begin with the first tick of the run instead of the next one.

    Attributes:
        bad_frames: frames that could not be decoded.
        streams: order and gaps of what was heard.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        topics: tuple[str, ...],
        on_gap: Callable[[str, int, int], None] | None = None,
        *,
        repair: bool = True,
        whole: bool = False,
    ) -> None:
        self._topics = topics
        self._on_gap = on_gap
        self._last: dict[str, tuple[str, int]] = {}
        self._ready: deque[Published] = deque()
        self.bad_frames = 0
        followed = [module.module for module in endpoints.modules if self._wants(f"{State.TOPIC}{module.module}/")]
        self.streams = Streams(followed if repair else (), ticks=repair and self._wants(Tick.TOPIC), whole=whole)
        self._repairers: list[Repairer] = repairers(self.streams, endpoints)
        # A stream is whole only with its events and results, whose number each state and tick states. So these are
        # subscribed to as well, and `_deliver` drops them if the caller did not ask for them.
        more = [Result.TOPIC] if self._repairers else []
        more += [f"{Event.TOPIC}{module}/" for module in self.streams.modules]
        self._subscriber = Subscriber(endpoints.publishers(), sorted({*topics, *more}))

    def _wants(self, topic: str) -> bool:
        return any(topic.startswith(each) for each in self._topics)

    def receive(self, timeout: float) -> Published | None:
        """The next message, or None when none came in `timeout` seconds. A bad frame is counted and dropped."""
        # A loop, since what arrives need not give a message: it may fill a gap only in part, or be a repetition.
        deadline = time.monotonic() + timeout
        while not self._ready:
            self._drain()
            for repairer in self._repairers:
                self._deliver(self.streams.tell(repairer.work()))
            if not self._ready:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._wait(left)
        return self._ready.popleft()

    def _wait(self, left: float) -> None:
        # Not for long while a question is open: a repairer has to be given its turn to ask again.
        asked = [repairer.socket for repairer in self._repairers if repairer.socket is not None]
        wait([self._subscriber, *asked], min(left, POLL) if asked else left)

    def _drain(self) -> None:
        while not self._ready and (frames := self._subscriber.receive()) is not None:
            try:
                message = codec.decode_published(*frames)
            except FrameError:
                self.bad_frames += 1
                continue
            self._deliver(self.streams.on(message))

    def _deliver(self, messages: list[Published]) -> None:
        for message in messages:
            topic = message.topic()
            if self._wants(topic):
                self._check(topic, message)
                self._ready.append(message)

    def _check(self, topic: str, message: Published) -> None:
        if not isinstance(message, Tick | State):
            return
        # By topic: each module has numbers of its own. A new run counts from its beginning, and is no gap.
        run, seq = self._last.get(topic, (message.run, message.seq - 1))
        if run == message.run and message.seq > seq + 1 and self._on_gap is not None:
            self._on_gap(topic, seq + 1, message.seq - seq - 1)
        self._last[topic] = (message.run, message.seq)

    @property
    def refused(self) -> list[str]:
        """Why something was never delivered: the producers' newest reasons."""
        return [reason for repairer in self._repairers for reason in repairer.refused]

    def close(self) -> None:
        """Stop listening."""
        for repairer in self._repairers:
            repairer.close()
        self._subscriber.close()
