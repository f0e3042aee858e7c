"""What a WebSocket server is sent that is no HTTP request it can read: answered with a problem, as everywhere."""

from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidMessage, SecurityError

from bus.security.access_middleware import whole_answer
from bus.security.hosts import Refusal


class Explained(ServerConnection):
    """A connection that says why it ends; the library would say nothing, or only text."""

    _explained = False

    def send_data(self) -> None:
        """Say it in the place of what the library would send."""
        error = self.protocol.handshake_exc
        if self.request is None and error is not None and not self._explained:
            self._explained = True
            list(self.protocol.data_to_send())
            self.transport.write(whole_answer(_refusal(error)))
            self.transport.close()
            return
        super().send_data()


def _refusal(error: Exception) -> Refusal:
    """Why a request cannot be read."""
    if isinstance(error, InvalidMessage):
        return Refusal(HTTPStatus.BAD_REQUEST, "http", str(error.__cause__ or error)[:200])
    too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    status = too_large if isinstance(error, SecurityError) else HTTPStatus.BAD_REQUEST
    return Refusal(status, "too-large" if status is too_large else "http", str(error)[:200])
