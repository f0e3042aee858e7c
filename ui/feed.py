"""The one subscription of the process: a thread that hears the bus and keeps the newest of everything."""

import threading
import time
from collections.abc import Callable

from bus.codec import FrameError, decode_published
from bus.endpoints import Endpoints
from bus.messages import Result
from bus.sockets import Frames, Subscriber, wait
from ui.plant import Plant

RENEW_AFTER = 5.0
"""Seconds of silence after which a publisher is connected anew, in case an oversized frame has ended the session."""

POLL = 0.1
BURST = 256

EXPECTED = ("gateway",)
"""Nodes without a module that the page misses when the clock does not hear them."""


class Feed:
    """The plant as heard on the bus, shared by every session. Its thread touches nothing of Panel or Bokeh."""

    def __init__(self, endpoints: Endpoints) -> None:
        modules = tuple(module.module for module in endpoints.modules)
        self.plant = Plant(modules, EXPECTED)
        self.lock = threading.Lock()
        """To be held while reading `plant`, and not for long."""
        self._on_result: Callable[[Result], None] | None = None
        # One subscriber for each publisher: a silent one is renewed without losing what the others say.
        self._subscribers = [Subscriber([endpoints.clock_publish], ("tick", "status", "result/"))]
        self._subscribers += [
            Subscriber([module.publish], (f"state/{module.module}/", f"event/{module.module}/", "result/"))
            for module in endpoints.modules
        ]
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
        """Have every result passed on; it is called in the feed's thread."""
        self._on_result = heard

    def _run(self) -> None:
        while True:
            wait(self._subscribers, POLL)
            for index, subscriber in enumerate(self._subscribers):
                self._drain(index, subscriber)

    def _drain(self, index: int, subscriber: Subscriber) -> None:
        for _ in range(BURST):
            frames = subscriber.receive()
            if frames is None:
                break
            self._heard[index] = time.monotonic()
            self._take(frames)
        if time.monotonic() - self._heard[index] > RENEW_AFTER:
            self._heard[index] = time.monotonic()
            subscriber.renew()

    def _take(self, frames: Frames) -> None:
        try:
            message = decode_published(*frames)
        except FrameError:
            with self.lock:
                self.plant.bad_frames += 1
            return
        with self.lock:
            self.plant.hear(message, time.monotonic())
        if self._on_result is not None and isinstance(message, Result):
            self._on_result(message)
