"""A subscriber that keeps what it is given, and two that must not pass the checker."""

import socket
import threading
import time
from dataclasses import replace

from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Event, Published, Result, State, Tick
from bus.transport.listener import Listener
from tests.chaos.history import Recording, Shown

TOPICS = ("tick", "state/", "result/", "event/")
POLL = 0.1
SILENCE = 0.2


class Collector(threading.Thread):
    """Keeps ticks, states, results and events, from the first of the run until told to stop."""

    def __init__(self, endpoints: Endpoints) -> None:
        super().__init__(name="collector", daemon=True)
        self._endpoints = endpoints
        self._over = threading.Event()
        self._heard: float | None = None
        self.recording = Recording()
        self.repaired = 0
        self.refused: list[str] = []
        """Why something could not be had."""
        self.silences: list[tuple[float, float]] = []
        """Times without a tick of more than `SILENCE` seconds: the moment of the next one, and how long it was."""

    def open(self, endpoints: Endpoints) -> Listener:
        """The subscription; a tick, state, result or event that is lost on the way is asked for again."""
        return Listener(endpoints, TOPICS, whole=True)

    def run(self) -> None:
        """Until `stop`."""
        listener = self.open(self._endpoints)
        while not self._over.is_set():
            message = listener.receive(POLL)
            if message is not None:
                self._take(message)
        self.repaired = listener.streams.repaired
        self.refused = listener.refused
        listener.close()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self.join()

    def _take(self, message: Published) -> None:
        match message:
            case Tick():
                now = time.monotonic()
                if self._heard is not None and now - self._heard > SILENCE:
                    self.silences.append((now, now - self._heard))
                self._heard = now
                self.recording.ticks.append(message)
            case State():
                self.recording.states.append(Shown(message.run, message.seq, message.t, message.digest))
            case Result():
                self.recording.results.append(message)
            case Event():
                self.recording.events.append(message)
            case _:
                pass

    def has_state(self, run: str, seq: int) -> bool:
        """True once a state was heard."""
        return any((state.run, state.seq) == (run, seq) for state in reversed(list(self.recording.states)))


class DeafCollector(Collector):
    """Negative control: takes what comes and asks for nothing."""

    def open(self, endpoints: Endpoints) -> Listener:
        """A plain subscription."""
        return Listener(endpoints, TOPICS, repair=False)


class UnansweredCollector(Collector):
    """Negative control: asks for what it misses, and nobody replays anything."""

    def open(self, endpoints: Endpoints) -> Listener:
        """A subscription whose questions go where nobody listens."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            nobody = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        modules = tuple(
            replace(module, instances=tuple(replace(each, snapshot=nobody) for each in module.instances))
            for module in endpoints.modules
        )
        return Listener(replace(endpoints, clock_control=nobody, modules=modules), TOPICS)
