"""The access check of the dashboard: host, origin and token of every request, for pages, sockets and files alike.

Panel checks nothing but the origin of its own WebSocket. This check stands before all of its handlers, as the first
rule of the web application. A browser shows the token as the password of HTTP Basic, because that is what it also sends
with a WebSocket. It does so by itself, even for a page of another origin: such pages are refused before that matters.
"""

import base64
import binascii
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.routing import Matcher, Rule
from tornado.web import Application, RequestHandler

from bus.security import hosts
from bus.security.access_middleware import problem, refusal_headers
from bus.security.admission import Admission
from bus.security.hosts import Names, Refusal
from bus.security.tokens import Caller, Role, bearer

PUBLIC = frozenset({"/health", "/liveness"})
"""Paths that reveal only whether the plant is heard."""


class RefusalHandler(RequestHandler):
    """Answers a request that is refused, with the reason."""

    def initialize(self, access: "AccessMatcher") -> None:
        """Tornado's constructor arguments."""
        self._access = access

    def prepare(self) -> None:
        """Answer, whatever the method is."""
        refusal = self._access.judge(self.request) or Refusal(403, "door", "this request is not let in")
        self.set_status(refusal.status)
        for name, value in refusal_headers(refusal).items():
            self.set_header(name, value)
        self.set_header("Cache-Control", "no-store")
        if refusal.status == 401:
            # Basic and not Bearer, as the other doors say: only then does a browser ask its user.
            self.set_header("WWW-Authenticate", 'Basic realm="kpp: any name, and a token as the password"')
        self.finish(problem(refusal))


class AccessMatcher(Matcher):
    """Matches the requests that are not let in.

    Args:
        names: names of this server, and foreign origins that may use it.
        admission: tokens and who may do what.
        came: called with each request.
    """

    def __init__(
        self,
        names: Names,
        admission: Admission,
        came: Callable[[HTTPServerRequest], None] = lambda _request: None,
    ) -> None:
        self.came = came
        self._names = names
        self._admission = admission
        admission.on_change(self._close_withdrawn)
        # Weak: a request lives as long as its answer or its WebSocket, and nobody says when that is over.
        self._judged: WeakKeyDictionary[HTTPServerRequest, Refusal | Caller] = WeakKeyDictionary()
        self._streams: WeakKeyDictionary[HTTPServerRequest, IOStream] = WeakKeyDictionary()

    def shut(self, application: Application) -> None:
        """Put this check before every handler of an application."""
        inner = Rule(self, RefusalHandler, {"access": self})
        # The first rule that matches handles a request; Tornado's own way to add rules puts them behind.
        application.wildcard_router.rules.insert(0, inner)
        application.default_router.rules.insert(0, Rule(self, application.wildcard_router))

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Tornado's question whether this rule takes a request: an empty match for one that is refused, else None."""
        return None if self.judge(request) is None else {}

    def judge(self, request: HTTPServerRequest) -> Refusal | None:
        """Why a request is refused; None if it is let in."""
        found = self._judged.get(request)
        if found is None:  # several rules ask about the same request, and a wrong token must count only once
            self.came(request)
            found = self._judged[request] = self._judge(request)
            if isinstance(request.connection, HTTP1Connection):  # later a WebSocket may take the stream out of it
                self._streams[request] = request.connection.stream
        return found if isinstance(found, Refusal) else None

    def _close_withdrawn(self) -> None:
        """Close the connections of callers whose token was withdrawn, and with them the WebSockets of open pages."""
        for request, found in list(self._judged.items()):
            stream = self._streams.get(request)
            if isinstance(found, Caller) and stream is not None and not self._admission.knows(found):
                stream.close()

    def caller(self, authorizations: list[str]) -> Caller:
        """Who shows these Authorization headers, by the tokens of now; a caller without any rights if they are unknown.

        A page is open for days and its token may be withdrawn or get another role: so it is looked at for each command.
        """
        found = self._admission.identify(_token(authorizations), Role.VIEWER, "", time.monotonic())
        return Caller("", Role.PUBLIC) if isinstance(found, Refusal) else found

    def _judge(self, request: HTTPServerRequest) -> Refusal | Caller:
        headers = request.headers
        found = hosts.check(headers.get_list("Host"), headers.get_list("Origin"), self._names)
        if found is not None:
            return found
        # A viewer may open any page. Commands and questions come over its WebSocket and are each judged there.
        needed = Role.PUBLIC if request.path in PUBLIC else Role.VIEWER
        peer = request.remote_ip or ""
        address = self._admission.proxies.client(peer, headers.get_list("X-Forwarded-For"))
        return self._admission.identify(_token(headers.get_list("Authorization")), needed, address, time.monotonic())


def _token(authorizations: list[str]) -> str | None:
    """The token of a Bearer or Basic header; None if there is no such header."""
    if len(authorizations) != 1 or authorizations[0][:6].lower() != "basic ":
        return bearer(authorizations)
    try:
        name_and_token = base64.b64decode(authorizations[0][6:], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""  # a wrong token, which counts as such, and not none
    return name_and_token.partition(":")[2]
