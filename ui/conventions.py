"""What all answers of the dashboard have in common, whichever handler of Panel, Bokeh or ours gives them.

HEAD is answered as GET without the body, and OPTIONS with the methods; errors are problems and not HTML pages; answers
are compressed; and headers keep a browser from loading anything from elsewhere and from showing the page in a frame of
another site. Panel and Bokeh offer no place for most of this, so it is put around their handlers from outside.
"""

import inspect
from asyncio import Future
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.iostream import IOStream, UnsatisfiableReadError
from tornado.web import Application, GZipContentEncoding, OutputTransform, RequestHandler

from bus.security.access_middleware import MAX_HEAD, SAFE_HEADERS, problem, refusal_headers, whole_answer
from bus.security.hosts import Refusal

_PAGE = (
    "default-src 'self'",
    # Bokeh starts a page with an inline script; Panel imports components from blobs and makes functions from text.
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src blob:",
    "worker-src 'self' blob:",
    "base-uri 'self'",
    "form-action 'self'",
    "object-src 'none'",
    "frame-ancestors 'none'",
)

_FILE_HEADERS = {name: value for name, value in SAFE_HEADERS.items() if name != "cache-control"}
"""Without a word on caching: the files of Panel and Bokeh have digests in their addresses and may be cached."""


def policy(host: str) -> str:
    """The content security policy of a page: it may load from this server alone.

    WebSockets are named, because not every browser takes 'self' to include them.

    Args:
        host: host and port by which the browser has reached this server.
    """
    return "; ".join([*_PAGE, f"connect-src 'self' blob: data: ws://{host} wss://{host}"])


class SafeHeaders(OutputTransform):
    """Adds security headers to every answer, and the content security policy to pages."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._host = request.host

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Change an answer before it is sent; called by Tornado with its head."""
        for name, value in _FILE_HEADERS.items():
            headers[name] = value
        if status_code == HTTPStatus.OK and headers.get("Content-Type", "").startswith("text/html"):
            headers["content-security-policy"] = policy(self._host)
        return super().transform_first_chunk(status_code, headers, chunk, finishing)


_UNREADABLE = b"HTTP/1.1 400 Bad Request\r\n\r\n"
"""What Tornado writes, past every handler, when it cannot read a request."""

_EXPLAINED = whole_answer(Refusal(HTTPStatus.BAD_REQUEST, "http", "this is not a valid HTTP request"))


_TOO_LARGE = whole_answer(
    Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too-large", f"the header is larger than {MAX_HEAD} bytes")
)


def explain(stream: IOStream) -> None:
    """Have invalid requests and headers that are too large answered with a problem.

    No handler is asked about either: Tornado writes a bare status line for the first, and closes the connection without
    a word for the second. So the stream itself is changed.

    Args:
        stream: of a new connection.
    """
    write, close = stream.write, stream.close

    def written(data: bytes | memoryview) -> Future[None]:
        return write(_EXPLAINED if data == _UNREADABLE else data)

    def closed(exc_info: Any = False) -> None:
        if isinstance(exc_info, UnsatisfiableReadError) and not stream.closed():
            # Past the stream's buffer, which is not written any more once it is being closed.
            with suppress(OSError):  # the client may have gone
                stream.socket.send(_TOO_LARGE)
        close(exc_info)

    stream.write = written  # type: ignore[method-assign]  # Tornado writes it to the stream itself
    stream.close = closed  # type: ignore[method-assign]  # and ends it, when it has read more than it will


class Nothing(RequestHandler):
    """Answers requests for paths that do not exist."""

    def prepare(self) -> None:
        """Answer 404, whatever the method is."""
        self.send_error(HTTPStatus.NOT_FOUND)


def keep(application: Application, answered: Callable[[HTTPServerRequest], None]) -> None:
    """Have all handlers of an application keep to these conventions.

    Args:
        application: with all of its handlers; those that are added later are not covered.
        answered: called with each request that was answered.
    """
    application.add_transform(SafeHeaders)
    application.add_transform(GZipContentEncoding)
    for rule in application.wildcard_router.rules:
        if isinstance(rule.target, type) and issubclass(rule.target, RequestHandler):
            rule.target = _kept(rule.target, answered)
    # For paths without a rule; Tornado's own handler would answer with a page of HTML.
    application.settings["default_handler_class"] = _kept(Nothing, answered)


def _kept(handler: type[RequestHandler], answered: Callable[[HTTPServerRequest], None]) -> type[RequestHandler]:
    """A subclass of a handler that has what the handler lacks."""

    def on_finish(self: RequestHandler) -> None:
        answered(self.request)
        handler.on_finish(self)

    def finish(self: RequestHandler, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        # A text with an error status is one of Tornado's own; problems are bytes, and pass.
        if self.get_status() >= HTTPStatus.BAD_REQUEST and isinstance(chunk, str):
            chunk = _problem(self, chunk)
        return handler.finish(self, chunk)

    more: dict[str, Any] = {"write_error": _write_error, "on_finish": on_finish, "finish": finish}
    if handler.head is RequestHandler.head:
        more["head"] = _head
    if handler.options is RequestHandler.options:
        more["options"] = _options
    return type(handler.__name__, (handler,), more)


async def _head(self: Any, *args: str, **kwargs: str) -> None:
    """Answer HEAD as GET; Tornado leaves the body out by itself."""
    answering = self.get(*args, **kwargs)
    if inspect.isawaitable(answering):
        await answering


def _options(self: RequestHandler, *_args: str, **_kwargs: str) -> None:
    self.set_status(HTTPStatus.NO_CONTENT)
    self.set_header("Allow", _methods(self))


def _methods(handler: RequestHandler) -> str:
    names = ("get", "head", "post", "put", "patch", "delete", "options")
    kind = type(handler)
    return ", ".join(each.upper() for each in names if getattr(kind, each) is not getattr(RequestHandler, each))


def _write_error(self: RequestHandler, status_code: int, **_kwargs: Any) -> None:
    detail = {
        404: f"there is nothing at {self.request.path[:200]}",
        405: f"{str(self.request.method)[:32]} is not possible here: the header Allow names the methods that are",
    }.get(status_code, self._reason)  # the handler's own reason; Tornado has no public name for it
    if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        self.set_header("Allow", _methods(self))
    self.finish(_problem(self, detail))


def _problem(handler: RequestHandler, detail: str) -> bytes:
    refusal = Refusal(handler.get_status(), "http", detail)
    for name, value in refusal_headers(refusal).items():
        handler.set_header(name, value)
    return problem(refusal)
