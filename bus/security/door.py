"""The web door, as ASGI middleware: host, origin, token, role and rate before anything else, safe headers after."""

import json
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any

from bus.security import hosts
from bus.security.admission import Admission
from bus.security.hosts import Refusal
from bus.security.tokens import Role, bearer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MEDIA_TYPE = "application/problem+json"

SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Sent with every answer: live data is never cached, guessed at, or embedded by another site."""

MAX_HEAD = 16 * 1024
"""Largest header and query in bytes."""

CALLER = "kpp.caller"
"""Key of the scope with the caller's name; empty without tokens."""


def problem(refusal: Refusal) -> bytes:
    """A refusal as RFC 9457 problem details."""
    title = HTTPStatus(refusal.status).phrase
    content = {"type": f"urn:kpp:problem:{refusal.kind}", "title": title, "status": refusal.status}
    return json.dumps(content | {"detail": refusal.reason}).encode()


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """Headers that go with a refusal."""
    headers = {"content-type": MEDIA_TYPE}
    if refusal.status == 401:
        headers["www-authenticate"] = 'Bearer realm="kpp"'
    if refusal.retry_after:
        headers["retry-after"] = str(refusal.retry_after)
    return headers


class Door:
    """Answers 400, 401, 403 and 429 itself and adds SAFE_HEADERS to every answer.

    Args:
        app: what is behind the door.
        bound: host that the server is bound to.
        admission: tokens and rates.
        role: the role that a method and a path need; decided on the path of the scope, which no header can change.
        names: further names of this machine.
        urgent: which methods and paths are never slowed down.
    """

    def __init__(
        self,
        app: Application,
        bound: str,
        admission: Admission,
        role: Callable[[str, str], Role],
        names: frozenset[str] = frozenset(),
        urgent: Callable[[str, str], bool] = lambda _method, _path: False,
    ) -> None:
        self._app = app
        self._bound = bound
        self._admission = admission
        self._role = role
        self._names = names
        self._urgent = urgent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is in order."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message.get("headers", ())}
                added = [(n.encode(), v.encode()) for n, v in SAFE_HEADERS.items() if n.encode() not in own]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        refusal = self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, send_safely)
        else:
            await _answer(refusal, send_safely)

    def _judge(self, scope: Scope) -> Refusal | None:
        size = len(scope["query_string"]) + sum(len(name) + len(value) for name, value in scope["headers"])
        if size > MAX_HEAD:
            return Refusal(431, "too-large", f"header and query are larger than {MAX_HEAD} bytes together")
        found = hosts.check(_values(scope, b"host"), _values(scope, b"origin"), self._bound, self._names)
        if found is not None:
            return found
        method, path = scope["method"], scope["path"]
        caller = self._admission.admit(
            bearer(_values(scope, b"authorization")),
            self._role(method, path),
            self._address(scope),
            time.monotonic(),
            urgent=self._urgent(method, path),
        )
        if isinstance(caller, Refusal):
            return caller
        scope[CALLER] = caller.name
        return None

    def _address(self, scope: Scope) -> str:
        client = scope.get("client")
        peer = str(client[0]) if client else ""
        return self._admission.proxies.client(peer, _values(scope, b"x-forwarded-for"))


def _values(scope: Scope, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key == name]


async def _answer(refusal: Refusal, send: Send) -> None:
    body = problem(refusal)
    headers = refusal_headers(refusal) | {"content-length": str(len(body)), "connection": "close"}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
