"""Request bodies: bounded in size and time, and strict JSON, before any route sees them."""

import asyncio

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nodes.gateway.problems import Problem, render

MAX_BODY = 64 * 1024
"""Largest body in bytes: that of the largest command on the bus."""

BODY_TIME = 5.0
"""Seconds within which a body has to be complete."""


def check(body: bytes, content_type: str) -> Problem | None:
    """What is wrong with a complete body; None if it is empty, or a JSON object that is declared as JSON.

    The declaration is required because a page of another origin cannot make it without asking first: a browser sends
    `text/plain` and forms to any server, but `application/json` only after a preflight, which is refused here.

    Args:
        body: all of its bytes.
        content_type: the header, with or without parameters; empty if there is none.
    """
    if not body:
        return None
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return Problem.of(415, "media-type", "send the body as Content-Type: application/json")
    try:
        # Stricter than Python's parser, which the framework uses: that one takes NaN and Infinity, which are not JSON.
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Problem.violation("body", "JSON", f"this is not JSON: {error}")
    except RecursionError:
        return Problem.violation("body", "flat", "the body is nested too deeply: send a flat object")
    if not isinstance(found, dict):  # null is refused too: whoever has nothing to say sends no body
        return Problem.violation("body", "an object", "send a JSON object, or no body where none is needed")
    return None


async def _read(receive: Receive) -> bytes | Problem | None:
    """The whole body; None when the client went away."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY:  # counted and not taken from Content-Length, which chunked bodies do not have
            return Problem.of(413, "too-large", f"the body is larger than {MAX_BODY} bytes: send less")
        if not message.get("more_body", False):
            return body


class StrictBodies:
    """ASGI middleware that reads each body and refuses those that are too large, too slow or not JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on requests whose body is in order."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            # Bodies of a byte a second would otherwise hold the places of all requests that may be under way.
            async with asyncio.timeout(BODY_TIME):
                body = await _read(receive)
        except TimeoutError:
            body = Problem.of(408, "too-slow", f"the body was not complete within {BODY_TIME:g} s")
        if body is None:
            return
        problem = body if isinstance(body, Problem) else check(body, Headers(scope=scope).get("content-type", ""))
        if problem is not None:
            # The rest of the body may still be on its way and would be read as the next request: the connection ends.
            await render(problem, {"Connection": "close"})(scope, receive, send)
            return
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            # After the body only the disconnect can follow; streams wait for it to notice that their client has gone.
            return unread.pop() if unread else await receive()

        await self._app(scope, replay, send)
