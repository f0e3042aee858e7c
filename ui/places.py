"""Limits the connections of the dashboard: an idle one makes room for a new one, so that nobody can be kept out.

Tornado has no such limit. Without one, whoever opens connections and says nothing uses up the files of the process.
"""

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream

from bus.security.connections import Connections
from system import open_files as files
from ui.conventions import explain

MOST = 512
"""Most connections, where the process may have enough files open."""

OWN_FILES = 256
"""Open files that are kept for the bus, for questions of pages and for Panel's own files."""


class ConnectionSlots:
    """Counts and limits the connections of a Tornado server.

    Args:
        server: the server; it must not have accepted anything yet.
        most: most connections at a time.
    """

    def __init__(self, server: HTTPServer, most: int) -> None:
        self._connections: Connections[IOStream] = Connections(most)
        self._open: set[IOStream] = set()
        self._take = server.handle_stream
        # Tornado looks this method up by name for each connection that it accepts.
        server.handle_stream = self._opened  # type: ignore[method-assign]  # there is no other place to count at

    def asks(self, request: HTTPServerRequest) -> None:
        """Take note that a request has come: its connection stays until the answer; that of a WebSocket stays open."""
        stream = _stream(request)
        if stream is not None:
            self._connections.asks(stream)

    def answered(self, request: HTTPServerRequest) -> None:
        """Take note that a request has been answered: its connection is idle from now on."""
        stream = _stream(request)
        if stream is not None:
            self._connections.answered(stream)

    def _opened(self, stream: IOStream, address: tuple[str, int]) -> None:
        # A stream has one place for a callback on its end, and Tornado's HTTP connection takes that itself. So those
        # that have ended are looked for here.
        for each in [each for each in self._open if each.closed()]:
            self._connections.closed(each)
            self._open.discard(each)
        self._open.add(stream)
        gone = self._connections.opened(stream, str(address[0]))
        explain(stream)
        self._take(stream, address)
        if gone is not None:
            gone.close()


def _stream(request: HTTPServerRequest) -> IOStream | None:
    stream = getattr(request.connection, "stream", None)  # every connection of Tornado's server has one
    return stream if isinstance(stream, IOStream) else None


def most(files_at_most: int) -> int:
    """The number of connections that leaves enough open files for the rest of the process, by its limit of files."""
    return max(2, min(MOST, files_at_most - min(OWN_FILES, files_at_most // 2)))


def counted(server: HTTPServer) -> ConnectionSlots:
    """Limit the connections of a server to what the open files of this process allow."""
    return ConnectionSlots(server, most(files.limit()))
