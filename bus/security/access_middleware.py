"""Web access as ASGI middleware: host, origin, token, role, rate and room before everything else, safe headers after.

It stands around the whole application, so a path that is added later is protected without knowing it.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

from bus.security import cors, hosts
from bus.security.admission import Admission
from bus.security.hosts import Names, Refusal
from bus.security.room import Room
from bus.security.tokens import Caller, Role, bearer

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
"""Sent with every answer: live data is never cached, its type never guessed, and no other site may embed it."""

MAX_HEAD = 16 * 1024
"""Most bytes of header and query together."""

CALLER = "kpp.caller"
"""Key of the scope under which the application finds the caller, whose name is empty without tokens."""


def problem(refusal: Refusal) -> bytes:
    """A refusal as a body of RFC 9457 problem details, of MEDIA_TYPE."""
    title = HTTPStatus(refusal.status).phrase
    content = {"type": f"urn:kpp:problem:{refusal.kind}", "title": title, "status": refusal.status}
    return json.dumps(content | {"detail": refusal.reason}).encode()


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """Headers that go with a refusal: its type, and where it makes sense `WWW-Authenticate` or `Retry-After`."""
    headers = {"content-type": MEDIA_TYPE}
    # RFC 9110, 15.5.2: a 401 must name a way to authenticate.
    if refusal.status == 401:
        headers["www-authenticate"] = 'Bearer realm="kpp"'
    if refusal.retry_after:
        headers["retry-after"] = str(refusal.retry_after)
    return headers


def whole_answer(refusal: Refusal) -> bytes:
    """A refusal as a whole HTTP answer, for a request that no server could parse; the connection has to end with it."""
    body = problem(refusal)
    more = {"content-length": str(len(body)), "connection": "close"}
    headers = SAFE_HEADERS | refusal_headers(refusal) | more
    lines = [f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class AccessMiddleware:
    """Answers OPTIONS and refusals (400, 401, 403, 429, 431, 503) itself, and adds SAFE_HEADERS to every answer.

    Args:
        app: the application behind it.
        names: names of this machine, and origins whose pages may use the server.
        admission: tokens and rates.
        role: the role that a method and a path need; decided on the path of the scope, which no header can change.
        methods: the methods that a path has, none if there is nothing.
        room: how many requests may be under way at a time.
        urgent: which methods and paths never have to wait, whatever the rates and the room.
    """

    def __init__(
        self,
        app: Application,
        names: Names,
        admission: Admission,
        role: Callable[[str, str], Role],
        methods: Callable[[str], Sequence[str]],
        room: Room,
        urgent: Callable[[str, str], bool] = lambda _method, _path: False,
    ) -> None:
        self._app = app
        self._names = names
        self._admission = admission
        self._role = role
        self._methods = methods
        self._room = room
        self._urgent = urgent
        self._answering: dict[asyncio.Task[Any], Caller] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        admission.on_change(self._end_withdrawn)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request that is in order, and answer any other."""
        # What else ASGI knows does not come here: WebSockets have servers of their own, and `lifespan` is switched off.
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more = SAFE_HEADERS | cors.shared(_values(scope, b"origin"), self._names)

        async def send_safely(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with(message.get("headers", ()), more)}
            await send(message)

        caller = self._judge(scope)
        if isinstance(caller, Refusal):
            await _answer(caller, send_safely)
        elif scope["method"] == "OPTIONS":
            await self._tell_options(scope, send_safely)
        else:
            scope[CALLER] = caller
            await self._serve(caller, caller.name or self._address(scope), scope, receive, send_safely)

    def _end_withdrawn(self) -> None:
        """End answers under way, such as streams and exports, to those whose token was withdrawn."""
        # Their next requests are refused in any case, but an answer that has begun could go on for hours.
        for task, caller in list(self._answering.items()):
            if not self._admission.knows(caller):
                self._ended.add(task)
                task.cancel()

    async def _serve(self, caller: Caller, who: str, scope: Scope, receive: Receive, send: Send) -> None:
        # Room comes last of all checks: a request that is refused for another reason never takes a place.
        if not self._room.enter(who, urgent=self._urgent(scope["method"], scope["path"])):
            await _answer(self._room.full(), send)
            return
        task = asyncio.current_task()
        if task is not None:  # always, on a server
            self._answering[task] = caller
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if task is None or task not in self._ended:
                raise
            # Cancelled by us, as the token was withdrawn. The request ends here; the server closes the connection of an
            # answer that is incomplete, so the client sees that it was cut off.
            task.uncancel()
        finally:
            self._room.leave(who)
            if task is not None:
                self._answering.pop(task, None)
                self._ended.discard(task)

    def _judge(self, scope: Scope) -> Refusal | Caller:
        # The cheap checks first. Host and origin come before the token: a page of another site that found a token would
        # still be refused, and learns from the refusal nothing about the token.
        size = len(scope["query_string"]) + sum(len(name) + len(value) for name, value in scope["headers"])
        if size > MAX_HEAD:
            return Refusal(431, "too-large", f"header and query are larger than {MAX_HEAD} bytes together")
        found = hosts.check(_values(scope, b"host"), _values(scope, b"origin"), self._names)
        if found is not None:
            return found
        method, path = scope["method"], scope["path"]
        return self._admission.admit(
            bearer(_values(scope, b"authorization")),
            # A browser sends OPTIONS without the token of the request that it asks about (the CORS preflight).
            Role.PUBLIC if method == "OPTIONS" else self._role(method, path),
            self._address(scope),
            time.monotonic(),
            urgent=self._urgent(method, path),
        )

    async def _tell_options(self, scope: Scope, send: Send) -> None:
        methods = self._methods(scope["path"])
        if not methods:
            await _answer(Refusal(404, "http", f"there is nothing at {scope['path'][:200]}"), send)
            return
        headers = {"allow": ", ".join(methods)}
        # Only a browser's preflight names a method; to a program, and to a page of our own, Allow is the answer.
        if _values(scope, b"access-control-request-method") and self._names.allows(_values(scope, b"origin")[0]):
            headers |= cors.preflight(methods)
        await send({"type": "http.response.start", "status": 204, "headers": _with((), headers)})
        await send({"type": "http.response.body", "body": b""})

    def _address(self, scope: Scope) -> str:
        client = scope.get("client")
        peer = str(client[0]) if client else ""
        return self._admission.proxies.client(peer, _values(scope, b"x-forwarded-for"))


def _values(scope: Scope, name: bytes) -> list[str]:
    # Headers are bytes of any value. Latin-1 decodes all of them, and what is not ASCII then equals nothing of ours.
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key == name]


def _with(headers: Iterable[tuple[bytes, bytes]], more: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers, with those of `more` that they do not have themselves; Vary is a list, to which more is added."""
    # The application knows better where it sets one of these headers itself.
    given = list(headers)
    own = {name.lower() for name, _ in given} - {b"vary"}
    return given + [(name.encode(), value.encode()) for name, value in more.items() if name.encode() not in own]


async def _answer(refusal: Refusal, send: Send) -> None:
    body = problem(refusal)
    headers = refusal_headers(refusal) | {"content-length": str(len(body)), "connection": "close"}
    await send({"type": "http.response.start", "status": refusal.status, "headers": _with((), headers)})
    await send({"type": "http.response.body", "body": body})
