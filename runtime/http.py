"""What gateway and clock add to uvicorn: deadlines, room for everybody who asks, HEAD, and problems for bad requests.

Without deadlines a client that sends its header a byte at a time, takes nothing of an answer, or asks nothing at all
would hold a connection for ever, and a server has only so many.
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
"""Seconds within which a client has to take some of what was sent to it; each byte that it takes starts them again.

A slow client does not take evenly: on loopback its kernel asks for more only once 64 KiB are free. This is the least
time in which a client of 10 kB/s is seen to move.
"""

_log = logging.getLogger(__name__)


def settings(app: ASGIApp, most: int, **more: Any) -> uvicorn.Config:
    """How uvicorn is to serve an application behind a door.

    Args:
        app: the application with its access middleware around it.
        most: connections at a time; more than the requests that the door admits, so that there is always one to spare
            for a refusal.
        more: further settings of uvicorn.
    """
    connections: Connections[DeadlineProtocol] = Connections(most)

    # A class for each server: uvicorn makes the protocol of each connection itself, from a class and with arguments of
    # its own, so what the connections of one server share can only be an attribute of their class.
    class Protocol(DeadlineProtocol):
        """A connection that counts with the others of this server."""

        peers = connections

    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",  # WebSockets are served by programs of their own
        lifespan="off",
        log_config=None,  # the process has one log; see `runtime.log`
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the door decides which proxies to believe about their client; see `bus.security.proxies`
        h11_max_incomplete_event_size=MAX_HEAD,
        **more,
    )


class DeadlineProtocol(H11Protocol):
    """Ends a connection whose header is slow to arrive, whose answer is not taken, or on which nothing is asked."""

    peers: "Connections[DeadlineProtocol]" = Connections(1 << 20)
    """The connections of the same server; see `settings`."""

    _header: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _untaken = 0
    """Bytes of the answer that the client had not taken when it was last looked at."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Start the time of the first header, and make room if there are too many connections."""
        super().connection_made(transport)
        # From the beginning and not from the first byte: a client that sends nothing would have no deadline.
        self._expect_header()
        # The connection that has asked nothing for longest makes room. To refuse the new one instead would let a client
        # that opens connections and says nothing keep everybody out.
        gone = self.peers.opened(self, self.client[0] if self.client else "")
        if gone is not None:
            gone.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, and stop the time of a header that is complete now."""
        super().data_received(data)
        # h11 leaves IDLE once a whole header has arrived. Part of a header does not count as asking, however long.
        if self.conn.their_state is not h11.IDLE:
            self.peers.asks(self)
            self._header = self._cancel(self._header)
        elif self._header is None:
            self._expect_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers and stop counting the connection."""
        # A timer that is left would keep this object alive until it goes off, for every client of the last seconds.
        self._header = self._cancel(self._header)
        self._stall = self._cancel(self._stall)
        self.peers.closed(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Note that the connection is idle, unless the client's next request has arrived already."""
        self.peers.answered(self)
        super().on_response_complete()
        # A pipelined request waits in h11's buffer, and uvicorn begins it in the call above: no bytes will come for it.
        if self.conn.their_state is not h11.IDLE and not self.transport.is_closing():
            self.peers.asks(self)

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are not HTTP like every other error: with a problem."""
        error = sys.exc_info()[1]  # uvicorn calls this while it handles the error, and does not hand it on
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        refusal = Refusal(status, "too-large" if status == 431 else "http", f"{msg} {error or ''}".strip())
        body = problem(refusal)
        # Straight to the transport: there is no request, and hence no application or middleware that could answer.
        headers = SAFE_HEADERS | {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "connection": "close"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        for event in (h11.Response(status_code=status, headers=raw), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def pause_writing(self) -> None:
        """Start the time of a client that takes less than it is sent; asyncio calls this when much has piled up."""
        super().pause_writing()
        if self._stall is None:
            self._expect_taking()

    def resume_writing(self) -> None:
        """Stop the time: the client has taken most of what had piled up."""
        self._stall = self._cancel(self._stall)
        super().resume_writing()

    def _expect_header(self) -> None:
        self._header = self.loop.call_later(HEADER_TIME, self.transport.abort)

    def _expect_taking(self) -> None:
        self._untaken = untaken(self.transport)
        self._stall = self.loop.call_later(STALL_TIME, self._look)

    def _look(self) -> None:
        """End a connection that has not moved; one that has moved, however slowly, is given its time again."""
        self._stall = None
        # Progress counts, not speed: a slow line is no reason to be cut off, a line that stands still is. Nothing was
        # written since the last look, as the application waits while writing is paused, so any progress shows as less.
        if untaken(self.transport) < self._untaken:
            self._expect_taking()
            return
        path = self.scope["path"] if self.scope else ""
        _log.warning("an answer was cut off: its client took nothing for %g s (%s)", STALL_TIME, path[:200])
        # Not `close`, which would first wait for the client to take the rest.
        self.transport.abort()

    @staticmethod
    def _cancel(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
        if timer is not None:
            timer.cancel()
        return None


def untaken(transport: asyncio.Transport) -> int:
    """Bytes that a client has not taken: those that wait in this process, and those in the kernel's queue.

    The kernel asks for more only once a third of its queue is free, and the queue has megabytes if a client began fast.
    The bytes in this process alone may stand still for longer than STALL_TIME although the client takes 200 kB/s.
    """
    connection = transport.get_extra_info("socket")
    queued = array("i", [0])
    if connection is not None:
        fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, queued)
    return transport.get_write_buffer_size() + queued[0]


class HeadAsGet:
    """ASGI middleware that answers HEAD as GET would be answered, without the body, and without having it produced.

    Args:
        app: the application, which need not know HEAD.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a HEAD request; pass on everything else."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def send_head(message: Message) -> None:
            # Only the head passes, with the length that the body would have, and an empty body follows at once. To the
            # application it then looks as if the client had gone, so it produces no more.
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                answered.set()

        await self._app({**scope, "method": "GET"}, _until(answered, receive), send_head)


def _until(answered: asyncio.Event, receive: Receive) -> Callable[[], Any]:
    """A `receive` that gives the request once, and after the answer says that the client has gone.

    An application that streams, or sends a long file, ends when it hears that.
    """
    unread = [receive]

    async def receive_then() -> Message:
        if unread:
            return await unread.pop()()
        await answered.wait()
        return {"type": "http.disconnect"}

    return receive_then
