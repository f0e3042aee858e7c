"""Collects what sessions leave behind when their pages are closed, again and again until nothing of it is there."""

import asyncio
import gc
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final
from weakref import WeakSet

FIRST: Final = 0.5
"""Seconds from the end of a session to the first collection, so that one does for several that end together."""

LAST: Final = 64.0
"""Longest pause between two collections in seconds; each is twice as long as the one before."""

NAMED: Final = 1
"""Ended documents that may stay: a callback of Panel's own runs in the context of a session and refers to its document.
"""

Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds."""


def in_no_session(delay: float, call: Callable[[], None]) -> object:
    """Have the running loop call a function later, outside the context of the session that asks.

    asyncio would copy that context, which refers to the document: the collection would keep alive what it collects.
    """
    return asyncio.get_running_loop().call_later(delay, call, context=Context())


class EndedSessions:
    """Collects garbage after sessions end.

    The objects of a closed page form cycles, which an idle process would keep for minutes. On a busy machine something
    may still refer to them, such as a message that could not be sent, and let go only after the first collection.

    Args:
        documents: documents that are still alive; one whose session has ended has no `session_context`.
        later: calls a function after some seconds.
    """

    def __init__(self, documents: WeakSet[Any], later: Later = in_no_session) -> None:
        self._documents = documents
        self._later = later
        self._due = False
        self._pause = FIRST

    def note(self, session_context: object) -> None:  # noqa: ARG002  # Bokeh takes no callback without an argument of this name
        """Take note that a session has ended."""
        self._pause = FIRST
        self._schedule()

    def _schedule(self) -> None:
        if not self._due:
            self._due = True
            self._later(self._pause, self._collect)

    def _collect(self) -> None:
        self._due = False
        gc.collect()
        # With ever longer pauses: a collection takes time in which no page gets a frame, and what has been held for
        # long will not go sooner for being looked at often.
        left = sum(document.session_context is None for document in self._documents)
        if left > NAMED and self._pause < LAST:
            self._pause *= 2.0
            self._schedule()
