"""Answers to bytes that the WebSocket server cannot read as an HTTP request: a problem, as at every other door."""

from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidMessage, SecurityError

from bus.security.access_middleware import whole_answer
from bus.security.hosts import Refusal


class Explained(ServerConnection):
    """A connection that says why it ends; the library would close it without a word, or with plain text."""

    _explained = False

    def send_data(self) -> None:
        """Send what the protocol has queued, or a problem in its place if the handshake cannot be read."""
        error = self.protocol.handshake_exc
        if self.request is None and error is not None and not self._explained:
            # Once: bytes that still come in have the library call this again.
            self._explained = True
            # Discards what the library has queued in its place: a plain text, or only the end of the stream.
            list(self.protocol.data_to_send())
            self.transport.write(whole_answer(_refusal(error)))
            self.transport.close()
            return
        super().send_data()


def _refusal(error: Exception) -> Refusal:
    """Why a request cannot be read."""
    if isinstance(error, InvalidMessage):
        # The message itself only says that the request is invalid; what is invalid about it is in its cause.
        return Refusal(HTTPStatus.BAD_REQUEST, "http", str(error.__cause__ or error)[:200])
    too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    status = too_large if isinstance(error, SecurityError) else HTTPStatus.BAD_REQUEST
    return Refusal(status, "too-large" if status is too_large else "http", str(error)[:200])
