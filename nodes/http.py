"""One HTTP connection of gateway or clock: uvicorn's, with the two deadlines that it lacks.

A client that sends its header a byte at a time, or takes nothing of an answer, would hold a connection for ever, and
there are only so many.
"""

import asyncio
import logging

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIME = 5.0
"""Seconds from the first byte of a request, or from the connection, to the end of its header."""

STALL_TIME = 10.0
"""Seconds within which a client has to take some of what was sent to it; each byte that it takes renews them.

A slow client does not take evenly: on loopback its kernel asks for more only once 64 KiB are free, so that this is the
least time in which one of 10 kB/s is seen to move.
"""

_log = logging.getLogger(__name__)


class DeadlineProtocol(H11Protocol):
    """Ends a connection whose header is slow to come, or whose answer is not taken."""

    _header: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _untaken = 0
    """Bytes of the answer that the client had not taken when it was last looked at."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Give the first header its time."""
        super().connection_made(transport)
        self._expect_header()

    def data_received(self, data: bytes) -> None:
        """Watch a header that is not complete."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._header = self._cancel(self._header)
        elif self._header is None:
            self._expect_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch nothing any more."""
        self._header = self._cancel(self._header)
        self._stall = self._cancel(self._stall)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes less than it is sent; nothing more is written until it has taken most of it."""
        super().pause_writing()
        if self._stall is None:
            self._expect_taking()

    def resume_writing(self) -> None:
        """It does again."""
        self._stall = self._cancel(self._stall)
        super().resume_writing()

    def _expect_header(self) -> None:
        self._header = self.loop.call_later(HEADER_TIME, self.transport.abort)

    def _expect_taking(self) -> None:
        self._untaken = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(STALL_TIME, self._look)

    def _look(self) -> None:
        """End a connection that has not moved; one that has moved, however slowly, gets its time again."""
        self._stall = None
        if self.transport.get_write_buffer_size() < self._untaken:
            self._expect_taking()
            return
        path = self.scope["path"] if self.scope else ""
        _log.warning("an answer was cut off: its client took nothing for %g s (%s)", STALL_TIME, path[:200])
        self.transport.abort()

    @staticmethod
    def _cancel(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
        if timer is not None:
            timer.cancel()
        return None
