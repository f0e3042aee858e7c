"""Compresses answers that are complete before they are sent; streams and exports go out as they are."""

from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

SMALLEST: Final = 1024
"""Smallest answer in bytes that is worth compressing."""

LEVEL: Final = 5
"""Level of gzip; level 9 takes three times as long and saves three percent."""

AS_THEY_ARE: Final = ("/stream", "/export")
"""Ends of the paths whose answers are sent while they are made.

Compression runs in the event loop, so that of a large export would hold up the answers to everybody else.
"""


class Compressed:
    """ASGI middleware that compresses answers with gzip for clients that accept it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=SMALLEST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        bare = scope["type"] != "http" or scope["path"].endswith(AS_THEY_ARE)
        await (self._app if bare else self._compressing)(scope, receive, send)
