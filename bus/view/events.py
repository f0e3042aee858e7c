"""The newest events of the plant, each once."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

from bus.protocol.messages import Event

EVENTS_KEPT = 1000
"""Events that are remembered, of all modules and runs together."""


class EventLog:
    """The newest events in the order in which they were heard, those of several runs one after the other."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def add(self, event: Event) -> None:
        """Take an event that the ordered stream has delivered, which it does once."""
        self._events.append(event)

    def add_past(self, events: list[Event]) -> None:
        """Take events of the present run from before this listener began, oldest first; some may be known already."""
        # Events have no number of their own, so what they say has to tell which are known.
        known = {_identity(event) for event in self._events}
        unknown = [event for event in events if _identity(event) not in known]
        runs = {event.run for event in unknown}
        present = [event for event in self._events if event.run in runs]
        before = [event for event in self._events if event.run not in runs]
        # Put before those of their run, and behind those of earlier runs; if there are too many, the oldest fall out.
        self._events.clear()
        self._events.extend([*before, *sorted([*unknown, *present], key=lambda event: event.seq)])

    def newest(self, run: str | None, count: int) -> list[Event]:
        """The last `count` events of a run, or of all runs where it is None, in the order of their ticks."""
        of_run = (event for event in reversed(self._events) if run in {None, event.run})
        return sorted(islice(of_run, count), key=lambda event: (event.seq, event.t))


def _identity(event: Event) -> tuple[str, str, int, float, str, str]:
    return event.module, event.run, event.seq, event.t, event.kind, event.text
