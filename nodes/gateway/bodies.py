"""Request bodies: bounded in size and time, and strict JSON, before any route sees them."""

import asyncio

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nodes.gateway.problems import Problem, render

MAX_BODY = 64 * 1024
"""Largest body in bytes, as large as the largest command on the bus."""

BODY_TIME = 5.0
"""Seconds within which a body has to be there."""


def check(body: bytes, content_type: str) -> Problem | None:
    """Judge a complete body: none at all, or declared as JSON and strictly an object of it (no NaN, no comments).

    The declaration is required because a page from elsewhere cannot make it without the browser asking first.
    """
    if not body:
        return None
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return Problem.of(415, "media-type", "send the body as Content-Type: application/json")
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Problem.violation("body", "JSON", f"this is no JSON: {error}")
    except RecursionError:
        return Problem.violation("body", "flat", "nested too deeply: send a flat object")
    if not isinstance(found, dict):  # null as well: nothing is said by sending nothing
        return Problem.violation("body", "an object", "send an object, or no body where none is needed")
    return None


async def _read(receive: Receive) -> bytes | Problem | None:
    """The whole body; None when the client went away."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY:
            return Problem.of(413, "too-large", f"the body is larger than {MAX_BODY} bytes")
        if not message.get("more_body", False):
            return body


class StrictBodies:
    """ASGI middleware that reads the body, refuses what is too large, too slow or no JSON, and hands on the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is in order."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_TIME):
                body = await _read(receive)
        except TimeoutError:
            body = Problem.of(408, "too-slow", f"the body was not complete after {BODY_TIME:g} s")
        if body is None:
            return
        problem = body if isinstance(body, Problem) else check(body, Headers(scope=scope).get("content-type", ""))
        if problem is not None:
            # What the client still sends cannot be told from its next request, so the connection ends here.
            await render(problem, {"Connection": "close"})(scope, receive, send)
            return
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        await self._app(scope, replay, send)
