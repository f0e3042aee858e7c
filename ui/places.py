"""How many connections the dashboard has: one that asks nothing goes for a new one, so that nobody is kept out."""

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream

from bus.security.connections import Connections
from system import open_files as files
from ui.conventions import explain

MOST = 512

OWN_FILES = 256
"""Files that are left for the bus, the pages' questions and Panel's own."""


class ConnectionSlots:
    """Counts the connections of a Tornado server.

    Args:
        server: the server.
        most: at a time.
    """

    def __init__(self, server: HTTPServer, most: int) -> None:
        self._connections: Connections[IOStream] = Connections(most)
        self._open: set[IOStream] = set()
        self._take = server.handle_stream
        # Tornado looks for it by name at each connection that it accepts.
        server.handle_stream = self._opened  # type: ignore[method-assign]  # there is no other place to count at

    def asks(self, request: HTTPServerRequest) -> None:
        """A request has come: its connection stays until it is answered, a WebSocket's until it ends."""
        stream = _stream(request)
        if stream is not None:
            self._connections.asks(stream)

    def answered(self, request: HTTPServerRequest) -> None:
        """It has been answered."""
        stream = _stream(request)
        if stream is not None:
            self._connections.answered(stream)

    def _opened(self, stream: IOStream, address: tuple[str, int]) -> None:
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
    """Connections that leave files for the rest of the process."""
    return max(2, min(MOST, files_at_most - min(OWN_FILES, files_at_most // 2)))


def counted(server: HTTPServer) -> ConnectionSlots:
    """Count the connections of a server, as many as this process may have."""
    return ConnectionSlots(server, most(files.limit()))
