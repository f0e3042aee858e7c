"""Who may talk to a server on this machine: requests that name it, and pages that came from it.

A page from elsewhere can make a browser send requests to loopback addresses, under its own name (DNS rebinding) or
across origins, and a WebSocket handshake is not held back by the browser at all. The Host header unmasks the first,
the Origin header the second.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nodes.gateway.problems import Problem, render

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every answer: live data is never cached, guessed at, or embedded by another site."""


def _hostname(authority: str) -> str | None:
    """The host of `host:port`, without brackets and in lower case; None if it is none."""
    try:
        parts = urlsplit(f"//{authority}")
        _port = parts.port  # raises when it is no port
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname


def is_local(hostname: str | None, bound: str) -> bool:
    """Is this host name this machine as seen from itself, or the host that the server was bound to?"""
    if not hostname:
        return False
    if hostname in {"localhost", bound.strip("[]").lower()}:
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def check(hosts: list[str], origins: list[str], bound: str) -> Problem | None:
    """Judge the Host and Origin headers of a request; None if they are in order.

    Args:
        hosts: values of Host; exactly one is needed.
        origins: values of Origin; programs send none, browsers one.
        bound: host that the server was bound to.
    """
    if len(hosts) != 1 or not is_local(_hostname(hosts[0]), bound):
        named = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
        return Problem.of(400, "host", f"the Host header names {named[:100]!r}: use localhost or 127.0.0.1")
    for origin in origins:
        scheme, separator, authority = origin.partition("://")
        if scheme not in {"http", "https"} or not separator or not is_local(_hostname(authority), bound):
            return Problem.of(403, "origin", f"pages from {origin[:100]!r} may not use this server, only local ones")
    return None


class LocalOnly:
    """ASGI middleware that answers 400 or 403 to what is not local, and adds SAFE_HEADERS to every answer."""

    def __init__(self, app: ASGIApp, bound: str) -> None:
        self._app = app
        self._bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is in order."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SAFE_HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        problem = check(headers.getlist("host"), headers.getlist("origin"), self._bound)
        await (self._app if problem is None else render(problem))(scope, receive, send_safely)
