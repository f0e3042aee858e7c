"""Subscribers that keep what they are given: one that repairs its gaps, and one that does not."""

import threading
import time

from bus.endpoints import Endpoints
from bus.listener import Listener
from bus.messages import Published, Result, State, Tick
from tests.chaos.history import Recording, Shown

TOPICS = ("tick", "state/", "result/")
POLL = 0.1


class Collector(threading.Thread):
    """Keeps ticks, states and results until told to stop."""

    def __init__(self, endpoints: Endpoints) -> None:
        super().__init__(name="collector", daemon=True)
        self._endpoints = endpoints
        self._over = threading.Event()
        self.recording = Recording()
        self.longest_silence = 0.0
        """Longest time between two ticks, in seconds."""
        self._heard: float | None = None

    def run(self) -> None:
        """Until `stop`."""
        listener = Listener(self._endpoints, TOPICS)
        while not self._over.is_set():
            message = listener.receive(POLL)
            if message is not None:
                self._take(message)
        listener.close()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self.join()

    def _take(self, message: Published) -> None:
        match message:
            case Tick():
                now = time.monotonic()
                self.longest_silence = max(self.longest_silence, now - (self._heard or now))
                self._heard = now
                self.recording.ticks.append(message)
            case State():
                self.recording.states.append(Shown(message.run, message.seq, message.t, message.digest))
            case Result():
                self.recording.results.append(message)
            case _:
                pass

    def has_result(self, command_id: str) -> bool:
        """True once a command's result was heard."""
        return any(result.id == command_id for result in reversed(list(self.recording.results)))

    def has_state(self, run: str, seq: int) -> bool:
        """True once a state was heard."""
        return any((state.run, state.seq) == (run, seq) for state in reversed(list(self.recording.states)))
