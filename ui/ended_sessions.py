"""What sessions leave when their pages are closed: collected soon, and again until nothing of them is there."""

import asyncio
import gc
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final
from weakref import WeakSet

FIRST: Final = 0.5
"""Seconds from the end of a session to the collection of what it leaves, so that several go in one."""

LAST: Final = 64.0
"""Longest time between two collections; each is twice as long as the one before."""

NAMED: Final = 1
"""Ended documents that may stay: a callback of Panel's own runs in the context of a session and names its document."""

Later = Callable[[float, Callable[[], None]], object]


def in_no_session(delay: float, call: Callable[[], None]) -> object:
    """Have the running loop call later, without the context of the session that asks: that names its document."""
    return asyncio.get_running_loop().call_later(delay, call, context=Context())


class EndedSessions:
    """Collects garbage after sessions end.

    A closed page's objects form cycles, which an idle process would carry along for minutes. On a busy machine what
    still holds them, such as a message that could not be sent, may go only after the first collection.

    Args:
        documents: those that are still alive; one whose session has ended has no `session_context`.
        later: calls a function after some seconds.
    """

    def __init__(self, documents: WeakSet[Any], later: Later = in_no_session) -> None:
        self._documents = documents
        self._later = later
        self._due = False
        self._pause = FIRST

    def note(self, session_context: object) -> None:  # noqa: ARG002  # panel gives it by this very name
        """A session has ended."""
        self._pause = FIRST
        self._schedule()

    def _schedule(self) -> None:
        if not self._due:
            self._due = True
            self._later(self._pause, self._collect)

    def _collect(self) -> None:
        self._due = False
        gc.collect()
        left = sum(document.session_context is None for document in self._documents)
        if left > NAMED and self._pause < LAST:
            self._pause *= 2.0
            self._schedule()
