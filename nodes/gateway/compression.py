"""Answers as gzip for clients that take it: text that is made whole. What is sent while it is made goes as it is."""

from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

SMALLEST: Final = 1024
"""Bytes from which on it is worth while."""

LEVEL: Final = 5
"""Nine takes three times as long for three percent."""

AS_THEY_ARE: Final = ("/stream", "/export")
"""How paths end whose answers are sent while they are made: compressing them would hold up everybody else's."""


class Compressed:
    """ASGI middleware that compresses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=SMALLEST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        bare = scope["type"] != "http" or scope["path"].endswith(AS_THEY_ARE)
        await (self._app if bare else self._compressing)(scope, receive, send)
