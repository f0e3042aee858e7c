"""The one subscription of the process: a thread that hears the bus, has lost messages sent again and keeps the newest.

A thread and not a task of the loop, where Panel's work may take longer than a message should wait.
"""

import threading
import time
from collections.abc import Callable

from bus.protocol.codec import FrameError, decode_published
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import CLOCK_MODULE, Event, Published, Result, State, Status, Tick
from bus.transport.repair import repairers
from bus.transport.sockets import Multipart, Subscriber, wait
from runtime import log, metrics
from ui.shown_plant import ShownPlant

RENEW_AFTER = 5.0
"""Seconds of silence after which a publisher is connected again: an oversized frame may have ended the connection."""

GIVE_UP_AFTER = 2.0
"""Seconds that newer messages wait for a missing one: a display that is complete but old is of no use."""

POLL = 0.1
"""Longest wait for messages in seconds."""

ASKING_POLL = 0.02
"""The same while something is missing: a question that is not answered has to be repeated in time."""

GATHER = 0.025
"""Seconds for which messages gather before they are taken: each time that the thread wakes costs as much as several of
them, and takes the interpreter from the loop. A page draws no more often."""

BURST = 256
"""Most messages that are taken from one publisher before the others get their turn."""

EXPECTED = ("gateway", "recorder")
"""Nodes without a module that the page shows as missing if the clock does not hear them."""


class Feed:
    """The plant as heard on the bus, shared by all sessions. Its thread touches nothing of Panel or Bokeh.

    Args:
        endpoints: addresses of the plant.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        modules = tuple(module.module for module in endpoints.modules)
        self.plant = ShownPlant(modules, EXPECTED)
        self.lock = threading.Lock()
        """To be held while reading `plant`, and only briefly: the thread waits for it with every message."""
        self.latency = metrics.histogram(*metrics.LATENCY, metrics.WAYS)
        self._on_result: Callable[[Result], None] | None = None
        # One subscriber for each publisher: one that is silent is renewed without losing messages of the others.
        clock_topics = (Tick.TOPIC, Status.TOPIC, Result.TOPIC, f"{Event.TOPIC}{CLOCK_MODULE}/")
        self._subscribers = [Subscriber([endpoints.clock_publish], clock_topics)]
        for module in endpoints.modules:
            topics = (f"{State.TOPIC}{module.module}/", f"{Event.TOPIC}{module.module}/", Result.TOPIC)
            self._subscribers += [Subscriber([instance.publish], topics) for instance in module.instances]
        self._repairers = repairers(self.plant.streams, endpoints)
        self._waiting: float | None = None
        self._heard = [time.monotonic()] * len(self._subscribers)
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin to listen, before the first session asks."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """False once the thread has ended, which it never does by itself."""
        return self._thread.is_alive()

    def on_result(self, heard: Callable[[Result], None]) -> None:
        """Have a function called with every result, in the feed's thread."""
        self._on_result = heard

    def _run(self) -> None:
        while True:
            asked = [repairer.socket for repairer in self._repairers if repairer.socket is not None]
            wait([*self._subscribers, *asked], ASKING_POLL if asked else POLL)
            if not asked:
                # A pause on purpose, and no wait for anything: what comes meanwhile waits in the sockets.
                time.sleep(GATHER)
            for index, subscriber in enumerate(self._subscribers):
                self._drain(index, subscriber)
            self._repair(time.monotonic())

    def _drain(self, index: int, subscriber: Subscriber) -> None:
        for _ in range(BURST):  # bounded: of a backlog each publisher, and the repair, gets its share
            frames = subscriber.receive()
            if frames is None:
                break
            self._heard[index] = time.monotonic()
            self._take(frames)
        if time.monotonic() - self._heard[index] > RENEW_AFTER:
            self._heard[index] = time.monotonic()  # or it would be renewed at every turn, before anything can come
            subscriber.renew()

    def _take(self, frames: Multipart) -> None:
        try:
            message = decode_published(*frames)
        except FrameError:
            with self.lock:
                self.plant.bad_frames += 1
            return
        # Negative where the clock of another machine is ahead of this one.
        self.latency.labels(message.TOPIC).observe(max(0.0, time.time() - message.wall))
        if isinstance(message, Tick):
            log.at(message.run, message.seq)
        with self.lock:
            delivered = self.plant.hear(message, time.monotonic())
        self._pass_on(delivered)  # without the lock: nobody knows what the function that is called waits for

    def _repair(self, now: float) -> None:
        """Ask for missing messages, take those that came, and go on without those that do not come in time."""
        streams = self.plant.streams
        ready = [message for repairer in self._repairers for message in streams.tell(repairer.work())]
        if not streams.waiting:
            self._waiting = None
        elif self._waiting is None:
            self._waiting = now
        elif now - self._waiting > GIVE_UP_AFTER:
            ready += streams.skip()  # one gap at a time; what is behind the next one waits for the next turn
        with self.lock:
            self.plant.take(ready, now)
        self._pass_on(ready)

    def _pass_on(self, delivered: list[Published]) -> None:
        for message in delivered:
            if self._on_result is not None and isinstance(message, Result):
                self._on_result(message)
