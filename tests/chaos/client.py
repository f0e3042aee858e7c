"""A client that commands the plant all the time, repeats a tenth of it, and keeps what it was told."""

import heapq
import threading
import time
from random import Random
from typing import Any

from bus.protocol.endpoints import Endpoints
from bus.transport.client import command, sequence
from bus.transport.request import NotAnsweredError, RefusedError
from tests.chaos.history import Asked, Refused, Said, Sequenced, Unanswered

ORIGIN = "chaos"
REPEATED = 0.1
REPEAT_WITHIN = 5.0
ATTEMPTS = 12
"""How often an unanswered command is asked again, with the same id."""

PAUSE = 0.05

NEW_RUNS = 0.3
"""Share of starts that begin a new run."""


class Client(threading.Thread):
    """Sends commands from a seed until told to stop.

    Args:
        endpoints: where the plant is.
        seed: of what is sent.
        module: plant module that is commanded besides the clock.
    """

    def __init__(self, endpoints: Endpoints, seed: int, module: str) -> None:
        super().__init__(name="client", daemon=True)
        self._endpoints = endpoints
        self._random = Random(seed)  # noqa: S311  # nothing secret
        self._module = module
        self._over = threading.Event()
        self._repeats: list[tuple[float, str, str, str, dict[str, Any]]] = []
        self._number = 0
        self._begin = time.monotonic()
        self.history: list[Said] = []
        self.latencies: list[float] = []
        self.repeats = 0

    def run(self) -> None:
        """Until `stop`."""
        while not self._over.wait(self._random.uniform(0.0, 2 * PAUSE)):
            if self._repeats and self._repeats[0][0] <= time.monotonic():
                _due, command_id, module, name, args = heapq.heappop(self._repeats)
                self.repeats += 1
                self._ask(command_id, module, name, args)
                continue
            self._number += 1
            command_id = f"chaos-{self._number}"
            module, name, args = self._choose()
            self._ask(command_id, module, name, args)
            if self._random.random() < REPEATED:
                due = time.monotonic() + self._random.choice((0.0, self._random.uniform(0.0, REPEAT_WITHIN)))
                heapq.heappush(self._repeats, (due, command_id, module, name, args))

    def stop(self) -> None:
        """End after the command under way."""
        self._over.set()
        self.join()

    def certainly(self, command_id: str, module: str, name: str, args: dict[str, Any], timeout: float) -> Sequenced:
        """Send a command until it is sequenced.

        Raises:
            TimeoutError: with the last answer.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self._ask(command_id, module, name, args)
            last = self.history[-1]
            if isinstance(last, Sequenced):
                return last
            time.sleep(PAUSE)
        raise TimeoutError(f"{command_id} was not sequenced in {timeout:g} s: {self.history[-1]}")

    def _choose(self) -> tuple[str, str, dict[str, Any]]:
        draw = self._random
        choice = draw.randrange(20)
        if choice == 0:
            if draw.random() < NEW_RUNS:
                return "clock", "reset", {"scenario": draw.choice(("reference", "rated-speed"))}
            return "clock", "start", {}
        if choice < 10:
            return self._module, "set_parameters", {"drag_area": round(draw.uniform(0.1, 0.6), 4)}
        if choice < 12:
            return self._module, "set_parameters", {"drag_area": 99.0}  # more than the limit: rejected
        if choice < 14:
            return self._module, draw.choice(("plant_stop", "plant_start", "plant_coast", "plant_resume")), {}
        if choice < 15:
            return self._module, "inject", {}
        if choice < 18:
            return "clock", "set_speed", {"speed": draw.choice((0.5, 1.0, 2.0, 4.0))}
        if choice < 19:
            return "clock", draw.choice(("pause", "resume", "resume")), {}
        return "clock", "set_policy", {"policy": draw.choice(("hold", "catch_up", "stop", "stop"))}

    def _ask(self, command_id: str, module: str, name: str, args: dict[str, Any]) -> None:
        """Ask until there is an answer, as a client is told to."""
        request = command(module, name, args, ORIGIN, command_id)
        begin = time.monotonic()
        for _attempt in range(ATTEMPTS):
            self.history.append(Asked(self._now(), command_id, module, name, args))
            try:
                answer = sequence(self._endpoints, request)
            except NotAnsweredError:
                self.history.append(Unanswered(self._now(), command_id))
                if self._over.is_set():
                    return
                continue
            except RefusedError as error:
                self.history.append(Refused(self._now(), command_id, error.refused.reason))
                return
            self.history.append(Sequenced(self._now(), command_id, answer.run, answer.seq))
            self.latencies.append(time.monotonic() - begin)
            return

    def _now(self) -> float:
        return time.monotonic() - self._begin
