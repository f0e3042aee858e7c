"""What gateway and clock add to uvicorn: deadlines, room for everybody who asks, HEAD, and problems for bad requests.

A client that sends its header a byte at a time, takes nothing of an answer, or asks nothing at all, would hold a
connection for ever, and there are only so many.
"""

import asyncio
import fcntl
import logging
import sys
import termios
from array import array
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from bus.security.access_middleware import MAX_HEAD, MEDIA_TYPE, SAFE_HEADERS, problem
from bus.security.connections import Connections
from bus.security.hosts import Refusal

HEADER_TIME = 5.0
"""Seconds from the first byte of a request, or from the connection, to the end of its header."""

STALL_TIME = 10.0
"""Seconds within which a client has to take some of what was sent to it; each byte that it takes renews them.

A slow client does not take evenly: on loopback its kernel asks for more only once 64 KiB are free, so that this is the
least time in which one of 10 kB/s is seen to move.
"""

_log = logging.getLogger(__name__)


def settings(app: ASGIApp, most: int, **more: Any) -> uvicorn.Config:
    """How uvicorn is to serve an application behind a door.

    Args:
        app: with the door before it.
        most: connections at a time; they are more than the requests that the door lets in, so that there is always
            one to spare for a refusal.
        more: further settings.
    """
    connections: Connections[DeadlineProtocol] = Connections(most)

    class Protocol(DeadlineProtocol):
        """Counts with the other connections of this server."""

        peers = connections

    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",  # WebSockets are served by programs of their own
        lifespan="off",
        log_config=None,  # the process has one log; see `runtime.log`
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to believe about its client is decided by the door; see `bus.security.proxies`
        h11_max_incomplete_event_size=MAX_HEAD,
        **more,
    )


class DeadlineProtocol(H11Protocol):
    """Ends a connection whose header is slow to come, whose answer is not taken, or on which nothing is asked."""

    peers: "Connections[DeadlineProtocol]" = Connections(1 << 20)
    """The connections of the same server; see `settings`."""

    _header: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _untaken = 0
    """Bytes of the answer that the client had not taken when it was last looked at."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Give the first header its time."""
        super().connection_made(transport)
        self._expect_header()
        # Where there is no room, the connection that has asked nothing for longest makes it. To refuse the new one
        # instead would let whoever opens connections and says nothing keep everybody out.
        gone = self.peers.opened(self, self.client[0] if self.client else "")
        if gone is not None:
            gone.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Watch a header that is not complete."""
        super().data_received(data)
        # h11 leaves IDLE once a whole header has come. Bytes of a part of one do not count as asking, however many.
        if self.conn.their_state is not h11.IDLE:
            self.peers.asks(self)
            self._header = self._cancel(self._header)
        elif self._header is None:
            self._expect_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch nothing any more."""
        # A timer that is left would keep all of this alive until it goes off, for every client of the last seconds.
        self._header = self._cancel(self._header)
        self._stall = self._cancel(self._stall)
        self.peers.closed(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The client may ask again, or not."""
        self.peers.answered(self)
        super().on_response_complete()
        if self.conn.their_state is not h11.IDLE and not self.transport.is_closing():
            self.peers.asks(self)  # it has asked already

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else that is wrong is answered: with a problem."""
        error = sys.exc_info()[1]  # uvicorn calls this while it handles the error, and does not hand it on
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        refusal = Refusal(status, "too-large" if status == 431 else "http", f"{msg} {error or ''}".strip())
        body = problem(refusal)
        headers = SAFE_HEADERS | {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "connection": "close"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        for event in (h11.Response(status_code=status, headers=raw), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

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
        self._untaken = untaken(self.transport)
        self._stall = self.loop.call_later(STALL_TIME, self._look)

    def _look(self) -> None:
        """End a connection that has not moved; one that has moved, however slowly, gets its time again."""
        self._stall = None
        # Progress, and not speed, is what counts: a slow line is no reason to be cut off, and one that stands still is.
        if untaken(self.transport) < self._untaken:
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


def untaken(transport: asyncio.Transport) -> int:
    """Bytes that a client has not taken: those that wait here, and those in the kernel's queue.

    The kernel asks for more only once a third of its queue is free, and that has megabytes where a client began fast:
    what waits here alone may stand still for longer than STALL_TIME though the client takes 200 kB/s.
    """
    connection = transport.get_extra_info("socket")
    queued = array("i", [0])
    if connection is not None:
        fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, queued)
    return transport.get_write_buffer_size() + queued[0]


class HeadAsGet:
    """ASGI middleware that answers HEAD as GET is answered, without the body, and asks the application for no more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on whatever is no HEAD."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def send_head(message: Message) -> None:
            # Only the head, which has the length that the body would have. An empty body follows at once; to the
            # application it looks as if the client had gone, so that it produces no more.
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                answered.set()

        await self._app({**scope, "method": "GET"}, _until(answered, receive), send_head)


def _until(answered: asyncio.Event, receive: Receive) -> Callable[[], Any]:
    """The request, and that the client has gone once it has its answer: a stream or a long file ends there."""
    unread = [receive]

    async def receive_then() -> Message:
        if unread:
            return await unread.pop()()
        await answered.wait()
        return {"type": "http.disconnect"}

    return receive_then
